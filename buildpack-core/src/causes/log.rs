//! A log of any size and any content, read once.

use std::io::{self, BufRead};

use super::finder::Finder;

/// Bytes of a line that are looked at; what stands behind them is passed over.
const LONGEST_LINE: usize = 64 << 10;

/// What was read.
#[derive(Debug)]
pub struct ReadLog {
    /// What was found in it.
    pub finder: Finder,
    /// How many lines it has.
    pub lines: u64,
}

/// Reads a log to its end. What is kept of it in memory does not grow with it: long lines are cut, bytes that are no text
/// are replaced.
pub fn read_log(mut log: impl BufRead) -> io::Result<ReadLog> {
    let mut read = ReadLog {
        finder: Finder::new(),
        lines: 0,
    };
    let mut line = Vec::new();
    let mut wide = false;
    loop {
        let bytes = match log.fill_buf() {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if bytes.is_empty() {
            break;
        }
        if read.lines == 0 && line.is_empty() {
            // What PowerShell writes: two bytes a letter, of which every other is zero.
            wide = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
        }
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let part = &bytes[..end.unwrap_or(bytes.len())];
        let room = LONGEST_LINE - line.len();
        line.extend_from_slice(&part[..part.len().min(room)]);
        let used = end.map_or(bytes.len(), |end| end + 1);
        log.consume(used);
        if end.is_some() {
            read.line(&mut line, wide);
        }
    }
    if !line.is_empty() {
        read.line(&mut line, wide);
    }
    Ok(read)
}

impl ReadLog {
    fn line(&mut self, line: &mut Vec<u8>, wide: bool) {
        self.lines += 1;
        if wide {
            line.retain(|byte| *byte != 0);
        }
        self.finder.line(self.lines, &String::from_utf8_lossy(line));
        line.clear();
    }
}
