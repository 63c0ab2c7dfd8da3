//! What a check of an app's versions comes to: for each tool what was asked for, what it means, and whether it can be
//! had. A build plans with the same values.

mod conflict;
mod dynamic;

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use crate::app::ConfigValue;
use crate::diagnostic::{Diagnostic, Origin, Sourced, Span};
use crate::lists::ListSource;
use crate::version::Tool;

pub use conflict::conflict;
pub use dynamic::dynamic;

/// Whether a version can be had. The four are never mixed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It is published for this stack and architecture.
    Available,
    /// It is not published for this stack and architecture, as a list that would have it says.
    NotBuilt,
    /// What was written is no version.
    Malformed,
    /// Nobody can tell: the list is older than the version or could not be had, or only bash knows what is asked for.
    Unknown,
}

/// What was found out about one tool that an app needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCheck {
    /// The tool.
    pub tool: Tool,
    /// What was asked for, as written; none where nobody said.
    pub requested: Option<Sourced<String>>,
    /// The version that is taken.
    pub resolved: Option<String>,
    /// Why this one, in a few words; empty where it is simply what was asked for.
    pub rule: String,
    /// Whether it can be had.
    pub verdict: Verdict,
}

/// What a pack found out about the versions that an app asks for.
#[derive(Debug, Clone, Default)]
pub struct Checked {
    /// The tools that the app needs.
    pub tools: Vec<ToolCheck>,
    /// What is wrong, or worth knowing.
    pub diagnostics: Vec<Diagnostic>,
}

/// What versions are checked against.
#[derive(Clone, Copy)]
pub struct CheckContext<'a> {
    /// Stack and architecture.
    pub target: &'a stacks::Target,
    /// Published builds.
    pub lists: &'a dyn ListSource,
    /// The day that support dates are held against.
    pub today: Date,
    /// Config vars by name, for those that decide something.
    pub config_vars: &'a BTreeMap<String, String>,
    /// What bash made of the variables of config files that only bash can tell, by file and name; empty where it was not
    /// asked.
    pub evaluated: &'a Evaluated,
}

/// Values by config file and variable, as bash gave them; none where bash left the variable unset.
pub type Evaluated = BTreeMap<String, BTreeMap<String, Option<ConfigValue>>>;

/// With `version` written in the place of `origin`, quotes kept; a machine may do so where it is `sure`. Where the place
/// is in no file, the text alone.
pub fn replace(
    problem: Diagnostic,
    origin: &Origin,
    text: impl Into<String>,
    version: &str,
    sure: bool,
) -> Diagnostic {
    match origin {
        Origin::File(span) if sure => problem.fix(text, inside_quotes(span), version),
        Origin::File(span) => problem.suggest(text, inside_quotes(span), version),
        _ => problem.help(text),
    }
}

/// The text between the quotes where `span` is a quoted value, so that an edit keeps them; else `span`.
pub fn inside_quotes(span: &Span) -> Span {
    let text = span
        .source
        .text
        .get(span.start..span.end)
        .unwrap_or_default();
    let quoted = ['"', '\'']
        .iter()
        .any(|quote| text.len() > 1 && text.starts_with(*quote) && text.ends_with(*quote));
    let inset = usize::from(quoted);
    Span {
        source: std::sync::Arc::clone(&span.source),
        start: span.start + inset,
        end: span.end - inset,
    }
}
