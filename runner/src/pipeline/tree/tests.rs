use buildpack_core::event::Silent;
use buildpack_core::layer::StatCache;
use buildpack_core::plan::{Inputs, Run};

use super::*;

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
        let path = self.source().join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }

    fn sync(&self, kept: &[&str]) -> (Tree, Synced) {
        let mut cache = StatCache::load(self.folder.path().join("stat"));
        let source = Source::read(&self.source(), &mut cache, &Silent).unwrap();
        let mut tree = Tree::open(&self.folder.path().join("tree")).unwrap();
        let kept: Vec<String> = kept.iter().map(|&k| k.to_owned()).collect();
        let synced = tree.sync(&self.source(), &source, &kept, "env").unwrap();
        (tree, synced)
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
fn what_a_build_made_goes_unless_it_is_kept() {
    let desk = Desk::new();
    desk.write("lib/a.ex", "one");
    let (tree, _) = desk.sync(&["_build"]);
    for made in ["_build/x", "priv/static/app-123.js"] {
        let path = tree.app().join(made);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, "made").unwrap();
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
    let source = Source::read(&desk.source(), &mut cache, &Silent).unwrap();
    desk.write("x", "two");
    let mut tree = Tree::open(&desk.folder.path().join("tree")).unwrap();
    let error = tree.sync(&desk.source(), &source, &[], "env").unwrap_err();
    assert!(error.to_string().contains("changed"), "{error}");
    let (tree, _) = desk.sync(&[]);
    assert_eq!(fs_err::read_to_string(tree.app().join("x")).unwrap(), "two");
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
fn a_step_is_remembered_by_its_inputs_and_outputs() {
    let desk = Desk::new();
    desk.write("mix.lock", "one");
    let step = Step {
        id: "deps".to_owned(),
        heading: String::new(),
        run: Run::Bash {
            script: "true".to_owned(),
        },
        skip_if_unchanged: Some(Inputs {
            names: vec!["mix.lock".to_owned()],
            outputs: vec!["deps".to_owned()],
        }),
        begins_with: Vec::new(),
    };
    let unchanged = || {
        let (mut tree, _) = desk.sync(&["deps"]);
        let mut cache = StatCache::load(desk.folder.path().join("stat"));
        let source = Source::read(&desk.source(), &mut cache, &Silent).unwrap();
        tree.know_inputs(&source, std::iter::once(&step));
        (tree.unchanged(&step), tree)
    };
    let (same, mut tree) = unchanged();
    assert!(!same);
    fs_err::create_dir(tree.app().join("deps")).unwrap();
    tree.succeeded(&step).unwrap();
    assert!(unchanged().0);
    desk.write("mix.lock", "two");
    assert!(!unchanged().0);
    desk.write("mix.lock", "one");
    let (same, tree) = unchanged();
    assert!(same);
    fs_err::remove_dir(tree.app().join("deps")).unwrap();
    assert!(!unchanged().0);
    fs_err::create_dir(tree.app().join("deps")).unwrap();
    fs_err::remove_file(desk.source().join("mix.lock")).unwrap();
    let (_, mut tree) = unchanged();
    // The lock that a step makes is gone when the app is laid out again.
    fs_err::write(tree.app().join("mix.lock"), "made").unwrap();
    tree.succeeded(&step).unwrap();
    assert!(!unchanged().0);
}
