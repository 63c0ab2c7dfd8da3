//! `package.json`: what of it says how assets are built (npm's `package.json` documentation; Volta's and Corepack's
//! fields).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::json::{self, Dialect};
use crate::diagnostic::{Class, Diagnostic, Source, Sourced};

/// A `package.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageJson {
    /// Where it stands: `package.json`, `assets/package.json`.
    pub path: String,
    /// Whether it could not be read, so that nothing is known of what it says.
    pub unread: bool,
    /// `engines`: ranges by program, such as `node` and `npm`.
    pub engines: BTreeMap<String, Sourced<String>>,
    /// `volta.node`.
    pub volta_node: Option<Sourced<String>>,
    /// `packageManager`, such as `pnpm@9.15.0`.
    pub package_manager: Option<Sourced<String>>,
    /// `scripts`: commands by name.
    pub scripts: BTreeMap<String, Sourced<String>>,
    /// `dependencies` and `devDependencies`: ranges by package.
    pub dependencies: BTreeMap<String, Sourced<String>>,
}

/// Reads the file; what cannot be read is an error with its place.
pub(super) fn parse(source: &Arc<Source>, diagnostics: &mut Vec<Diagnostic>) -> PackageJson {
    let path = source.path.to_string_lossy().into_owned();
    let root = match json::object(source, Dialect::Plain) {
        Ok(root) => root,
        Err((at, why)) => {
            diagnostics.push(
                Diagnostic::error(
                    "package-json",
                    Class::Config,
                    format!("`{path}` is not a JSON object"),
                )
                .at(at, why)
                .help("correct the file: npm and yarn cannot read it either"),
            );
            return PackageJson {
                path,
                unread: true,
                ..PackageJson::default()
            };
        }
    };
    let texts = |name: &str| json::texts(source, json::child(&root, name));
    let mut dependencies = texts("devDependencies");
    dependencies.extend(texts("dependencies"));
    PackageJson {
        unread: false,
        engines: texts("engines"),
        volta_node: json::child(&root, "volta")
            .and_then(|volta| json::text_of(source, volta, "node")),
        package_manager: json::text_of(source, &root, "packageManager"),
        scripts: texts("scripts"),
        dependencies,
        path,
    }
}
