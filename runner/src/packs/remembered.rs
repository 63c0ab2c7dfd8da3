//! What a name meant when it was last asked for: what `--offline` goes by.

use buildpack_core::store::{Bucket, Record};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::Why;
use super::{Got, Reach, kept};

/// The memory of one address as it is written.
pub(super) struct Remembered<'a> {
    record: Record<Meant>,
    reach: &'a Reach<'a>,
}

/// What it meant.
#[derive(Serialize, Deserialize)]
struct Meant {
    identity: String,
    on: Timestamp,
}

impl<'a> Remembered<'a> {
    /// The memory of what is written so, without credentials.
    pub(super) fn of(written: &str, reach: &'a Reach<'a>) -> Self {
        Self {
            record: reach.store.record(Bucket::Packs, written),
            reach,
        }
    }

    /// Writes down what it means today.
    pub(super) fn write(&self, identity: &str) -> Result<(), Why> {
        Ok(self.record.write(&Meant {
            identity: identity.to_owned(),
            on: self.reach.now,
        })?)
    }

    /// The pack that it meant, if that is kept; for who may not ask.
    pub(super) fn offline(&self) -> Result<Got, Why> {
        let meant = self.record.get().ok_or(Why::Offline { known: None })?;
        let got = kept(&meant.identity, self.reach).ok_or(Why::Offline {
            known: Some(meant.on),
        })?;
        self.reach.events.detail(&format!(
            "Working offline: this is what it was on {}",
            meant.on.strftime("%Y-%m-%d")
        ));
        Ok(got)
    }
}
