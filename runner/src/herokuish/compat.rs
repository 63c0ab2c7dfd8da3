//! Ways of herokuish that are not Heroku's, each by its name in `BP_HEROKUISH_COMPAT`.

use std::ffi::OsStr;

use buildpack_core::diagnostic::{Class, Diagnostic};

use crate::pipeline::Failure;

/// One way of herokuish that a platform or an app may depend on (compatibility facts 2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quirk {
    /// At a start, all of the app's folder is given to the app's user.
    ChownApp,
    /// A command is evaluated as arguments of `echo`, and the words that come out are run.
    EvalCommand,
    /// `.env` is evaluated by bash, line by line.
    EvalEnv,
    /// With a Procfile, process types that packs offer don't count.
    ProcfileOnly,
    /// The first line of a profile script that fails ends the start.
    ProfileErrexit,
    /// `.slugignore` holds patterns of `tar`, and is for `slug generate` alone.
    TarExclude,
    /// Whether what was built will start is for the platform to find out.
    Unchecked,
}

/// All of them by name, sorted.
const QUIRKS: [(&str, Quirk); 7] = [
    ("chown-app", Quirk::ChownApp),
    ("eval-command", Quirk::EvalCommand),
    ("eval-env", Quirk::EvalEnv),
    ("procfile-only", Quirk::ProcfileOnly),
    ("profile-errexit", Quirk::ProfileErrexit),
    ("tar-exclude", Quirk::TarExclude),
    ("unchecked", Quirk::Unchecked),
];

/// The quirks that are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Compat(Vec<Quirk>);

impl Compat {
    /// The variable that names them, separated by commas.
    pub(super) const VARIABLE: &str = "BP_HEROKUISH_COMPAT";

    /// Reads the variable's value. A name that is none is an error: what was asked for would not be had.
    pub(super) fn parse(value: Option<&OsStr>) -> Result<Self, Failure> {
        let value = value.unwrap_or_default().to_string_lossy();
        let names = value.split(',').map(str::trim);
        names
            .filter(|name| !name.is_empty())
            .map(|name| {
                let found = QUIRKS.iter().find(|(own, _)| *own == name);
                found.map(|(_, quirk)| *quirk).ok_or_else(|| unknown(name))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether `quirk` is asked for.
    pub(super) fn wants(&self, quirk: Quirk) -> bool {
        self.0.contains(&quirk)
    }
}

fn unknown(name: &str) -> Failure {
    let names: Vec<&str> = QUIRKS.iter().map(|(name, _)| *name).collect();
    Failure::of(
        Diagnostic::error(
            "herokuish-compat",
            Class::Usage,
            format!(
                "`{}` names `{name}`, which is no way of herokuish that can be asked for",
                Compat::VARIABLE
            ),
        )
        .help(format!("there are: {}", names.join(", "))),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_wrong_ones_refused() {
        let compat = Compat::parse(Some(OsStr::new(" chown-app, ,eval-command"))).unwrap();
        assert!(compat.wants(Quirk::ChownApp) && compat.wants(Quirk::EvalCommand));
        assert!(!compat.wants(Quirk::ProfileErrexit));
        assert_eq!(Compat::parse(None).unwrap(), Compat::default());
        let failure = Compat::parse(Some(OsStr::new("chown"))).unwrap_err();
        assert_eq!(failure.class(), Class::Usage);
    }

    #[test]
    fn names_are_sorted() {
        assert!(QUIRKS.is_sorted_by_key(|(name, _)| *name));
    }
}
