//! Archives that lie, and archives that don't.

use std::io::{Read as _, Write};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use ::tar::{EntryType, Header};
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

/// One entry as the archive says it: nothing is checked on the way in.
fn entry(kind: EntryType, name: &[u8], link: &[u8], content: &[u8]) -> Vec<u8> {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(0o6755);
    header.set_uid(4242);
    header.set_gid(4242);
    header.set_mtime(7);
    header.set_size(content.len() as u64);
    let old = header.as_old_mut();
    old.name[..name.len()].copy_from_slice(name);
    old.linkname[..link.len()].copy_from_slice(link);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn file(name: &str, content: &str) -> Vec<u8> {
    entry(EntryType::Regular, name.as_bytes(), b"", content.as_bytes())
}

fn folder(name: &str) -> Vec<u8> {
    entry(EntryType::Directory, name.as_bytes(), b"", b"")
}

fn symlink(name: &str, target: &str) -> Vec<u8> {
    entry(EntryType::Symlink, name.as_bytes(), target.as_bytes(), b"")
}

fn hard_link(name: &str, target: &str) -> Vec<u8> {
    entry(EntryType::Link, name.as_bytes(), target.as_bytes(), b"")
}

fn long_name(kind: EntryType, name: &[u8]) -> Vec<u8> {
    entry(kind, b"././@LongLink", b"", name)
}

fn gzip(tar: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(tar).unwrap();
    gzip.finish().unwrap()
}

fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut tar = entries.concat();
    tar.resize(tar.len() + 1024, 0);
    gzip(&tar)
}

/// A folder to unpack to, with neighbours that must stay as they are.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs_err::create_dir(place.target()).unwrap();
        fs_err::create_dir(place.0.path().join("outside")).unwrap();
        fs_err::write(place.0.path().join("outside/secret"), "untouched").unwrap();
        place
    }

    fn target(&self) -> std::path::PathBuf {
        self.0.path().join("into")
    }

    fn unpack(&self, archive: &[u8], strip: usize) -> Result<(), UnpackError> {
        let limits = UnpackLimits {
            entries: 50,
            bytes: 10_000,
        };
        let result = unpack_tar_gz(archive, &self.target(), strip, limits);
        self.assert_closed();
        result
    }

    /// Nothing beside the folder was touched.
    fn assert_closed(&self) {
        let outside = self.0.path().join("outside");
        assert_eq!(
            fs_err::read_to_string(outside.join("secret")).unwrap(),
            "untouched"
        );
        assert_eq!(fs_err::metadata(outside.join("secret")).unwrap().nlink(), 1);
        assert_eq!(fs_err::read_dir(outside).unwrap().count(), 1);
        assert_eq!(fs_err::read_dir(self.0.path()).unwrap().count(), 2);
    }

    fn read(&self, name: &str) -> String {
        fs_err::read_to_string(self.target().join(name)).unwrap()
    }
}

#[test]
fn an_honest_archive_is_unpacked_as_it_is() {
    let place = Place::new();
    let tar = archive(&[
        folder("otp/"),
        file("otp/bin/erl", "#!/bin/sh"),
        symlink("otp/erl", "bin/erl"),
        hard_link("otp/bin/again", "otp/bin/erl"),
        symlink("otp/up", "bin/../bin/./erl"),
        symlink("otp/dangling", "bin/missing"),
    ]);
    place.unpack(&tar, 1).unwrap();
    for name in ["bin/erl", "erl", "bin/again", "up"] {
        assert_eq!(place.read(name), "#!/bin/sh", "{name}");
    }
    let metadata = fs_err::metadata(place.target().join("bin/erl")).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o7777, 0o755, "no setuid");
    assert_eq!(metadata.mtime(), 946_684_800);
    assert_ne!(metadata.uid(), 4242);
    let bin = fs_err::metadata(place.target().join("bin")).unwrap();
    assert_eq!(bin.mtime(), 946_684_800);
}

#[test]
fn what_leaves_the_folder_is_refused() {
    let cases: &[(&str, Vec<Vec<u8>>)] = &[
        ("leads out", vec![file("../outside/new", "x")]),
        ("leads out", vec![file("a/../../outside/new", "x")]),
        ("leads out", vec![folder("..")]),
        ("absolute", vec![file("/tmp/bp-must-not-be", "x")]),
        ("leads out", vec![symlink("l", "../outside")]),
        ("leads out", vec![symlink("l", "/etc/passwd")]),
        ("leads out", vec![symlink("a/l", "../../outside")]),
        ("behind a link", vec![symlink("l", "."), file("l/x", "x")]),
        (
            "behind a link",
            vec![symlink("l", "../outside"), file("l/new", "x")],
        ),
        ("behind a link", vec![file("f", "x"), file("f/x", "x")]),
        (
            "twice",
            vec![symlink("l", "../outside/secret"), file("l", "x")],
        ),
        ("twice", vec![file("f", "x"), file("./f", "y")]),
        ("twice", vec![file("f", "x"), folder("f")]),
        ("twice", vec![folder("f"), symlink("f", "x")]),
        (
            "no file that came before",
            vec![hard_link("l", "outside/secret")],
        ),
        ("leads out", vec![hard_link("l", "../outside/secret")]),
        ("absolute", vec![hard_link("l", "/etc/passwd")]),
        (
            "no file that came before",
            vec![symlink("s", "f"), hard_link("l", "s")],
        ),
        ("no file that came before", vec![hard_link("l", "l")]),
        ("names nothing", vec![symlink("l", "")]),
        ("in a circle", vec![symlink("a", "b"), symlink("b", "a")]),
        // Inside by its letters, outside on the disk: `a/b/x` is the top.
        (
            "leads out",
            vec![symlink("a/b/x", "../.."), symlink("a/b/y", "x/../outside")],
        ),
        (
            "leads out",
            vec![symlink("a/b/y", "x/../outside"), symlink("a/b/x", "../..")],
        ),
        ("a device", vec![entry(EntryType::Char, b"null", b"", b"")]),
        ("a device", vec![entry(EntryType::Block, b"sda", b"", b"")]),
        ("a pipe", vec![entry(EntryType::Fifo, b"p", b"", b"")]),
        (
            "unknown type",
            vec![entry(EntryType::new(b'Q'), b"q", b"", b"")],
        ),
    ];
    for (why, entries) in cases {
        let error = Place::new()
            .unpack(&archive(entries), 0)
            .unwrap_err()
            .to_string();
        assert!(error.contains(why), "{why}: {error}");
    }
}

#[test]
fn the_stripped_part_is_no_way_out() {
    for entries in [
        [file("top/../../outside/new", "x")],
        [symlink("top/l", "../outside")],
        [hard_link("top/l", "top/../outside/secret")],
    ] {
        Place::new().unpack(&archive(&entries), 1).unwrap_err();
    }
    // What the strip leaves nothing of is not there.
    let place = Place::new();
    place
        .unpack(&archive(&[file("top", "x"), file("top2/a", "y")]), 1)
        .unwrap();
    assert_eq!(place.read("a"), "y");
    assert_eq!(fs_err::read_dir(place.target()).unwrap().count(), 1);
}

#[test]
fn long_names_work_until_they_are_absurd() {
    let long = format!("{}/{}", "d".repeat(200), "f".repeat(200));
    for kind in [EntryType::GNULongName, EntryType::XHeader] {
        let content = match kind {
            EntryType::XHeader => format!("{} path={long}\n", long.len() + 10).into_bytes(),
            _ => [long.as_bytes(), b"\0"].concat(),
        };
        let place = Place::new();
        place
            .unpack(
                &archive(&[long_name(kind, &content), file("short", "x")]),
                0,
            )
            .unwrap();
        assert_eq!(place.read(&long), "x");
    }
    for name in ["n".repeat(10_000), "n".repeat(300), "n/".repeat(4_000)] {
        let entries = [
            long_name(EntryType::GNULongName, name.as_bytes()),
            file("short", "x"),
        ];
        let error = Place::new()
            .unpack(&archive(&entries), 0)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("is too long") && error.len() < 300,
            "{error}"
        );
    }
    let huge = long_name(EntryType::GNULongName, &vec![b'n'; 100_000]);
    let error = Place::new().unpack(&archive(&[huge]), 0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the archive is damaged: a name in it is too long"
    );
}

#[test]
fn a_zero_byte_ends_no_name() {
    let pax = long_name(EntryType::XHeader, b"12 path=a\0b\n");
    let error = Place::new()
        .unpack(&archive(&[pax, file("f", "")]), 0)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the archive holds `a\\0b`, which holds a zero byte"
    );
}

#[test]
fn two_sizes_for_one_file_are_a_lie() {
    let pax = long_name(EntryType::XHeader, b"11 size=99\n");
    let error = Place::new()
        .unpack(&archive(&[pax, file("f", "x")]), 0)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the archive is damaged: `f` has two sizes"
    );
}

#[test]
fn bombs_are_put_out() {
    let many: Vec<_> = (0..60).map(|n| file(&n.to_string(), "")).collect();
    let error = Place::new().unpack(&archive(&many), 0).unwrap_err();
    assert!(matches!(error, UnpackError::TooMany(50)), "{error}");
    let large = [file("a", &"x".repeat(6_000)), file("b", &"x".repeat(6_000))];
    let error = Place::new().unpack(&archive(&large), 0).unwrap_err();
    assert!(matches!(error, UnpackError::TooLarge(10_000)), "{error}");
    // After the end of the archive there may be anything, but not without end.
    let mut tail = archive(&[file("a", "x")]);
    tail.extend(gzip(&vec![0; 1 << 20]));
    let error = Place::new().unpack(&tail, 0).unwrap_err();
    assert!(matches!(error, UnpackError::TooLarge(10_000)), "{error}");
}

#[test]
fn an_archive_in_two_members_is_read_to_the_end() {
    let (one, two) = (file("a", "one"), file("b", "two"));
    let parts = [gzip(&one), gzip(&two), gzip(&[0; 1024])].concat();
    let place = Place::new();
    place.unpack(&parts, 0).unwrap();
    assert_eq!(place.read("b"), "two");
}

#[test]
fn every_early_end_is_noticed() {
    let content = "some text that does not fit into a single block of the archive ".repeat(20);
    let whole = archive(&[file("a/b", &content), file("c", "y")]);
    for length in 0..whole.len() {
        let error = Place::new().unpack(&whole[..length], 0).unwrap_err();
        assert!(
            matches!(error, UnpackError::Damaged(_)),
            "{length}: {error}"
        );
    }
}

#[test]
fn a_zip_keeps_modes_and_makes_scripts_run() {
    let place = Place::new();
    let path = place.0.path().join("outside/e.zip");
    let bytes = zip_of(&[
        ("elixir/bin/elixir", Some(0o100_644), "#!/bin/sh\n"),
        ("elixir/lib/a.beam", None, "FOR1"),
        ("elixir/tool", Some(0o100_755), "x"),
        ("elixir/link", Some(0o120_777), "bin/elixir"),
        ("elixir/VERSION", None, ""),
    ]);
    fs_err::write(&path, bytes).unwrap();
    unpack_zip(&path, &place.target(), 1, UnpackLimits::default()).unwrap();
    let mode = |name: &str| {
        fs_err::metadata(place.target().join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o7777
    };
    assert_eq!(mode("bin/elixir"), 0o755);
    assert_eq!(mode("lib/a.beam"), 0o644);
    assert_eq!(mode("tool"), 0o755);
    assert_eq!(place.read("link"), "#!/bin/sh\n");
    assert_eq!(place.read("VERSION"), "");
}

#[test]
fn hostile_zips_are_refused() {
    for (why, entry) in [
        ("leads out", ("../outside/new", None, "x")),
        ("absolute", ("/etc/new", None, "x")),
        ("backslash", ("..\\outside", None, "x")),
        ("leads out", ("l", Some(0o120_777), "../outside")),
        ("no file, folder or link", ("p", Some(0o010_644), "")),
    ] {
        let place = Place::new();
        let path = place.target().join("../z");
        fs_err::write(&path, zip_of(&[entry])).unwrap();
        let error = unpack_zip(&path, &place.target(), 0, UnpackLimits::default());
        let error = error.unwrap_err().to_string();
        fs_err::remove_file(path).unwrap();
        place.assert_closed();
        assert!(error.contains(why), "{why}: {error}");
    }
}

#[test]
fn a_damaged_zip_is_no_panic() {
    let whole = zip_of(&[("a/b", None, "some text"), ("c", None, "more")]);
    let place = Place::new();
    let path = place.target().join("../z");
    for length in 0..whole.len() {
        fs_err::write(&path, &whole[..length]).unwrap();
        let scratch = tempfile::tempdir().unwrap();
        unpack_zip(&path, scratch.path(), 0, UnpackLimits::default()).unwrap_err();
    }
    let text = whole
        .windows(9)
        .position(|bytes| bytes == b"some text")
        .unwrap();
    let mut flipped = whole;
    flipped[text] ^= 1;
    fs_err::write(&path, flipped).unwrap();
    let error = unpack_zip(&path, &place.target(), 0, UnpackLimits::default()).unwrap_err();
    assert!(matches!(error, UnpackError::Damaged(_)), "{error}");
}

/// A zip of stored files, written by hand so that names and modes can be anything (APPNOTE 4.3).
fn zip_of(files: &[(&str, Option<u32>, &str)]) -> Vec<u8> {
    let (mut zip, mut directory) = (Vec::new(), Vec::new());
    let two = |number: usize| u16::try_from(number).unwrap().to_le_bytes();
    let four = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
    for (name, mode, content) in files {
        let mut crc = flate2::Crc::new();
        crc.update(content.as_bytes());
        let mut common = Vec::new();
        common.extend([20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0x28]);
        common.extend(crc.sum().to_le_bytes());
        common.extend(four(content.len()));
        common.extend(four(content.len()));
        common.extend(two(name.len()));
        common.extend([0, 0]);
        directory.extend(b"PK\x01\x02");
        // Made by Unix, if there is a mode.
        directory.extend([20, if mode.is_some() { 3 } else { 0 }]);
        directory.extend(&common);
        directory.extend([0; 6]);
        directory.extend((mode.unwrap_or(0) << 16).to_le_bytes());
        directory.extend(four(zip.len()));
        directory.extend(name.as_bytes());
        zip.extend(b"PK\x03\x04");
        zip.extend(&common);
        zip.extend(name.as_bytes());
        zip.extend(content.as_bytes());
    }
    let (start, length) = (zip.len(), directory.len());
    zip.extend(directory);
    zip.extend(b"PK\x05\x06\0\0\0\0");
    zip.extend(two(files.len()));
    zip.extend(two(files.len()));
    zip.extend(four(length));
    zip.extend(four(start));
    zip.extend([0, 0]);
    zip
}

fn names() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("a"),
        Just("b"),
        Just(".."),
        Just("."),
        Just(""),
        Just("outside")
    ];
    proptest::collection::vec(part, 1..5).prop_map(|parts| parts.join("/"))
}

fn entries() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        (names(), "[xy]{0,9}").prop_map(|(name, content)| file(&name, &content)),
        names().prop_map(|name| folder(&name)),
        (names(), names()).prop_map(|(name, target)| symlink(&name, &target)),
        (names(), names()).prop_map(|(name, target)| hard_link(&name, &target)),
    ]
}

/// Every path of the tree, links resolved, stays in it.
fn assert_inside(root: &Path) {
    let root = root.canonicalize().unwrap();
    for found in walkdir::WalkDir::new(&root) {
        let found = found.unwrap();
        if let Ok(real) = found.path().canonicalize() {
            assert!(
                real.starts_with(&root),
                "{} leads to {}",
                found.path().display(),
                real.display()
            );
        }
    }
}

proptest! {
    #[test]
    fn no_archive_gets_out(entries in proptest::collection::vec(entries(), 1..8), strip in 0usize..2) {
        let place = Place::new();
        if place.unpack(&archive(&entries), strip).is_ok() {
            assert_inside(&place.target());
        }
    }

    #[test]
    fn any_bytes_are_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = Place::new().unpack(&bytes, 0);
        let _ = Place::new().unpack(&gzip(&bytes), 0);
    }

    #[test]
    fn an_honest_tree_comes_back(files in proptest::collection::btree_map("[a-z]{1,8}(/[a-z]{1,8}\\.b){0,2}", "[ -~]{0,600}", 0..9)) {
        let tar: Vec<_> = files.iter().map(|(name, content)| file(name, content)).collect();
        let clash = files.keys().any(|name| files.keys().any(|other| other.starts_with(&format!("{name}/"))));
        let place = Place::new();
        let result = place.unpack(&archive(&tar), 0);
        prop_assert_eq!(result.is_ok(), !clash);
        for (name, content) in files.iter().filter(|_| !clash) {
            let mut text = String::new();
            fs_err::File::open(place.target().join(name)).unwrap().read_to_string(&mut text).unwrap();
            prop_assert_eq!(&text, content);
        }
    }
}
