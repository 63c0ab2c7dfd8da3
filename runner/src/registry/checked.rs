//! Bytes on their way to a registry: counted, and held against their digest before the last of them is given away.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use buildpack_core::digest::{Digest, Hasher};

use super::RegistryError;

/// A stream that fails where it is not the blob that it is taken for.
pub(super) struct Checked<R> {
    stream: R,
    digest: Digest,
    size: u64,
    hasher: Hasher,
    counter: Arc<AtomicU64>,
}

impl<R: Read> Checked<R> {
    pub(super) fn new(stream: R, digest: &Digest, size: u64, counter: Arc<AtomicU64>) -> Self {
        Self {
            stream,
            digest: *digest,
            size,
            hasher: Hasher::new(),
            counter,
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
        self.counter.fetch_add(read as u64, Ordering::Relaxed);
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
