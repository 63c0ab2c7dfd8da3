//! From what the config asks for to the builds that will be fetched.

use std::collections::BTreeSet;

use buildpack_core::app::App;
use buildpack_core::diagnostic::{Class, Diagnostic, Origin, Outcome, Sourced};
use buildpack_core::digest::Digest;
use buildpack_core::lists::{BuildList, ListSource, Publication};
use buildpack_core::version::{ElixirRequest, ElixirVersion, OtpVersion};
use jiff::civil::Date;
use stacks::Target;

use crate::config::{ConfigValue, ElixirConfig};
use crate::pairs;

/// The two builds that an Elixir app needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedTools {
    /// Erlang/OTP.
    pub otp: ResolvedBuild,
    /// Elixir.
    pub elixir: ResolvedBuild,
}

/// A build that was chosen, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedBuild {
    /// The version, normalised, with the place that asked for it.
    pub version: Sourced<String>,
    /// Path of the archive below the builds host, such as `builds/otp/amd64/ubuntu-24.04/OTP-27.3.4.1.tar.gz`.
    pub path: String,
    /// SHA-256 of the archive, where the list gives one.
    pub sha256: Option<Digest>,
    /// Why this one, in a sentence; empty where it is simply what was asked for.
    pub rule: String,
}

/// Chooses the builds for `config` on `target`; touches nothing but `lists`.
pub fn resolve(
    _app: &App,
    config: &ElixirConfig,
    target: &Target,
    lists: &dyn ListSource,
) -> Outcome<ResolvedTools> {
    let mut diagnostics = Vec::new();
    let otp_request = otp_request(&config.erlang_version, &mut diagnostics);
    let elixir_request = elixir_request(&config.elixir_version, &mut diagnostics);
    let otp = otp_request.as_ref().and_then(|version| {
        otp(
            version,
            &config.erlang_version,
            target,
            lists,
            &mut diagnostics,
        )
    });
    let elixir = match (&otp_request, elixir_request) {
        (Some(otp), Some(request)) => elixir(
            &request,
            otp,
            &config.elixir_version,
            lists,
            &mut diagnostics,
        ),
        _ => None,
    };
    Outcome {
        value: otp
            .zip(elixir)
            .map(|(otp, elixir)| ResolvedTools { otp, elixir }),
        diagnostics,
    }
}

/// The text of a version; an error where only bash can tell it.
fn text<'a>(
    key: &str,
    value: &'a Sourced<ConfigValue>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<&'a str> {
    let problem =
        |code, what: String| Diagnostic::error(code, Class::Config, what).from(&value.origin, "");
    match &value.value {
        ConfigValue::Text(text) => Some(text),
        ConfigValue::List(words) => {
            diagnostics.push(
                problem(
                    "version-list",
                    format!("`{key}` is a list of {} words", words.len()),
                )
                .help("write one version; only `elixir_version=(branch NAME)` may be a list"),
            );
            None
        }
        ConfigValue::Dynamic(why) => {
            diagnostics.push(
                problem(
                    "version-dynamic",
                    format!("`{key}` cannot be read without running bash: {why}"),
                )
                .help(format!("write the version out, as in `{key}=27.3`")),
            );
            None
        }
    }
}

fn otp_request(
    value: &Sourced<ConfigValue>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<OtpVersion> {
    let text = text("erlang_version", value, diagnostics)?;
    text.parse()
        .map_err(|error| diagnostics.push(malformed(&error, value, "27.3.4.1")))
        .ok()
}

fn elixir_request(
    value: &Sourced<ConfigValue>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<ElixirRequest> {
    let request = match &value.value {
        ConfigValue::List(words) if words.len() == 2 && words[0] == "branch" => {
            ElixirRequest::branch(&words[1])
        }
        _ => text("elixir_version", value, diagnostics)?.parse(),
    };
    request
        .map_err(|error| diagnostics.push(malformed(&error, value, "1.18.3")))
        .ok()
}

fn malformed(
    error: &buildpack_core::version::VersionError,
    value: &Sourced<ConfigValue>,
    example: &str,
) -> Diagnostic {
    Diagnostic::error("version-malformed", Class::Config, error.to_string())
        .from(&value.origin, "asked for here")
        .help(format!("write it as in `{example}`"))
}

fn otp(
    version: &OtpVersion,
    value: &Sourced<ConfigValue>,
    target: &Target,
    lists: &dyn ListSource,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<ResolvedBuild> {
    let list = match lists.otp(target) {
        Ok(list) => list,
        Err(error) => {
            diagnostics.push(error.diagnostic());
            return None;
        }
    };
    warn_of_age(&list, "Erlang/OTP", diagnostics);
    let Some(build) = list.find(&version.reference()) else {
        diagnostics.push(match list.taken {
            Some(day) => unknown("Erlang/OTP", &version.to_string(), day, value),
            None => otp_not_built(version, value, target, &list, lists),
        });
        return None;
    };
    if breaks_tls(version) {
        diagnostics.push(
            Diagnostic::warning(
                "erlang-tls-regression",
                format!("Erlang/OTP {version} fails at TLS with some hosts, Hex among them"),
            )
            .from(&value.origin, "asked for here")
            .help("take 27.2.2 or later (erlang/otp issue 9208)"),
        );
    }
    Some(ResolvedBuild {
        path: format!("{}/{}.tar.gz", list.folder, build.reference),
        sha256: build.sha256,
        rule: rule(value, &version.to_string()),
        version: Sourced::new(version.to_string(), value.origin.clone()),
    })
}

/// OTP 27 before 27.2.2 (erlang/otp issue 9208).
fn breaks_tls(version: &OtpVersion) -> bool {
    version.major() == 27 && version.numbers() < [27, 2, 2].as_slice()
}

/// Says what was made of the text, where it is not the version itself.
fn rule(value: &Sourced<ConfigValue>, version: &str) -> String {
    match &value.value {
        ConfigValue::Text(text) if text.trim() != version => {
            format!("`{}` means {version}", text.trim())
        }
        _ => String::new(),
    }
}

/// An old list can't tell whether something was published since.
fn unknown(what: &str, version: &str, day: Date, value: &Sourced<ConfigValue>) -> Diagnostic {
    Diagnostic::error(
        "build-list-too-old",
        Class::Surroundings,
        format!("cannot tell whether {what} {version} was built: the list of {day} lacks it"),
    )
    .from(&value.origin, "asked for here")
    .help("run it again where the builds host can be reached")
}

fn otp_not_built(
    version: &OtpVersion,
    value: &Sourced<ConfigValue>,
    target: &Target,
    list: &BuildList,
    lists: &dyn ListSource,
) -> Diagnostic {
    let stack = target.stack.name;
    let mut problem = Diagnostic::error(
        "erlang-not-built",
        Class::Config,
        format!(
            "Erlang/OTP {version} was never built for {stack} on {}",
            target.arch
        ),
    )
    .from(&value.origin, "asked for here");
    let near = nearest_otp(version, list);
    if let Some(best) = near.first() {
        problem = suggestion(problem, &value.origin, "take the nearest that was", best);
    }
    if near.len() > 1 {
        problem = problem.note(format!("built for {stack}: {}", near.join(", ")));
    }
    let elsewhere: Vec<&str> = stacks::all()
        .iter()
        .filter(|other| other.name != stack && other.architectures.contains(&target.arch))
        .filter(|other| {
            Target::new(other, target.arch)
                .ok()
                .and_then(|target| lists.otp(&target).ok())
                .is_some_and(|list| list.find(&version.reference()).is_some())
        })
        .map(|other| other.name)
        .collect();
    if elsewhere.is_empty() {
        problem
    } else {
        problem.note(format!("{version} was built for {}", elsewhere.join(", ")))
    }
}

/// Versions of the list closest to `version`: of its line first, then of its major version, newest first.
fn nearest_otp(version: &OtpVersion, list: &BuildList) -> Vec<String> {
    let mut there: Vec<OtpVersion> = list
        .builds()
        .iter()
        .filter_map(|build| build.reference.strip_prefix("OTP-")?.parse().ok())
        .filter(|other: &OtpVersion| !other.is_candidate())
        .collect();
    there.sort_by(|one, two| {
        let key = |other: &OtpVersion| {
            let line = other.numbers()[..2] == version.numbers()[..2];
            let distance = other.major().abs_diff(version.major());
            (distance, !line)
        };
        key(one).cmp(&key(two)).then_with(|| two.cmp(one))
    });
    there.iter().take(4).map(ToString::to_string).collect()
}

fn elixir(
    request: &ElixirRequest,
    otp: &OtpVersion,
    value: &Sourced<ConfigValue>,
    lists: &dyn ListSource,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<ResolvedBuild> {
    let list = match lists.elixir() {
        Ok(list) => list,
        Err(error) => {
            diagnostics.push(error.diagnostic());
            return None;
        }
    };
    warn_of_age(&list, "Elixir", diagnostics);
    let major = otp.major();
    if let Some(wanted) = request.otp.filter(|wanted| *wanted != major) {
        diagnostics.push(
            Diagnostic::warning(
                "elixir-other-otp",
                format!("`-otp-{wanted}` is ignored: the app runs on Erlang/OTP {major}"),
            )
            .from(&value.origin, "asked for here"),
        );
    }
    let chosen = choose_elixir(&request.version, major, &list);
    if let (Ok(_), Some((oldest, newest))) = (&chosen, pairs::documented(&request.version))
        && !(oldest..=newest).contains(&major)
    {
        diagnostics.push(
            Diagnostic::warning(
                "elixir-otp-undocumented",
                format!(
                    "Elixir {} is built for Erlang/OTP {major}, but documented for {oldest} to {newest} only",
                    request.version
                ),
            )
            .from(&value.origin, "asked for here")
            .help("expect compiler warnings, or take a pair that Elixir's compatibility table names"),
        );
    }
    match chosen {
        Ok(build) => Some(ResolvedBuild {
            path: format!("{}/{}.zip", list.folder, build.reference),
            sha256: build.sha256,
            rule: rule(value, &request.version.to_string()),
            version: Sourced::new(request.version.to_string(), value.origin.clone()),
        }),
        Err(majors) => {
            diagnostics.push(match list.taken {
                // Versions that the list knows rarely get builds for another OTP later.
                Some(day) if majors.is_empty() => {
                    unknown("Elixir", &request.version.to_string(), day, value)
                }
                _ => elixir_not_built(&request.version, major, &majors, value, &list),
            });
            None
        }
    }
}

/// The build for this OTP; where a version has builds for OTPs at all, only they count. Else the OTPs that it has.
fn choose_elixir<'a>(
    version: &ElixirVersion,
    major: u32,
    list: &'a BuildList,
) -> Result<&'a Publication, BTreeSet<u32>> {
    let plain = version.reference();
    if let Some(build) = list.find(&format!("{plain}-otp-{major}")) {
        return Ok(build);
    }
    let majors: BTreeSet<u32> = list
        .builds()
        .iter()
        .filter_map(|build| {
            let suffix = build.reference.strip_prefix(&plain)?;
            suffix.strip_prefix("-otp-")?.parse().ok()
        })
        .collect();
    match list.find(&plain) {
        Some(build) if majors.is_empty() => Ok(build),
        _ => Err(majors),
    }
}

fn elixir_not_built(
    version: &ElixirVersion,
    major: u32,
    majors: &BTreeSet<u32>,
    value: &Sourced<ConfigValue>,
    list: &BuildList,
) -> Diagnostic {
    let near = nearest_elixir(version, major, list);
    let problem = if majors.is_empty() {
        Diagnostic::error(
            "elixir-not-built",
            Class::Config,
            format!("Elixir {version} was never published"),
        )
    } else {
        let majors: Vec<String> = majors.iter().map(ToString::to_string).collect();
        Diagnostic::error(
            "elixir-otp-pair",
            Class::Config,
            format!("Elixir {version} was never built for Erlang/OTP {major}"),
        )
        .note(format!("it was built for OTP {}", majors.join(", ")))
    }
    .from(&value.origin, "asked for here");
    match near.first() {
        Some(best) => suggestion(
            problem,
            &value.origin,
            &format!("take the nearest that was built for OTP {major}"),
            best,
        ),
        None => problem.help("take a version that `builds/elixir/builds.txt` lists"),
    }
}

/// Releases built for this OTP, closest line first, newest first.
fn nearest_elixir(version: &ElixirVersion, major: u32, list: &BuildList) -> Vec<String> {
    let line = version.line().unwrap_or((u64::MAX, 0));
    let suffix = format!("-otp-{major}");
    let mut there: Vec<semver::Version> = list
        .builds()
        .iter()
        .filter_map(|build| {
            let bare = build.reference.strip_prefix('v')?.strip_suffix(&suffix)?;
            semver::Version::parse(bare).ok()
        })
        .filter(|other| other.pre.is_empty())
        .collect();
    there.sort_by(|one, two| {
        let key =
            |other: &semver::Version| (other.major.abs_diff(line.0), other.minor.abs_diff(line.1));
        key(one).cmp(&key(two)).then_with(|| two.cmp(one))
    });
    there.iter().take(4).map(ToString::to_string).collect()
}

fn suggestion(problem: Diagnostic, origin: &Origin, text: &str, version: &str) -> Diagnostic {
    match origin {
        Origin::File(span) => problem.suggest(text, span.clone(), version),
        _ => problem.help(format!("{text}: {version}")),
    }
}

fn warn_of_age(list: &BuildList, what: &str, diagnostics: &mut Vec<Diagnostic>) {
    if let Some(day) = list.taken {
        diagnostics.push(
            Diagnostic::warning(
                "build-list-old",
                format!(
                    "the list of {what} builds is the one of {day}: the host could not be asked"
                ),
            )
            .note("what was published since is not in it"),
        );
    }
}

#[cfg(test)]
mod tests;
