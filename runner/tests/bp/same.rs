//! One app, one digest: whoever builds it, wherever, whenever.

use testdata::workspace::Workspace;

use crate::{BP, in_world, is_root, store};

#[test]
fn two_folders_two_users_two_stores_one_digest() {
    if !in_world() {
        return;
    }
    let ours = Workspace::new(BP).unwrap().with_store(store());
    let theirs = Workspace::new(BP).unwrap();
    let theirs = if is_root() {
        theirs.as_user(65534).unwrap()
    } else {
        theirs
    };
    for (first, second) in [("hello", "elsewhere/of/hello")] {
        let here = ours.app(first, "hello").unwrap();
        let there = theirs.app(first, second).unwrap();
        // Another umask when it was checked out.
        use std::os::unix::fs::PermissionsExt as _;
        let open = std::fs::Permissions::from_mode(0o666);
        std::fs::set_permissions(there.path.join("mix.exs"), open).unwrap();
        let one = ours.build(&here, &["--clear-cache"]).ok();
        let other = theirs.build(&there, &[]).ok();
        assert_eq!(one.digest(), other.digest(), "{}\n{}", one.text, other.text);
    }
}
