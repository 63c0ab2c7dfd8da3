//! Output cut at line ends, as bytes.

use std::io::{self, PipeReader, Read};

use buildpack_core::event::Stream;
use memchr::{memchr, memrchr};
use rustix::event::{PollFd, PollFlags, poll};

/// A line is given out in pieces of this many bytes where it doesn't end.
const LONGEST: usize = 64 << 10;

/// Reads to the end and gives each line as soon as it is whole: those that are there together at once, with `\n` between
/// them; none has `\n` or `\r\n` behind it. Of a longer line it gives pieces of 64 KiB, and at the end what stands without a
/// line end. No line that is whole waits for another.
pub(super) fn deliver(mut from: impl Read, on_lines: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; LONGEST];
    let mut cutter = Cutter::default();
    while let Some(bytes) = read(&mut from, &mut buffer)? {
        cutter.cut(bytes, on_lines);
    }
    cutter.end(on_lines);
    Ok(())
}

/// The same of a program's two streams. What stands in both is read from standard output first.
pub(super) fn deliver_both(
    stdout: PipeReader,
    stderr: PipeReader,
    on_lines: &mut dyn FnMut(Stream, &[u8]),
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
            let mut on_lines = |lines: &[u8]| on_lines(*stream, lines);
            if let Some(bytes) = read(pipe, &mut buffer)? {
                cutter.cut(bytes, &mut on_lines);
            } else {
                cutter.end(&mut on_lines);
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
    fn cut(&mut self, mut rest: &[u8], on_lines: &mut dyn FnMut(&[u8])) {
        if !self.pending.is_empty() {
            let end = memchr(b'\n', rest);
            self.keep(&rest[..end.unwrap_or(rest.len())], on_lines);
            let Some(end) = end else { return };
            on_lines(bare(&self.pending));
            self.pending.clear();
            rest = &rest[end + 1..];
        }
        if let Some(end) = memrchr(b'\n', rest) {
            let lines = &rest[..end];
            if memchr(b'\r', lines).is_some() {
                lines
                    .split(|byte| *byte == b'\n')
                    .map(bare)
                    .for_each(&mut *on_lines);
            } else {
                on_lines(lines);
            }
            rest = &rest[end + 1..];
        }
        self.keep(rest, on_lines);
    }

    /// Keeps what has no end yet, as far as it is no whole piece.
    fn keep(&mut self, bytes: &[u8], on_lines: &mut dyn FnMut(&[u8])) {
        let pending = &mut self.pending;
        pending.extend_from_slice(bytes);
        while pending.len() >= LONGEST {
            on_lines(&pending[..LONGEST]);
            pending.drain(..LONGEST);
        }
    }

    fn end(&mut self, on_lines: &mut dyn FnMut(&[u8])) {
        if !self.pending.is_empty() {
            on_lines(&self.pending);
        }
    }
}

/// A line without the first half of a line end of two.
fn bare(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use buildpack_core::sandbox::each_line;
    use proptest::prelude::*;

    use super::*;

    /// Gives out so many bytes at a time.
    struct Drops<'b>(&'b [u8], usize);

    impl Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = self.1.min(buffer.len());
            self.0.read(&mut buffer[..most])
        }
    }

    fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        let mut keep = |some: &[u8]| lines.extend(each_line(some).map(<[u8]>::to_vec));
        deliver(bytes, &mut keep).unwrap();
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

    #[test]
    fn a_long_line_comes_in_pieces_wherever_reads_end() {
        let text = [&vec![b'x'; LONGEST + 4464][..], b"\nshort\nlast"].concat();
        for size in [60_000, 64_000, LONGEST, 1000] {
            let mut some = Vec::new();
            let mut keep = |lines: &[u8]| some.extend(each_line(lines).map(<[u8]>::len));
            deliver(Drops(&text, size), &mut keep).unwrap();
            assert_eq!(some, [LONGEST, 4464, 5, 4], "{size}");
        }
    }

    #[test]
    fn what_is_whole_waits_for_nothing() {
        let mut shown = Vec::new();
        let mut cutter = Cutter::default();
        for bytes in [&b"one\ntwo\r\nth"[..], b"re", b"e\n\nfour\nfi"] {
            let mut some = Vec::new();
            let mut keep = |lines: &[u8]| some.extend(each_line(lines).map(<[u8]>::to_vec));
            cutter.cut(bytes, &mut keep);
            shown.push(some.join(&b'|'));
        }
        assert_eq!(shown, [&b"one|two"[..], b"", b"three||four"]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost(size in 1_usize..60, text in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'a'), any::<u8>()], 0..300)) {
            prop_assume!(!text.contains(&b'\r'));
            let mut joined = lines(&text).join(&b'\n');
            let mut dropped = Vec::new();
            let mut keep = |some: &[u8]| dropped.push(some.to_vec());
            deliver(Drops(&text, size), &mut keep).unwrap();
            prop_assert_eq!(&dropped.join(&b'\n'), &joined);
            if text.ends_with(b"\n") {
                joined.push(b'\n');
            }
            prop_assert_eq!(joined, text);
        }
    }
}
