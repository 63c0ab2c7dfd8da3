use std::os::unix::ffi::OsStrExt as _;

use buildpack_core::event::Silent;
use buildpack_core::layer::StatCache;
use buildpack_core::plan::Goal;

use super::*;

mod steps;

struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs_err::create_dir_all(folder.path().join("source")).unwrap();
        fs_err::create_dir_all(folder.path().join("tree")).unwrap();
        Self { folder }
    }

    fn source(&self) -> PathBuf {
        self.folder.path().join("source")
    }

    fn write(&self, path: &str, text: &str) {
        testdata::tree::write(self.source(), path, text);
    }

    fn read(&self) -> Source {
        let mut cache = StatCache::load(self.folder.path().join("stat"));
        read(&self.source(), &mut cache)
    }

    fn sync(&self, kept: &[&str]) -> (Tree, Synced) {
        self.bring(&PackPlan {
            kept: kept.iter().map(|&k| k.to_owned()).collect(),
            ..PackPlan::empty("/app")
        })
    }

    /// The tree as a build with this plan begins with it.
    fn bring(&self, plan: &PackPlan) -> (Tree, Synced) {
        let source = self.read();
        let mut tree = Tree::open(&self.folder.path().join("tree")).unwrap();
        let synced = tree.sync(&self.source(), &source, plan, "env").unwrap();
        tree.know_inputs(&source, plan);
        (tree, synced)
    }
}

fn read(root: &Path, cache: &mut StatCache) -> Source {
    let plan = PackPlan::empty("/app");
    Source::read(root, &Goal::Build, &plan, cache, &Silent).unwrap()
}

/// Makes a file in the tree, as a program of a build would.
fn write_in(tree: &Tree, path: &str) {
    let path = tree.app().join(path);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, "made").unwrap();
}

/// Mix takes what changes in the second of its manifest for unchanged, if it is of the same size or a removed module.
#[test]
fn what_a_build_brings_is_later_by_a_second_than_what_the_last_one_made() {
    let desk = Desk::new();
    desk.write("lib/a.ex", "one");
    let second = |tree: &Tree, path| {
        use std::os::unix::fs::MetadataExt as _;
        let path = tree.app().join(path);
        path.symlink_metadata().unwrap().mtime()
    };
    for stops in ["well", "killed"] {
        let (mut tree, _) = desk.sync(&["_build"]);
        tree.begin().unwrap();
        write_in(&tree, "_build/manifest");
        let made = second(&tree, "_build/manifest");
        if stops == "well" {
            tree.end().unwrap();
        }
        drop(tree);
        desk.write("lib/a.ex", &format!("after {stops}"));
        let (tree, _) = desk.sync(&["_build"]);
        assert!(second(&tree, "lib/a.ex") > made, "{stops}");
    }
}

#[test]
fn only_what_changed_is_written() {
    let desk = Desk::new();
    desk.write("lib/a.ex", "one");
    desk.write("lib/b.ex", "two");
    let (tree, first) = desk.sync(&[]);
    assert_eq!(first.written, 2);
    let time = |tree: &Tree, path| {
        tree.app()
            .join(path)
            .metadata()
            .unwrap()
            .modified()
            .unwrap()
    };
    let before = (time(&tree, "lib/a.ex"), time(&tree, "lib/b.ex"));
    // A fresh checkout: the same content with a new time.
    desk.write("lib/a.ex", "one");
    desk.write("lib/b.ex", "changed");
    let (tree, second) = desk.sync(&[]);
    assert_eq!(second.written, 1);
    assert_eq!(time(&tree, "lib/a.ex"), before.0);
    assert_eq!(
        fs_err::read_to_string(tree.app().join("lib/b.ex")).unwrap(),
        "changed"
    );
}

#[test]
fn what_goes_is_gone_from_the_disk_when_the_build_has_ended() {
    let desk = Desk::new();
    desk.write("lib/a.ex", "one");
    let (tree, _) = desk.sync(&[]);
    write_in(&tree, "made/deep/file");
    let closed = tree.app().join("made/deep");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o000);
    fs_err::set_permissions(closed, mode).unwrap();
    // As a build left it that was killed while it removed.
    let trash = desk.folder.path().join("tree/trash");
    fs_err::create_dir_all(trash.join("old/gone")).unwrap();
    let (tree, synced) = desk.sync(&[]);
    assert_eq!(synced.removed, 1);
    assert!(!tree.app().join("made").exists());
    drop(tree);
    assert!(!trash.exists());
}

/// A build may write to the source it was given, and leave it looking as it did.
#[test]
fn what_a_build_did_to_the_source_is_undone() {
    let desk = Desk::new();
    let paths = [
        "closed/deep/file",
        "closed/file",
        "content",
        "link",
        "mode",
        "out/file",
    ];
    for path in paths {
        desk.write(path, "one");
    }
    let outside = desk.folder.path().join("outside");
    fs_err::create_dir(&outside).unwrap();
    fs_err::write(outside.join("file"), "outside").unwrap();
    let (tree, _) = desk.sync(&[]);
    let at = |path: &str| tree.app().join(path);
    let mode = |path: &str, mode| {
        fs_err::set_permissions(at(path), std::os::unix::fs::PermissionsExt::from_mode(mode))
            .unwrap();
    };
    let file = std::fs::OpenOptions::new().write(true).open(at("content"));
    let mut file = file.unwrap();
    let time = file.metadata().unwrap().modified().unwrap();
    std::io::Write::write_all(&mut file, b"two").unwrap();
    file.set_modified(time).unwrap();
    mode("mode", 0o755);
    fs_err::remove_file(at("link")).unwrap();
    symlink("content", at("link")).unwrap();
    mode("closed/file", 0o000);
    mode("closed/deep", 0o000);
    mode("closed", 0o500);
    fs_err::remove_dir_all(at("out")).unwrap();
    symlink(&outside, at("out")).unwrap();
    let (tree, _) = desk.sync(&[]);
    let at = |path: &str| tree.app().join(path);
    let outside = fs_err::read_to_string(outside.join("file")).unwrap();
    assert_eq!(outside, "outside");
    for path in paths {
        let found = at(path).symlink_metadata().unwrap();
        let bits = std::os::unix::fs::PermissionsExt::mode(&found.permissions());
        assert!(found.is_file() && bits & 0o777 == 0o644, "{path}: {bits:o}");
        assert_eq!(fs_err::read_to_string(at(path)).unwrap(), "one", "{path}");
    }
}

#[test]
fn what_a_build_made_goes_unless_it_is_kept() {
    let desk = Desk::new();
    desk.write("lib/a.ex", "one");
    let (tree, _) = desk.sync(&["_build"]);
    for made in ["_build/x", "priv/static/app-123.js"] {
        write_in(&tree, made);
    }
    fs_err::write(tree.app().join("lib/a.ex"), "edited by a hook").unwrap();
    let (tree, _) = desk.sync(&["_build"]);
    assert!(tree.app().join("_build/x").exists());
    assert!(!tree.app().join("priv").exists());
    assert_eq!(
        fs_err::read_to_string(tree.app().join("lib/a.ex")).unwrap(),
        "one"
    );
}

#[test]
fn a_file_may_become_a_folder_and_back() {
    let desk = Desk::new();
    desk.write("x", "file");
    desk.sync(&[]);
    fs_err::remove_file(desk.source().join("x")).unwrap();
    desk.write("x/y", "in a folder");
    let (tree, _) = desk.sync(&[]);
    assert!(tree.app().join("x/y").is_file());
    fs_err::remove_dir_all(desk.source().join("x")).unwrap();
    desk.write("x", "file");
    let (tree, _) = desk.sync(&[]);
    assert!(tree.app().join("x").is_file());
}

#[test]
fn a_link_in_the_tree_is_never_written_through() {
    let desk = Desk::new();
    desk.write("x", "new");
    let (tree, _) = desk.sync(&[]);
    let outside = desk.folder.path().join("outside");
    fs_err::write(&outside, "precious").unwrap();
    fs_err::remove_file(tree.app().join("x")).unwrap();
    symlink(&outside, tree.app().join("x")).unwrap();
    desk.sync(&[]);
    assert_eq!(fs_err::read_to_string(outside).unwrap(), "precious");
}

#[test]
fn what_lies_behind_a_link_is_never_removed() {
    let desk = Desk::new();
    desk.write("deps/ours/x", "vendored");
    let (tree, _) = desk.sync(&["deps"]);
    let outside = desk.folder.path().join("outside/ours");
    fs_err::create_dir_all(&outside).unwrap();
    fs_err::write(outside.join("x"), "precious").unwrap();
    fs_err::remove_dir_all(tree.app().join("deps")).unwrap();
    symlink(outside.parent().unwrap(), tree.app().join("deps")).unwrap();
    fs_err::remove_dir_all(desk.source().join("deps")).unwrap();
    desk.sync(&["deps"]);
    assert_eq!(
        fs_err::read_to_string(outside.join("x")).unwrap(),
        "precious"
    );
}

#[test]
fn a_file_that_changes_after_it_was_read_is_not_built_as_what_it_was() {
    let desk = Desk::new();
    desk.write("x", "one");
    let mut cache = StatCache::load(desk.folder.path().join("stat"));
    let source = read(&desk.source(), &mut cache);
    desk.write("x", "two");
    let mut tree = Tree::open(&desk.folder.path().join("tree")).unwrap();
    let error = tree
        .sync(&desk.source(), &source, &PackPlan::empty("/app"), "env")
        .unwrap_err();
    assert!(error.to_string().contains("changed"), "{error}");
    let (tree, _) = desk.sync(&[]);
    assert_eq!(fs_err::read_to_string(tree.app().join("x")).unwrap(), "two");
}

#[test]
fn what_was_source_when_a_build_was_cut_short_goes_with_the_source() {
    let desk = Desk::new();
    desk.write("deps/ours/old", "vendored");
    let (mut tree, _) = desk.sync(&["deps"]);
    desk.write("deps/ours/new", "vendored");
    desk.write("x", "one");
    let source = desk.read();
    desk.write("x", "two");
    let plan = PackPlan {
        kept: vec!["deps".to_owned()],
        ..PackPlan::empty("/app")
    };
    assert!(tree.sync(&desk.source(), &source, &plan, "env").is_err());
    assert!(tree.app().join("deps/ours/new").exists());
    fs_err::remove_file(desk.source().join("deps/ours/old")).unwrap();
    fs_err::remove_file(desk.source().join("deps/ours/new")).unwrap();
    let (tree, _) = desk.sync(&["deps"]);
    assert!(!tree.app().join("deps/ours/old").exists());
    assert!(!tree.app().join("deps/ours/new").exists());
}

#[test]
fn odd_names_have_distinct_keys() {
    use std::ffi::OsStr;
    for bytes in [&b"a"[..], b"\xff\xfe", b"a\nb", b"ff"] {
        let path = PathBuf::from(OsStr::from_bytes(bytes));
        assert_eq!(path_of(&name_of(&path)), path);
    }
}

#[test]
fn nested_folders_are_kept_and_what_is_source_in_them_stays_source() {
    let desk = Desk::new();
    desk.write("assets/css/app.css", "one");
    desk.write("priv/static/robots.txt", "one");
    desk.write("priv/static/old.txt", "one");
    let kept = ["assets/node_modules", "priv/static", "made/deep/er"];
    let (tree, _) = desk.sync(&kept);
    let made = [
        "assets/node_modules/x",
        "assets/junk",
        "priv/static/app-1.css",
        "priv/junk/x",
        "made/deep/er/x",
        "made/junk",
    ];
    for made in made {
        write_in(&tree, made);
    }
    fs_err::remove_file(desk.source().join("priv/static/old.txt")).unwrap();
    desk.write("priv/static/robots.txt", "two");
    let (tree, done) = desk.sync(&kept);
    let there: Vec<&str> = (made.into_iter())
        .filter(|path| tree.app().join(path).exists())
        .collect();
    assert_eq!(
        there,
        [
            "assets/node_modules/x",
            "priv/static/app-1.css",
            "made/deep/er/x"
        ]
    );
    assert_eq!(
        done,
        Synced {
            written: 1,
            removed: 3
        }
    );
    assert!(!tree.app().join("priv/static/old.txt").exists());
    // Of what is kept no more, not even the folders above it stay.
    let (tree, _) = desk.sync(&["assets/node_modules"]);
    assert!(!tree.app().join("made").exists());
    assert!(!tree.app().join("priv/static/app-1.css").exists());
    assert!(tree.app().join("priv/static/robots.txt").exists());
}

#[test]
fn emptying_follows_no_link() {
    let desk = Desk::new();
    desk.write("assets/app.css", "one");
    symlink("../../outside", desk.source().join("linked")).unwrap();
    let outside = desk.folder.path().join("outside");
    fs_err::create_dir_all(outside.join("static")).unwrap();
    fs_err::write(outside.join("static/x"), "precious").unwrap();
    let (mut tree, _) = desk.sync(&[]);
    // What a build made: `priv` is elsewhere, and so is `made`.
    symlink(&outside, tree.app().join("priv")).unwrap();
    symlink(&outside, tree.app().join("made")).unwrap();
    let source = desk.read();
    let kept = ["priv/static", "made", "linked", "assets"].map(str::to_owned);
    tree.wipe(&source, &kept).unwrap();
    assert!(outside.join("static/x").exists());
    assert!(!tree.app().join("made").is_symlink());
    assert!(tree.app().join("linked").is_symlink());
    assert!(tree.app().join("assets/app.css").exists());
}

#[test]
fn a_tree_whose_memory_is_damaged_was_built_with_unknown_variables() {
    let desk = Desk::new();
    desk.write("x", "one");
    let (tree, _) = desk.sync(&[]);
    assert!(!tree.environment_changed("env"));
    for name in [INDEX, FILES] {
        let file = desk.folder.path().join("tree").join(name);
        let whole = fs_err::read(&file).unwrap();
        fs_err::write(&file, "{").unwrap();
        let tree = Tree::open(&desk.folder.path().join("tree")).unwrap();
        assert!(tree.environment_changed("env"), "{name}");
        fs_err::write(&file, whole).unwrap();
    }
}
