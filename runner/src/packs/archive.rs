//! Packs that come as an archive.

use std::path::Path;
use std::thread;

use buildpack_core::toolchain::{
    Artifact, DownloadError, Kind, RetryPolicy, UnpackLimits, Verify, download, unpack_tar,
};
use buildpack_core::wanted::lock::Identity;

use super::error::Why;
use super::remembered::Remembered;
use super::{Got, Reach, folder, keep};

/// The largest pack seen has some megabytes.
const LARGEST: u64 = 512 << 20;

/// The pack of an archive of the web. Every time it is fetched anew, since another file may stand there.
pub(super) fn get(
    url: &str,
    shown: &str,
    held: Option<&Identity>,
    memory: &Remembered<'_>,
    reach: &Reach<'_>,
) -> Result<Got, Why> {
    if reach.offline {
        return memory.offline();
    }
    let artifact = Artifact {
        name: format!("buildpack {shown}"),
        url: url.to_owned(),
        verify: match held {
            Some(Identity::Sha256(hex)) => hex.parse().map_or(Verify::Unknown, Verify::Sha256),
            _ => Verify::Unknown,
        },
        max_bytes: LARGEST,
        kind: Kind::Tar,
    };
    let policy = RetryPolicy::new(&thread::sleep);
    let came = match (
        download(reach.fetch, reach.store, &artifact, &policy, reach.events),
        held,
    ) {
        (Err(DownloadError::WrongDigest { .. }), Some(locked)) => {
            return Err(Why::Drifted {
                locked: locked.clone(),
                found: None,
            });
        }
        (came, _) => came?,
    };
    let identity = Identity::Sha256(came.digest.hex());
    let got = keep(identity, reach, |folder| unpack(&came.path, folder, reach))?;
    memory.write(&got.identity)?;
    Ok(got)
}

/// Unpacks into an empty folder. Where all of it stands in one folder more than it should, that is left out.
pub(super) fn unpack(archive: &Path, into: &Path, reach: &Reach<'_>) -> Result<(), Why> {
    unpack_at(archive, into, 0)?;
    if into.join("bin").is_dir() {
        return Ok(());
    }
    let Some(top) = only_folder(into)? else {
        return Ok(());
    };
    if !top.join("bin").is_dir() {
        return Ok(());
    }
    let name = top.file_name().unwrap_or_default().display().to_string();
    reach.events.detail(&format!(
        "The archive holds the pack in a folder `{name}`, which was left out"
    ));
    // Unpacked anew, so that its links are held against the folder that the pack has now.
    folder::empty(into)?;
    unpack_at(archive, into, 1)
}

fn unpack_at(archive: &Path, into: &Path, strip: usize) -> Result<(), Why> {
    let file = fs_err::File::open(archive).map_err(|error| Why::disk("read", archive, error))?;
    unpack_tar(file, into, strip, UnpackLimits::default()).map_err(Why::Unpack)
}

/// The folder that stands alone in `folder`.
fn only_folder(folder: &Path) -> Result<Option<std::path::PathBuf>, Why> {
    let fail = |error| Why::disk("read", folder, error);
    let mut entries = fs_err::read_dir(folder).map_err(fail)?;
    let (first, second) = (entries.next(), entries.next());
    let first = first.transpose().map_err(fail)?;
    Ok(first
        .filter(|entry| second.is_none() && entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path()))
}
