//! A log of any size and any content, read once.

use std::io::{self, BufRead};

use memchr::{memchr, memrchr};

use super::finder::Finder;
use crate::clean::{self, Lines};

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
        // Of whole lines many are looked at together.
        let most = &bytes[..bytes.len().min(LONGEST_LINE)];
        if let Some(end) = memrchr(b'\n', most).filter(|_| line.is_empty() && !wide) {
            read.lines(&bytes[..end]);
            log.consume(end + 1);
            continue;
        }
        let end = memchr(b'\n', bytes);
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
    fn lines(&mut self, bytes: &[u8]) {
        let text = clean::text(bytes);
        let lines = Lines::new(&text);
        self.finder.lines(self.lines + 1, &lines);
        self.lines += u64::try_from(lines.count()).unwrap_or(u64::MAX);
    }

    fn line(&mut self, line: &mut Vec<u8>, wide: bool) {
        self.lines += 1;
        if wide {
            line.retain(|byte| *byte != 0);
        }
        self.finder.line(self.lines, &String::from_utf8_lossy(line));
        line.clear();
    }
}
