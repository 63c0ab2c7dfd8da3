//! `mix.lock`: the versions that the dependencies were locked to.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::lines::lines;
use crate::diagnostic::{Diagnostic, Origin, Source, Sourced, Span};
use crate::digest::Digest;
use crate::syntax::elixir::{Bracket, Code, Kind};

/// The packages of a `mix.lock`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MixLock {
    /// By name of the dependency.
    pub packages: BTreeMap<String, LockedPackage>,
}

/// What one dependency is locked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedPackage {
    /// Its version, where it comes from Hex.
    pub version: Option<Sourced<String>>,
    /// Where it comes from.
    pub source: LockSource,
    /// What the lock says of a package of Hex; none of others, and where the lock is older than digests of whole packages.
    pub hex: Option<HexLock>,
    /// Its name in the lock.
    pub span: Span,
}

/// All that a lock says of a package of a Hex repository, but for its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HexLock {
    /// The package's name in its repository.
    pub package: String,
    /// The repository: `hexpm`.
    pub repository: String,
    /// SHA-256 of the whole package.
    pub digest: Digest,
    /// The tools that it can be built with, as they are written: `[:mix]`.
    pub managers: String,
    /// What it depends on.
    pub requires: Vec<HexRequirement>,
}

/// A package that another one depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HexRequirement {
    /// The name of its application.
    pub name: String,
    /// Whether it is needed only where the app depends on it, too.
    pub optional: bool,
}

/// Where a locked dependency comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockSource {
    /// A Hex repository.
    Hex,
    /// A git repository.
    Git,
    /// Something else.
    Other,
}

/// Reads a `mix.lock`; of a broken one, what can be read.
pub(super) fn parse(source: &Arc<Source>, diagnostics: &mut Vec<Diagnostic>) -> MixLock {
    let code = Code::read(&source.text);
    if let Some(problem) = conflict(source).or_else(|| damage(source, &code)) {
        diagnostics.push(problem);
    }
    let mut lock = MixLock::default();
    for token in 0..code.tokens.len() {
        if let Some((name, package)) = package_at(source, &code, token) {
            lock.packages.insert(name, package);
        }
    }
    lock
}

/// `"name": {:hex, :name, "1.2.3", …}` at `token`.
fn package_at(
    source: &Arc<Source>,
    code: &Code<'_>,
    token: usize,
) -> Option<(String, LockedPackage)> {
    let Kind::Key(name) = code.kind(token)? else {
        return None;
    };
    let Kind::Open(Bracket::Curly) = code.kind(token + 1)? else {
        return None;
    };
    let Kind::Atom(kind) = code.kind(token + 2)? else {
        return None;
    };
    let end = code.end_of(token + 1)?;
    let from = match kind.value.as_ref() {
        "hex" => LockSource::Hex,
        "git" => LockSource::Git,
        _ => LockSource::Other,
    };
    let hex = (from == LockSource::Hex)
        .then(|| hex_lock(source, code, token + 2..end))
        .flatten();
    let version = (from == LockSource::Hex)
        .then(|| code.split(token + 2..end, ",").nth(2))
        .flatten()
        .filter(|argument| argument.len() == 1)
        .and_then(|argument| match code.kind(argument.start)? {
            Kind::Text(version) => {
                let origin = Origin::File(span(source, version.span.clone()));
                Some(Sourced::new(version.value.clone().into_owned(), origin))
            }
            _ => None,
        });
    let package = LockedPackage {
        version,
        source: from,
        hex,
        span: span(source, name.span.clone()),
    };
    Some((name.value.clone().into_owned(), package))
}

/// `:hex, :name, "1.2.3", inner digest, managers, requirements, repository, outer digest`.
fn hex_lock(source: &Arc<Source>, code: &Code<'_>, tuple: Range<usize>) -> Option<HexLock> {
    let fields: Vec<_> = code.split(tuple, ",").collect();
    let [_, package, _, _, managers, requires, repository, digest, ..] = fields.as_slice() else {
        return None;
    };
    let Kind::Atom(package) = code.kind(package.start)? else {
        return None;
    };
    let text = |field: &Range<usize>| match code.kind(field.start)? {
        Kind::Text(text) => Some(text.value.clone().into_owned()),
        _ => None,
    };
    let inside = |list: &Range<usize>| match code.kind(list.start)? {
        Kind::Open(Bracket::Square) => Some(list.start + 1..code.end_of(list.start)?),
        _ => None,
    };
    let requires = code
        .split(inside(requires)?, ",")
        .map(|tuple| requirement(code, tuple))
        .collect::<Option<_>>()?;
    Some(HexLock {
        package: package.value.clone().into_owned(),
        repository: text(repository)?,
        digest: text(digest)?.parse().ok()?,
        managers: source.text.get(code.bytes(managers.clone()))?.to_owned(),
        requires,
    })
}

/// `{:name, "~> 1.0", [hex: :name, repo: "hexpm", optional: false]}`.
fn requirement(code: &Code<'_>, tuple: Range<usize>) -> Option<HexRequirement> {
    let Kind::Atom(name) = code.kind(tuple.start + 1)? else {
        return None;
    };
    let mut tokens = tuple.clone();
    let optional = tokens.any(|token| {
        matches!(code.kind(token), Some(Kind::Key(key)) if key.value == "optional")
            && code
                .kind(token + 1)
                .is_some_and(|kind| kind.is_word("true"))
    });
    Some(HexRequirement {
        name: name.value.clone().into_owned(),
        optional,
    })
}

fn conflict(source: &Arc<Source>) -> Option<Diagnostic> {
    let (start, line) = lines(source).find(|(_, line)| line.starts_with("<<<<<<< "))?;
    Some(broken(
        "`mix.lock` holds both sides of a merge conflict",
        span(source, start..start + line.len()),
        "it begins here",
        "take one side and remove the lines with `<<<<<<<`, `=======` and `>>>>>>>`, then run `mix deps.get`",
    ))
}

/// What else Mix could not read; an empty file is one without packages.
fn damage(source: &Arc<Source>, code: &Code<'_>) -> Option<Diagnostic> {
    let place = match code.tokens.as_slice() {
        [] => return None,
        _ if code.broken.is_some() => code.broken.clone()?,
        [percent, open, ..]
            if percent.kind.is_operator("%") && open.kind == Kind::Open(Bracket::Curly) =>
        {
            // What stands after the map.
            code.tokens.get(code.after(1))?.span.clone()
        }
        [first, ..] => first.span.clone(),
    };
    Some(broken(
        "`mix.lock` is damaged: expected a map `%{…}` of packages",
        span(source, place),
        "this does not fit",
        "take it from version control again, or remove it and run `mix deps.get`",
    ))
}

fn broken(message: &str, place: Span, label: &str, help: &str) -> Diagnostic {
    Diagnostic::warning("mix-lock", message)
        .at(place, label)
        .help(help)
}

fn span(source: &Arc<Source>, bytes: Range<usize>) -> Span {
    Span {
        source: Arc::clone(source),
        start: bytes.start,
        end: bytes.end,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> (MixLock, Vec<Diagnostic>) {
        let source = Arc::new(Source {
            path: "mix.lock".into(),
            text: text.to_owned(),
        });
        let mut diagnostics = Vec::new();
        (parse(&source, &mut diagnostics), diagnostics)
    }

    const LOCK: &str = r#"%{
  "castore": {:hex, :castore, "1.0.11", "4bbd584741601eb658007339ea730b082cc61f3554cf2e8f39bf693a11b49073", [:mix], [], "hexpm", "e03990b4db988df56262852f20de0f659871c35154691427a5047f4967a16a62"},
  "heroicons": {:git, "https://github.com/tailwindlabs/heroicons.git", "88ab3a0d790e6a47404cba02800a6b25d2afae50", [tag: "v2.1.1", sparse: "optimized"]},
  "phoenix": {:hex, :phoenix, "1.8.9", "aa", [:mix], [{:castore, ">= 0.0.0", [hex: :castore, repo: "hexpm", optional: false]}], "hexpm", "bb"},
  "own": {:hg, "x"},
}
"#;

    #[test]
    fn reads_what_mix_writes() {
        let (lock, diagnostics) = read(LOCK);
        assert_eq!(diagnostics, []);
        let names: Vec<_> = lock.packages.keys().collect();
        assert_eq!(names, ["castore", "heroicons", "own", "phoenix"]);
        let phoenix = &lock.packages["phoenix"];
        let version = phoenix.version.as_ref().unwrap();
        assert_eq!(version.value, "1.8.9");
        assert_eq!(version.origin.to_string(), "mix.lock:4:32");
        assert_eq!(phoenix.span.to_string(), "mix.lock:4:4");
        assert_eq!(lock.packages["heroicons"].source, LockSource::Git);
        assert_eq!(lock.packages["heroicons"].version, None);
        assert_eq!(lock.packages["own"].source, LockSource::Other);
    }

    #[test]
    fn reads_what_a_package_is_and_what_it_depends_on() {
        let digest = "e03990b4db988df56262852f20de0f659871c35154691427a5047f4967a16a62";
        let text = format!(
            r#"%{{"plug": {{:hex, :plug_fork, "1.0.0", "aa", [:mix, :rebar3], [{{:mime, "~> 1.0", [hex: :mime, repo: "hexpm", optional: false]}}, {{:telemetry, "~> 1", [hex: :telemetry, repo: "hexpm", optional: true]}}], "hexpm:acme", "{digest}"}},
  "old": {{:hex, :old, "1.0.0", "aa", [:mix], [], "hexpm"}}}}"#
        );
        let lock = read(&text).0;
        let plug = lock.packages["plug"].hex.as_ref().unwrap();
        assert_eq!(plug.package, "plug_fork");
        assert_eq!(plug.repository, "hexpm:acme");
        assert_eq!(plug.digest.hex(), digest);
        assert_eq!(plug.managers, "[:mix, :rebar3]");
        let requires: Vec<_> = (plug.requires.iter())
            .map(|other| (other.name.as_str(), other.optional))
            .collect();
        assert_eq!(requires, [("mime", false), ("telemetry", true)]);
        assert_eq!(lock.packages["old"].hex, None);
    }

    #[test]
    fn says_where_it_is_broken_and_reads_the_rest() {
        let conflict = LOCK.replace("  \"heroicons\"", "<<<<<<< HEAD\n  \"heroicons\"");
        let torn = &LOCK[..LOCK.len() - 60];
        for (text, place, count) in [
            (conflict.as_str(), "mix.lock:3:1", 4),
            (torn, "mix.lock:1:2", 2),
            ("[]", "mix.lock:1:1", 0),
            ("%{} x", "mix.lock:1:5", 0),
            ("% \"a\"", "mix.lock:1:1", 0),
            ("%", "mix.lock:1:1", 0),
            ("<html>", "mix.lock:1:1", 0),
        ] {
            let (lock, diagnostics) = read(text);
            assert_eq!(lock.packages.len(), count, "{text}");
            let [problem] = diagnostics.as_slice() else {
                panic!("{text}: {diagnostics:?}");
            };
            assert_eq!(problem.labels[0].span.to_string(), place, "{text}");
        }
        for text in ["", "\n", "%{}", "%{\n}\n", "%{\r\n}\r\n"] {
            assert_eq!(read(text).1, [], "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_an_answer(
            text in "(\\PC|\n|%\\{|\"[a-c]\": |\\{:hex, :a, \"1\"|[{}%,\"]|<<<<<<< ){0,40}"
        ) {
            let (lock, diagnostics) = read(&text);
            let labels = diagnostics.iter().flat_map(|problem| &problem.labels);
            let names = lock.packages.values().map(|package| &package.span);
            for span in labels.map(|label| &label.span).chain(names) {
                prop_assert!(text.get(span.start..span.end).is_some());
            }
        }
    }
}
