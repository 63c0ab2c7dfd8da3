//! Gzip (RFC 1952) on several threads, with the same bytes for any count of them: fixed blocks, each compressed with
//! the end of the one before it as its dictionary, each ended on a byte border, all in one member.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// Name and version of the compressor: belongs into every key under which compressed bytes are kept.
pub const COMPRESSOR: &str = "zlib-rs-0.6-l6-1";

const BLOCK: usize = 1 << 20;
const WINDOW: usize = 32 << 10;
const LEVEL: u32 = 6;
/// More threads than this only take memory: reading and hashing can't feed them.
const MOST_THREADS: usize = 8;
/// Magic, deflate, no flags, no time, no hint about the level, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// An empty last block with fixed codes: what comes before it need not know that it is the last.
const END: [u8; 2] = [3, 0];

struct Job {
    before: Option<Arc<Vec<u8>>>,
    block: Arc<Vec<u8>>,
    done: SyncSender<io::Result<Vec<u8>>>,
}

/// Takes in what is to be compressed.
pub(super) struct Input {
    jobs: SyncSender<Job>,
    order: SyncSender<Receiver<io::Result<Vec<u8>>>>,
    before: Option<Arc<Vec<u8>>>,
    block: Vec<u8>,
    crc: Crc,
}

/// Why nothing was compressed: `fill` failed, or writing did.
pub(super) enum Failure<E> {
    Fill(E),
    Write(io::Error),
}

/// Compresses what `fill` writes into `out`, on `threads` threads besides the caller's; gives both back.
pub fn gzip<W: Write + Send, T>(
    threads: usize,
    out: W,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<T>,
) -> io::Result<(W, T)> {
    compress(threads, out, |input| fill(input)).map_err(|failure| match failure {
        Failure::Fill(error) | Failure::Write(error) => error,
    })
}

/// Compresses what `fill` writes, on `threads` threads besides the caller's, and gives `out` back. An [`io::Error`]
/// that `fill` gets from its input comes from `out`; it is what is reported then, whatever `fill` makes of it.
pub(super) fn compress<W: Write + Send, T, E>(
    threads: usize,
    out: W,
    fill: impl FnOnce(&mut Input) -> Result<T, E>,
) -> Result<(W, T), Failure<E>> {
    let threads = threads.clamp(1, MOST_THREADS);
    let (jobs, work) = sync_channel::<Job>(1);
    let (order, ordered) = sync_channel(threads + 1);
    let work = Arc::new(Mutex::new(work));
    thread::scope(|scope| {
        for _ in 0..threads {
            let work = Arc::clone(&work);
            scope.spawn(move || {
                loop {
                    let job = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(job) = job else { break };
                    let dictionary = job.before.as_deref().map_or(&[][..], |before| tail(before));
                    // A writer that failed no longer listens.
                    let _ = job.done.send(deflate(dictionary, &job.block));
                }
            });
        }
        // The workers alone hold the queue, so that it closes if all of them are gone.
        drop(work);
        let writer = scope.spawn(move || write_in_order(out, ordered));
        let mut input = Input {
            jobs,
            order,
            before: None,
            block: Vec::with_capacity(BLOCK),
            crc: Crc::new(),
        };
        let filled = fill(&mut input);
        let sent = if filled.is_ok() { input.send() } else { Ok(()) };
        let trailer = [
            input.crc.sum().to_le_bytes(),
            input.crc.amount().to_le_bytes(),
        ]
        .concat();
        drop(input);
        let written = writer
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the writing thread panicked")));
        let mut out = written.map_err(Failure::Write)?;
        let value = filled.map_err(Failure::Fill)?;
        sent.and_then(|()| out.write_all(&END))
            .and_then(|()| out.write_all(&trailer))
            .map_err(Failure::Write)?;
        Ok((out, value))
    })
}

fn write_in_order<W: Write>(
    mut out: W,
    ordered: Receiver<Receiver<io::Result<Vec<u8>>>>,
) -> io::Result<W> {
    out.write_all(&HEADER)?;
    for done in ordered {
        let block = done
            .recv()
            .map_err(|_| io::Error::other("a compressing thread panicked"))?;
        out.write_all(&block?)?;
    }
    Ok(out)
}

fn tail(block: &[u8]) -> &[u8] {
    &block[block.len().saturating_sub(WINDOW)..]
}

/// `block` as raw deflate, ended on a byte border.
fn deflate(dictionary: &[u8], block: &[u8]) -> io::Result<Vec<u8>> {
    let mut state = Compress::new(Compression::new(LEVEL), false);
    if !dictionary.is_empty() {
        state.set_dictionary(dictionary).map_err(io::Error::other)?;
    }
    let mut out = Vec::with_capacity(block.len() / 2 + 1024);
    loop {
        let taken = usize::try_from(state.total_in()).map_err(io::Error::other)?;
        let status = state
            .compress_vec(&block[taken..], &mut out, FlushCompress::Sync)
            .map_err(io::Error::other)?;
        // Room left over means that everything, the flush too, has come out.
        if status == Status::BufError || out.len() < out.capacity() {
            return Ok(out);
        }
        out.reserve(block.len() / 4 + 1024);
    }
}

impl Input {
    fn send(&mut self) -> io::Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        let block = Arc::new(std::mem::replace(
            &mut self.block,
            Vec::with_capacity(BLOCK),
        ));
        let (done, result) = sync_channel(1);
        self.order.send(result).map_err(|_| gone())?;
        let before = self.before.replace(Arc::clone(&block));
        self.jobs
            .send(Job {
                before,
                block,
                done,
            })
            .map_err(|_| gone())
    }
}

impl Write for Input {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(BLOCK - self.block.len());
        self.crc.update(&bytes[..taken]);
        self.block.extend_from_slice(&bytes[..taken]);
        if self.block.len() == BLOCK {
            self.send()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::digest::Digest;

    fn gzip(threads: usize, bytes: &[u8], piece: usize) -> Vec<u8> {
        let made = compress(threads, Vec::new(), |input| {
            bytes
                .chunks(piece)
                .try_for_each(|piece| input.write_all(piece))
        });
        match made {
            Ok((out, ())) => out,
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
        let mut noise = Vec::new();
        while noise.len() < BLOCK + 5 {
            noise.extend_from_slice(Digest::of(&noise.len().to_le_bytes()).bytes());
        }
        assert!(gunzip(&gzip(3, &noise, 1 << 15)) == noise);
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
        let made = compress(2, Full(100_000), |input| input.write_all(&plain));
        match made {
            Err(Failure::Write(error)) => assert_eq!(error.kind(), io::ErrorKind::StorageFull),
            _ => panic!("it should have failed"),
        }
    }

    /// The promise about digests holds for one version of the compressor: when this fails after an update,
    /// [`COMPRESSOR`] has to change with it.
    #[test]
    fn golden_bytes() {
        let digest = Digest::of(&gzip(2, &sample(2 * BLOCK + 99), 1 << 16));
        assert_eq!(
            digest.hex(),
            "52c4fff0702bdb005d5df5cb98455df1305073e975be5e1fb439acef45687752"
        );
    }
}
