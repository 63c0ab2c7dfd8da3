use buildpack_core::event::{Recorder, Silent};
use stacks::{Arch, Target};

use super::*;
use crate::pipeline::request::Request;

struct Desk {
    folder: tempfile::TempDir,
    store: Store,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store")).unwrap();
        for app in ["app", "other"] {
            fs_err::create_dir(folder.path().join(app)).unwrap();
        }
        Self { folder, store }
    }

    fn request(&self, keep_assets: usize) -> Request {
        let target = Target::new(stacks::find("24").unwrap(), Arch::Amd64).unwrap();
        Request {
            name: "app".to_owned(),
            keep_assets,
            ..Request::new(self.folder.path().join("app"), target)
        }
    }

    /// A build of a file of this content: what it found of earlier ones, and what it depends on before and after.
    fn build(&self, request: &Request, content: &str) -> (Vec<String>, [String; 2]) {
        let history = History::read(request, &self.store).unwrap();
        let before = history.identity();
        let folder = self.folder.path();
        let earlier = EarlierAssets::begin(history, &folder.join("tree"), folder, &Silent).unwrap();
        fs_err::create_dir(earlier.draft().join("static")).unwrap();
        fs_err::write(earlier.draft().join("static/app.css"), content).unwrap();
        let others = earlier.others().unwrap();
        let read =
            |folder: &PathBuf| fs_err::read_to_string(folder.join("static/app.css")).unwrap();
        let found = others.iter().map(read).collect();
        let after = earlier.take_in().unwrap();
        (found, [before, after.identity()])
    }

    fn found(&self, request: &Request, content: &str) -> String {
        self.build(request, content).0.join(" ")
    }

    fn entries(&self) -> u64 {
        let usage = self.store.usage().unwrap();
        let assets = usage.iter().find(|usage| usage.bucket == Bucket::Assets);
        // One of them is the record of which is the newest.
        assets.unwrap().entries - 1
    }
}

#[test]
fn the_newest_are_found_and_no_more_than_are_wanted() {
    let desk = Desk::new();
    let two = desk.request(2);
    assert_eq!(desk.found(&two, "one"), "");
    assert_eq!(desk.found(&two, "two"), "one");
    assert_eq!(desk.found(&two, "three"), "two one");
    assert_eq!(desk.found(&two, "four"), "three two");
    // The same again is no version of its own, and one of before is the newest again.
    assert_eq!(desk.found(&two, "four"), "three two");
    assert_eq!(desk.found(&two, "three"), "four two");
    assert_eq!(desk.entries(), 3);
    assert_eq!(desk.found(&desk.request(1), "five"), "three");
    assert_eq!(desk.entries(), 2);
}

#[test]
fn the_next_build_of_the_same_files_depends_on_the_same() {
    let desk = Desk::new();
    let request = desk.request(2);
    for content in ["one", "two", "three", "four", "two", "two"] {
        let (found, [_, after]) = desk.build(&request, content);
        let (again, [now, later]) = desk.build(&request, content);
        assert_eq!(found, again, "{content}");
        assert_eq!((&after, &after), (&now, &later), "{content}");
    }
    let other = |number| {
        History::read(&desk.request(number), &desk.store)
            .unwrap()
            .identity()
    };
    assert_ne!(other(1), other(2));
}

#[test]
fn every_app_and_stack_has_its_own() {
    let desk = Desk::new();
    let request = desk.request(2);
    desk.found(&request, "one");
    let elsewhere = Request {
        app: desk.folder.path().join("other"),
        ..request.clone()
    };
    assert_eq!(desk.found(&elsewhere, "two"), "");
    let stack = Request {
        target: Target::new(stacks::find("22").unwrap(), Arch::Amd64).unwrap(),
        ..request.clone()
    };
    assert_eq!(desk.found(&stack, "two"), "");
    // Another name of the folder is the same app.
    let link = desk.folder.path().join("link");
    std::os::unix::fs::symlink(&request.app, &link).unwrap();
    let linked = Request {
        app: link,
        ..request
    };
    assert_eq!(desk.found(&linked, "two"), "one");
}

#[test]
fn what_is_not_wanted_or_gone_is_not_missed() {
    let desk = Desk::new();
    assert!(History::read(&desk.request(0), &desk.store).is_none());
    let request = desk.request(3);
    for content in ["one", "two"] {
        desk.found(&request, content);
    }
    let anew = Request {
        clear_cache: true,
        ..request.clone()
    };
    assert_eq!(desk.found(&anew, "three"), "");
    assert_eq!(desk.found(&request, "four"), "three");
    let gone = History::read(&request, &desk.store).unwrap();
    let (left, _) = gone.versions[0];
    assert!(desk.store.remove(Bucket::Assets, &gone.key(left)).unwrap());
    assert_eq!(desk.found(&request, "five"), "three");
    let record = desk.store.record::<Vec<Digest>>(Bucket::Assets, &gone.of);
    fs_err::write(record.path(), "{").unwrap();
    assert_eq!(desk.found(&request, "six"), "");
    desk.store.clear().unwrap();
    assert_eq!(desk.found(&request, "seven"), "");
}

#[test]
fn a_build_that_failed_or_left_nothing_is_no_version() {
    let desk = Desk::new();
    let request = desk.request(1);
    desk.found(&request, "one");
    let begin = || {
        let history = History::read(&request, &desk.store).unwrap();
        let folder = desk.folder.path();
        EarlierAssets::begin(history, &folder.join("tree"), folder, &Silent).unwrap()
    };
    let failed = begin();
    fs_err::write(failed.draft().join("app.css"), "two").unwrap();
    failed.others().unwrap();
    drop(failed);
    let without = begin();
    assert!(fs_err::read_dir(without.draft()).unwrap().next().is_none());
    without.take_in().unwrap();
    assert_eq!(desk.found(&request, "three"), "one");
}

#[test]
fn too_much_is_left_out_and_said() {
    let desk = Desk::new();
    let request = desk.request(3);
    let large = |name: &str, bytes: u64, events: &dyn EventSink| {
        let history = History::read(&request, &desk.store).unwrap();
        let folder = desk.folder.path();
        let earlier = EarlierAssets::begin(history, &folder.join("tree"), folder, events).unwrap();
        let file = fs_err::File::create(earlier.draft().join(name)).unwrap();
        file.set_len(bytes).unwrap();
        let found = earlier.others().unwrap().len();
        earlier.take_in().unwrap();
        found
    };
    assert_eq!(large("a", MOST / 2, &Silent), 0);
    assert_eq!(large("b", MOST / 2, &Silent), 1);
    assert_eq!(large("c", 1, &Silent), 2);
    assert_eq!(large("d", 1, &Silent), 2);
    let events = Recorder::default();
    assert_eq!(large("e", MOST + 1, &events), 3);
    assert!(format!("{:?}", events.events()).contains("More than 256 MiB"));
    assert_eq!(large("f", 1, &Silent), 3);
}
