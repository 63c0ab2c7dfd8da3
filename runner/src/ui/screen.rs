//! Where output goes, and in which form.

use std::io::{self, IsTerminal, Write};

/// How output is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Lines for people, as in a deploy log.
    Text,
    /// One JSON event a line.
    Json,
}

/// Where output goes, and what the places are.
pub struct Screen {
    /// The log.
    pub out: Box<dyn Write + Send>,
    /// Problems.
    pub err: Box<dyn Write + Send>,
    /// Whether `err` is a terminal, on which progress can be drawn.
    pub terminal: bool,
    /// Whether problems may be coloured.
    pub colour: bool,
    /// Whether `out` may be coloured.
    pub colour_out: bool,
}

impl Screen {
    /// Standard output and standard error, coloured as the terminal and `NO_COLOR` allow.
    pub fn standard() -> Self {
        let never = anstream::ColorChoice::Never;
        Self {
            out: Box::new(io::stdout()),
            err: Box::new(io::stderr()),
            terminal: io::stderr().is_terminal(),
            colour: anstream::AutoStream::choice(&io::stderr()) != never,
            colour_out: anstream::AutoStream::choice(&io::stdout()) != never,
        }
    }
}
