//! A stream from one thread to another, in pieces, hashed on the way.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use buildpack_core::digest::{Digest, Hasher};

/// Bytes of a piece.
const PIECE: usize = 256 << 10;
/// Pieces under way at most: 2 MiB.
const AHEAD: usize = 8;

type Piece = io::Result<Vec<u8>>;

/// The end that is read.
pub(super) struct Pipe {
    pieces: Receiver<Piece>,
    now: Vec<u8>,
    at: usize,
    digest: Receiver<Digest>,
}

/// The end that is written to.
pub(super) struct Feed {
    pieces: SyncSender<Piece>,
    digest: SyncSender<Digest>,
}

impl Pipe {
    pub(super) fn new() -> (Self, Feed) {
        let (send, receive) = sync_channel(AHEAD);
        let (send_digest, digest) = sync_channel(1);
        let pipe = Self {
            pieces: receive,
            now: Vec::new(),
            at: 0,
            digest,
        };
        let feed = Feed {
            pieces: send,
            digest: send_digest,
        };
        (pipe, feed)
    }

    /// Reads to the end; the digest of all that was fed in.
    pub(super) fn drain(self) -> io::Result<Digest> {
        while let Ok(piece) = self.pieces.recv() {
            piece?;
        }
        self.digest
            .recv()
            .map_err(|_| io::Error::other("the stream was not read to its end"))
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
        let mut hasher = Hasher::new();
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            let read = source.by_ref().take(PIECE as u64).read_to_end(&mut piece);
            if let Err(error) = read {
                let _ = self.pieces.send(Err(error));
                return;
            }
            if piece.is_empty() {
                break;
            }
            hasher.update(&piece);
            if self.pieces.send(Ok(piece)).is_err() {
                return;
            }
        }
        let _ = self.digest.send(hasher.finish());
    }
}
