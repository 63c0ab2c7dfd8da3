//! Folders of this machine.

use std::os::unix::fs::{PermissionsExt, symlink};

use buildpack_core::diagnostic::{Class, Explain as _};
use testdata::fake::git::Repository;

use super::{Desk, version};

fn pack(desk: &Desk, at: &str, version: &str) {
    let bin = desk.path(at).join("bin");
    fs_err::create_dir_all(&bin).unwrap();
    fs_err::write(bin.join("detect"), "#!/bin/sh\n").unwrap();
    let compile = format!("#!/bin/sh\necho version {version}\n");
    fs_err::write(bin.join("compile"), compile).unwrap();
}

#[test]
fn a_folder_is_what_it_holds() {
    let desk = Desk::new();
    pack(&desk, "app/packs/mine", "one");
    pack(&desk, "elsewhere", "one");
    let mine = desk.get("./packs/mine");
    assert_eq!(version(&mine), "one");
    assert!(mine.identity.starts_with("content:"));
    assert_eq!(
        (mine.id.as_str(), mine.shown.as_str()),
        ("mine", "./packs/mine")
    );
    // The same content is the same pack; times and version control are no content.
    fs_err::create_dir(desk.path("elsewhere/.git")).unwrap();
    fs_err::write(desk.path("elsewhere/.git/HEAD"), "x").unwrap();
    let other = desk.get(desk.path("elsewhere").to_str().unwrap());
    assert_eq!(other.folder, mine.folder);
    assert!(!other.folder.join(".git").exists());
    // A bit, a name, a link and a byte each make another.
    let mut seen = vec![mine.identity];
    let mut differs = || {
        let now = desk.get("./packs/mine").identity;
        assert!(!seen.contains(&now));
        seen.push(now);
    };
    let readme = desk.path("app/packs/mine/README");
    fs_err::write(&readme, "").unwrap();
    differs();
    fs_err::set_permissions(&readme, PermissionsExt::from_mode(0o755)).unwrap();
    differs();
    fs_err::write(&readme, "x").unwrap();
    differs();
    fs_err::rename(&readme, readme.with_extension("md")).unwrap();
    differs();
    symlink("README.md", &readme).unwrap();
    differs();
}

#[test]
fn a_lock_notices_what_changed_in_a_folder() {
    let desk = Desk::new();
    pack(&desk, "app/mine", "one");
    let lock = desk.lock_of("./mine");
    assert!(desk.try_all(&["./mine"], Some(&lock)).is_ok());
    pack(&desk, "app/mine", "two");
    let drifted = desk.try_all(&["./mine"], Some(&lock)).unwrap_err();
    let problem = drifted.diagnostic();
    assert_eq!(
        (problem.code.0, problem.class),
        ("packs-locked", Class::Config)
    );
    assert!(
        problem.message.contains("and it is folder "),
        "{}",
        problem.message
    );
}

#[test]
fn what_is_no_pack_is_never_copied() {
    let desk = Desk::new();
    fs_err::create_dir(desk.path("app/empty")).unwrap();
    for (path, code) in [
        ("./empty", "pack-incomplete"),
        ("/", "pack-incomplete"),
        ("./nowhere", "pack-folder"),
        ("/dev/null", "pack-incomplete"),
    ] {
        assert_eq!(desk.fails(path).code.0, code, "{path}");
    }
    let kept = fs_err::read_dir(desk.store.root().join("packs-v1")).unwrap();
    let entries = kept.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        !name.to_string_lossy().starts_with('.')
    });
    assert_eq!(entries.count(), 0);
}

#[test]
fn a_folder_around_the_store_is_copied_without_it() {
    let desk = Desk::new();
    pack(&desk, ".", "one");
    let got = desk.get(desk.path("").to_str().unwrap());
    assert!(got.folder.join("app").is_dir());
    assert!(!got.folder.join("store").exists());
}

#[test]
fn a_folder_that_is_a_repository_has_versions() {
    let desk = Desk::new();
    let repo = Repository::pack(&desk.path("app/mine"), "one").unwrap();
    repo.git(&["tag", "v1"]).unwrap();
    repo.release("two").unwrap();
    repo.write("bin/compile", "#!/bin/sh\necho version three\n")
        .unwrap();
    // Without a version, it is the folder as it stands, changes that nobody committed and all.
    assert_eq!(version(&desk.get("./mine")), "three");
    assert_eq!(version(&desk.get("./mine#v1")), "one");
    assert_eq!(version(&desk.get("./mine#main")), "two");
    let bare = desk.path("app/bare.git");
    repo.git(&["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()])
        .unwrap();
    assert_eq!(version(&desk.get("./bare.git")), "two");
}
