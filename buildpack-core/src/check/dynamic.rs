//! Versions that only bash can tell.

use crate::diagnostic::{Class, Diagnostic, Origin};
use crate::version::Tool;

/// What is said of a version that only bash can tell, and why: a note where nothing is to be built yet, else an error.
pub fn dynamic(tool: Tool, why: &str, origin: &Origin, building: bool) -> Diagnostic {
    let message = format!("only bash can tell which {tool} is asked for: {why}");
    let problem = if building {
        Diagnostic::error("version-dynamic", Class::Config, message)
    } else {
        Diagnostic::note_only("version-dynamic", message)
    };
    problem
        .from(origin, "not to be read without running it")
        .help("write the version out, so that it can be checked before anything is built")
}
