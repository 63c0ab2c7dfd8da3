//! Blobs that are on their way: they can be read before all of them is there.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use buildpack_core::digest::Digest;

/// What has come of blobs so far. Who fetches tells of it, who reads waits for it.
#[derive(Default)]
pub struct Arrivals {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    blobs: BTreeMap<Digest, Arrival>,
    /// Whether nothing more will come.
    over: bool,
}

/// One blob: the file that it is written to, and how much of it is there.
struct Arrival {
    file: Arc<File>,
    length: u64,
    end: Option<End>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// All of it is there, and has its digest.
    Whole,
    /// It broke off, or is another one.
    Broken,
}

impl Arrivals {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, digest: &Digest, change: impl FnOnce(&mut Arrival)) {
        if let Some(arrival) = self.state().blobs.get_mut(digest) {
            change(arrival);
        }
        self.changed.notify_all();
    }

    /// A blob begins to come into the file at `path`; what came of it before is void.
    pub fn begin(&self, digest: &Digest, path: &Path) -> io::Result<()> {
        let arrival = Arrival {
            file: Arc::new(File::open(path)?),
            length: 0,
            end: None,
        };
        // Who reads what is void now learns so from the other file.
        self.state().blobs.insert(*digest, arrival);
        self.changed.notify_all();
        Ok(())
    }

    /// So many more bytes of it are in the file.
    pub fn grow(&self, digest: &Digest, more: u64) {
        self.change(digest, |arrival| arrival.length += more);
    }

    /// All of it has come, or no more will; `whole` says which.
    pub fn end(&self, digest: &Digest, whole: bool) {
        let end = if whole { End::Whole } else { End::Broken };
        self.change(digest, |arrival| arrival.end = Some(end));
    }

    /// Nothing more will come.
    pub fn over(&self) {
        self.state().over = true;
        self.changed.notify_all();
    }

    /// Waits until a blob begins to come, and gives its bytes as they come. None where it will not.
    pub fn reader(self: &Arc<Self>, digest: &Digest) -> Option<ArrivingBlob> {
        let mut state = self.state();
        loop {
            if let Some(arrival) = state.blobs.get(digest) {
                return Some(ArrivingBlob {
                    arrivals: Arc::clone(self),
                    digest: *digest,
                    file: Arc::clone(&arrival.file),
                    at: 0,
                });
            }
            if state.over {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A blob's bytes as they come. Its digest is known only at the end, which is an error where it is wrong.
pub struct ArrivingBlob {
    arrivals: Arc<Arrivals>,
    digest: Digest,
    file: Arc<File>,
    at: u64,
}

impl Read for ArrivingBlob {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.arrivals.state();
        let there = loop {
            let arrival = state.blobs.get(&self.digest);
            let arrival = arrival.filter(|arrival| Arc::ptr_eq(&arrival.file, &self.file));
            match arrival {
                None => return Err(io::Error::other("it began anew")),
                Some(arrival) if arrival.end == Some(End::Broken) => {
                    return Err(io::Error::other("it broke off"));
                }
                Some(arrival) if arrival.length > self.at || arrival.end.is_some() => {
                    break arrival.length - self.at;
                }
                Some(_) if state.over => return Err(io::Error::other("it broke off")),
                Some(_) => {}
            }
            state = (self.arrivals.changed)
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        };
        drop(state);
        let most = usize::try_from(there).map_or(buffer.len(), |there| buffer.len().min(there));
        let read = self.file.read_at(&mut buffer[..most], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_blob_is_read_while_it_comes() {
        let digest = Digest::of(b"onetwo");
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let arrivals = Arc::new(Arrivals::default());
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut text = String::new();
                let mut blob = arrivals.reader(&digest).unwrap();
                let mut first = [0; 3];
                blob.read_exact(&mut first).unwrap();
                blob.read_to_string(&mut text).unwrap();
                (first, text)
            });
            arrivals.begin(&digest, file.path()).unwrap();
            for part in [b"one", b"two"] {
                file.write_all(part).unwrap();
                arrivals.grow(&digest, 3);
            }
            arrivals.end(&digest, true);
            assert_eq!(reader.join().unwrap(), (*b"one", "two".to_owned()));
        });
    }

    #[test]
    fn what_breaks_off_begins_anew_or_never_comes_is_told() {
        let (digest, other) = (Digest::of(b"1"), Digest::of(b"2"));
        let file = tempfile::NamedTempFile::new().unwrap();
        let arrivals = Arc::new(Arrivals::default());
        let begin = || arrivals.begin(&digest, file.path()).unwrap();
        begin();
        let mut void = arrivals.reader(&digest).unwrap();
        begin();
        let mut broken = arrivals.reader(&digest).unwrap();
        assert!(void.read(&mut [0]).is_err());
        arrivals.end(&digest, false);
        assert!(broken.read(&mut [0]).is_err());
        begin();
        let mut left = arrivals.reader(&digest).unwrap();
        arrivals.over();
        assert!(left.read(&mut [0]).is_err());
        assert!(arrivals.reader(&other).is_none());
    }
}
