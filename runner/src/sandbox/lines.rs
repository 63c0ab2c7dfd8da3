//! Output cut into lines, as bytes.

use std::io::{self, PipeReader, Read};

use buildpack_core::event::Stream;
use rustix::event::{PollFd, PollFlags, poll};

/// A line is given out in pieces of this many bytes where it doesn't end.
const LONGEST: usize = 64 << 10;

/// Reads to the end and gives each line, without its `\n` or `\r\n`, as soon as it is whole;
/// of a longer line pieces of 64 KiB, and at the end what stands without a line end.
pub(super) fn deliver(mut from: impl Read, on_line: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; LONGEST];
    let mut cutter = Cutter::default();
    while let Some(bytes) = read(&mut from, &mut buffer)? {
        cutter.cut(bytes, on_line);
    }
    cutter.end(on_line);
    Ok(())
}

/// The same of a program's two streams. What stands in both is read from standard output first.
pub(super) fn deliver_both(
    stdout: PipeReader,
    stderr: PipeReader,
    on_line: &mut dyn FnMut(Stream, &[u8]),
) -> io::Result<()> {
    let mut buffer = vec![0; LONGEST];
    let mut open = vec![
        (Stream::Stdout, stdout, Cutter::default()),
        (Stream::Stderr, stderr, Cutter::default()),
    ];
    while !open.is_empty() {
        let mut asked: Vec<_> = (open.iter())
            .map(|(_, pipe, _)| PollFd::new(pipe, PollFlags::IN))
            .collect();
        match poll(&mut asked, None) {
            Err(rustix::io::Errno::INTR) => continue,
            other => other?,
        };
        let ready: Vec<bool> = (asked.iter()).map(|fd| !fd.revents().is_empty()).collect();
        let mut ended = Vec::new();
        for (place, (stream, pipe, cutter)) in open.iter_mut().enumerate() {
            if !ready[place] {
                continue;
            }
            let mut on_line = |line: &[u8]| on_line(*stream, line);
            if let Some(bytes) = read(pipe, &mut buffer)? {
                cutter.cut(bytes, &mut on_line);
            } else {
                cutter.end(&mut on_line);
                ended.push(*stream);
            }
        }
        open.retain(|(stream, ..)| !ended.contains(stream));
    }
    Ok(())
}

/// The next bytes; none at the end.
fn read<'b>(from: &mut impl Read, buffer: &'b mut [u8]) -> io::Result<Option<&'b [u8]>> {
    loop {
        match from.read(buffer) {
            Ok(0) => return Ok(None),
            Ok(read) => return Ok(Some(&buffer[..read])),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// What of a stream has no line end yet.
#[derive(Default)]
struct Cutter {
    pending: Vec<u8>,
}

impl Cutter {
    fn cut(&mut self, mut rest: &[u8], on_line: &mut dyn FnMut(&[u8])) {
        let pending = &mut self.pending;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            if pending.is_empty() {
                on_line(rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]));
            } else {
                pending.extend_from_slice(&rest[..end]);
                on_line(pending.strip_suffix(b"\r").unwrap_or(pending));
                pending.clear();
            }
            rest = &rest[end + 1..];
        }
        pending.extend_from_slice(rest);
        while pending.len() >= LONGEST {
            on_line(&pending[..LONGEST]);
            pending.drain(..LONGEST);
        }
    }

    fn end(&mut self, on_line: &mut dyn FnMut(&[u8])) {
        if !self.pending.is_empty() {
            on_line(&self.pending);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        deliver(bytes, &mut |line| lines.push(line.to_vec())).unwrap();
        lines
    }

    #[test]
    fn ends_are_cut_and_the_last_piece_is_kept() {
        let lines = lines(b"one\r\n\n\xff\xfe\nlast");
        assert_eq!(lines, [&b"one"[..], b"", b"\xff\xfe", b"last"]);
    }

    #[test]
    fn a_line_without_end_comes_in_pieces() {
        let text = vec![b'x'; 3 * LONGEST + 5];
        let lengths: Vec<_> = lines(&text).iter().map(Vec::len).collect();
        assert_eq!(lengths, [LONGEST, LONGEST, LONGEST, 5]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'a'), any::<u8>()], 0..300)) {
            prop_assume!(!text.contains(&b'\r'));
            let mut joined = lines(&text).join(&b'\n');
            if text.ends_with(b"\n") {
                joined.push(b'\n');
            }
            prop_assert_eq!(joined, text);
        }
    }
}
