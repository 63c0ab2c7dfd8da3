//! Lines in herokuish's form, to standard output and standard error.

use std::io::{self, Write};

/// Takes a line to the first column, before what a `git push` shows in front of each.
pub(super) const MARGIN: &str = "\u{1b}[1G";

/// A heading.
pub(super) fn title(text: &str) {
    line(&format!("{MARGIN}-----> {text}"));
}

/// A line of an answer.
pub(super) fn line(text: &str) {
    // A reader that has gone away wants no more.
    let _ = writeln!(io::stdout(), "{text}");
}

/// Something to know that ends nothing.
pub(super) fn warning(text: &str) {
    let _ = writeln!(io::stderr(), " !     {text}");
}

/// What is about to be done, for `TRACE`.
pub(super) fn trace(text: &str) {
    let _ = writeln!(io::stderr(), "+ {text}");
}
