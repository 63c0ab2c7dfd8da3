//! Bytes on their way to a registry: counted, and held against their digest before the last of them is given away.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use buildpack_core::digest::{Digest, Hasher};

use super::RegistryError;

/// A stream that fails where it is not the blob that it is taken for.
pub(super) struct Checked<R> {
    stream: R,
    digest: Digest,
    size: u64,
    hasher: Hasher,
    meter: Arc<Meter>,
}

/// What is sent, as far as it got; and the way to end it.
#[derive(Debug, Default)]
pub struct Meter {
    sent: AtomicU64,
    stop: AtomicBool,
}

impl Meter {
    /// Bytes that were sent, those of attempts that failed among them.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Set, it ends what is being sent.
    pub fn stop(&self) -> &AtomicBool {
        &self.stop
    }
}

impl<R: Read> Checked<R> {
    pub(super) fn new(stream: R, digest: &Digest, size: u64, meter: Arc<Meter>) -> Self {
        Self {
            stream,
            digest: *digest,
            size,
            hasher: Hasher::new(),
            meter,
        }
    }

    fn damaged(&self, why: String) -> io::Error {
        io::Error::other(RegistryError::Source {
            digest: self.digest,
            why,
        })
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.meter.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other(RegistryError::Stopped));
        }
        let before = self.hasher.length();
        let read = self.stream.read(buffer)?;
        let length = before + read as u64;
        if length > self.size || (read == 0 && length < self.size) {
            let found = if read == 0 { "only" } else { "at least" };
            let size = self.size;
            return Err(self.damaged(format!("it has {found} {length} bytes, not {size}")));
        }
        self.hasher.update(&buffer[..read]);
        if read > 0 && length == self.size {
            let found = self.hasher.clone().finish();
            if found != self.digest {
                return Err(self.damaged(format!("its bytes are `{found}`")));
            }
        }
        self.meter.sent.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], digest: &Digest, size: u64) -> io::Result<Vec<u8>> {
        let mut stream = Checked::new(bytes, digest, size, Arc::default());
        let mut all = Vec::new();
        let mut piece = [0; 3];
        loop {
            match stream.read(&mut piece)? {
                0 => return Ok(all),
                read => all.extend(&piece[..read]),
            }
        }
    }

    #[test]
    fn it_ends_where_it_is_told_to() {
        let meter = Arc::<Meter>::default();
        let digest = Digest::of(b"some bytes");
        let mut stream = Checked::new(&b"some bytes"[..], &digest, 10, Arc::clone(&meter));
        assert_eq!(stream.read(&mut [0; 3]).unwrap(), 3);
        assert_eq!(meter.sent(), 3);
        meter.stop().store(true, Ordering::Relaxed);
        let error = RegistryError::of_read(stream.read(&mut [0; 3]).unwrap_err());
        assert!(matches!(error, RegistryError::Stopped), "{error:?}");
    }

    #[test]
    fn the_last_bytes_come_only_with_the_right_digest() {
        let digest = Digest::of(b"some bytes");
        assert_eq!(read(b"some bytes", &digest, 10).unwrap(), b"some bytes");
        assert_eq!(read(b"", &Digest::of(b""), 0).unwrap(), b"");
        for wrong in ["some bytez", "some byte", "some bytes!", ""] {
            let error = read(wrong.as_bytes(), &digest, 10).unwrap_err();
            let error = RegistryError::of_read(error);
            assert!(
                matches!(error, RegistryError::Source { .. }),
                "{wrong}: {error:?}"
            );
        }
    }
}
