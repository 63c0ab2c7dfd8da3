//! `npm-version`: an npm that is no version, does not run on the Node that is taken, or that `engines` don't allow.

use buildpack_core::app::{ConfigValue, PackageJson};
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

/// Names that npm's registry has for versions.
const TAGS: [&str; 2] = ["latest", "lts"];

/// Warnings about the npm that is asked for or comes with Node. Without a Node it is only read.
pub(crate) fn check(
    config: &StaticConfig,
    packages: &[PackageJson],
    chosen: Option<&Chosen>,
) -> Vec<Diagnostic> {
    let asked = config.npm_version.as_ref().and_then(|asked| {
        let written = text(asked)?.trim();
        let says = !written.is_empty() && !is_tag(written);
        says.then(|| Sourced::new(written.to_owned(), asked.origin.clone()))
    });
    let range: Option<Result<NodeRange, _>> = asked.as_ref().map(|asked| asked.value.parse());
    match (asked, range, chosen) {
        (Some(asked), Some(Err(_)), _) => vec![malformed(&asked)],
        (Some(asked), Some(Ok(range)), Some(chosen)) => {
            let mut found: Vec<_> = unfit(&asked, &range, chosen).into_iter().collect();
            if let Some(npm) = exactly(&asked.value) {
                found.extend(unwanted(packages, &npm, &asked));
            }
            found
        }
        (None, _, Some(chosen)) if config.npm_version.is_none() => {
            let npm = chosen.release.npm.as_deref().and_then(exactly);
            npm.map_or_else(Vec::new, |npm| unwanted(packages, &npm, &chosen.asked))
        }
        _ => Vec::new(),
    }
}

/// The warning that nothing but a version can be fetched and verified, so that Node's `own` npm is taken.
pub(crate) fn not_exact(
    asked: &Sourced<ConfigValue>,
    written: &str,
    own: Option<&str>,
) -> Diagnostic {
    let own = own.unwrap_or("that comes with it");
    Diagnostic::warning(
        "npm-version",
        format!("`npm_version` must be one version, such as `10.9.2`: found `{written}`, so Node's own npm {own} is taken"),
    )
    .from(&asked.origin, "asked for here")
    .help("write the version out, or leave it out")
}

/// `latest`, `next-10` and the like; npm finds out what they are.
fn is_tag(text: &str) -> bool {
    TAGS.contains(&text)
        || ["latest-", "next-"]
            .iter()
            .any(|start| text.starts_with(start))
}

fn exactly(text: &str) -> Option<NodeVersion> {
    text.parse().ok()
}

fn malformed(asked: &Sourced<String>) -> Diagnostic {
    Diagnostic::warning(
        "npm-version",
        format!(
            "`{}` is no npm version: npm would find nothing to install",
            asked.value
        ),
    )
    .from(&asked.origin, "asked for here")
    .help("write it as in `10.9.2`, or leave it out: Node brings its own npm")
}

/// The warning that this npm stops on this Node.
fn unfit(asked: &Sourced<String>, range: &NodeRange, chosen: &Chosen) -> Option<Diagnostic> {
    let (major, runs_on) = match exactly(&asked.value) {
        Some(npm) => RUNS_ON.iter().find(|(major, _)| *major == npm.0.major)?,
        // npm takes the newest that the range allows.
        None => RUNS_ON
            .iter()
            .rev()
            .find(|(major, _)| late_in(*major).is_some_and(|npm| range.contains(&npm)))?,
    };
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

/// A version late in a line of npm.
fn late_in(major: u64) -> Option<NodeVersion> {
    exactly(&format!("{major}.999.999"))
}
