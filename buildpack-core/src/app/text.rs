//! One small text file of the app, whatever its encoding.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use crate::diagnostic::{Class, Diagnostic, Source, Span};

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
    path.symlink_metadata().ok()?;
    // Not only the file may be a link, but also a folder above it.
    if !stays_inside(root, &path) {
        return refuse(
            format!("`{name}` is a link to something outside of the app"),
            "put the file itself into the app",
        );
    }
    // A folder of that name is the app's own affair; opening a pipe would wait for ever.
    if !path.metadata().is_ok_and(|metadata| metadata.is_file()) {
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
    let (text, found) = decode(bytes);
    let source = Arc::new(Source {
        path: name.into(),
        text,
    });
    if let Some(found) = found {
        diagnostics.push(
            Diagnostic::warning("app-file-encoding", format!("`{name}` {found}"))
                .at(
                    Span {
                        source: Arc::clone(&source),
                        start: 0,
                        end: 0,
                    },
                    "",
                )
                .help("save it as UTF-8 without a byte-order mark"),
        );
    }
    Some(source)
}

fn stays_inside(root: &Path, path: &Path) -> bool {
    match (fs_err::canonicalize(root), fs_err::canonicalize(path)) {
        (Ok(root), Ok(target)) => target.starts_with(root),
        _ => false,
    }
}

/// The text, and what was odd about its encoding.
fn decode(bytes: Vec<u8>) -> (String, Option<&'static str>) {
    match bytes.as_slice() {
        [0xef, 0xbb, 0xbf, rest @ ..] => (
            String::from_utf8_lossy(rest).into_owned(),
            Some("begins with a byte-order mark"),
        ),
        [0xff, 0xfe, rest @ ..] => (utf16(rest, u16::from_le_bytes), Some("is UTF-16")),
        [0xfe, 0xff, rest @ ..] => (utf16(rest, u16::from_be_bytes), Some("is UTF-16")),
        _ => match String::from_utf8(bytes) {
            Ok(text) => (text, None),
            Err(error) => (
                String::from_utf8_lossy(error.as_bytes()).into_owned(),
                Some("is not UTF-8"),
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
