//! What is wrong with an entry, and names that are none.

use std::io;

use super::tree::TreeError;

/// Why an entry can't be unpacked.
pub(super) enum Fault {
    /// The entry is at fault.
    Entry(String),
    /// The archive could not be read.
    Read(io::Error),
    /// The tree could not be written.
    Write(io::Error),
}

impl Fault {
    /// The entry is at fault: this is wrong with it.
    pub(super) fn entry(why: &str) -> Self {
        Self::Entry(why.to_owned())
    }
}

impl From<TreeError> for Fault {
    fn from(error: TreeError) -> Self {
        match error {
            TreeError::Entry(why) => Self::Entry(why),
            TreeError::Io(cause) => Self::Write(cause),
        }
    }
}

/// A path without `.`, doubled and outer slashes. `..` has no place in an image.
pub(super) fn clean(path: &[u8]) -> Result<Vec<u8>, Fault> {
    if path.contains(&0) {
        return Err(Fault::entry("has a NUL in its name"));
    }
    let mut parts = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return Err(Fault::entry("climbs out of its folder with `..`")),
            part if part.len() > 255 => return Err(Fault::entry("has a name that is too long")),
            part => parts.push(part),
        }
    }
    Ok(parts.join(&b'/'))
}

/// An entry's name for a message.
pub(super) fn shown(path: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(path)
        .escape_debug()
        .take(120)
        .collect();
    if text.len() < path.len() {
        format!("{text}…")
    } else {
        text
    }
}
