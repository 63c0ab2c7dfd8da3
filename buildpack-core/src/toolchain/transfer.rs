//! The bytes of one file, from several answers if it must be: resumed where the server can.

use std::io::{self, Read as _};
use std::path::Path;

use super::draft::{BUFFER, Draft, Transferred};
use super::{
    Artifact, Cause, DownloadError, Fetch, FetchError, Kind, Request, Response, RetryPolicy,
};
use crate::event::EventSink;
use crate::store::StoreError;

/// What one try brought forward is worth a new count of failures from this many bytes on.
const WORTH: u64 = 1 << 20;

/// A progress event for at most every so many bytes.
const STEP: u64 = 256 << 10;

/// Why one try ended early.
enum Stop {
    Network(FetchError),
    Final(DownloadError),
}

/// Gets the file's bytes to `path`, trying again as `policy` says. What stands there is the file's beginning, or of
/// no use. After a failure of the network it stays, for the next run to go on with.
pub(super) fn transfer(
    fetch: &dyn Fetch,
    artifact: &Artifact,
    path: &Path,
    policy: &RetryPolicy<'_>,
    events: &dyn EventSink,
) -> Result<Transferred, DownloadError> {
    let mut draft = Draft::resume(path, artifact)?;
    if draft.spliced && draft.is_whole(artifact) {
        return Ok(draft.finish());
    }
    let (mut failures, mut tries) = (0, 0);
    loop {
        let before = draft.length();
        tries += 1;
        let error = match one_try(fetch, artifact, path, &mut draft, policy, events) {
            Ok(()) => {
                events.progress(&artifact.name, draft.length(), draft.total, true);
                return Ok(draft.finish());
            }
            Err(Stop::Final(error)) => return Err(error),
            Err(Stop::Network(error)) => error,
        };
        let gained = draft.length().saturating_sub(before);
        failures = if gained >= WORTH { 1 } else { failures + 1 };
        let Some(wait) = policy.wait_after(failures, &error) else {
            return Err(DownloadError::Fetch {
                name: artifact.name.clone(),
                error,
                tries,
            });
        };
        events.detail(&format!(
            "{}: {}; trying again in {} s",
            artifact.name,
            error.cause,
            wait.as_secs_f32()
        ));
        (policy.sleep)(wait);
    }
}

fn one_try(
    fetch: &dyn Fetch,
    artifact: &Artifact,
    path: &Path,
    draft: &mut Draft,
    policy: &RetryPolicy<'_>,
    events: &dyn EventSink,
) -> Result<(), Stop> {
    let fresh = || Draft::new(path, artifact).map_err(|error| Stop::Final(error.into()));
    // Without a published digest nothing but the ETag says that two answers are parts of one file.
    let may_splice = draft.etag.is_some() || artifact.verify.tells_parts_apart();
    if !may_splice && draft.length() > 0 {
        *draft = fresh()?;
    }
    let asked = draft.length();
    let mut request = Request::get(&artifact.url);
    request.limits = policy.limits;
    if asked > 0 {
        request.range_from = Some(asked);
        request.etag.clone_from(&draft.etag);
    }
    let response = match fetch.get(&request) {
        Err(error) => {
            // What came is longer than the file is now: begin anew.
            if asked > 0 && matches!(error.cause, Cause::Status { status: 416, .. }) {
                *draft = fresh()?;
                let broken = Cause::Broken("the server cannot go on where it stopped".to_owned());
                return Err(Stop::Network(FetchError::new(&artifact.url, broken)));
            }
            return Err(Stop::Network(error));
        }
        Ok(response) => response,
    };
    match response.status {
        200 => {
            if asked > 0 {
                *draft = fresh()?;
            }
            draft.total = response.length;
            draft.etag = response.etag.clone().filter(|etag| !etag.starts_with("W/"));
        }
        206 if asked > 0 && continues(&response, draft, asked) => draft.spliced = true,
        206 if asked > 0 => {
            *draft = fresh()?;
            let broken = Cause::Broken("the file changed on the server".to_owned());
            return Err(Stop::Network(FetchError::new(&artifact.url, broken)));
        }
        status => {
            let odd = Cause::Invalid(format!("the server answered {status} to a plain request"));
            return Err(Stop::Network(FetchError::new(&artifact.url, odd)));
        }
    }
    copy(response, artifact, path, draft, policy, events)
}

/// Whether a partial answer goes on where the draft ends.
fn continues(response: &Response, draft: &Draft, asked: u64) -> bool {
    let (Some((first, total)), true) = (
        response.range,
        response.etag == draft.etag || draft.etag.is_none(),
    ) else {
        return false;
    };
    first == asked && (total.is_none() || draft.total.is_none() || total == draft.total)
}

fn copy(
    response: Response,
    artifact: &Artifact,
    path: &Path,
    draft: &mut Draft,
    policy: &RetryPolicy<'_>,
    events: &dyn EventSink,
) -> Result<(), Stop> {
    let promised = response.length.map(|length| draft.length() + length);
    let too_large = || {
        Stop::Final(DownloadError::TooLarge {
            name: artifact.name.clone(),
            url: response.final_url.clone(),
            max_bytes: artifact.max_bytes,
        })
    };
    if promised.is_some_and(|length| length > artifact.max_bytes) {
        return Err(too_large());
    }
    let mut body = response.body;
    let mut buffer = vec![0; BUFFER];
    let mut told = draft.length();
    let mut looked = draft.seen.head.len() >= 4;
    events.progress(&artifact.name, told, draft.total, false);
    loop {
        let read = match body.read(&mut buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let error = FetchError::body(&artifact.url, &error, policy.limits);
                return Err(Stop::Network(error));
            }
        };
        if draft.length() + read as u64 > artifact.max_bytes {
            return Err(too_large());
        }
        draft
            .push(&buffer[..read])
            .map_err(|error| Stop::Final(StoreError::io("write", path, error).into()))?;
        if read == 0 || (!looked && draft.seen.head.len() >= 4) {
            looked = true;
            let early = promised.is_some_and(|length| draft.length() < length);
            if !(read == 0 && early) {
                look(
                    artifact,
                    &response.final_url,
                    response.content_type.as_deref(),
                    &draft.seen.head,
                )
                .map_err(Stop::Final)?;
            }
        }
        if read == 0 {
            break;
        }
        if draft.length() - told >= STEP {
            told = draft.length();
            events.progress(&artifact.name, told, draft.total, false);
        }
    }
    if promised.is_some_and(|length| draft.length() < length) {
        let broken = Cause::Broken("it ended before all bytes had come".to_owned());
        return Err(Stop::Network(FetchError::new(&artifact.url, broken)));
    }
    Ok(())
}

/// Refuses what cannot be the archive by its first bytes: an error page is never an archive.
fn look(
    artifact: &Artifact,
    url: &str,
    content_type: Option<&str>,
    head: &[u8],
) -> Result<(), DownloadError> {
    let (magics, expected): (&[&[u8]], _) = match artifact.kind {
        Kind::TarGz => (&[b"\x1f\x8b"], "a gzipped tar"),
        Kind::Zip => (&[b"PK\x03\x04", b"PK\x05\x06"], "a zip"),
        Kind::Program => (&[b"\x7fELF"], "a program"),
        // A plain one has its mark further back.
        Kind::Tar => (&[], "a tar"),
        Kind::Raw => return Ok(()),
    };
    if magics.iter().any(|magic| head.starts_with(magic)) {
        return Ok(());
    }
    let what = if head.is_empty() {
        "empty"
    } else if is_page(head) || content_type.is_some_and(|kind| kind.contains("html")) {
        "a web page"
    } else if artifact.kind == Kind::Tar {
        return Ok(());
    } else {
        "something else"
    };
    Err(DownloadError::NotAnArchive {
        name: artifact.name.clone(),
        url: url.to_owned(),
        what: what.to_owned(),
        expected,
    })
}

/// Whether a file begins as web pages do.
pub(super) fn is_page(head: &[u8]) -> bool {
    let start = String::from_utf8_lossy(head)
        .trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t'])
        .to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}
