//! One small text file of the app, whatever its encoding.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use crate::diagnostic::{Class, Diagnostic, Source, Span};
use crate::syntax;

/// Larger files say nothing about a build: the largest mix.lock seen has some hundred kilobytes.
const LARGEST: u64 = 4 << 20;

/// The file's text, or none where it does not exist; what is wrong with it is added to `diagnostics`.
pub(super) fn read(
    root: &Path,
    name: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Arc<Source>> {
    let path = root.join(name);
    let mut refuse = |what: String, help: &str| {
        diagnostics.push(Diagnostic::error("app-file", Class::Config, what).help(help));
        None
    };
    let own = path.symlink_metadata().ok()?;
    // Not only the file may be a link, but also a folder above it.
    let mut folders = Path::new(name)
        .ancestors()
        .skip(1)
        .filter(|folder| !folder.as_os_str().is_empty());
    let is_folder = |path: &Path| path.symlink_metadata().is_ok_and(|found| found.is_dir());
    let direct = own.is_file() && folders.all(|folder| is_folder(&root.join(folder)));
    if !direct && !stays_inside(root, &path) {
        return refuse(
            format!("`{name}` is a link to something outside of the app"),
            "put the file itself into the app",
        );
    }
    // A folder of that name is the app's own affair; opening a pipe would wait for ever.
    if !direct && !path.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return None;
    }
    let mut bytes = Vec::new();
    let read =
        fs_err::File::open(&path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        return refuse(
            format!("`{name}` cannot be read: {error}"),
            "make it readable for the user who builds",
        );
    }
    if bytes.len() as u64 > LARGEST {
        return refuse(
            format!("`{name}` is larger than 4 MiB"),
            "check that it is the file it should be",
        );
    }
    Some(source(name, bytes, diagnostics))
}

/// Names of the folders below `name`, sorted; none where that is no folder inside of the app.
pub(super) fn folders(root: &Path, name: &str) -> Vec<String> {
    let path = root.join(name);
    if !stays_inside(root, &path) {
        return Vec::new();
    }
    let entries = fs_err::read_dir(&path).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// How much of a file's beginning is looked at.
const HEAD: u64 = 4 << 10;

/// The beginning of a file, up to its last whole line; none where there is no such text inside of the app.
pub(super) fn head(root: &Path, name: &str) -> Option<String> {
    let path = root.join(name);
    if !path.metadata().ok()?.is_file() || !stays_inside(root, &path) {
        return None;
    }
    let mut bytes = Vec::new();
    let file = fs_err::File::open(&path).ok()?;
    file.take(HEAD).read_to_end(&mut bytes).ok()?;
    if bytes.len() as u64 == HEAD {
        let lines = bytes.iter().rposition(|byte| *byte == b'\n');
        bytes.truncate(lines.unwrap_or(0));
    }
    String::from_utf8(bytes).ok()
}

/// The text of a file that has been read.
pub(super) fn source(name: &str, bytes: Vec<u8>, diagnostics: &mut Vec<Diagnostic>) -> Arc<Source> {
    let (text, odd) = decode(bytes);
    let source = Arc::new(Source {
        path: name.into(),
        text,
    });
    if let Some(odd) = odd {
        let start = Span {
            source: Arc::clone(&source),
            start: 0,
            end: 0,
        };
        let problem =
            syntax::odd_encoding(format!("`{name}` {}", odd.found())).at(start.clone(), "");
        diagnostics.push(match odd {
            Odd::ByteOrderMark | Odd::Utf16 => {
                problem.fix("save it as UTF-8 without a byte-order mark", start, "")
            }
            // What it should have been is lost.
            Odd::NotUtf8 => problem.help("save it as UTF-8"),
        });
    }
    source
}

fn stays_inside(root: &Path, path: &Path) -> bool {
    match (fs_err::canonicalize(root), fs_err::canonicalize(path)) {
        (Ok(root), Ok(target)) => target.starts_with(root),
        _ => false,
    }
}

/// What is odd about the encoding of a file.
#[derive(Debug, Clone, Copy)]
enum Odd {
    ByteOrderMark,
    Utf16,
    NotUtf8,
}

impl Odd {
    fn found(self) -> &'static str {
        match self {
            Self::ByteOrderMark => "begins with a byte-order mark",
            Self::Utf16 => "is UTF-16",
            Self::NotUtf8 => "is not UTF-8",
        }
    }
}

/// The text, and what was odd about its encoding.
fn decode(bytes: Vec<u8>) -> (String, Option<Odd>) {
    match bytes.as_slice() {
        [0xef, 0xbb, 0xbf, rest @ ..] => (
            String::from_utf8_lossy(rest).into_owned(),
            Some(match std::str::from_utf8(rest) {
                Ok(_) => Odd::ByteOrderMark,
                Err(_) => Odd::NotUtf8,
            }),
        ),
        [0xff, 0xfe, rest @ ..] => (utf16(rest, u16::from_le_bytes), Some(Odd::Utf16)),
        [0xfe, 0xff, rest @ ..] => (utf16(rest, u16::from_be_bytes), Some(Odd::Utf16)),
        _ => match String::from_utf8(bytes) {
            Ok(text) => (text, None),
            Err(error) => (
                String::from_utf8_lossy(error.as_bytes()).into_owned(),
                Some(Odd::NotUtf8),
            ),
        },
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units)
        .map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}
