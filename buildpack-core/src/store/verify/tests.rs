use super::super::tests::{key, store};
use super::*;
use crate::event::Silent;

/// A store with one thing of each kind, and where they stand.
fn filled() -> (tempfile::TempDir, Store, Vec<PathBuf>) {
    let (folder, store) = store();
    let write = |path: &Path, text: &str| {
        fs_err::write(path, text).map_err(|error| StoreError::io("write", path, error))
    };
    let blob = store
        .blob_dir()
        .join("sha256")
        .join(Digest::of(b"blob").hex());
    write(&blob, "blob").unwrap();
    let download = Digest::of(b"download");
    let download = store.make_file(Bucket::Downloads, &download, &Silent, |path| {
        write(path, "download")
    });
    let tool = store.make_dir(Bucket::Tools, &key("tool"), &Silent, |folder| {
        write(&folder.join("one"), "1")?;
        write(&folder.join("two"), "2")
    });
    let tree = store.make_dir(Bucket::Builds, &key("tree"), &Silent, |folder| {
        write(&folder.join("app"), "")
    });
    let record = store.record(Bucket::Images, "name of an image");
    record.write(&1).unwrap();
    let pin = store.record(Bucket::Pins, "pin");
    pin.write(&1).unwrap();
    store
        .remember(Bucket::Builds, "slot", &key("tree"))
        .unwrap();
    let pin: PathBuf = pin.path().to_owned();
    let record: PathBuf = record.path().to_owned();
    let paths = vec![
        blob,
        download.unwrap(),
        tool.unwrap(),
        tree.unwrap(),
        record,
        pin,
    ];
    // What is in use is never removed: another process looks.
    let root = store.root().to_owned();
    drop(store);
    (folder, Store::open(root).unwrap(), paths)
}

fn damaged(store: &Store) -> Vec<Damaged> {
    store.verify(3, &|_| ()).unwrap().damaged
}

#[test]
fn a_whole_store_has_no_damage_whatever_is_left_of_killed_processes() {
    let (_folder, store, paths) = filled();
    let blobs = store.blob_dir().join("sha256");
    fs_err::write(blobs.join(".tmpab12cd"), "half").unwrap();
    fs_err::write(store.partial(Bucket::Downloads, "x"), "half").unwrap();
    fs_err::write(paths[3].join("app"), "worked in").unwrap();
    let told = Mutex::new(0);
    let verified = store
        .verify(2, &|bytes| *told.lock().unwrap() += bytes)
        .unwrap();
    assert_eq!(verified.damaged, []);
    assert_eq!((verified.checked, verified.bytes), (7, 12));
    assert_eq!(*told.lock().unwrap(), 12);
    assert_eq!(store.bytes_to_verify().unwrap(), 12);
}

#[test]
fn each_kind_of_damage_is_found_and_taken_away() {
    let (_folder, store, paths) = filled();
    let [blob, download, tool, tree, record, pin] = &paths[..] else {
        panic!("{paths:?}")
    };
    fs_err::write(blob, "blub").unwrap();
    fs_err::write(download, "downloa").unwrap();
    // The bytes are as many as before.
    fs_err::rename(tool.join("one"), tool.join("three")).unwrap();
    fs_err::remove_dir_all(tree).unwrap();
    fs_err::write(tree, "").unwrap();
    fs_err::copy(pin, record).unwrap();
    fs_err::write(pin, "{").unwrap();
    let found = damaged(&store);
    let mut wanted: Vec<_> = paths.iter().collect();
    wanted.sort();
    let places: Vec<_> = found.iter().map(|damaged| &damaged.path).collect();
    assert_eq!(places, wanted);
    for damaged in &found {
        let gone = store.remove_damaged(damaged).unwrap();
        assert_eq!(gone, damaged.path != *pin, "{damaged}");
        assert_eq!(gone, !damaged.path.exists());
    }
    assert_eq!(damaged(&store).len(), 1, "the pin stays");
}

#[test]
fn a_note_that_is_damaged_or_of_another_entry_is_told() {
    let (_folder, store, paths) = filled();
    let note = |path: &Path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        let buckets = [Bucket::Tools, Bucket::Builds];
        let notes = buckets.map(|bucket| store.note_path(bucket, name));
        notes.into_iter().find(|path| path.exists()).unwrap()
    };
    fs_err::copy(note(&paths[3]), note(&paths[2])).unwrap();
    let [found] = &damaged(&store)[..] else {
        panic!()
    };
    assert!(found.why.contains("is about"), "{found}");
    fs_err::write(note(&paths[2]), "half a no").unwrap();
    let [found] = &damaged(&store)[..] else {
        panic!()
    };
    assert!(found.why.contains("cannot be read"), "{found}");
    assert_eq!(found.diagnostic().code.0, "cache-entry-damaged");
}

#[test]
fn what_is_being_made_is_passed_over_and_what_is_used_stays() {
    let (_folder, store, paths) = filled();
    let name = paths[2].file_name().unwrap().to_str().unwrap();
    let lock = store.lock_path(Bucket::Tools, name);
    let maker = Guard::attempt(&lock, Share::Exclusive).unwrap();
    assert_eq!(store.verify(1, &|_| ()).unwrap().in_use, 1);
    drop(maker);
    fs_err::write(paths[2].join("one"), "more").unwrap();
    let user = Guard::attempt(&lock, Share::Shared).unwrap();
    let found = damaged(&store);
    assert!(!store.remove_damaged(&found[0]).unwrap());
    drop(user);
    assert!(store.remove_damaged(&found[0]).unwrap());
}
