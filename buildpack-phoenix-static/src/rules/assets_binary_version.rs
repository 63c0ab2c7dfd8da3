//! `assets-binary-version`: no version of esbuild or tailwind can be read, so that their Mix tasks would download one
//! themselves, from within the build.

use buildpack_core::app::App;
use buildpack_core::check::CheckContext;
use buildpack_core::diagnostic::Diagnostic;
use semver::Version;

use crate::standalone::{Asked, Program, Used, environment, used};

/// The version that each Hex package takes where none is configured, by the first package that does (`@latest_version` in
/// their history).
const ESBUILD: [((u64, u64, u64), &str); 6] = [
    ((0, 4, 0), "0.14.0"),
    ((0, 5, 0), "0.14.41"),
    ((0, 6, 0), "0.16.4"),
    ((0, 7, 1), "0.17.11"),
    ((0, 8, 2), "0.23.0"),
    ((0, 9, 0), "0.25.0"),
];
const TAILWIND: [((u64, u64, u64), &str); 10] = [
    ((0, 1, 1), "3.0.7"),
    ((0, 1, 4), "3.0.12"),
    ((0, 1, 6), "3.1.0"),
    ((0, 1, 8), "3.1.6"),
    ((0, 1, 10), "3.2.4"),
    ((0, 2, 1), "3.2.7"),
    ((0, 2, 4), "3.4.6"),
    ((0, 3, 0), "4.0.9"),
    ((0, 4, 0), "4.1.12"),
    ((0, 5, 0), "4.3.0"),
];

/// The warning of each program whose version is not to be read.
pub(crate) fn check(app: &App, context: &CheckContext<'_>) -> Vec<Diagnostic> {
    used(app, environment(context))
        .iter()
        .filter_map(problem)
        .collect()
}

fn problem(used: &Used) -> Option<Diagnostic> {
    let name = used.program.name();
    let (what, origin, label) = match &used.asked {
        Asked::Own(_) => return None,
        Asked::Version(written) if Version::parse(&written.value).is_ok() => return None,
        Asked::Version(written) => (
            format!("`{}` is no version of {name}", written.value),
            &written.origin,
            "expected three numbers separated by dots",
        ),
        Asked::Nothing => (
            format!("no file of `config/` says in plain text which {name} is to be run"),
            &used.named,
            "its Mix task would download one while the app is built",
        ),
    };
    let problem = Diagnostic::warning("assets-binary-version", what).from(origin, label);
    Some(problem.help(format!(
        "write `config :{name}, version: \"{}\"` in `config/config.exs`, so that `bp` fetches, verifies and keeps it",
        usual(used)
    )))
}

/// The version that the Hex package would take; its newest that is known, where the package's version is not.
fn usual(used: &Used) -> &'static str {
    let table: &[_] = match used.program {
        Program::Esbuild => &ESBUILD,
        Program::Tailwind => &TAILWIND,
    };
    let since = |(major, minor, patch)| Version::new(major, minor, patch);
    let of_package = used.package.as_ref().and_then(|package| {
        let at = table.partition_point(|(first, _)| since(*first) <= *package);
        at.checked_sub(1)
    });
    table
        .get(of_package.unwrap_or(table.len() - 1))
        .map_or("", |(_, version)| version)
}
