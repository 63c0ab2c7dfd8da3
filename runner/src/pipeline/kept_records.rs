//! Build records that are kept under the names of their images: the last, and the last of a build that made an image.

use buildpack_core::store::{Bucket, Store};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::failure::Failure;
use crate::records::{Outcome, Record, file};

/// What is kept under a name.
pub struct Kept {
    /// The last build.
    pub last: Record,
    /// The last one before it that made an image.
    pub green: Option<Record>,
}

/// The same as it lies in the store: sealed.
#[derive(Serialize, Deserialize)]
struct Sealed {
    last: Value,
    green: Option<Value>,
}

fn record(store: &Store, name: &str) -> buildpack_core::store::Record<Sealed> {
    store.record(Bucket::Images, &format!("record {name}"))
}

/// Keeps a sealed record of a build of `name`.
pub fn keep(store: &Store, name: &str, outcome: Outcome, sealed: &Value) -> Result<(), Failure> {
    let record = record(store, name);
    let before = record.get();
    let green = before.and_then(|before| {
        let made_one = before.last["outcome"] != "failed";
        // That nothing had changed since is no news: the one before that stays.
        let no_news = outcome == Outcome::Unchanged && before.green.is_some();
        Some(before.last)
            .filter(|_| made_one && !no_news)
            .or(before.green)
    });
    let last = sealed.clone();
    Ok(record.write(&Sealed { last, green })?)
}

/// What is kept under `name`.
pub fn of(store: &Store, name: &str) -> Result<Option<Kept>, Failure> {
    let Some(kept) = record(store, name).get() else {
        return Ok(None);
    };
    let read = |value: &Value| file::parse(value.to_string().as_bytes(), name);
    Ok(Some(Kept {
        last: read(&kept.last)?,
        green: kept.green.as_ref().map(read).transpose()?,
    }))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn the_last_image_stays_known_while_builds_fail() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().to_owned()).unwrap();
        let keep = |exit: u8, outcome| {
            let record = Record {
                outcome,
                exit,
                ..Record::begin(Timestamp::UNIX_EPOCH)
            };
            let value = serde_json::to_value(record).unwrap();
            super::keep(&store, "app", outcome, &file::sealed(value)).unwrap();
            let kept = of(&store, "app").unwrap().unwrap();
            (kept.last.exit, kept.green.map(|green| green.exit))
        };
        assert!(of(&store, "app").unwrap().is_none());
        assert_eq!(keep(1, Outcome::Failed), (1, None));
        assert_eq!(keep(10, Outcome::Built), (10, None));
        assert_eq!(keep(11, Outcome::Unchanged), (11, Some(10)));
        assert_eq!(keep(2, Outcome::Failed), (2, Some(11)));
        assert_eq!(keep(3, Outcome::Failed), (3, Some(11)));
        assert_eq!(keep(12, Outcome::Built), (12, Some(11)));
        assert_eq!(keep(13, Outcome::Unchanged), (13, Some(11)));
        assert_eq!(keep(4, Outcome::Failed), (4, Some(13)));
    }
}
