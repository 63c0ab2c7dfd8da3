//! `npm-version`: an npm that is no one version, does not run on the Node that is taken, or that `engines` don't allow.

use buildpack_core::app::PackageJson;
use buildpack_core::diagnostic::{Diagnostic, Sourced};
use buildpack_core::version::{NodeRange, NodeVersion};

use crate::config::{StaticConfig, text};
use crate::resolve::Chosen;
use buildpack_core::check::replace;

/// The Node that each line of npm runs on: `engines.node` of its releases in the npm registry
/// (`npm view npm@MAJOR engines.node`). Within a line it never changed what it allows.
const RUNS_ON: [(u64, &str); 7] = [
    (6, "6 >=6.2.0 || 8 || >=9.3.0"),
    (7, ">=10"),
    (8, "^12.13.0 || ^14.15.0 || >=16"),
    (9, "^14.17.0 || ^16.13.0 || >=18.0.0"),
    (10, "^18.17.0 || >=20.5.0"),
    (11, "^20.17.0 || >=22.9.0"),
    (12, "^22.22.2 || ^24.15.0 || >=26.0.0"),
];

/// Warnings about the npm that is asked for or comes with Node. Without a Node it is only read.
pub(crate) fn check(
    config: &StaticConfig,
    packages: &[PackageJson],
    chosen: Option<&Chosen>,
) -> Vec<Diagnostic> {
    let own = chosen.and_then(|chosen| chosen.release.npm.as_deref());
    let asked = config.npm_version.as_ref().and_then(|asked| {
        let written = text(asked)?.trim();
        (!written.is_empty()).then(|| Sourced::new(written.to_owned(), asked.origin.clone()))
    });
    match (asked, chosen) {
        (Some(asked), chosen) => match (exactly(&asked.value), chosen) {
            (None, _) => vec![not_exact(&asked, own)],
            (Some(npm), Some(chosen)) => {
                let mut found: Vec<_> = unfit(&asked, &npm, chosen).into_iter().collect();
                found.extend(unwanted(packages, &npm, &asked));
                found
            }
            (Some(_), None) => Vec::new(),
        },
        (None, Some(chosen)) if config.npm_version.is_none() => {
            let npm = own.and_then(exactly);
            npm.map_or_else(Vec::new, |npm| unwanted(packages, &npm, &chosen.asked))
        }
        (None, _) => Vec::new(),
    }
}

/// The warning that nothing but a version can be fetched and verified, so that Node's `own` npm is taken.
fn not_exact(asked: &Sourced<String>, own: Option<&str>) -> Diagnostic {
    let own = own.map_or_else(String::new, |own| format!(" {own}"));
    Diagnostic::warning(
        "npm-version",
        format!(
            "`npm_version` must be one version, such as `10.9.2`: found `{}`, so Node's own npm{own} is taken",
            asked.value
        ),
    )
    .from(&asked.origin, "asked for here")
    .help("write the version out, or leave it out")
}

fn exactly(text: &str) -> Option<NodeVersion> {
    text.parse::<semver::Version>().ok().map(NodeVersion)
}

/// The warning that this npm stops on this Node.
fn unfit(asked: &Sourced<String>, npm: &NodeVersion, chosen: &Chosen) -> Option<Diagnostic> {
    let (major, runs_on) = RUNS_ON.iter().find(|(major, _)| *major == npm.0.major)?;
    let node = &chosen.release.version;
    let fits: NodeRange = runs_on.parse().ok()?;
    if fits.contains(node) {
        return None;
    }
    let problem = Diagnostic::warning(
        "npm-version",
        format!("npm {} does not run on Node {node}", asked.value),
    )
    .from(&asked.origin, "asked for here")
    .from(&chosen.asked.origin, format!("this leads to Node {node}"))
    .note(format!("npm {major} runs on Node `{runs_on}`"));
    Some(if let Some(own) = chosen.release.npm.as_deref() {
        let text = format!("take {own}, which comes with this Node");
        replace(problem, &asked.origin, text, own, false)
    } else {
        problem.help("leave `npm_version` out: Node brings its own npm")
    })
}

/// Warnings about each `package.json` that wants another npm.
fn unwanted(
    packages: &[PackageJson],
    npm: &NodeVersion,
    from: &Sourced<String>,
) -> Vec<Diagnostic> {
    packages
        .iter()
        .filter_map(|package| {
            let engines = package.engines.get("npm")?;
            let range: NodeRange = engines.value.parse().ok()?;
            (!range.contains(npm)).then(|| {
                Diagnostic::warning(
                    "npm-version",
                    format!("`{}` wants npm `{range}`, and {npm} is taken", package.path),
                )
                .from(&engines.origin, "npm warns of another")
                .from(&from.origin, format!("this leads to npm {npm}"))
                .help(format!(
                    "set `npm_version` in `{}`, or let `engines.npm` allow {npm}",
                    crate::config::FILE
                ))
            })
        })
        .collect()
}
