//! One app, one digest: whoever builds it, wherever, whenever.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use testdata::workspace::Workspace;

use crate::{BP, in_world, of_another_user, store};

#[test]
fn two_folders_two_users_two_stores_one_digest() {
    if !in_world() {
        return;
    }
    let ours = Workspace::new(BP).unwrap().with_store(store());
    let theirs = of_another_user();
    let here = ours.app("hello", "hello").unwrap();
    let there = theirs.app("hello", "elsewhere/of/hello").unwrap();
    // Another umask when it was checked out.
    fs_err::set_permissions(there.path.join("mix.exs"), Permissions::from_mode(0o666)).unwrap();
    let one = ours.build(&here, &["--clear-cache"]).ok();
    let other = theirs.build(&there, &[]).ok();
    assert_eq!(one.digest(), other.digest(), "{}\n{}", one.text, other.text);
}
