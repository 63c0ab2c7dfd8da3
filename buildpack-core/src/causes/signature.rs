//! One thing that a line of a log can mean.

/// Sentences with `{names}` of facts in them; the first of which all is known is said.
pub type Words = &'static [&'static str];

/// Which of several signatures in one log is the cause: the first of the lowest rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// Others follow from it.
    Root,
    /// An error of its own, unless a root is there.
    Direct,
    /// What other errors end in: it counts where there is nothing else.
    Summary,
}

/// What a line of a log means, and what helps.
#[derive(Debug)]
pub struct Signature {
    /// Its stable code.
    pub code: &'static str,
    /// How it stands to others.
    pub rank: Rank,
    /// Regular expressions, any of them, in any place of a line. Named groups are facts. Each begins with plain letters
    /// wherever it can: that is what makes a log of megabytes pass quickly. Classes are spelt out, as `\d` and `\b` know
    /// all alphabets and are slow.
    pub patterns: &'static [&'static str],
    /// Regular expressions whose named groups are looked for in that line and those after it.
    pub more: &'static [&'static str],
    /// Whether the line sums up others: then the first line that looks like an error, before it or right behind it, is quoted in its place.
    pub sums_up: bool,
    /// What happened.
    pub message: Words,
    /// Ways out, the best first.
    pub helps: &'static [Words],
    /// Codes of checks that know more of it, where there is an app to check.
    pub checks: &'static [&'static str],
}

impl Signature {
    /// One that says nothing, to begin with.
    pub(super) const NONE: Self = Self {
        code: "",
        rank: Rank::Direct,
        patterns: &[],
        more: &[],
        sums_up: false,
        message: &[],
        helps: &[],
        checks: &[],
    };
}
