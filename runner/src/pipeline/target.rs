//! Which stack and architecture an app is built for, and what there is to say about them.

use buildpack_core::app::App;
use buildpack_core::diagnostic::{Class, Diagnostic, Origin, Sourced};
use buildpack_core::rules;
use jiff::civil::Date;
use stacks::{Arch, Stack, Target};

/// The stack that is taken when nobody names one.
const USUAL: &str = "heroku-24";

/// What was asked for, and the target that it comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The stack's name as it was asked for.
    pub name: Sourced<String>,
    /// The architecture.
    pub arch: Arch,
    /// The stack of this name; none where nobody knows it.
    pub stack: Option<&'static Stack>,
    /// The stack on the architecture; none where it is not made for it.
    pub target: Option<Target>,
    /// What is wrong with it, or worth knowing.
    pub diagnostics: Vec<Diagnostic>,
}

/// The target: what a flag or a setting says in `wanted`, else what the app says, else heroku-24. `day` is the one that
/// support dates are held against.
pub fn choose_target(
    wanted: Option<&Sourced<String>>,
    app: Option<&App>,
    arch: Arch,
    day: Date,
) -> Chosen {
    let of_app = app.and_then(|app| app.app_json.stack.as_ref());
    let (name, class) = match (wanted, of_app) {
        (Some(wanted), _) => (outside_of_the_app(wanted), Class::Usage),
        (None, Some(stack)) => (stack.clone(), Class::Config),
        (None, None) => {
            let origin = Origin::Default("nothing names a stack".to_owned());
            (Sourced::new(USUAL.to_owned(), origin), Class::Config)
        }
    };
    let mut chosen = Chosen {
        arch,
        stack: None,
        target: None,
        diagnostics: Vec::new(),
        name,
    };
    let origin = &chosen.name.origin;
    match stacks::find(&chosen.name.value) {
        Err(error) => chosen
            .diagnostics
            .push(rules::stack::unknown(&error, origin, class)),
        Ok(stack) => {
            chosen.stack = Some(stack);
            chosen
                .diagnostics
                .extend(rules::stack::support(stack, origin, day));
            match Target::new(stack, arch) {
                Ok(target) => chosen.target = Some(target),
                Err(error) => chosen.diagnostics.push(rules::stack::arch(&error, origin)),
            }
        }
    }
    chosen
}

/// A place in bp.toml is none of the app's files, which reports are about.
fn outside_of_the_app(wanted: &Sourced<String>) -> Sourced<String> {
    let origin = match &wanted.origin {
        Origin::File(span) => Origin::Flag(span.to_string()),
        other => other.clone(),
    };
    Sourced::new(wanted.value.clone(), origin)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn chosen(wanted: Option<&str>, app_json: Option<&str>, arch: Arch) -> Chosen {
        let folder = tempfile::tempdir().unwrap();
        if let Some(text) = app_json {
            fs_err::write(folder.path().join("app.json"), text).unwrap();
        }
        let app = App::read(folder.path()).value;
        let flag = Origin::Flag("--stack".to_owned());
        let wanted = wanted.map(|name| Sourced::new(name.to_owned(), flag));
        choose_target(wanted.as_ref(), app.as_ref(), arch, date(2026, 11, 1))
    }

    #[test]
    fn a_flag_counts_before_the_app_and_the_app_before_the_usual() {
        let json = Some(r#"{"stack": "heroku-22"}"#);
        let name = |chosen: Chosen| chosen.target.map(|target| target.stack.name);
        assert_eq!(
            name(chosen(Some("26"), json, Arch::Amd64)),
            Some("heroku-26")
        );
        assert_eq!(name(chosen(None, json, Arch::Amd64)), Some("heroku-22"));
        assert_eq!(name(chosen(None, None, Arch::Amd64)), Some("heroku-24"));
    }

    #[test]
    fn who_asked_for_what_there_is_not_decides_how_the_run_ends() {
        let by_flag = chosen(Some("cedar"), None, Arch::Amd64).diagnostics;
        assert_eq!(by_flag[0].class, Class::Usage);
        let by_app = chosen(None, Some(r#"{"stack": "cedar"}"#), Arch::Amd64);
        assert_eq!(by_app.diagnostics[0].class, Class::Config);
        assert_eq!(by_app.diagnostics[0].labels.len(), 1);
        assert_eq!(by_app.stack, None);
    }

    #[test]
    fn a_stack_without_the_architecture_is_a_stack_and_no_target() {
        let chosen = chosen(Some("heroku-22"), None, Arch::Arm64);
        assert!(chosen.stack.is_some() && chosen.target.is_none());
        let codes: Vec<_> = chosen.diagnostics.iter().map(|d| d.code.0).collect();
        assert_eq!(codes, ["stack-eol", "stack-arch"]);
    }
}
