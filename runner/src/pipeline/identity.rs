//! Which commit an app is, and the one time that its image carries.

use std::path::Path;
use std::process::{Command, Stdio};

use buildpack_core::diagnostic::{Class, Diagnostic};
use jiff::Timestamp;

use super::failure::Failure;

/// What an image says of its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    /// The commit, where the app is a git checkout.
    pub revision: Option<String>,
    /// The image's time: `SOURCE_DATE_EPOCH`, else the commit's, else 2000-01-01.
    pub created: Timestamp,
}

impl Identity {
    /// The identity of the app at `root`; `epoch` is the value of `SOURCE_DATE_EPOCH`, if it is set.
    ///
    /// Asks git only where the app's own folder is a checkout: a folder inside another one has no commit of its own.
    pub(super) fn of(root: &Path, epoch: Option<&str>) -> Result<Self, Failure> {
        let commit = root
            .join(".git")
            .symlink_metadata()
            .ok()
            .and_then(|_| commit(root));
        let created = match (epoch, &commit) {
            (Some(text), _) => parse(text)?,
            (None, Some((_, time))) => *time,
            (None, None) => Timestamp::constant(FLOOR, 0),
        };
        Ok(Self {
            revision: commit.map(|(revision, _)| revision),
            created,
        })
    }
}

/// 2000-01-01T00:00:00Z, the time of the image's files.
const FLOOR: i64 = 946_684_800;

fn parse(text: &str) -> Result<Timestamp, Failure> {
    text.trim()
        .parse()
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .ok_or_else(|| {
            Failure::of(
                Diagnostic::error(
                    "source-date-epoch",
                    Class::Usage,
                    format!("`SOURCE_DATE_EPOCH` is `{text}`, expected seconds since 1970"),
                )
                .help("unset it, or set it to a number such as the output of `git log -1 --format=%ct`"),
            )
        })
}

/// The checked-out commit and its time; none without git, or where there is no commit yet.
fn commit(root: &Path) -> Option<(String, Timestamp)> {
    let output = Command::new("git")
        // The folder may belong to another user; nothing of it is run by reading a commit.
        .args(["-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-C"])
        .arg(root)
        .args(["log", "-1", "--no-show-signature", "--format=%H %ct"])
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        // Of a clone without all objects, git would ask the remote that the folder names.
        .env("GIT_NO_LAZY_FETCH", "1")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (revision, seconds) = text.trim().split_once(' ')?;
    let time = Timestamp::from_second(seconds.parse().ok()?).ok()?;
    Some((revision.to_owned(), time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_epoch_wins_and_nonsense_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let of = |epoch| Identity::of(folder.path(), epoch);
        assert_eq!(of(None).unwrap().created.as_second(), FLOOR);
        assert_eq!(
            of(Some("1700000000")).unwrap().created.as_second(),
            1_700_000_000
        );
        for text in ["", "yesterday", "99999999999999999"] {
            assert_eq!(of(Some(text)).unwrap_err().class(), Class::Usage, "{text}");
        }
    }
}
