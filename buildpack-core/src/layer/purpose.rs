//! What a layer is for.

use serde::{Deserialize, Serialize};

/// What a layer is for; the order of the variants is their order in the image, what changes least lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Erlang/OTP, or the runtime of a release.
    Erlang,
    /// Elixir.
    Elixir,
    /// Hex and rebar3.
    HexRebar,
    /// Node.
    Node,
    /// Dependencies with what was compiled of them, or the libraries of a release.
    Dependencies,
    /// `node_modules`, where it stays.
    NodeModules,
    /// The app itself.
    App,
}

impl Purpose {
    /// All purposes in the order of the image.
    pub const ALL: [Self; 7] = [
        Self::Erlang,
        Self::Elixir,
        Self::HexRebar,
        Self::Node,
        Self::Dependencies,
        Self::NodeModules,
        Self::App,
    ];

    /// The name in history, labels and records: lower case, hyphens; the same as its serialised form.
    pub fn name(self) -> &'static str {
        match self {
            Self::Erlang => "erlang",
            Self::Elixir => "elixir",
            Self::HexRebar => "hex-rebar",
            Self::Node => "node",
            Self::Dependencies => "dependencies",
            Self::NodeModules => "node-modules",
            Self::App => "app",
        }
    }

    /// The name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Erlang => "Erlang",
            Self::Elixir => "Elixir",
            Self::HexRebar => "Hex and rebar",
            Self::Node => "Node",
            Self::Dependencies => "dependencies",
            Self::NodeModules => "node_modules",
            Self::App => "app",
        }
    }
}

impl std::fmt::Display for Purpose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_sorted_and_names_are_what_serde_writes() {
        assert!(Purpose::ALL.is_sorted());
        for purpose in Purpose::ALL {
            let json = serde_json::to_string(&purpose).unwrap();
            assert_eq!(json.trim_matches('"'), purpose.name());
        }
    }
}
