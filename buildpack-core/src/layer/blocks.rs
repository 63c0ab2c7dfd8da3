//! A stream cut into blocks, each packed by itself on one of several threads and written in order: the same bytes for any
//! count of threads. Hashing has a thread of its own beside them.

use std::io::{self, Write};
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use flate2::Crc;

use crate::digest::{Digest, Hasher};

/// More threads than this only take memory: reading and hashing can't feed them.
const MOST_THREADS: usize = 8;

/// How blocks become a file.
pub(super) trait Codec: Sync {
    /// What a thread needs to pack.
    type Packer;

    /// Bytes of a block.
    fn block(&self) -> usize;

    /// A packer.
    fn packer(&self) -> io::Result<Self::Packer>;

    /// What stands before all blocks.
    fn head(&self) -> &'static [u8];

    /// One block, with the one before it. What comes out must not depend on what the packer did before.
    fn pack(
        &self,
        packer: &mut Self::Packer,
        before: Option<&Block>,
        block: &Block,
    ) -> io::Result<Packed>;

    /// What stands behind all blocks.
    fn tail(&self, crc: &Crc) -> Vec<u8>;
}

/// A part of the stream.
#[derive(Default)]
pub(super) struct Block {
    pub(super) bytes: Vec<u8>,
    /// Where bytes stand that are compressed already; sorted, none touches another.
    pub(super) dense: Vec<Range<usize>>,
}

/// A packed block.
pub(super) struct Packed {
    pub(super) bytes: Vec<u8>,
    /// The checksum of what was packed, where the codec has one.
    pub(super) crc: Crc,
}

/// What became of a stream.
pub(super) struct Written<W, T> {
    /// Where it was written to.
    pub(super) out: W,
    /// What filled it.
    pub(super) value: T,
    /// The digest of the stream as it came.
    pub(super) digest: Digest,
    /// Its bytes as they came.
    pub(super) length: u64,
}

struct Job {
    before: Option<Arc<Block>>,
    block: Arc<Block>,
    done: SyncSender<io::Result<Packed>>,
}

/// Takes in what is to be packed.
pub(super) struct Input {
    size: usize,
    jobs: SyncSender<Job>,
    order: SyncSender<Receiver<io::Result<Packed>>>,
    hasher: SyncSender<Arc<Block>>,
    before: Option<Arc<Block>>,
    block: Block,
    /// Where what is compressed already began.
    dense: Option<usize>,
}

/// Why nothing was packed: `fill` failed, or writing did.
pub(super) enum Failure<E> {
    Fill(E),
    Write(io::Error),
}

/// Packs what `fill` writes into `out`, on `threads` threads besides the caller's. An [`io::Error`] that `fill` gets from
/// its input comes from `out`; it is what is reported then, whatever `fill` makes of it.
pub(super) fn pack<C: Codec, W: Write + Send, T, E>(
    codec: &C,
    threads: usize,
    out: W,
    fill: impl FnOnce(&mut Input) -> Result<T, E>,
) -> Result<Written<W, T>, Failure<E>> {
    let threads = threads.clamp(1, MOST_THREADS);
    let (jobs, work) = sync_channel::<Job>(1);
    let (order, ordered) = sync_channel(threads + 1);
    let (hasher, to_hash) = sync_channel::<Arc<Block>>(2);
    let work = Arc::new(Mutex::new(work));
    thread::scope(|scope| {
        for _ in 0..threads {
            let work = Arc::clone(&work);
            scope.spawn(move || run(codec, &work));
        }
        // The workers alone hold the queue, so that it closes if all of them are gone.
        drop(work);
        let writer = scope.spawn(move || write_in_order(codec, out, ordered));
        let hashing = scope.spawn(move || {
            let mut hasher = Hasher::new();
            for block in to_hash {
                hasher.update(&block.bytes);
            }
            hasher
        });
        let mut input = Input {
            size: codec.block(),
            jobs,
            order,
            hasher,
            before: None,
            block: Block::with_capacity(codec.block()),
            dense: None,
        };
        let filled = fill(&mut input);
        let sent = if filled.is_ok() { input.send() } else { Ok(()) };
        drop(input);
        let panicked = |what: &str| io::Error::other(format!("the {what} thread panicked"));
        let written = writer.join().unwrap_or_else(|_| Err(panicked("writing")));
        let hasher = hashing.join().map_err(|_| panicked("hashing"));
        let out = written.map_err(Failure::Write)?;
        let value = filled.map_err(Failure::Fill)?;
        sent.map_err(Failure::Write)?;
        let hasher = hasher.map_err(Failure::Write)?;
        Ok(Written {
            out,
            value,
            length: hasher.length(),
            digest: hasher.finish(),
        })
    })
}

/// Packs blocks until there are no more.
fn run<C: Codec>(codec: &C, work: &Mutex<Receiver<Job>>) {
    let mut packer = None;
    loop {
        let job = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { break };
        let made = match packer.take() {
            Some(made) => Ok(made),
            None => codec.packer(),
        };
        let done = made.and_then(|made| {
            let own = packer.insert(made);
            codec.pack(own, job.before.as_deref(), &job.block)
        });
        // A writer that failed no longer listens.
        let _ = job.done.send(done);
    }
}

fn write_in_order<C: Codec, W: Write>(
    codec: &C,
    mut out: W,
    ordered: Receiver<Receiver<io::Result<Packed>>>,
) -> io::Result<W> {
    out.write_all(codec.head())?;
    let mut crc = Crc::new();
    for done in ordered {
        let block = done
            .recv()
            .map_err(|_| io::Error::other("a compressing thread panicked"))??;
        crc.combine(&block.crc);
        out.write_all(&block.bytes)?;
    }
    out.write_all(&codec.tail(&crc))?;
    Ok(out)
}

impl Block {
    fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            dense: Vec::new(),
        }
    }
}

impl Input {
    /// Says whether what comes now is compressed already.
    pub(super) fn dense(&mut self, dense: bool) {
        self.close_dense();
        self.dense = dense.then_some(self.block.bytes.len());
    }

    fn close_dense(&mut self) {
        let end = self.block.bytes.len();
        if let Some(start) = self.dense
            && start < end
        {
            self.block.dense.push(start..end);
        }
    }

    fn send(&mut self) -> io::Result<()> {
        if self.block.bytes.is_empty() {
            return Ok(());
        }
        self.close_dense();
        self.dense = self.dense.map(|_| 0);
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        let empty = Block::with_capacity(self.size);
        let block = Arc::new(std::mem::replace(&mut self.block, empty));
        let (done, result) = sync_channel(1);
        self.order.send(result).map_err(|_| gone())?;
        self.hasher.send(Arc::clone(&block)).map_err(|_| gone())?;
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
        let taken = bytes.len().min(self.size - self.block.bytes.len());
        self.block.bytes.extend_from_slice(&bytes[..taken]);
        if self.block.bytes.len() == self.size {
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
    use super::*;

    /// Writes each block as its length, the length of the one before it, and where it is dense.
    struct Plain;

    impl Codec for Plain {
        type Packer = ();

        fn block(&self) -> usize {
            10
        }

        fn packer(&self) -> io::Result<()> {
            Ok(())
        }

        fn head(&self) -> &'static [u8] {
            b"<"
        }

        fn pack(&self, (): &mut (), before: Option<&Block>, block: &Block) -> io::Result<Packed> {
            if block.bytes.starts_with(b"!") {
                return Err(io::Error::other("bad"));
            }
            let before = before.map_or(0, |before| before.bytes.len());
            let text = format!("{before}:{}{:?} ", block.bytes.len(), block.dense);
            let mut crc = Crc::new();
            crc.update(&block.bytes);
            Ok(Packed {
                bytes: text.into_bytes(),
                crc,
            })
        }

        fn tail(&self, crc: &Crc) -> Vec<u8> {
            format!("{:x}>", crc.sum()).into_bytes()
        }
    }

    fn packed(pieces: &[(&[u8], bool)]) -> Result<(String, Digest, u64), Failure<io::Error>> {
        let written = pack(&Plain, 3, Vec::new(), |input| {
            pieces.iter().try_for_each(|(piece, dense)| {
                input.dense(*dense);
                input.write_all(piece)
            })
        })?;
        let text = String::from_utf8(written.out).unwrap();
        Ok((text, written.digest, written.length))
    }

    fn done(pieces: &[(&[u8], bool)]) -> (String, Digest, u64) {
        match packed(pieces) {
            Ok(done) => done,
            Err(Failure::Fill(error) | Failure::Write(error)) => panic!("{error}"),
        }
    }

    #[test]
    fn blocks_are_in_order_with_what_is_dense_in_them() {
        let whole = [7u8; 34];
        let (text, digest, length) = done(&[
            (&whole[..4], false),
            (&whole[4..25], true),
            (&whole[25..27], false),
            (&whole[27..34], true),
        ]);
        let mut crc = Crc::new();
        crc.update(&whole);
        let blocks = "0:10[4..10] 10:10[0..10] 10:10[0..5, 7..10] 10:4[0..4] ";
        assert_eq!(text, format!("<{blocks}{:x}>", crc.sum()));
        assert_eq!((digest, length), (Digest::of(&whole), 34));
        assert_eq!(done(&[]), ("<0>".to_owned(), Digest::of(b""), 0));
    }

    #[test]
    fn a_codec_that_fails_ends_it() {
        let bad = b"!".repeat(200);
        match packed(&[(&bad, false)]) {
            Err(Failure::Write(error)) => assert_eq!(error.to_string(), "bad"),
            _ => panic!("it should have failed"),
        }
    }
}
