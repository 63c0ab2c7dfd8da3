//! What an app asks for, and where: each tool on its own, the first place counts.
//!
//! The bash packs take `.tool-versions` only where it names both tools. Here each line of it counts for its tool, so
//! that what stands nowhere else is not thrown away.

use buildpack_core::app::{App, VersionFile};
use buildpack_core::diagnostic::{Origin, Sourced};
use buildpack_core::version::Tool;

use crate::config::{ConfigValue, ElixirConfig};

/// How short versions of Erlang/OTP are meant in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// `27` is the release 27.0: Heroku's packs in their config and `.tool-versions`.
    Packs,
    /// `27` is the newest release of the line: mise, `.erlang-version`.
    Newest,
}

/// One place that asks for a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What it says.
    pub value: Sourced<ConfigValue>,
    /// How short versions are meant there.
    pub reading: Reading,
}

impl Asked {
    /// What was written, in one line.
    pub fn text(&self) -> Sourced<String> {
        self.value.clone().map(|value| match value {
            ConfigValue::Text(text) => text,
            ConfigValue::List(words) => format!("({})", words.join(" ")),
            ConfigValue::Dynamic(_) => match &self.value.origin {
                Origin::File(span) => {
                    let written = span.source.text.get(span.start..span.end);
                    written.unwrap_or_default().to_owned()
                }
                _ => String::new(),
            },
        })
    }
}

/// The places that ask for `tool`, the one that counts first.
pub fn places(tool: Tool, app: &App, config: &ElixirConfig) -> Vec<Asked> {
    let own = match tool {
        Tool::Erlang => config.erlang_version.as_ref(),
        Tool::Elixir => config.elixir_version.as_ref(),
        Tool::Node => None,
    };
    let own = own.map(|value| Asked {
        value: value.clone(),
        reading: Reading::Packs,
    });
    let declared = app
        .declared
        .iter()
        .filter(|declared| declared.tool == tool)
        .map(|declared| Asked {
            value: declared.value.clone().map(ConfigValue::Text),
            reading: match declared.file {
                VersionFile::ToolVersions => Reading::Packs,
                _ => Reading::Newest,
            },
        });
    own.into_iter().chain(declared).collect()
}
