//! What a name meant when it was last asked for: what `--offline` goes by.

use buildpack_core::store::{Bucket, Record};
use buildpack_core::wanted::lock::Identity;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::Why;
use super::{Got, Reach, kept};

/// The memory of one address as it is written.
pub(super) struct Remembered<'a> {
    record: Record<Meant>,
    held: Option<&'a Identity>,
    reach: &'a Reach<'a>,
}

/// What it meant.
#[derive(Serialize, Deserialize)]
struct Meant {
    #[serde(flatten)]
    identity: Identity,
    on: Timestamp,
}

impl<'a> Remembered<'a> {
    /// The memory of what is written so, without credentials; `held` is what a lock holds it to.
    pub(super) fn of(written: &str, held: Option<&'a Identity>, reach: &'a Reach<'a>) -> Self {
        Self {
            record: reach.store.record(Bucket::Packs, written),
            held,
            reach,
        }
    }

    /// Writes down what it means today. What a lock says is no news of the address.
    pub(super) fn write(&self, identity: &Identity) -> Result<(), Why> {
        if self.held.is_some() {
            return Ok(());
        }
        Ok(self.record.write(&Meant {
            identity: identity.clone(),
            on: self.reach.now,
        })?)
    }

    /// The pack that it meant, if that is kept; for who may not ask.
    pub(super) fn offline(&self) -> Result<Got, Why> {
        if let Some(held) = self.held {
            // It was looked for already.
            return Err(Why::Offline {
                known: Some(held.short()),
            });
        }
        let meant = self.record.get().ok_or(Why::Offline { known: None })?;
        let got = kept(&meant.identity, self.reach).ok_or(Why::Offline {
            known: Some(meant.identity.short()),
        })?;
        self.reach.events.detail(&format!(
            "Working offline: what it was on {} is taken",
            meant.on.strftime("%Y-%m-%d")
        ));
        Ok(got)
    }
}
