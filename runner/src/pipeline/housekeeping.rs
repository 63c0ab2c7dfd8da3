//! The store's clean-up: by itself once a day after a build, or when somebody asks.

use std::collections::BTreeSet;
use std::time::Duration;

use buildpack_core::store::{Bucket, Freed};

use super::failure::Failure;
use super::record::all_named;
use super::services::Services;

/// How long one clean-up lasts.
const DAY: Duration = Duration::from_hours(24);

/// Removes what no named image and no stack needs, then what was not used for longest until the rest is within `cap`
/// bytes. What other processes use stays.
pub fn clean_up(services: &Services, cap: u64) -> Result<Freed, Failure> {
    let mut live: BTreeSet<_> = services.stacks.live_blobs()?;
    for record in all_named(&services.store) {
        live.extend(record.image.layers.iter().map(|layer| layer.digest));
    }
    Ok(services.store.gc(cap, &|digest| live.contains(digest))?)
}

/// Cleans up if that was last done more than a day ago. A first call only notes the time.
pub fn daily_clean_up(services: &Services, cap: u64) -> Result<Option<Freed>, Failure> {
    let record = services
        .store
        .record::<jiff::Timestamp>(Bucket::Pins, "last clean-up");
    let last = record.get();
    let due = last.is_some_and(|last| services.now.duration_since(last).unsigned_abs() > DAY);
    if last.is_none() || due {
        record.write(&services.now)?;
    }
    if due {
        clean_up(services, cap).map(Some)
    } else {
        Ok(None)
    }
}
