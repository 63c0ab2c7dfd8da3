//! From an artifact to a verified file of the store.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::draft::Transferred;
use super::transfer::{is_page, transfer};
use super::{Artifact, DownloadError, Fetch, RetryPolicy, Verify, redact_url};
use crate::digest::{Digest, HashingReader};
use crate::event::{Event, EventSink};
use crate::store::{Bucket, MissReason, Record, Share, Store, StoreError};

/// A verified file of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloaded {
    /// Where it is kept.
    pub path: PathBuf,
    /// Its SHA-256.
    pub digest: Digest,
    /// Its bytes.
    pub size: u64,
    /// Whether it was kept from before.
    pub reused: bool,
}

/// The SHA-256 under which a file is kept that was not asked for by it.
#[derive(Serialize, Deserialize)]
struct Known {
    sha256: Digest,
    url: String,
}

/// Gets `artifact` from the store or from the net, verified. Among several processes one downloads, the others wait.
pub fn download(
    fetch: &dyn Fetch,
    store: &Store,
    artifact: &Artifact,
    policy: &RetryPolicy<'_>,
    events: &dyn EventSink,
) -> Result<Downloaded, DownloadError> {
    let _lock = store.lock(
        Bucket::Downloads,
        &identity(artifact),
        Share::Exclusive,
        &|| {
            events.detail(&format!(
                "Waiting for another bp that downloads {}",
                artifact.name
            ));
        },
    )?;
    let known = known_digest(store, artifact)?;
    let mut reason = MissReason::Absent;
    if let Some(digest) = known {
        match kept(store, digest)? {
            Ok(downloaded) => {
                tell(events, artifact, None);
                return Ok(downloaded);
            }
            Err(why) => reason = why,
        }
    }
    tell(events, artifact, Some(&reason));
    fetch_verified(fetch, store, artifact, policy, events)
}

/// The SHA-256 of an artifact, as far as it is known without the net.
pub(super) fn known_digest(
    store: &Store,
    artifact: &Artifact,
) -> Result<Option<Digest>, StoreError> {
    match &artifact.verify {
        Verify::Sha256(digest) => Ok(Some(*digest)),
        Verify::Sha512Hex(_) => Ok(record(store, artifact).get().map(|known| known.sha256)),
        // A damaged pin must not count as none: the next best file would be pinned in its place.
        Verify::FirstUse => Ok(record(store, artifact).read()?.map(|known| known.sha256)),
        Verify::Unknown => Ok(None),
    }
}

/// What an artifact is, whatever it is called: the lock and the record go by it.
fn identity(artifact: &Artifact) -> String {
    match &artifact.verify {
        Verify::Sha256(digest) => digest.to_string(),
        Verify::Sha512Hex(hex) => format!("sha512:{}", hex.to_ascii_lowercase()),
        Verify::FirstUse | Verify::Unknown => artifact.url.clone(),
    }
}

fn record(store: &Store, artifact: &Artifact) -> Record<Known> {
    match artifact.verify {
        // An address may carry a password: its digest names it as well.
        Verify::FirstUse => store.record(Bucket::Pins, &Digest::of(artifact.url.as_bytes()).hex()),
        _ => store.record(Bucket::Downloads, &identity(artifact)),
    }
}

/// The kept file of this digest, read once to be sure that it still is.
fn kept(store: &Store, digest: Digest) -> Result<Result<Downloaded, MissReason>, StoreError> {
    let Some(path) = store.file(Bucket::Downloads, &digest) else {
        return Ok(Err(MissReason::Absent));
    };
    match read_back(&path) {
        Ok((found, size)) if found == digest => Ok(Ok(Downloaded {
            path,
            digest,
            size,
            reused: true,
        })),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            Err(StoreError::io("read", &path, error))
        }
        _ => {
            store.remove(Bucket::Downloads, &digest)?;
            Ok(Err(MissReason::Damaged))
        }
    }
}

fn read_back(path: &Path) -> std::io::Result<(Digest, u64)> {
    HashingReader::new(fs_err::File::open(path)?).drain()
}

fn tell(events: &dyn EventSink, artifact: &Artifact, reason: Option<&MissReason>) {
    events.emit(Event::Cache {
        what: artifact.name.clone(),
        hit: reason.is_none(),
        reason: reason.map(ToString::to_string),
    });
}

fn fetch_verified(
    fetch: &dyn Fetch,
    store: &Store,
    artifact: &Artifact,
    policy: &RetryPolicy<'_>,
    events: &dyn EventSink,
) -> Result<Downloaded, DownloadError> {
    let draft = store.partial(Bucket::Downloads, &identity(artifact));
    let transferred = match verified(fetch, store, artifact, &draft, policy, events) {
        Err(error) => {
            // Of what is wrong nothing is worth going on with.
            if !matches!(error, DownloadError::Fetch { .. }) {
                let _ = fs_err::remove_file(&draft);
            }
            return Err(error);
        }
        Ok(transferred) => transferred,
    };
    let Transferred { digest, size, .. } = transferred;
    let place = |path: &Path| {
        fs_err::rename(&draft, path).map_err(|error| StoreError::io("write", path, error))
    };
    let path = store.make_file(Bucket::Downloads, &digest, events, place)?;
    if draft.exists() && !matches!(read_back(&path), Ok((found, _)) if found == digest) {
        // A damaged one could not be removed because another process has it: it keeps its own, the next gets ours.
        place(&path)?;
    }
    let _ = fs_err::remove_file(&draft);
    if !matches!(artifact.verify, Verify::Sha256(_) | Verify::Unknown) {
        record(store, artifact).write(&Known {
            sha256: digest,
            url: redact_url(&artifact.url),
        })?;
    }
    Ok(Downloaded {
        path,
        digest,
        size,
        reused: false,
    })
}

fn verified(
    fetch: &dyn Fetch,
    store: &Store,
    artifact: &Artifact,
    draft: &Path,
    policy: &RetryPolicy<'_>,
    events: &dyn EventSink,
) -> Result<Transferred, DownloadError> {
    let mut transferred = transfer(fetch, artifact, draft, policy, events)?;
    if let Err(error) = verify(store, artifact, &transferred) {
        if !transferred.doubtful {
            return Err(error);
        }
        fs_err::remove_file(draft).map_err(|error| StoreError::io("remove", draft, error))?;
        transferred = transfer(fetch, artifact, draft, policy, events)?;
        verify(store, artifact, &transferred)?;
    }
    Ok(transferred)
}

fn verify(store: &Store, artifact: &Artifact, came: &Transferred) -> Result<(), DownloadError> {
    let (expected, found) = match &artifact.verify {
        Verify::Sha256(expected) => (expected.to_string(), came.digest.to_string()),
        Verify::Sha512Hex(expected) => (
            format!("sha512:{}", expected.to_ascii_lowercase()),
            format!("sha512:{}", came.sha512.as_deref().unwrap_or_default()),
        ),
        Verify::Unknown => return Ok(()),
        Verify::FirstUse => {
            let record = record(store, artifact);
            return match record.read()? {
                Some(known) if known.sha256 != came.digest => Err(DownloadError::PinChanged {
                    name: artifact.name.clone(),
                    url: redact_url(&artifact.url).into(),
                    pinned: known.sha256,
                    found: came.digest,
                    pin: record.path().into(),
                }),
                _ => Ok(()),
            };
        }
    };
    if expected == found {
        return Ok(());
    }
    let (name, url) = (artifact.name.clone(), redact_url(&artifact.url));
    Err(if is_page(&came.head) {
        DownloadError::NotAnArchive {
            name,
            url,
            what: "a web page".to_owned(),
            expected: "the file",
        }
    } else {
        DownloadError::WrongDigest {
            name,
            url,
            expected,
            found,
        }
    })
}
