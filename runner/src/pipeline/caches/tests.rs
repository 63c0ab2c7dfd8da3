use std::collections::BTreeMap;

use buildpack_core::event::Recorder;
use buildpack_core::layer::StatCache;
use buildpack_core::plan::{Goal, Phase, Run};

use super::*;

/// An app, a store and the folder of what is kept between builds of the app.
struct Desk {
    folder: tempfile::TempDir,
    plan: PackPlan,
}

/// What became of the install step of a build.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Succeeded,
    Failed,
    LeftOut,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs_err::create_dir(folder.path().join("app")).unwrap();
        let npm = CacheFolder {
            id: "npm".to_owned(),
            key: BTreeMap::from([("npm".to_owned(), "11".to_owned())]),
            files: vec!["package-lock.json".to_owned()],
            place: "/tmp/npm".to_owned(),
            steps: vec!["install".to_owned()],
        };
        Self {
            folder,
            plan: PackPlan {
                caches: vec![npm],
                ..PackPlan::empty("/app")
            },
        }
    }

    fn lock(&self, text: &str) {
        fs_err::write(self.folder.path().join("app/package-lock.json"), text).unwrap();
    }

    fn store(&self) -> Store {
        Store::open(self.folder.path().join("store")).unwrap()
    }

    /// A build in the kept folder of this name: what its step found in the folder, after which it did `work` there.
    fn build(&self, kept: &str, end: End, work: impl FnOnce(&Path)) -> Vec<String> {
        let (store, events) = (self.store(), Recorder::default());
        let app = self.folder.path().join("app");
        let mut stat = StatCache::load(self.folder.path().join("stat"));
        let source = Source::read(&app, &Goal::Build, &self.plan, &mut stat, &events).unwrap();
        let kept = store.root().join(kept);
        let mut caches =
            Caches::prepare(&self.plan, &app, &source, &kept, &store, &events).unwrap();
        let install = Step::new("install", Phase::Assets, "", Run::Pack);
        let folder = copy_of(&kept, &self.plan.caches[0]);
        assert!(folder.is_dir());
        let mut found = Vec::new();
        if end != End::LeftOut {
            caches.started(&install).unwrap();
            found = names(&folder);
            work(&folder);
        }
        if end == End::Succeeded {
            caches.succeeded(&install);
        }
        caches.take_in().unwrap();
        assert!(!folder.exists());
        found
    }

    /// What a new app folder with the same lock would find.
    fn kept_now(&self) -> Vec<String> {
        self.build("other", End::Failed, |_| {})
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs_err::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn adds(name: &str) -> impl FnOnce(&Path) + '_ {
    move |folder| fs_err::write(folder.join(name), name).unwrap()
}

#[test]
fn what_a_step_left_is_there_for_the_same_lock_and_begins_another() {
    let desk = Desk::new();
    desk.lock("one");
    assert!(desk.build("kept", End::Succeeded, adds("a")).is_empty());
    assert_eq!(desk.build("kept", End::Succeeded, |_| {}), ["a"]);
    assert_eq!(desk.build("moved", End::Succeeded, |_| {}), ["a"]);
    desk.lock("two");
    assert_eq!(desk.build("kept", End::Succeeded, adds("b")), ["a"]);
    assert_eq!(desk.build("kept", End::Succeeded, |_| {}), ["a", "b"]);
    desk.lock("one");
    assert_eq!(desk.build("kept", End::Succeeded, |_| {}), ["a"]);
}

#[test]
fn another_package_manager_is_another_key() {
    let mut desk = Desk::new();
    desk.build("kept", End::Succeeded, adds("a"));
    desk.plan.caches[0]
        .key
        .insert("npm".to_owned(), "12".to_owned());
    desk.build("kept", End::Succeeded, adds("b"));
    desk.plan.caches[0]
        .key
        .insert("npm".to_owned(), "11".to_owned());
    assert_eq!(desk.kept_now(), ["a"]);
}

#[test]
fn what_is_done_to_a_copy_reaches_nothing_that_is_kept() {
    let desk = Desk::new();
    desk.lock("one");
    desk.build("kept", End::Succeeded, adds("a"));
    // In place, as npm appends to its index, and by a program that means harm.
    desk.build("kept", End::Succeeded, |folder| {
        use std::io::Write as _;
        let mut file = fs_err::OpenOptions::new()
            .append(true)
            .open(folder.join("a"))
            .unwrap();
        file.write_all(b" poison").unwrap();
        fs_err::write(folder.join("poison"), "").unwrap();
    });
    let mut content = String::new();
    let found = desk.build("kept", End::Succeeded, |folder| {
        content = fs_err::read_to_string(folder.join("a")).unwrap();
    });
    assert_eq!((found, content.as_str()), (vec!["a".to_owned()], "a"));
    desk.lock("two");
    assert_eq!(desk.build("kept", End::Succeeded, |_| {}), ["a"]);
}

#[test]
fn what_a_failed_step_left_is_thrown_away() {
    let desk = Desk::new();
    desk.build("kept", End::Failed, adds("half"));
    assert!(desk.kept_now().is_empty());
    desk.build("kept", End::Succeeded, adds("a"));
    desk.build("kept", End::LeftOut, |_| {});
    assert_eq!(desk.kept_now(), ["a"]);
}

#[test]
fn a_killed_build_leaves_the_entry_whole_and_nothing_of_its_own() {
    let desk = Desk::new();
    desk.build("kept", End::Succeeded, adds("a"));
    // It ends before anything is taken in or cleared away.
    let left = copy_of(&desk.store().root().join("kept"), &desk.plan.caches[0]);
    fs_err::create_dir_all(&left).unwrap();
    fs_err::write(left.join("half"), "").unwrap();
    assert_eq!(desk.build("kept", End::Succeeded, |_| {}), ["a"]);
}

#[test]
fn of_two_builds_at_once_the_first_to_end_is_kept() {
    let desk = Desk::new();
    desk.build("one", End::Succeeded, |folder| {
        adds("a")(folder);
        desk.build("other", End::Succeeded, adds("b"));
    });
    assert_eq!(desk.kept_now(), ["b"]);
}

#[test]
fn odd_files_are_taken_in_as_what_can_be_copied() {
    let desk = Desk::new();
    desk.build("kept", End::Succeeded, |folder| {
        let closed = folder.join("closed");
        fs_err::create_dir(&closed).unwrap();
        fs_err::write(closed.join("f"), "").unwrap();
        fs_err::set_permissions(closed.join("f"), Permissions::from_mode(0o000)).unwrap();
        fs_err::set_permissions(closed, Permissions::from_mode(0o000)).unwrap();
        std::os::unix::net::UnixListener::bind(folder.join("socket")).unwrap();
        symlink("/etc", folder.join("link")).unwrap();
    });
    let mut inner = Vec::new();
    let found = desk.build("kept", End::Succeeded, |folder| {
        inner = names(&folder.join("closed"));
        assert!(folder.join("link").is_symlink());
    });
    assert_eq!(found, ["closed", "link"]);
    assert_eq!(inner, ["f"]);
}

#[test]
fn too_much_begins_no_new_key() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    fs_err::create_dir(&from).unwrap();
    fs_err::create_dir(&to).unwrap();
    fs_err::write(from.join("a"), "12345").unwrap();
    assert!(!copy(&from, &to, 4).unwrap());
    renew(&to).unwrap();
    assert!(copy(&from, &to, 5).unwrap());
}
