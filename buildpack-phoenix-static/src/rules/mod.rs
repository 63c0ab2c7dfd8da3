//! Rules about the assets of an app, each in a file of its own.

pub(crate) mod assets_binary_version;
pub(crate) mod assets_missing_script;
pub(crate) mod lock_file_format;
pub(crate) mod lock_file_missing;
pub(crate) mod node_engines;
pub(crate) mod node_eol;
pub(crate) mod node_malformed;
pub(crate) mod node_not_published;
pub(crate) mod node_unknown;
pub(crate) mod npm_version;
pub(crate) mod phoenix_no_server;

#[cfg(test)]
mod tests;
