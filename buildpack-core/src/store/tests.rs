//! The store as other rooms use it.

use std::time::Duration;

use super::*;
use crate::event::{Event, Recorder, Silent};

pub(super) fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store")).unwrap();
    (folder, store)
}

fn again(store: &Store) -> Store {
    Store::open(store.root().to_owned()).unwrap()
}

pub(super) fn key(name: &str) -> CacheKey {
    CacheKey::new("test").part("name", name)
}

fn fill(store: &Store, name: &str, bytes: usize) -> PathBuf {
    let made = store.make_dir(Bucket::Builds, &key(name), &Silent, |folder| {
        fs_err::write(folder.join("f"), vec![b'x'; bytes])
            .map_err(|error| StoreError::io("write", folder, error))
    });
    made.unwrap()
}

#[test]
fn an_entry_is_made_once_and_found_ever_after() {
    let (_folder, store) = store();
    assert_eq!(store.dir(Bucket::Builds, &key("a")), None);
    let path = fill(&store, "a", 5);
    let other = again(&store);
    assert_eq!(other.dir(Bucket::Builds, &key("a")), Some(path.clone()));
    let kept = other.make_dir(
        Bucket::Builds,
        &key("a"),
        &Silent,
        |_| -> Result<(), StoreError> { panic!("made twice") },
    );
    assert_eq!(kept.unwrap(), path);
    assert_eq!(store.dir(Bucket::Tools, &key("a")), None);
    assert_eq!(store.file(Bucket::Builds, &key("a")), None);
}

#[test]
fn what_fails_leaves_nothing() {
    #[derive(Debug)]
    struct Failed;
    impl From<StoreError> for Failed {
        fn from(error: StoreError) -> Self {
            panic!("{error}")
        }
    }
    let (_folder, store) = store();
    let made = store.make_dir(Bucket::Builds, &key("a"), &Silent, |folder| {
        fs_err::write(folder.join("f"), "half").unwrap();
        Err(Failed)
    });
    made.unwrap_err();
    assert_eq!(store.dir(Bucket::Builds, &key("a")), None);
    assert_eq!(
        fs_err::read_dir(store.temp_folder(Bucket::Builds))
            .unwrap()
            .count(),
        0
    );
    fill(&store, "a", 1);
}

#[test]
fn a_file_that_was_not_made_is_an_error() {
    let (_folder, store) = store();
    let made = store.make_file(Bucket::Downloads, &Digest::of(b""), &Silent, |_| {
        Ok::<(), StoreError>(())
    });
    assert!(made.is_err());
}

#[test]
fn one_makes_and_the_others_wait_and_say_so() {
    let (_folder, store) = store();
    let made = std::sync::atomic::AtomicUsize::new(0);
    let (started, start) = std::sync::mpsc::channel();
    let recorder = Recorder::default();
    std::thread::scope(|scope| {
        let (first, second) = (again(&store), again(&store));
        let (made, recorder) = (&made, &recorder);
        scope.spawn(move || {
            let result = first.make_dir(Bucket::Tools, &key("t"), &Silent, |_| {
                made.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                started.send(()).unwrap();
                // Until the other one waits.
                while recorder.events().is_empty() {
                    std::thread::yield_now();
                }
                Ok::<(), StoreError>(())
            });
            result.unwrap();
        });
        start.recv().unwrap();
        let result = second.make_dir(Bucket::Tools, &key("t"), recorder, |_| {
            made.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            Ok::<(), StoreError>(())
        });
        result.unwrap();
    });
    assert_eq!(made.into_inner(), 1);
    let text = "Waiting for another bp that works on the same tools".to_owned();
    assert_eq!(recorder.events(), [Event::Detail { text }]);
}

#[test]
fn records_are_called_as_one_likes() {
    let (_folder, store) = store();
    let names = [
        "",
        ".",
        "..",
        "a",
        "A",
        "heroku/heroku:24",
        "../../x",
        "ü",
        "a\0b",
        &"n".repeat(3000),
    ];
    for (number, name) in names.iter().enumerate() {
        store.record(Bucket::Images, name).write(&number).unwrap();
    }
    for (number, name) in names.iter().enumerate() {
        assert_eq!(
            store.record::<usize>(Bucket::Images, name).read().unwrap(),
            Some(number),
            "{name}"
        );
    }
    let all = store.records::<usize>(Bucket::Images);
    assert_eq!(all.len(), names.len());
    assert!(all.is_sorted_by(|one, other| one.0 < other.0));
    let record = store.record::<usize>(Bucket::Images, "a");
    assert!(record.path().ends_with("images-v1/a.json"));
    record.remove().unwrap();
    record.remove().unwrap();
    assert_eq!(record.read().unwrap(), None);
}

#[test]
fn a_damaged_record_is_told_apart_from_none() {
    let (_folder, store) = store();
    let record = store.record::<u32>(Bucket::Pins, "p");
    for text in [
        "",
        "{",
        "{\"name\":\"p\",\"value\":\"text\"}",
        "{\"name\":\"q\",\"value\":1}",
    ] {
        fs_err::write(record.path(), text).unwrap();
        assert!(
            matches!(record.read(), Err(StoreError::Damaged { .. })),
            "{text}"
        );
        assert_eq!(record.get(), None);
    }
}

#[test]
fn a_miss_has_a_reason() {
    let (_folder, store) = store();
    let miss = |key: &CacheKey| store.miss(Bucket::Builds, "/my/app", key);
    assert_eq!(miss(&key("a")), MissReason::Absent);
    store
        .remember(Bucket::Builds, "/my/app", &key("a"))
        .unwrap();
    assert_eq!(miss(&key("a")), MissReason::Cleared);
    assert_eq!(miss(&key("b")).to_string(), "name changed from `a` to `b`");
}

#[test]
fn gc_takes_the_longest_unused_and_leaves_what_is_in_use() {
    let (_folder, store) = store();
    for name in ["old", "used", "new"] {
        fill(&again(&store), name, 1000);
    }
    for (name, seconds) in [("old", 1), ("used", 2), ("new", 3)] {
        let note = store.note_path(Bucket::Builds, &key(name).entry_name());
        let file = fs_err::OpenOptions::new().write(true).open(note).unwrap();
        let time = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        file.file().set_modified(time).unwrap();
    }
    let other = again(&store);
    // Looking marks it as used: it is the youngest now, and locked.
    other.dir(Bucket::Builds, &key("used")).unwrap();
    let freed = store.gc(2000, &|_| true).unwrap();
    assert_eq!((freed.entries, freed.bytes, freed.in_use), (1, 1000, 0));
    assert_eq!(again(&store).dir(Bucket::Builds, &key("old")), None);
    assert!(again(&store).dir(Bucket::Builds, &key("new")).is_some());
    let freed = store.gc(0, &|_| true).unwrap();
    assert_eq!((freed.entries, freed.in_use), (1, 1));
    drop(other);
    assert_eq!(store.gc(0, &|_| true).unwrap().entries, 1);
    assert_eq!(
        fs_err::read_dir(store.folder(Bucket::Builds).join(".locks"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn a_build_tree_counts_as_large_as_it_grew() {
    let (_folder, store) = store();
    let tree = fill(&store, "a", 10);
    fs_err::write(tree.join("compiled"), [0; 90]).unwrap();
    let usage = store.usage().unwrap();
    let builds = usage.iter().find(|usage| usage.bucket == Bucket::Builds);
    assert_eq!(builds.unwrap().bytes, 100);
}

#[test]
fn blobs_go_when_no_image_names_them_and_nobody_else_is_at_work() {
    let (_folder, store) = store();
    let (live, dead) = (Digest::of(b"live"), Digest::of(b"dead"));
    for digest in [live, dead] {
        fs_err::write(store.blob_dir().join("sha256").join(digest.hex()), "blob").unwrap();
    }
    let other = again(&store);
    let freed = store.gc(u64::MAX, &|digest| *digest == live).unwrap();
    assert_eq!((freed.entries, freed.in_use), (0, 1));
    drop(other);
    let freed = store.gc(u64::MAX, &|digest| *digest == live).unwrap();
    assert_eq!((freed.entries, freed.bytes), (1, 4));
    assert!(store.blob_dir().join("sha256").join(live.hex()).is_file());
    // Its own lock is shared again.
    let other = again(&store);
    assert_eq!(other.gc(u64::MAX, &|_| false).unwrap().in_use, 1);
}

#[test]
fn what_another_room_put_there_is_taken_in_or_left_while_anybody_is_at_work() {
    let (_folder, store) = store();
    let put = |name: &str| {
        let digest = Digest::of(name.as_bytes());
        let folder = store.folder(Bucket::Rootfs).join(digest.hex());
        fs_err::create_dir(&folder).unwrap();
        fs_err::write(folder.join("f"), "four").unwrap();
        digest
    };
    let (known, unknown) = (put("known"), put("unknown"));
    let other = again(&store);
    assert!(other.dir(Bucket::Rootfs, &known).is_some());
    assert_eq!(store.gc(0, &|_| true).unwrap().in_use, 2);
    drop(other);
    let mine = again(&store);
    mine.dir(Bucket::Rootfs, &known).unwrap();
    let freed = mine.clear().unwrap();
    assert_eq!(
        (freed.entries, freed.in_use),
        (0, 2),
        "this test has it open twice"
    );
    drop(mine);
    let freed = store.gc(0, &|_| true).unwrap();
    assert_eq!((freed.entries, freed.bytes, freed.in_use), (2, 8, 0));
    assert_eq!(store.dir(Bucket::Rootfs, &unknown), None);
}

#[test]
fn clear_leaves_pins_and_what_is_in_use() {
    let (_folder, store) = store();
    fill(&again(&store), "a", 10);
    fill(&store, "mine", 10);
    store.record(Bucket::Pins, "p").write(&1).unwrap();
    store.record(Bucket::Images, "i").write(&1).unwrap();
    let freed = store.clear().unwrap();
    assert_eq!((freed.entries, freed.in_use), (2, 1));
    let bytes: u64 = store.usage().unwrap().iter().map(|usage| usage.bytes).sum();
    let pin = fs_err::metadata(store.record::<u32>(Bucket::Pins, "p").path())
        .unwrap()
        .len();
    assert_eq!(bytes, 10 + pin);
}

#[test]
fn places_that_are_no_store_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs_err::write(&file, "").unwrap();
    for path in [file.clone(), file.join("below")] {
        let error = Store::open(path).err().unwrap();
        assert!(matches!(error, StoreError::NotAFolder { .. }), "{error}");
    }
    // A folder of the kernel's that takes no files, whoever asks.
    let error = Store::open("/proc/bp-store".into()).err().unwrap();
    let text = error.to_string();
    assert_eq!(text.matches("/proc/bp-store").count(), 1, "{text}");
    assert!(Store::open("/sys/bp-store".into()).is_err());
    let closed = folder.path().join("closed");
    fs_err::create_dir(&closed).unwrap();
    fs_err::set_permissions(&closed, std::os::unix::fs::PermissionsExt::from_mode(0o555)).unwrap();
    match Store::open(closed.join("store")) {
        Err(error) => assert!(matches!(error, StoreError::NotWritable { .. }), "{error}"),
        Ok(_) => assert!(rustix::process::geteuid().is_root()),
    }
}

/// Whoever waits for an entry gets it when it is made, not when its maker ends.
#[test]
fn a_waiter_takes_what_another_made_while_that_one_lives_on() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    let key = CacheKey::new("slow");
    let begun = std::sync::Barrier::new(2);
    std::thread::scope(|scope| {
        let maker = scope.spawn(|| {
            let store = Store::open(root.clone()).unwrap();
            let made = store.make_dir::<StoreError>(Bucket::Tools, &key, &Silent, |_| {
                begun.wait();
                std::thread::sleep(std::time::Duration::from_millis(50));
                Ok(())
            });
            (made.unwrap(), store)
        });
        begun.wait();
        let waiting = Store::open(root.clone()).unwrap();
        let taken = waiting
            .make_dir::<StoreError>(Bucket::Tools, &key, &Silent, |_| panic!("made twice"))
            .unwrap();
        // The maker's store, and its shared lock, end only here.
        let (made, _store) = maker.join().unwrap();
        assert_eq!(made, taken);
    });
}

/// Nobody knows what a crash of the machine left of an entry that was never seen to be on disk.
#[test]
fn what_another_boot_left_unsynced_is_made_anew() {
    let (_folder, store) = store();
    let path = fill(&store, "a", 5);
    let note = store
        .root()
        .join(Bucket::Builds.folder())
        .join(".notes")
        .join(path.file_name().unwrap());
    let text = fs_err::read_to_string(&note).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(json["unsynced"].is_string(), "{text}");
    json["unsynced"] = "another boot".into();
    fs_err::write(&note, json.to_string()).unwrap();
    let other = again(&store);
    assert_eq!(other.dir(Bucket::Builds, &key("a")), None);
    drop(store);
    assert_eq!(fill(&other, "a", 7), path);
    assert_eq!(fs_err::read(path.join("f")).unwrap().len(), 7);
}
