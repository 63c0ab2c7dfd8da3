//! What a configuration file says, found token by token.

use std::ops::Range;
use std::sync::Arc;

use super::{ConfigExs, EnvRead, StaticManifest};
use crate::diagnostic::{Origin, Source, Sourced, Span};
use crate::syntax::elixir::{Bracket, Code, Kind};

/// Reads a configuration file; any text gives an answer.
pub(in crate::app) fn parse(path: &str, source: &Arc<Source>) -> ConfigExs {
    let code = Code::read(&source.text);
    let mut reader = Reader {
        source,
        code: &code,
        conditions: Vec::new(),
        later: 0,
        configured: 0,
        application: None,
        found: ConfigExs {
            path: path.to_owned(),
            at_start: path.ends_with("/runtime.exs") || path.ends_with("/releases.exs"),
            env_reads: Vec::new(),
            server: None,
            phx_server: false,
            esbuild_version: None,
            tailwind_version: None,
            esbuild_path: None,
            tailwind_path: None,
            static_manifests: Vec::new(),
        },
    };
    for token in 0..code.tokens.len() {
        reader.token(token);
    }
    reader.found
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    code: &'a Code<'a>,
    /// Environments that the code up to a token is for, the innermost condition last.
    conditions: Vec<(usize, Vec<String>)>,
    /// The code up to this token is a function, which is called later.
    later: usize,
    /// The code up to this token is the call of `config` that was read last.
    configured: usize,
    /// What is configured by it.
    application: Option<String>,
    found: ConfigExs,
}

impl Reader<'_> {
    fn token(&mut self, token: usize) {
        while self.conditions.last().is_some_and(|(end, _)| *end <= token) {
            self.conditions.pop();
        }
        let code = self.code;
        match &code.tokens[token].kind {
            Kind::Word("if") => self.conditions.extend(self.condition(token + 1)),
            Kind::Word("fn") => self.later = self.later.max(code.after(token)),
            Kind::Operator("&") if token >= self.later => {
                self.later = self.end_of_argument(token + 1);
            }
            Kind::Alias("System") if token >= self.later => {
                let read = self.env_read(token);
                self.found.env_reads.extend(read);
            }
            Kind::Text(text) if text.value == "PHX_SERVER" => self.found.phx_server = true,
            Kind::Key(key) if matches!(key.value.as_ref(), "server" | "serve_endpoints") => {
                self.server(token, token + 1);
            }
            Kind::Key(key) if key.value == "cache_static_manifest" => {
                let manifest = self.static_manifest(token);
                self.found.static_manifests.extend(manifest);
            }
            Kind::Atom(atom) if atom.value == "serve_endpoints" => self.server(token, token + 2),
            Kind::Word("config") if token >= self.configured => self.config(token),
            _ => {}
        }
    }

    /// The environments of a condition that begins at `start`, and the token before which its branch ends.
    fn condition(&self, start: usize) -> Option<(usize, Vec<String>)> {
        let code = self.code;
        let mut at = start;
        // Longer conditions are none of those that are looked for.
        for _ in 0..24 {
            match code.kind(at)? {
                Kind::Word("do") => {
                    let names = environments(code, start..at)?;
                    return Some((self.end_of_branch(at), names));
                }
                Kind::Operator(",") => {
                    let names = environments(code, start..at)?;
                    let one_line =
                        matches!(code.kind(at + 1)?, Kind::Key(key) if key.value == "do");
                    return one_line.then(|| (self.end_of_argument(at + 2), names));
                }
                _ => at = code.after(at),
            }
        }
        None
    }

    /// The `else` or `end` of the block that `do` begins.
    fn end_of_branch(&self, r#do: usize) -> usize {
        let end = self.code.after(r#do);
        let mut at = r#do + 1;
        while at < end && !self.code.tokens[at].kind.is_word("else") {
            at = self.code.after(at);
        }
        at
    }

    /// The comma or end after an argument that begins at `start`.
    fn end_of_argument(&self, start: usize) -> usize {
        let code = self.code;
        let mut at = start;
        let end = code.end_of_expression(start);
        while at < end && !code.tokens[at].kind.is_operator(",") {
            at = code.after(at);
        }
        at
    }

    /// `System.get_env("NAME")` or `System.fetch_env!("NAME")` at `token`.
    fn env_read(&self, token: usize) -> Option<EnvRead> {
        let code = self.code;
        if !code.kind(token + 1)?.is_operator(".") {
            return None;
        }
        let Kind::Word(function @ ("get_env" | "fetch_env" | "fetch_env!")) =
            code.kind(token + 2)?
        else {
            return None;
        };
        let open = matches!(code.kind(token + 3)?, Kind::Open(Bracket::Round));
        let argument = token + 3 + usize::from(open);
        let Kind::Text(name) = code.kind(argument)? else {
            return None;
        };
        let after = if open {
            code.end_of(token + 3)? + 1
        } else {
            argument + 1
        };
        let required = *function == "fetch_env!" || self.raises_at(after);
        Some(EnvRead {
            name: name.value.clone().into_owned(),
            span: self.span(code.bytes(token..after)),
            required,
            only_in: self.only_in().to_vec(),
        })
    }

    /// Whether `|| raise …` stands at `token`.
    fn raises_at(&self, token: usize) -> bool {
        let code = self.code;
        let or = |kind: &Kind<'_>| kind.is_operator("||") || kind.is_word("or");
        let raise = match code.kind(token + 1) {
            Some(Kind::Open(Bracket::Round)) => token + 2,
            _ => token + 1,
        };
        code.kind(token).is_some_and(or)
            && matches!(
                code.kind(raise),
                Some(Kind::Word("raise" | "throw" | "exit"))
            )
    }

    fn only_in(&self) -> &[String] {
        self.conditions.last().map_or(&[], |(_, names)| names)
    }

    fn server(&mut self, key: usize, value: usize) {
        let production = self.in_production();
        let on = self
            .code
            .kind(value)
            .is_some_and(|kind| kind.is_word("true"));
        if production && on && self.found.server.is_none() {
            self.found.server = Some(self.span(self.code.bytes(key..value + 1)));
        }
    }

    /// Version and path in `config :esbuild, version: "…"` at `token`.
    fn config(&mut self, token: usize) {
        let code = self.code;
        let open = matches!(code.kind(token + 1), Some(Kind::Open(Bracket::Round)));
        let first = token + 1 + usize::from(open);
        let Some(Kind::Atom(application)) = code.kind(first) else {
            return;
        };
        let end = match code.end_of(token + 1) {
            Some(end) if open => end,
            _ => code.end_of_expression(first),
        };
        self.configured = end;
        self.application = Some(application.value.clone().into_owned());
        let has_version = matches!(application.value.as_ref(), "esbuild" | "tailwind");
        if !has_version || !self.in_production() {
            return;
        }
        for argument in code.split(first..end, ",") {
            // `config :esbuild, :version, "…"` has the version in an argument of its own.
            let (key, value) = match code.kind(argument.start) {
                Some(Kind::Key(key)) => (key, argument.start + 1),
                Some(Kind::Atom(key)) => (key, argument.end + 1),
                _ => continue,
            };
            let found = &mut self.found;
            let (version, path) = match application.value.as_ref() {
                "esbuild" => (&mut found.esbuild_version, &mut found.esbuild_path),
                _ => (&mut found.tailwind_version, &mut found.tailwind_path),
            };
            let span = |bytes: Range<usize>| Span {
                source: Arc::clone(self.source),
                start: bytes.start,
                end: bytes.end,
            };
            match (key.value.as_ref(), code.kind(value)) {
                ("version", Some(Kind::Text(text))) => {
                    let origin = Origin::File(span(text.span.clone()));
                    *version = Some(Sourced::new(text.value.clone().into_owned(), origin));
                }
                ("path", Some(_)) => *path = Some(span(code.bytes(argument))),
                _ => {}
            }
        }
    }

    /// `cache_static_manifest: "…"` at `token`.
    fn static_manifest(&self, token: usize) -> Option<StaticManifest> {
        let Kind::Text(text) = self.code.kind(token + 1)? else {
            return None;
        };
        if !self.in_production() {
            return None;
        }
        let origin = Origin::File(self.span(text.span.clone()));
        let inside = token < self.configured;
        Some(StaticManifest {
            application: self.application.clone().filter(|_| inside),
            path: Sourced::new(text.value.clone().into_owned(), origin),
        })
    }

    fn in_production(&self) -> bool {
        let only_in = self.only_in();
        only_in.is_empty() || only_in.iter().any(|name| name == "prod")
    }

    fn span(&self, bytes: Range<usize>) -> Span {
        Span {
            source: Arc::clone(self.source),
            start: bytes.start,
            end: bytes.end,
        }
    }
}

/// The environments that `config_env() == :prod` or `Mix.env() in [:dev, :test]` is for; none for other conditions.
fn environments(code: &Code<'_>, condition: Range<usize>) -> Option<Vec<String>> {
    let kinds = code.tokens.get(condition)?.iter().map(|token| &token.kind);
    let mut kinds: Vec<_> = kinds
        .filter(|kind| {
            !matches!(
                kind,
                Kind::Open(Bracket::Round) | Kind::Close(Bracket::Round)
            )
        })
        .collect();
    match kinds.as_slice() {
        [Kind::Word("config_env"), ..] => kinds.drain(..1),
        [Kind::Alias("Mix"), dot, Kind::Word("env"), ..] if dot.is_operator(".") => {
            kinds.drain(..3)
        }
        _ => return None,
    };
    let names = match kinds.split_first()? {
        (operator, names @ [_]) if operator.is_operator("==") => names,
        (Kind::Word("in"), [Kind::Open(Bracket::Square), names @ .., Kind::Close(_)]) => names,
        _ => return None,
    };
    names
        .iter()
        .filter(|kind| !kind.is_operator(","))
        .map(|kind| match kind {
            Kind::Atom(name) => Some(name.value.clone().into_owned()),
            _ => None,
        })
        .collect()
}
