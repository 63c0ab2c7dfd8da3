//! Readers of one text: versions, lists, syntaxes.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use buildpack_core::app::SlugIgnore;
use buildpack_core::causes::{Facts, read_log};
use buildpack_core::diagnostic::{Diagnostic, Source, Span};
use buildpack_core::lists::{BuildList, ListInfo, ListOrigin, NodeList, read_sums};
use buildpack_core::syntax::{self, elixir};
use buildpack_core::version::{
    ElixirBuild, ElixirRequest, ElixirRequirement, NodeRequest, NodeVersion, OtpRequest,
    OtpVersion, Tool,
};
use jiff::civil::date;

/// Panics unless the place is a stretch of whole characters of its text, and can be said.
pub(super) fn check_span(span: &Span) {
    let text = &span.source.text;
    assert!(
        text.get(span.start..span.end).is_some(),
        "{}..{} is no stretch of a text of {} bytes",
        span.start,
        span.end,
        text.len()
    );
}

/// Panics where a place of a diagnostic is none.
pub(super) fn check_diagnostics(diagnostics: &[Diagnostic]) {
    for diagnostic in diagnostics {
        let edits = diagnostic.helps.iter().flat_map(|help| &help.edits);
        let labels = diagnostic.labels.iter().map(|label| &label.span);
        labels
            .chain(edits.map(|edit| &edit.span))
            .for_each(check_span);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Reads a version; what it shows is the same version again.
fn version<T: FromStr + PartialEq + ToString>(bytes: &[u8]) {
    if let Ok(version) = text(bytes).parse::<T>() {
        let shown = version.to_string();
        let again = shown.parse::<T>().ok();
        assert!(again == Some(version), "`{shown}` is not the same version");
    }
}

pub(super) fn otp_version(bytes: &[u8]) {
    version::<OtpVersion>(bytes);
}

pub(super) fn node_version(bytes: &[u8]) {
    version::<NodeVersion>(bytes);
}

pub(super) fn elixir_version(bytes: &[u8]) {
    let text = text(bytes);
    ElixirBuild::of_reference(&text).version.line();
    if let Ok(build) = text.parse::<ElixirBuild>() {
        let again = build.version.to_string().parse::<ElixirBuild>();
        let same = again.is_ok_and(|again| again.version == build.version);
        assert!(same, "`{}` is not the same version", build.version);
    }
}

/// What is asked for, and a version that may be the answer: where there are two lines, the second.
fn question(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, "1.18.3"))
}

pub(super) fn otp_request(bytes: &[u8]) {
    let text = text(bytes);
    let (asked, version) = question(&text);
    for request in [OtpRequest::exact(asked), OtpRequest::newest(asked)] {
        if let (Ok(request), Ok(version)) = (request, version.parse()) {
            request.allows(&version);
            request.major();
        }
    }
}

pub(super) fn node_request(bytes: &[u8]) {
    let text = text(bytes);
    let (asked, version) = question(&text);
    if let (Ok(request), Ok(version)) = (asked.parse::<NodeRequest>(), version.parse()) {
        request.allows(&version);
        let shown = request.to_string();
        assert!(shown.parse() == Ok(request), "`{shown}` is another request");
    }
}

pub(super) fn elixir_request(bytes: &[u8]) {
    let text = text(bytes);
    let (asked, version) = question(&text);
    for request in [asked.parse(), ElixirRequest::branch(asked)] {
        if let (Ok(request), Ok(build)) = (request, version.parse::<ElixirBuild>()) {
            request.wanted.allows(&build.version);
            request.wanted.line();
        }
    }
}

pub(super) fn elixir_requirement(bytes: &[u8]) {
    let text = text(bytes);
    let (asked, version) = question(&text);
    let Ok(requirement) = asked.parse::<ElixirRequirement>() else {
        return;
    };
    let build = version.parse::<ElixirBuild>().ok();
    if let Some(version) = build.as_ref().and_then(|build| build.version.release()) {
        requirement.matches(version);
    }
    let again = requirement.to_string().parse::<ElixirRequirement>();
    assert_eq!(again.as_ref(), Ok(&requirement));
}

fn info(tool: Tool) -> ListInfo {
    ListInfo {
        tool,
        provider: "builds.example".into(),
        path: "builds/builds.txt".into(),
        dated: date(2026, 1, 1),
        origin: ListOrigin::Live,
        current: true,
    }
}

pub(super) fn build_list(bytes: &[u8]) {
    if let Ok(list) = BuildList::read(&text(bytes), info(Tool::Erlang)) {
        assert!(!list.builds().is_empty());
        for build in list.builds() {
            assert_eq!(list.find(&build.reference), Some(build));
        }
    }
}

/// A cause that is found can be told, without a control sequence in it.
pub(super) fn build_log(bytes: &[u8]) {
    let Ok(log) = read_log(bytes) else { return };
    let found = log.finder.found().is_some();
    let told = log.finder.told(&Facts::default());
    assert_eq!(found, told.problem().is_some());
    let quoted = told.quote.map(|quote| quote.text).unwrap_or_default();
    assert!(
        !quoted.chars().any(|c| c.is_control() && c != '\t'),
        "{quoted:?}"
    );
    assert!(quoted.len() < 1000);
}

pub(super) fn node_index(bytes: &[u8]) {
    if let Ok(list) = NodeList::read(&text(bytes), info(Tool::Node)) {
        for release in &list.releases {
            assert_eq!(list.find(&release.version), Some(release));
        }
    }
}

pub(super) fn sums(bytes: &[u8]) {
    if let Ok(sums) = read_sums(&text(bytes)) {
        assert!(sums.keys().all(|file| !file.is_empty()));
    }
}

pub(super) fn bash_config(bytes: &[u8]) {
    let source = Arc::new(Source {
        path: "elixir_buildpack.config".into(),
        text: text(bytes),
    });
    let found = syntax::parse_config(&source, &["elixir_version", "hook_compile", "a"]);
    check_diagnostics(&found.diagnostics);
    for assignment in found.value.iter().flatten() {
        check_span(&assignment.span);
        check_span(&assignment.value_span);
        assert!(assignment.value_span.start >= assignment.span.start);
        assert!(assignment.value_span.end <= assignment.span.end);
    }
}

pub(super) fn elixir_source(bytes: &[u8]) {
    let text = text(bytes);
    let code = elixir::Code::read(&text);
    let mut end = 0;
    for (index, token) in code.tokens.iter().enumerate() {
        assert!(token.span.start >= end, "tokens overlap");
        assert!(text.get(token.span.clone()).is_some());
        assert!(code.after(index) > index && code.after(index) <= code.tokens.len());
        assert!(code.end_of_expression(index) > index);
        end = token.span.end;
    }
    assert!(code.broken.is_none_or(|bytes| text.get(bytes).is_some()));
}

/// Patterns in the first half of the lines, paths in the other.
pub(super) fn slugignore(bytes: &[u8]) {
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let (patterns, paths) = lines.split_at(lines.len().div_ceil(2));
    let ignore = SlugIgnore::parse(&patterns.join(&b'\n'));
    for path in paths {
        let text = String::from_utf8_lossy(path);
        let path = Path::new(text.trim_matches('/'));
        // What leaves a file out leaves a folder of that name out.
        assert!(!ignore.leaves_out(path, false) || ignore.leaves_out(path, true));
    }
}
