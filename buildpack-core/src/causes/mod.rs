//! Why a build failed: what the lines of its log mean, and the answer as a value.
//!
//! [`signatures`] is what is known, as data: patterns of lines, what they mean, and ways out. A [`Finder`] holds the lines
//! of a log against all of them in one pass; what it comes to is [`Told`] with the [`Facts`] of the build filled in. A
//! [`Cause`] is the whole answer, as records and events have it. [`read_log`] does the same for a log that somebody else's
//! builder wrote.

mod cause;
mod facts;
mod finder;
mod log;
mod plain;
mod sieve;
mod signature;
mod signatures;
mod table;

pub use cause::{Cause, Place, Quote};
pub use facts::Facts;
pub use finder::{Finder, Found, Told};
pub use log::{ReadLog, read_log};
pub use plain::plain;
pub use signature::{Rank, Signature, Words};

/// All that is known, in the order in which signatures of one line win over each other.
pub fn signatures() -> impl Iterator<Item = &'static Signature> {
    signatures::ALL.iter().copied().flatten()
}

#[cfg(test)]
mod tests;
