//! Gzip (RFC 1952) by blocks, all in one member: each is compressed with the end of the one before it as its dictionary,
//! and ended on a byte border. What is compressed already is stored as it is.

use std::io::{self, Write};
use std::ops::Range;

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

use super::blocks::{self, Block, Codec, Failure, Packed};

const BLOCK: usize = 1 << 20;
const WINDOW: usize = 32 << 10;
const LEVEL: u32 = 6;
/// Magic, deflate, no flags, no time, no hint about the level, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// An empty last block with fixed codes: what comes before it need not know that it is the last.
const END: [u8; 2] = [3, 0];
/// Bytes of a stored block at most (RFC 1951, 3.2.4).
const STORED: usize = 0xffff;

/// The format.
pub(super) struct Gzip;

/// Compresses what `fill` writes into `out`, on `threads` threads besides the caller's; gives both back.
pub fn gzip<W: Write + Send, T>(
    threads: usize,
    out: W,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<T>,
) -> io::Result<(W, T)> {
    match blocks::pack(&Gzip, threads, out, |input| fill(input)) {
        Ok(written) => Ok((written.out, written.value)),
        Err(Failure::Fill(error) | Failure::Write(error)) => Err(error),
    }
}

impl Codec for Gzip {
    type Packer = ();

    fn block(&self) -> usize {
        BLOCK
    }

    fn packer(&self) -> io::Result<()> {
        Ok(())
    }

    fn head(&self) -> &'static [u8] {
        &HEADER
    }

    fn pack(&self, (): &mut (), before: Option<&Block>, block: &Block) -> io::Result<Packed> {
        let mut out = Vec::with_capacity(block.bytes.len() / 2 + 1024);
        let mut at = 0;
        for dense in &block.dense {
            deflate(before, &block.bytes, at..dense.start, &mut out)?;
            store(&block.bytes[dense.clone()], &mut out);
            at = dense.end;
        }
        let rest = at..block.bytes.len();
        deflate(before, &block.bytes, rest, &mut out)?;
        let mut crc = Crc::new();
        crc.update(&block.bytes);
        Ok(Packed { bytes: out, crc })
    }

    fn tail(&self, crc: &Crc) -> Vec<u8> {
        let (sum, length) = (crc.sum().to_le_bytes(), crc.amount().to_le_bytes());
        [&END[..], &sum, &length].concat()
    }
}

/// Adds a part of `bytes` as deflate, ended on a byte border. What stands before it is its dictionary.
///
/// Each part has a state of its own: one that was reset still compresses in another way than a new one.
fn deflate(
    before: Option<&Block>,
    bytes: &[u8],
    part: Range<usize>,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    if part.is_empty() {
        return Ok(());
    }
    let mut state = Compress::new(Compression::new(LEVEL), false);
    let own = &bytes[part.start.saturating_sub(WINDOW)..part.start];
    let before = before.map_or(&[][..], |before| &before.bytes);
    let missing = (WINDOW - own.len()).min(before.len());
    let dictionary = [&before[before.len() - missing..], own].concat();
    if !dictionary.is_empty() {
        state
            .set_dictionary(&dictionary)
            .map_err(io::Error::other)?;
    }
    let part = &bytes[part];
    loop {
        let taken = usize::try_from(state.total_in()).map_err(io::Error::other)?;
        let status = state
            .compress_vec(&part[taken..], out, FlushCompress::Sync)
            .map_err(io::Error::other)?;
        // Room left over means that everything, the flush too, has come out.
        if status == Status::BufError || out.len() < out.capacity() {
            return Ok(());
        }
        out.reserve(part.len() / 4 + 1024);
    }
}

/// Adds `bytes` as they are: the stream stands on a byte border.
fn store(bytes: &[u8], out: &mut Vec<u8>) {
    for piece in bytes.chunks(STORED) {
        // A piece is no longer than two bytes can say.
        let length = u16::try_from(piece.len()).unwrap_or(u16::MAX);
        out.push(0);
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend_from_slice(piece);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::digest::Digest;

    fn gzip(threads: usize, bytes: &[u8], piece: usize) -> Vec<u8> {
        let none = |_| false;
        with_dense(threads, bytes, piece, &none)
    }

    /// With those pieces stored for which `dense` says so.
    fn with_dense(
        threads: usize,
        bytes: &[u8],
        piece: usize,
        dense: &dyn Fn(usize) -> bool,
    ) -> Vec<u8> {
        let made = blocks::pack(&Gzip, threads, Vec::new(), |input| {
            let mut pieces = bytes.chunks(piece).enumerate();
            pieces.try_for_each(|(at, piece)| {
                input.dense(dense(at));
                input.write_all(piece)
            })
        });
        match made {
            Ok(written) => {
                assert_eq!(written.digest, Digest::of(bytes));
                written.out
            }
            Err(Failure::Fill(error) | Failure::Write(error)) => panic!("{error}"),
        }
    }

    fn gunzip(bytes: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        // One member only: what follows it would be missed here.
        flate2::read::GzDecoder::new(bytes)
            .read_to_end(&mut plain)
            .unwrap();
        plain
    }

    /// Text with some order and some noise, by a generator with a fixed seed.
    fn sample(length: usize) -> Vec<u8> {
        let mut state = 42_u64;
        let mut bytes = Vec::with_capacity(length + 32);
        while bytes.len() < length {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let number = (state >> 33) % 5000;
            bytes.extend(format!("def f{number}, do: {}\n", number * 7).as_bytes());
        }
        bytes.truncate(length);
        bytes
    }

    fn noise(length: usize) -> Vec<u8> {
        let mut noise = Vec::new();
        while noise.len() < length {
            noise.extend_from_slice(Digest::of(&noise.len().to_le_bytes()).bytes());
        }
        noise
    }

    #[test]
    fn the_same_bytes_for_any_count_of_threads_and_any_pieces() {
        let plain = sample(3 * BLOCK + 4567);
        let one = gzip(1, &plain, 1 << 16);
        assert_eq!(gunzip(&one), plain);
        assert!(one.len() < plain.len() / 3);
        for (threads, piece) in [(2, 999), (5, BLOCK * 2), (64, 4096)] {
            assert!(one == gzip(threads, &plain, piece), "{threads} {piece}");
        }
    }

    #[test]
    fn borders() {
        for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK] {
            let plain = sample(length);
            assert!(gunzip(&gzip(2, &plain, 70_000)) == plain, "{length}");
        }
    }

    #[test]
    fn noise_comes_back_too() {
        let noise = noise(BLOCK + 5);
        assert!(gunzip(&gzip(3, &noise, 1 << 15)) == noise);
    }

    #[test]
    fn what_is_dense_is_stored_and_comes_back_among_the_rest() {
        let plain = [sample(100_000), noise(3 * BLOCK), sample(BLOCK)].concat();
        for piece in [1, 4_321, 70_000, 2 * BLOCK] {
            let length = plain.len().min(piece * 50_000);
            let plain = &plain[..length];
            for dense in [|at: usize| at % 3 == 1, |_| true] {
                let one = with_dense(1, plain, piece, &dense);
                assert!(gunzip(&one) == plain, "{piece}");
                assert!(one == with_dense(4, plain, piece, &dense), "{piece}");
            }
        }
        let stored = with_dense(2, &plain, 2 * BLOCK, &|_| true);
        assert!(stored.len() > plain.len() && stored.len() < plain.len() + plain.len() / 1000);
    }

    #[test]
    fn a_full_disk_ends_it_with_its_error() {
        struct Full(usize);
        impl Write for Full {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0 = self
                    .0
                    .checked_sub(bytes.len())
                    .ok_or(io::ErrorKind::StorageFull)?;
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let plain = sample(20 * BLOCK);
        let made = blocks::pack(&Gzip, 2, Full(100_000), |input| input.write_all(&plain));
        match made {
            Err(Failure::Write(error)) => assert_eq!(error.kind(), io::ErrorKind::StorageFull),
            _ => panic!("it should have failed"),
        }
    }

    /// The promise about digests holds for one version of the compressor: when this fails after an update, the
    /// compressor's name has to change with it.
    #[test]
    fn golden_bytes() {
        let digest = Digest::of(&gzip(2, &sample(2 * BLOCK + 99), 1 << 16));
        assert_eq!(
            digest.hex(),
            "52c4fff0702bdb005d5df5cb98455df1305073e975be5e1fb439acef45687752"
        );
    }
}
