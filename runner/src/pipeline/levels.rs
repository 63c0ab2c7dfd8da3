//! How bad a problem is, where somebody wants it otherwise: `--deny` and `--allow`.

use buildpack_core::diagnostic::{Class, Diagnostic, Severity};
use buildpack_core::rules::{Group, RULES, rule};

/// What is to be done with problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// They count as errors.
    Deny,
    /// An error counts as a warning; the rest is not shown.
    Allow,
}

/// Which problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Code(&'static str),
    /// All about support that ends.
    Eol,
    /// All warnings.
    Warnings,
}

/// Changes in the order in which they were asked for; of those that fit a problem, the last counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Levels(Vec<(Change, Which)>);

impl Levels {
    /// Adds a change for a code, `eol` or `warnings`.
    pub fn add(&mut self, change: Change, name: &str) -> Result<(), Box<Diagnostic>> {
        let which = match name {
            "eol" => Which::Eol,
            "warnings" => Which::Warnings,
            code => Which::Code(
                rule(code)
                    .ok_or_else(|| Box::new(unknown(change, code)))?
                    .code,
            ),
        };
        self.0.push((change, which));
        Ok(())
    }

    /// The problem as it is to be shown; none if it is not.
    pub fn apply(&self, mut diagnostic: Diagnostic) -> Option<Diagnostic> {
        let fits = |which: &Which| match which {
            Which::Code(code) => diagnostic.code.0 == *code,
            Which::Eol => rule(diagnostic.code.0).is_some_and(|rule| rule.group == Group::Eol),
            Which::Warnings => diagnostic.severity == Severity::Warning,
        };
        let change = self.0.iter().rev().find(|(_, which)| fits(which));
        diagnostic.severity = match (change.map(|(change, _)| change), diagnostic.severity) {
            (None, severity) => severity,
            (Some(Change::Deny), _) => Severity::Error,
            (Some(Change::Allow), Severity::Error) => Severity::Warning,
            (Some(Change::Allow), _) => return None,
        };
        Some(diagnostic)
    }
}

fn unknown(change: Change, name: &str) -> Diagnostic {
    let flag = match change {
        Change::Deny => "--deny",
        Change::Allow => "--allow",
    };
    let names = RULES.iter().map(|rule| rule.code);
    let nearest = names
        .chain(["eol", "warnings"])
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .min()
        .filter(|(distance, known)| distance * 2 <= known.len());
    let problem = Diagnostic::error(
        "rule-unknown",
        Class::Usage,
        format!("`{flag} {name}`: no rule has this code"),
    );
    match nearest {
        Some((_, nearest)) => problem.help(format!("did you mean `{nearest}`?")),
        None => problem.help(
            "docs/diagnostics/README.md lists all codes; `eol` and `warnings` stand for several",
        ),
    }
}

#[cfg(test)]
mod tests {
    use Change::{Allow, Deny};

    use super::*;

    fn shown(changes: &[(Change, &str)], problem: Diagnostic) -> Option<Severity> {
        let mut levels = Levels::default();
        for (change, name) in changes {
            levels.add(*change, name).unwrap();
        }
        levels.apply(problem).map(|problem| problem.severity)
    }

    #[test]
    fn the_last_change_that_fits_counts() {
        let eol = || Diagnostic::warning("stack-eol", "x");
        let built = || Diagnostic::error("otp-not-built", Class::Config, "x");
        let note = || Diagnostic::note_only("pack-unpinned", "x");
        assert_eq!(shown(&[], eol()), Some(Severity::Warning));
        assert_eq!(shown(&[(Deny, "eol")], eol()), Some(Severity::Error));
        assert_eq!(
            shown(&[(Deny, "warnings"), (Allow, "stack-eol")], eol()),
            None
        );
        assert_eq!(
            shown(&[(Allow, "stack-eol"), (Deny, "warnings")], eol()),
            Some(Severity::Error)
        );
        assert_eq!(
            shown(&[(Allow, "otp-not-built")], built()),
            Some(Severity::Warning)
        );
        assert_eq!(shown(&[(Deny, "warnings")], note()), Some(Severity::Note));
        assert_eq!(shown(&[(Allow, "pack-unpinned")], note()), None);
        assert_eq!(shown(&[(Deny, "otp-eol")], eol()), Some(Severity::Warning));
    }

    #[test]
    fn a_code_that_no_rule_has_names_the_nearest() {
        let said = |name| Levels::default().add(Deny, name).unwrap_err();
        assert_eq!(said("opt-eol").helps[0].text, "did you mean `otp-eol`?");
        assert!(said("xyzzy").helps[0].text.contains("lists all codes"));
        assert_eq!(said("").class, Class::Usage);
    }
}
