//! Every file of an app, with everything that can be wrong with a file: the rest is read all the same.

use std::os::unix::fs::symlink;
use std::path::Path;

use super::{App, PackageJson, names};
use crate::diagnostic::{Diagnostic, Origin, Severity};

/// What a file may hold that is no text of its kind.
fn contents() -> Vec<(&'static str, Vec<u8>)> {
    let utf16 = |text: &str| {
        let units = text.encode_utf16().flat_map(u16::to_le_bytes);
        [0xff, 0xfe].into_iter().chain(units).collect::<Vec<u8>>()
    };
    vec![
        ("empty", Vec::new()),
        ("blank", b"\n \r\n\t\n".to_vec()),
        ("binary", (0..=255).cycle().take(5000).collect()),
        ("zeros", vec![0; 5000]),
        ("endless line", vec![b'x'; 300_000]),
        ("endless nesting", b"[{(".repeat(20_000)),
        ("endless quotes", b"\"'".repeat(20_001)),
        ("a byte-order mark", b"\xef\xbb\xbfa b\n".to_vec()),
        ("UTF-16", utf16("a=\"1\"\r\nb: c\n")),
        ("half of UTF-16", b"\xff\xfea\x00\xd8".to_vec()),
        ("CRLF", b"a=1\r\nb: 2\r\n".to_vec()),
        (
            "a conflict",
            b"<<<<<<< HEAD\na=1\n=======\na=2\n>>>>>>> x\n".to_vec(),
        ),
        ("10 MiB", vec![b'a'; 10 << 20]),
    ]
}

fn paths() -> impl Iterator<Item = &'static str> {
    names().chain(["package.json", "assets/package.json"])
}

fn put(root: &Path, path: &str, content: &[u8]) {
    let path = root.join(path);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, content).unwrap();
}

/// Places that are no places: outside of their text, or in the middle of a character.
fn lost(app: &App, diagnostics: &[Diagnostic]) -> bool {
    let places = diagnostics.iter().flat_map(|problem| {
        let labels = problem.labels.iter().map(|label| &label.span);
        let edits = problem.helps.iter().flat_map(|help| &help.edits);
        labels.chain(edits.map(|edit| &edit.span))
    });
    let values = app
        .declared
        .iter()
        .filter_map(|found| match &found.value.origin {
            Origin::File(span) => Some(span),
            _ => None,
        });
    places
        .chain(values)
        .any(|span| span.source.text.get(span.start..span.end).is_none())
}

#[test]
fn no_file_of_the_app_can_hold_anything_that_stops_the_reading() {
    for (what, content) in contents() {
        for path in paths() {
            let folder = tempfile::tempdir().unwrap();
            put(folder.path(), path, &content);
            let outcome = App::read(folder.path());
            let app = outcome.value.expect("an app, whatever its files hold");
            assert!(!lost(&app, &outcome.diagnostics), "{path}: {what}");
            if what == "10 MiB" {
                assert!(app.source(path).is_none());
                let problem = &outcome.diagnostics[0];
                assert!(problem.message.contains(path), "{problem:?}");
                assert_eq!(problem.severity, Severity::Error);
            }
        }
    }
}

#[test]
fn a_bad_file_hides_no_good_one() {
    let folder = tempfile::tempdir().unwrap();
    for path in paths() {
        put(folder.path(), path, &[0xff, 0x00, b'\n']);
    }
    put(folder.path(), ".erlang-version", b"27.3\n");
    put(
        folder.path(),
        "assets/package.json",
        b"{\"engines\": {\"node\": \"22\"}}",
    );
    let app = App::read(folder.path()).value.unwrap();
    let found: Vec<&str> = app
        .declared
        .iter()
        .map(|found| found.value.value.as_str())
        .collect();
    assert!(
        found.contains(&"27.3") && found.contains(&"22"),
        "{found:?}"
    );
}

#[test]
fn a_folder_where_a_file_should_be_counts_as_no_file() {
    let folder = tempfile::tempdir().unwrap();
    for path in paths() {
        fs_err::create_dir_all(folder.path().join(path)).unwrap();
    }
    let outcome = App::read(folder.path());
    assert_eq!(outcome.diagnostics, []);
    let app = outcome.value.unwrap();
    assert!(app.declared.is_empty() && app.package_jsons == Vec::<PackageJson>::new());
}

#[test]
fn what_is_neither_file_nor_folder_is_waited_for_by_nobody() {
    let pipe = |path: &Path| {
        rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::RWXU).unwrap();
    };
    let link_to_nothing = |path: &Path| symlink("nothing", path).unwrap();
    let link_to_itself = |path: &Path| symlink(path.file_name().unwrap(), path).unwrap();
    for make in [&pipe as &dyn Fn(&Path), &link_to_nothing, &link_to_itself] {
        let folder = tempfile::tempdir().unwrap();
        for path in paths() {
            let path = folder.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            make(&path);
        }
        let app = App::read(folder.path()).value.unwrap();
        assert_eq!(app.paths().count(), 0);
    }
}
