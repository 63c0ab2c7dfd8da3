//! A stream from one thread to another in pieces, hashed on a third.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use buildpack_core::digest::{Digest, Hasher};

/// Bytes of a piece.
const PIECE: usize = 256 << 10;
/// Pieces under way at most: 2 MiB.
const AHEAD: usize = 8;

type Piece = io::Result<Arc<Vec<u8>>>;

/// The end that is read.
pub(super) struct Pipe {
    pieces: Receiver<Piece>,
    now: Arc<Vec<u8>>,
    at: usize,
}

/// The end that is written to.
pub(super) struct Feed {
    pieces: SyncSender<Piece>,
    hash: SyncSender<Arc<Vec<u8>>>,
}

/// Hashes what is fed in.
pub(super) struct Hash {
    pieces: Receiver<Arc<Vec<u8>>>,
}

impl Pipe {
    pub(super) fn new() -> (Self, Feed, Hash) {
        let (send, receive) = sync_channel(AHEAD);
        let (send_hash, receive_hash) = sync_channel(AHEAD);
        let pipe = Self {
            pieces: receive,
            now: Arc::default(),
            at: 0,
        };
        let feed = Feed {
            pieces: send,
            hash: send_hash,
        };
        (
            pipe,
            feed,
            Hash {
                pieces: receive_hash,
            },
        )
    }

    /// Reads to the end.
    pub(super) fn drain(self) -> io::Result<()> {
        self.pieces.iter().try_for_each(|piece| piece.map(drop))
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.now.len() {
            match self.pieces.recv() {
                Ok(piece) => {
                    self.now = piece?;
                    self.at = 0;
                }
                Err(_) => return Ok(0),
            }
        }
        let length = buffer.len().min(self.now.len() - self.at);
        buffer[..length].copy_from_slice(&self.now[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

impl Feed {
    /// Feeds all of `source`; ends early where nobody reads any more.
    pub(super) fn run(self, mut source: impl Read) {
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            let read = source.by_ref().take(PIECE as u64).read_to_end(&mut piece);
            if let Err(error) = read {
                return self.fail(error);
            }
            if piece.is_empty() {
                return;
            }
            let piece = Arc::new(piece);
            let hashed = self.hash.send(Arc::clone(&piece));
            if hashed.is_err() || self.pieces.send(Ok(piece)).is_err() {
                return;
            }
        }
    }

    /// Tells the reader why there is no more.
    pub(super) fn fail(self, error: io::Error) {
        // A reader that is gone needs no reason.
        let _ = self.pieces.send(Err(error));
    }
}

impl Hash {
    /// The digest of all that is fed in.
    pub(super) fn run(self) -> Digest {
        let mut hasher = Hasher::new();
        for piece in self.pieces {
            hasher.update(&piece);
        }
        hasher.finish()
    }
}
