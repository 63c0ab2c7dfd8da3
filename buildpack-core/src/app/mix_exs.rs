//! `mix.exs`, read without running it: what the project says about itself in literals.

mod reader;

use std::collections::BTreeMap;

use crate::diagnostic::{Sourced, Span};

pub(super) use reader::parse;

/// What a `mix.exs` declares. Places are those of the words alone: what stands between the quotes, a key without its
/// colon.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MixExs {
    /// `app:` of the project.
    pub app: Option<Sourced<String>>,
    /// `elixir:`, a requirement such as `~> 1.15`.
    pub elixir: Option<Sourced<String>>,
    /// Names in `releases:`, in order.
    pub releases: Vec<Sourced<String>>,
    /// `deps:`, in order.
    pub deps: Vec<MixDep>,
    /// `aliases:` by name, such as `assets.deploy`.
    pub aliases: BTreeMap<String, Alias>,
    /// Whether it is the root of an umbrella: `apps_path:`.
    pub umbrella: bool,
    /// `apps_path:`, the folder of an umbrella's applications.
    pub apps_path: Option<Sourced<String>>,
    /// `apps:`, the folders of those that count; all, if none.
    pub apps: Option<Vec<String>>,
    /// What is there, but only Elixir could tell what it comes to.
    pub unread: Vec<Unread>,
}

/// Another name for Mix tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The name.
    pub name: Span,
    /// What it stands for, as it is written: `["esbuild default --minify", "phx.digest"]`.
    pub value: Span,
}

/// What an alias comes to, with the aliases that it names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AliasText<'a> {
    texts: Vec<&'a str>,
}

impl Alias {
    fn text(&self) -> &str {
        let text = self.value.source.text.get(self.value.start..self.value.end);
        text.unwrap_or_default()
    }
}

impl AliasText<'_> {
    /// Whether the word `task` is written out in it, be it as a task, as an argument or in a command.
    pub fn runs(&self, task: &str) -> bool {
        let mut words = self.texts.iter().flat_map(|text| words(text));
        words.any(|word| word == task)
    }

    /// Whether an entry of its own begins with `task`: `"phx.digest --no-vsn"`.
    pub fn lists(&self, task: &str) -> bool {
        let mut entries = self.texts.iter().flat_map(|text| text.split('"'));
        entries.any(|entry| entry.split(' ').next() == Some(task))
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '_' | '-')))
}

/// One dependency of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MixDep {
    /// The application's name.
    pub name: Sourced<String>,
    /// The versions that will do, where they are a literal.
    pub requirement: Option<Sourced<String>>,
    /// The environments it is for (`only:`); all, if none.
    pub only: Option<Vec<String>>,
    /// Its options by name, as they are written; none where something else stands among them.
    pub options: Option<BTreeMap<String, String>>,
}

impl MixDep {
    /// Whether it is there with this `MIX_ENV`.
    pub fn is_for(&self, environment: &str) -> bool {
        let names = self.only.as_ref();
        names.is_none_or(|names| names.iter().any(|name| name == environment))
    }
}

/// A part of a `mix.exs` that is no literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The key it stands under: `elixir`, `releases`, `deps`, `aliases`, `app`, `apps_path`; `project` for all of it.
    pub what: &'static str,
    /// The expression.
    pub span: Span,
    /// What it is instead: `a call`.
    pub why: &'static str,
}

impl MixExs {
    /// Whether `name` is among the dependencies that could be read.
    pub fn depends_on(&self, name: &str) -> bool {
        self.deps.iter().any(|dep| dep.name.value == name)
    }

    /// The alias `name`, with the aliases that it names, as far as they are written out; empty where there is none.
    pub fn alias<'a>(&'a self, name: &'a str) -> AliasText<'a> {
        let mut names = vec![name];
        let mut texts = Vec::new();
        let mut at = 0;
        while let Some(name) = names.get(at) {
            at += 1;
            let Some(alias) = self.aliases.get(*name) else {
                continue;
            };
            texts.push(alias.text());
            for word in words(alias.text()) {
                if self.aliases.contains_key(word) && !names.contains(&word) {
                    names.push(word);
                }
            }
        }
        AliasText { texts }
    }

    /// The part of `what` that could not be read, if any.
    pub fn unread(&self, what: &str) -> Option<&Unread> {
        self.unread.iter().find(|unread| unread.what == what)
    }
}

#[cfg(test)]
mod tests;
