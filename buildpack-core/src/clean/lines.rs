//! Lines that came together.

use std::borrow::Cow;

/// One line of a program or several, as they were printed and as they read.
pub struct Lines<'t> {
    raw: &'t str,
    bare: Cow<'t, str>,
}

impl<'t> Lines<'t> {
    /// The lines of `text`, which a line end parts; the last has none.
    pub fn new(text: &'t str) -> Self {
        Self {
            raw: text,
            bare: super::block(text),
        }
    }

    /// As they were printed.
    pub fn raw(&self) -> &'t str {
        self.raw
    }

    /// Without control sequences: as many lines.
    pub fn bare(&self) -> &str {
        &self.bare
    }

    /// How many they are.
    pub fn count(&self) -> usize {
        memchr::memchr_iter(b'\n', self.raw.as_bytes()).count() + 1
    }
}
