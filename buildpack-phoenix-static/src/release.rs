//! The process types that the pack offers where the app declares none.

use std::collections::BTreeMap;

/// The default process types: `web` starts the Phoenix server.
pub fn default_processes() -> BTreeMap<String, String> {
    BTreeMap::from([(
        "web".to_owned(),
        "elixir --sname server -S mix phx.server".to_owned(),
    )])
}
