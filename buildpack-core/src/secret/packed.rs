//! What files hold once their compression is undone: gzip, zstd, bzip2 and zip, one in the other, and members of a tar.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;

/// No more of one file is unpacked: what an app brings is far smaller, a bomb is larger.
const MOST: u64 = 256 << 20;

/// More of a stream is not held to see what is packed in it in turn.
const MOST_HELD: u64 = 32 << 20;

/// How deep archives are searched in archives.
const DEEPEST: usize = 3;

/// Bytes that tell what a file is.
const HEAD: usize = 512;

/// Takes what was unpacked, piece by piece, and `None` where a text ends.
type Feed<'f> = dyn FnMut(Option<&[u8]>) + 'f;

/// Whether a file that begins so holds more than its bytes show.
pub fn is_packed(head: &[u8]) -> bool {
    Kind::of(head).is_some()
}

/// What is packed in `file` goes to `feed`. What cannot be read is left out: so far as it could be unpacked it was seen.
pub(super) fn look(file: &mut (impl Read + Seek), feed: &mut Feed<'_>) {
    let mut left = MOST;
    let _ = inside(file, DEEPEST, &mut left, feed);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Gzip,
    Zstd,
    Bzip2,
    Zip,
    Tar,
}

impl Kind {
    fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some(Self::Bzip2),
            // An escript is a zip behind a line of its own.
            [b'P', b'K', 3, 4, ..] => Some(Self::Zip),
            [b'#', b'!', line @ ..] if is_escript(line) => Some(Self::Zip),
            head if head.get(257..262) == Some(b"ustar") => Some(Self::Tar),
            _ => None,
        }
    }
}

fn is_escript(line: &[u8]) -> bool {
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.windows(7).any(|word| word == b"escript")
}

fn inside<R: Read + Seek>(
    file: &mut R,
    depth: usize,
    left: &mut u64,
    feed: &mut Feed<'_>,
) -> io::Result<()> {
    let start = file.seek(SeekFrom::Start(0))?;
    let mut head = Vec::with_capacity(HEAD);
    file.take(HEAD as u64).read_to_end(&mut head)?;
    let Some(kind) = Kind::of(&head) else {
        return Ok(());
    };
    file.seek(SeekFrom::Start(start))?;
    let mut file = io::BufReader::with_capacity(64 << 10, file);
    match kind {
        Kind::Gzip => unpacked(&mut MultiGzDecoder::new(file), depth, left, feed),
        Kind::Bzip2 => unpacked(&mut MultiBzDecoder::new(file), depth, left, feed),
        Kind::Zstd => unpacked(&mut zstd::Decoder::with_buffer(file)?, depth, left, feed),
        Kind::Zip => {
            let mut archive = zip::ZipArchive::new(file)?;
            for number in 0..archive.len() {
                // A damaged member is no reason to leave the next one out.
                if let Ok(mut member) = archive.by_index(number) {
                    unpacked(&mut member, depth, left, feed);
                }
            }
        }
        Kind::Tar => {
            for member in tar::Archive::new(&mut file).entries()? {
                let mut content = Vec::new();
                member?
                    .take(MOST_HELD.min(*left))
                    .read_to_end(&mut content)?;
                nested(content, depth, left, feed);
            }
        }
    }
    Ok(())
}

/// The bytes of a stream, so far as they can be unpacked, then what is packed in them.
fn unpacked(stream: &mut dyn Read, depth: usize, left: &mut u64, feed: &mut Feed<'_>) {
    let mut content = Vec::new();
    let ended = stream.take(MOST_HELD.min(*left)).read_to_end(&mut content);
    *left -= content.len() as u64;
    feed(Some(&content));
    if ended.is_ok() && content.len() as u64 == MOST_HELD {
        let mut buffer = vec![0; 64 << 10];
        let mut rest = stream.take(*left);
        while let Ok(read @ 1..) = rest.read(&mut buffer) {
            *left -= read as u64;
            feed(Some(&buffer[..read]));
        }
    }
    feed(None);
    nested(content, depth, left, feed);
}

fn nested(content: Vec<u8>, depth: usize, left: &mut u64, feed: &mut Feed<'_>) {
    if depth > 1 && *left > 0 {
        let _ = inside(&mut Cursor::new(content), depth - 1, left, feed);
    }
}
