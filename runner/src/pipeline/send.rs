//! What a build leaves for other machines.

use jiff::tz::TimeZone;

use super::holders::Remembered;
use super::request::Request;
use super::secrets::gate_of_all;
use super::services::Services;
use crate::remote_cache::Sending;

/// Sends what a build that succeeded, or a run of tests, used or made to the remote cache, where there is one, in no more than `cap` bytes. The
/// build is done, whatever becomes of it.
pub fn send_to_remote_cache(request: &Request, services: &Services, cap: u64) {
    let Some(remote) = &services.remote_cache else {
        return;
    };
    let sending = Sending {
        store: &services.store,
        // What one app allows in its own image is still no other app's.
        gate: &gate_of_all(request, services),
        today: services.now.to_zoned(TimeZone::UTC).date(),
        cap,
        holders: &Remembered(&services.store),
    };
    remote.send(&sending);
}
