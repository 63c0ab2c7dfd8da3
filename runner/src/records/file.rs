//! Records as files: sealed, so that one that was changed by hand is known; written as a whole.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use buildpack_core::diagnostic::{Class, Diagnostic, Explain};
use buildpack_core::digest::Digest;
use serde_json::Value;

use super::{Record, SCHEMA};

/// No record is as large.
const LARGEST: u64 = 64 << 20;
/// The field that holds the digest of all others.
const SEAL: &str = "seal";

/// Why a file is no record that can be used.
#[derive(Debug, thiserror::Error)]
#[error("{}", told(.place, .why))]
pub struct RecordError {
    place: String,
    why: Why,
}

#[derive(Debug)]
enum Why {
    Unreadable(io::Error),
    Truncated,
    Malformed(String),
    Newer(u64),
    Edited,
}

fn told(place: &str, why: &Why) -> String {
    match why {
        Why::Unreadable(error) => format!("cannot read the build record `{place}`: {error}"),
        Why::Truncated => format!("the build record `{place}` ends too early: it was cut off"),
        Why::Malformed(problem) => format!("`{place}` is no build record: {problem}"),
        Why::Newer(schema) => format!(
            "the build record `{place}` has version {schema}, and this bp knows versions up to {SCHEMA}"
        ),
        Why::Edited => {
            format!("the build record `{place}` was changed after bp wrote it: its seal is broken")
        }
    }
}

impl Explain for RecordError {
    fn diagnostic(&self) -> Diagnostic {
        let message = self.to_string();
        match &self.why {
            Why::Unreadable(_) => Diagnostic::error("record-unreadable", Class::Usage, message)
                .help("check the path and its permissions; `bp build --record FILE` writes one"),
            Why::Truncated => Diagnostic::error("record-truncated", Class::Usage, message).help(
                "get it once more from where it was kept, or build once more with `--record FILE`",
            ),
            Why::Malformed(_) => Diagnostic::error("record-malformed", Class::Usage, message)
                .help("name a file that `bp build --record FILE` wrote"),
            Why::Newer(_) => Diagnostic::error("record-newer", Class::Usage, message)
                .help("take a `bp` that is at least as new as the one that wrote it"),
            Why::Edited => Diagnostic::error("record-edited", Class::Usage, message)
                .help("take the record as bp wrote it, and say what is to be different by flags"),
        }
    }
}

/// Reads a record from a file.
pub fn read(path: &Path) -> Result<Record, RecordError> {
    let place = path.display().to_string();
    let fail = |why| RecordError {
        place: place.clone(),
        why,
    };
    let mut text = Vec::new();
    let file = fs_err::File::open(path).map_err(|error| fail(Why::Unreadable(error)))?;
    file.take(LARGEST + 1)
        .read_to_end(&mut text)
        .map_err(|error| fail(Why::Unreadable(error)))?;
    if text.len() as u64 > LARGEST {
        return Err(fail(Why::Malformed("it has more than 64 MiB".to_owned())));
    }
    parse(&text, &place)
}

/// Reads a record's text; `place` is what it is called.
pub fn parse(text: &[u8], place: &str) -> Result<Record, RecordError> {
    let value: Result<Value, _> = serde_json::from_slice(text);
    let opened = value.map_err(|error| {
        if error.is_eof() && text.trim_ascii_start().starts_with(b"{") {
            Why::Truncated
        } else {
            Why::Malformed(error.to_string())
        }
    });
    opened
        .and_then(unsealed)
        .and_then(sound)
        .map_err(|why| RecordError {
            place: place.to_owned(),
            why,
        })
}

/// A record as JSON, sealed.
pub fn sealed(mut value: Value) -> Value {
    let seal = seal_of(&value);
    if let Some(fields) = value.as_object_mut() {
        fields.insert(SEAL.to_owned(), seal.to_string().into());
    }
    value
}

/// The record in a sealed value. What it is for is looked at before its seal: a newer bp may seal in another way.
fn unsealed(mut value: Value) -> Result<Value, Why> {
    let schema = value.get("schema").and_then(Value::as_u64);
    let seal = value.as_object_mut().and_then(|it| it.remove(SEAL));
    match (schema, seal) {
        (None, _) => Err(Why::Malformed("it has no `schema`".to_owned())),
        (Some(schema), _) if schema > u64::from(SCHEMA) => Err(Why::Newer(schema)),
        (_, Some(Value::String(seal))) if seal == seal_of(&value).to_string() => Ok(value),
        _ => Err(Why::Edited),
    }
}

/// Digest of all fields, however they are ordered and indented.
fn seal_of(value: &Value) -> Digest {
    let mut value = value.clone();
    value.sort_all_objects();
    Digest::of(value.to_string().as_bytes())
}

/// The record, if what will be used of it is what it should be: anybody can seal.
fn sound(value: Value) -> Result<Record, Why> {
    let record: Record =
        serde_json::from_value(value).map_err(|error| Why::Malformed(error.to_string()))?;
    if let Some(pack) = record.facts.packs.iter().find(|pack| !pack.was.is_sound()) {
        return Err(Why::Malformed(format!(
            "`{}` is no version of the pack `{}`",
            pack.was, pack.wanted
        )));
    }
    Ok(record)
}

/// Why a record could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the build record `{}`: {error}", .path.display())]
pub struct Unwritable {
    path: PathBuf,
    error: io::Error,
}

impl Explain for Unwritable {
    fn diagnostic(&self) -> Diagnostic {
        Diagnostic::error("record-unwritable", Class::Surroundings, self.to_string())
            .help("name a file in a folder that exists and can be written to, on a disk with room")
    }
}

/// Says whether a record may be written there, as far as that can be known before.
pub fn check(path: &Path) -> Result<(), Unwritable> {
    let place = if path.is_dir() {
        Err(io::ErrorKind::IsADirectory.into())
    } else {
        draft(path).map(drop)
    };
    place.map_err(|error| Unwritable {
        path: path.to_owned(),
        error,
    })
}

/// An empty file beside the place of a record.
fn draft(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    let mut draft = tempfile::Builder::new();
    draft.prefix(".record-").permissions(mode);
    draft.tempfile_in(folder)
}

/// Writes a record, whole at every moment: beside its place first, then there.
pub fn write(path: &Path, sealed: &Value) -> Result<(), Unwritable> {
    let write = || {
        let mut draft = draft(path)?;
        draft.write_all(format!("{sealed:#}\n").as_bytes())?;
        draft.as_file().sync_all()?;
        draft.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| Unwritable {
        path: path.to_owned(),
        error,
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn value() -> Value {
        serde_json::to_value(Record::begin(Timestamp::UNIX_EPOCH)).unwrap()
    }

    fn code(text: &str) -> String {
        let error = parse(text.as_bytes(), "it").unwrap_err();
        error.diagnostic().code.to_string()
    }

    #[test]
    fn a_record_is_read_as_it_was_written_however_it_is_indented() {
        let sealed = sealed(value());
        for text in [sealed.to_string(), format!("{sealed:#}\n")] {
            let record = parse(text.as_bytes(), "it").unwrap();
            assert_eq!(record, Record::begin(Timestamp::UNIX_EPOCH));
        }
        let mut sorted = sealed.clone();
        sorted.sort_all_objects();
        assert!(parse(sorted.to_string().as_bytes(), "it").is_ok());
    }

    #[test]
    fn what_is_no_record_is_told_by_why() {
        let whole = sealed(value()).to_string();
        assert_eq!(code(&whole[..whole.len() - 1]), "record-truncated");
        assert_eq!(code(&whole[..40]), "record-truncated");
        assert_eq!(
            code(&whole.replace("\"exit\":0", "\"exit\":1")),
            "record-edited"
        );
        assert_eq!(code(&value().to_string()), "record-edited");
        assert_eq!(
            code(&whole.replace("\"schema\":1", "\"schema\":2")),
            "record-newer"
        );
        for text in ["", "no", "[]", "{}", "{\"a\":1}", "\"schema\""] {
            assert_eq!(code(text), "record-malformed", "{text}");
        }
        let folder = tempfile::tempdir().unwrap();
        let error = read(&folder.path().join("none")).unwrap_err();
        assert_eq!(error.diagnostic().code.0, "record-unreadable");
    }

    #[test]
    fn a_sealed_record_of_nonsense_is_none() {
        let mut odd = value();
        odd["packs"] = serde_json::json!([{ "wanted": "a", "was": { "git": "--upload-pack=x" } }]);
        assert_eq!(code(&sealed(odd).to_string()), "record-malformed");
        let mut odd = value();
        odd["began"] = "yesterday".into();
        assert_eq!(code(&sealed(odd).to_string()), "record-malformed");
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_or_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.json");
        for _ in 0..2 {
            write(&path, &sealed(value())).unwrap();
        }
        assert_eq!(read(&path).unwrap().exit, 0);
        assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 1);
        let nowhere = folder.path().join("none/record.json");
        let error = write(&nowhere, &sealed(value())).unwrap_err();
        assert_eq!(error.diagnostic().code.0, "record-unwritable");
        assert!(check(&nowhere).is_err() && check(folder.path()).is_err());
        assert!(check(&path).is_ok());
    }
}
