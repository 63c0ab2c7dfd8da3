//! The keys of `phoenix_static_buildpack.config`.

use buildpack_core::app::{App, ConfigFile, ConfigValue};
use buildpack_core::check::Evaluated;
use buildpack_core::diagnostic::{Outcome, Sourced};

/// The config's file name.
pub const FILE: &str = "phoenix_static_buildpack.config";

/// Every key that the packs know (compatibility facts 3.4).
pub(crate) const KEYS: [&str; 9] = [
    "assets_path",
    "clean_cache",
    "compile",
    "node_version",
    "npm_version",
    "phoenix_ex",
    "phoenix_relative_path",
    "remove_node",
    "yarn_version",
];

/// The config of an app's assets; what is not set is left to the pack's rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaticConfig {
    /// Node as written. The bash packs keep digits and dots only and look for just that version; here it may be all that
    /// other files may say, so that `20` is the newest of its line.
    pub node_version: Option<Sourced<ConfigValue>>,
    /// The npm that takes the place of Node's own.
    pub npm_version: Option<Sourced<ConfigValue>>,
    /// The classic yarn that is used with a `yarn.lock`.
    pub yarn_version: Option<Sourced<ConfigValue>>,
    /// Where the Phoenix app of an umbrella is.
    pub phoenix_relative_path: Option<Sourced<ConfigValue>>,
    /// Where `package.json` is, below the Phoenix app.
    pub assets_path: Option<Sourced<ConfigValue>>,
    /// The first word of Phoenix's Mix tasks: `phx` or `phoenix`.
    pub phoenix_ex: Option<Sourced<ConfigValue>>,
    /// A script that is run in place of the pack's own steps.
    pub compile: Option<Sourced<ConfigValue>>,
    /// Whether what was kept is thrown away.
    pub clean_cache: Sourced<bool>,
    /// Whether Node and `node_modules` are removed after the build.
    pub remove_node: Sourced<bool>,
}

impl StaticConfig {
    /// Reads the config of `app`; without the file nothing is set. What only bash can tell is taken from `evaluated`. The
    /// value is withheld only where the file is no bash.
    pub fn read(app: &App, evaluated: &Evaluated) -> Outcome<Self> {
        let mut diagnostics = Vec::new();
        let file = ConfigFile::read(app, FILE, &KEYS, evaluated.get(FILE));
        let Some(mut file) = file.collect(&mut diagnostics) else {
            return Outcome::failed(diagnostics);
        };
        let config = Self {
            node_version: file.take("node_version"),
            npm_version: file.take("npm_version"),
            yarn_version: file.take("yarn_version"),
            phoenix_relative_path: file.take("phoenix_relative_path"),
            assets_path: file.take("assets_path"),
            phoenix_ex: file.take("phoenix_ex"),
            compile: file.take("compile"),
            clean_cache: file.take_flag("clean_cache"),
            remove_node: file.take_flag("remove_node"),
        };
        Outcome {
            value: Some(config),
            diagnostics: file.into_diagnostics(),
        }
    }
}

/// What bash puts in the place of `$name`: of an array its first word; none where only bash can tell.
pub(crate) fn text(value: &Sourced<ConfigValue>) -> Option<&str> {
    match &value.value {
        ConfigValue::Text(text) => Some(text),
        ConfigValue::List(words) => Some(words.first().map_or("", String::as_str)),
        ConfigValue::Dynamic(_) => None,
    }
}
