//! What an app asks of Node, and where: the first place counts, the others may narrow it.

use buildpack_core::app::{App, ConfigValue, VersionFile};
use buildpack_core::diagnostic::{Origin, Sourced};
use buildpack_core::version::Tool;

use crate::config::{StaticConfig, text};

/// The kind of place that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The pack's config.
    Config,
    /// `engines` of a `package.json`: what the app runs on, rather than what is taken.
    Engines,
    /// A file that a version manager reads.
    Manager,
}

/// One place that asks for a Node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// What it says.
    pub(crate) value: Sourced<ConfigValue>,
    /// What kind of place it is.
    pub(crate) place: Place,
}

impl Asked {
    /// What was written, in one line.
    pub(crate) fn written(&self) -> Sourced<String> {
        let written = match (text(&self.value), &self.value.origin) {
            (Some(text), _) => text.to_owned(),
            (None, Origin::File(span)) => {
                let written = span.source.text.get(span.start..span.end);
                written.unwrap_or_default().to_owned()
            }
            (None, _) => String::new(),
        };
        Sourced::new(written, self.value.origin.clone())
    }
}

/// The places that ask for a Node, the one that counts first. An empty value of the config asks for nothing.
pub(crate) fn places(app: &App, config: &StaticConfig) -> Vec<Asked> {
    let own = config
        .node_version
        .as_ref()
        .filter(|asked| text(asked).is_none_or(|text| !text.trim().is_empty()))
        .map(|value| Asked {
            value: value.clone(),
            place: Place::Config,
        });
    let declared = app
        .declared
        .iter()
        .filter(|declared| declared.tool == Tool::Node)
        .map(|declared| Asked {
            value: declared.value.clone().map(ConfigValue::Text),
            place: match declared.file {
                VersionFile::Engines => Place::Engines,
                _ => Place::Manager,
            },
        });
    own.into_iter().chain(declared).collect()
}
