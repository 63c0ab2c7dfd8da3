//! Output cut into lines, as bytes.

use std::io::{self, Read};

/// A line is given out in pieces of this many bytes where it doesn't end.
const LONGEST: usize = 64 << 10;

/// Reads to the end and gives each line, without its `\n` or `\r\n`, as soon as it is whole;
/// of a longer line pieces of 64 KiB, and at the end what stands without a line end.
pub(super) fn deliver(mut from: impl Read, on_line: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; LONGEST];
    let mut pending = Vec::new();
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let mut rest = &buffer[..read];
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            pending.extend_from_slice(&rest[..end]);
            on_line(pending.strip_suffix(b"\r").unwrap_or(&pending));
            pending.clear();
            rest = &rest[end + 1..];
        }
        pending.extend_from_slice(rest);
        while pending.len() >= LONGEST {
            on_line(&pending[..LONGEST]);
            pending.drain(..LONGEST);
        }
    }
    if !pending.is_empty() {
        on_line(&pending);
    }
    Ok(())
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
