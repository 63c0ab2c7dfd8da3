//! `stack-unknown`, `stack-arch`, `stack-eol`: whether an app can be built on the stack that is asked for, and until
//! when.

use jiff::civil::Date;
use stacks::{Stack, Support, UnknownStack, UnsupportedArch};

use crate::diagnostic::{Class, Diagnostic, Origin};

/// Nobody knows the stack that was asked for at `origin`. `class` is how the run ends: a flag is another mistake than a
/// file of the app.
pub fn unknown(error: &UnknownStack, origin: &Origin, class: Class) -> Diagnostic {
    let problem = Diagnostic::error("stack-unknown", class, error.to_string());
    let problem = asked_at(problem, origin);
    let Some(nearest) = error.nearest else {
        return problem.help("`bp stack list` shows what is known of each");
    };
    let text = format!("did you mean `{}`?", nearest.name);
    match origin {
        // With the right number in it, there is nothing else that it can be.
        Origin::File(span) if error.request.contains(nearest.number) => {
            problem.fix(text, span.clone(), nearest.name)
        }
        Origin::File(span) => problem.suggest(text, span.clone(), nearest.name),
        _ => problem.help(text),
    }
    .other_stacks(vec![nearest.name.to_owned()])
}

/// The stack that was asked for at `origin` is not made for the architecture.
pub fn arch(error: &UnsupportedArch, origin: &Origin) -> Diagnostic {
    let others = error.alternatives();
    let others: Vec<_> = others.iter().map(|stack| stack.name.to_owned()).collect();
    let problem = Diagnostic::error("stack-arch", Class::Config, error.to_string());
    asked_at(problem, origin)
        .help(format!(
            "take a stack that is made for it: {}",
            others.join(", ")
        ))
        .other_stacks(others)
}

/// What there is to say about the support of the stack that was asked for at `origin`, on `day`.
pub fn support(stack: &Stack, origin: &Origin, day: Date) -> Option<Diagnostic> {
    let name = stack.name;
    let message = match stack.support(day) {
        Support::Supported => return None,
        Support::Deprecated { until } => {
            format!("{name} is deprecated: Heroku supports it until {until}")
        }
        Support::Ended { since } => {
            format!("{name} is retired: its support ended on {since}")
        }
    };
    let newer: Vec<_> = stacks::all()
        .iter()
        .filter(|other| other.support(day) == Support::Supported)
        .map(|other| other.name.to_owned())
        .collect();
    let problem = asked_at(Diagnostic::warning("stack-eol", message), origin);
    Some(match newer.as_slice() {
        [] => problem,
        [next, ..] => problem.help(format!("move to a newer stack, such as {next}")),
    })
}

/// With the place where the stack was asked for; a flag or a default needs none.
fn asked_at(problem: Diagnostic, origin: &Origin) -> Diagnostic {
    match origin {
        Origin::File(span) => problem.at(span.clone(), "asked for here"),
        Origin::Env(name) => problem.note(format!("asked for by `{name}`")),
        Origin::Flag(_) | Origin::Default(_) => problem,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::civil::date;
    use stacks::{Arch, Target, find};

    use super::*;
    use crate::diagnostic::{Applicability, Source, Span};

    fn in_app_json(name: &str) -> Origin {
        let text = format!("{{ \"stack\": \"{name}\" }}");
        let start = text.find(name).unwrap();
        Origin::File(Span {
            source: Arc::new(Source {
                path: "app.json".into(),
                text,
            }),
            start,
            end: start + name.len(),
        })
    }

    #[test]
    fn a_name_with_the_right_number_is_mended_and_another_is_asked_about() {
        let said = |name: &str| {
            let error = find(name).unwrap_err();
            unknown(&error, &in_app_json(name), Class::Config)
        };
        let typo = said("heruko-24");
        assert_eq!(typo.labels[0].span.to_string(), "app.json:1:13");
        assert_eq!(typo.helps[0].applicability, Applicability::Certain);
        assert_eq!(typo.helps[0].edits[0].new_text, "heroku-24");
        let other = said("heroku-25");
        assert_eq!(other.helps[0].applicability, Applicability::Likely);
        assert!(said("cedar").helps[0].edits.is_empty());
    }

    #[test]
    fn support_ends_and_newer_stacks_are_named() {
        let flag = Origin::Flag("--stack".to_owned());
        let said = |name: &str, day| support(find(name).unwrap(), &flag, day);
        assert_eq!(said("heroku-24", date(2026, 11, 1)), None);
        let deprecated = said("heroku-22", date(2026, 11, 1)).unwrap();
        assert!(deprecated.message.contains("until 2027-04-30"));
        assert!(deprecated.helps[0].text.ends_with("heroku-24"));
        let retired = said("heroku-20", date(2026, 11, 1)).unwrap();
        assert!(retired.message.contains("ended on 2025-04-30"));
        assert_eq!(said("heroku-26", date(2099, 1, 1)).unwrap().helps, []);
    }

    #[test]
    fn an_architecture_that_is_not_made_names_the_stacks_that_have_it() {
        let error = Target::new(find("heroku-22").unwrap(), Arch::Arm64).unwrap_err();
        let said = arch(&error, &in_app_json("heroku-22"));
        assert_eq!(said.other_stacks, ["heroku-24", "heroku-26"]);
        assert_eq!(said.labels.len(), 1);
    }
}
