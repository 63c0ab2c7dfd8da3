//! From what the app asks for to the builds that will be fetched. A check and a build decide by the same values.

mod agreement;
mod elixir;
mod missing;
mod nearest;
mod offer;
mod otp;
mod shelf;

use buildpack_core::app::App;
use buildpack_core::check::{CheckContext, ToolCheck, Verdict, dynamic};
use buildpack_core::diagnostic::{Diagnostic, Sourced};
use buildpack_core::digest::Digest;
use buildpack_core::version::{OtpRequest, Tool};

use crate::asked::{self, Asked};
use crate::config::ElixirConfig;
use crate::request::{self, Refusal};
use crate::rules::{self, Facts};

pub use offer::Offer;
pub use shelf::{ElixirShelf, Lack, OtpShelf};

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

/// What came of it.
#[derive(Debug, Clone)]
pub struct Resolution {
    /// The builds; none where one of them could not be chosen.
    pub tools: Option<ResolvedTools>,
    /// What was found out about each tool: Erlang/OTP, then Elixir.
    pub checks: Vec<ToolCheck>,
    /// What is wrong with the versions, or worth knowing.
    pub diagnostics: Vec<Diagnostic>,
}

/// A version that was chosen, with its build.
#[derive(Debug, Clone)]
pub struct Found<V> {
    /// The version.
    pub version: V,
    /// Its build.
    pub build: ResolvedBuild,
}

/// Why a version is not there.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Whether it can be had.
    verdict: Verdict,
    /// What to say.
    problem: Box<Diagnostic>,
}

impl Failure {
    fn new(verdict: Verdict, problem: Diagnostic) -> Self {
        Self {
            verdict,
            problem: Box::new(problem),
        }
    }
}

/// What helps where a list is too old to tell.
const ASK_AGAIN: &str = "run it again where the builds host can be reached, or fetch the lists with `bp versions update`";

/// Chooses the builds for `app` on the context's stack; touches nothing but its lists. Where `building`, a value that
/// only bash can tell is an error.
pub fn resolve(
    app: &App,
    config: &ElixirConfig,
    context: &CheckContext<'_>,
    building: bool,
) -> Resolution {
    let offer = Offer::new(app, context);
    let erlang = asked::places(Tool::Erlang, app, config);
    let elixir = asked::places(Tool::Elixir, app, config);
    let read_otp = erlang
        .first()
        .map(|asked| read(Tool::Erlang, request::otp(asked), building));
    let read_elixir = elixir
        .first()
        .map(|asked| read(Tool::Elixir, request::elixir(asked), building));
    let otp_request = read_otp.as_ref().and_then(|read| read.as_ref().ok());
    let elixir_request = read_elixir.as_ref().and_then(|read| read.as_ref().ok());

    let otp = erlang
        .first()
        .zip(otp_request)
        .map(|(asked, request)| otp::choose(asked, request, elixir_request, &offer));
    let major = match &otp {
        Some(Ok(found)) => Some(found.version.major()),
        _ => otp_request.and_then(OtpRequest::major),
    };
    let chosen = elixir
        .first()
        .zip(elixir_request)
        .map(|(asked, request)| elixir::choose(asked, request, major, erlang.first(), &offer));
    let otp = join(read_otp.as_ref(), otp);
    let chosen = join(read_elixir.as_ref(), chosen);

    let checks = vec![
        check(Tool::Erlang, erlang.first(), otp.as_ref()),
        check(Tool::Elixir, elixir.first(), chosen.as_ref()),
    ];
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    diagnostics.extend(problem(otp.as_ref()));
    diagnostics.extend(problem(chosen.as_ref()));
    let otp = otp.and_then(Result::ok);
    let chosen = chosen.and_then(Result::ok);
    let facts = Facts {
        otp: otp.as_ref(),
        elixir: chosen.as_ref(),
        otp_major: major,
        elixir_request,
        offer: &offer,
    };
    if erlang.is_empty() || elixir.is_empty() {
        diagnostics.push(missing::missing(
            app,
            erlang.is_empty(),
            elixir.is_empty(),
            &facts,
        ));
    }
    diagnostics.extend(agreement::otp(&erlang, otp.as_ref()));
    diagnostics.extend(agreement::elixir(&elixir, chosen.as_ref(), major));
    diagnostics.extend(rules::of_versions(&facts));
    Resolution {
        tools: otp.zip(chosen).map(|(otp, elixir)| ResolvedTools {
            otp: otp.build,
            elixir: elixir.build,
        }),
        checks,
        diagnostics,
    }
}

/// A request, or the failure that its text is.
fn read<R>(tool: Tool, request: Result<R, Refusal>, building: bool) -> Result<R, Failure> {
    request.map_err(|refusal| match refusal {
        Refusal::Malformed(problem) => Failure {
            verdict: Verdict::Malformed,
            problem,
        },
        Refusal::Dynamic { why, origin } => {
            Failure::new(Verdict::Unknown, dynamic(tool, &why, &origin, building))
        }
    })
}

/// What came of a request, or of the text that is none.
fn join<R, V>(
    read: Option<&Result<R, Failure>>,
    chosen: Option<Result<Found<V>, Failure>>,
) -> Option<Result<Found<V>, Failure>> {
    match read {
        Some(Err(failure)) => Some(Err(failure.clone())),
        _ => chosen,
    }
}

fn problem<V>(chosen: Option<&Result<Found<V>, Failure>>) -> Option<Diagnostic> {
    match chosen {
        Some(Err(failure)) => Some((*failure.problem).clone()),
        _ => None,
    }
}

fn check<V>(
    tool: Tool,
    asked: Option<&Asked>,
    chosen: Option<&Result<Found<V>, Failure>>,
) -> ToolCheck {
    let build = match chosen {
        Some(Ok(found)) => Some(&found.build),
        _ => None,
    };
    ToolCheck {
        tool,
        requested: asked.map(Asked::text),
        resolved: build.map(|build| build.version.value.clone()),
        rule: build.map(|build| build.rule.clone()).unwrap_or_default(),
        verdict: match chosen {
            Some(Ok(_)) => Verdict::Available,
            Some(Err(failure)) => failure.verdict,
            None => Verdict::Unknown,
        },
    }
}

#[cfg(test)]
mod tests;
