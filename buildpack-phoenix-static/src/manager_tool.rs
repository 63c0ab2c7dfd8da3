//! A package manager from the npm registry as a tool, and the small programs that start it with Node.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use buildpack_core::diagnostic::Diagnostic;
use buildpack_core::layer::Purpose;
use buildpack_core::pack::{PlanContext, write_in_tree};
use buildpack_core::plan::{Tool, Unpack};
use buildpack_core::toolchain::{Artifact, Kind, Verify};
use serde_json::Value;

use crate::assets::AssetsApp;
use crate::config::{StaticConfig, text};
use crate::package_manager::{Manager, PackageManager, Program, below};
use crate::resolve::Chosen;
use crate::rules::lock_file_format;

/// The folder for small programs that start package managers, below the app's. An image that keeps Node holds it.
pub(crate) const BIN: &str = ".heroku/bin";

/// More than any package manager has.
const LARGEST: u64 = 64 << 20;

/// Settles which npm is meant, now that Node is known: its own where the app asks for the same or for none. What is wrong
/// with it is told.
pub(crate) fn settle(
    apps: &mut [AssetsApp<'_>],
    config: &StaticConfig,
    node: &Chosen,
) -> Vec<Diagnostic> {
    for chosen in apps.iter_mut().filter_map(|assets| assets.manager.as_mut()) {
        if chosen.manager == Manager::Npm {
            settle_npm(chosen, config, node);
        }
    }
    let apps = apps.iter();
    apps.filter_map(|assets| lock_file_format::check(assets, node))
        .collect()
}

fn settle_npm(chosen: &mut PackageManager, config: &StaticConfig, node: &Chosen) {
    let own = node.release.npm.as_deref();
    if chosen.program == Program::OfNode
        && let Some(asked) = &config.npm_version
        && let Some(version) = text(asked).and_then(|text| text.trim().parse().ok())
    {
        chosen.origin = asked.origin.clone();
        chosen.program = Program::Fetched { version, pin: None };
    }
    if let Program::Fetched { version, pin: None } = &chosen.program
        && own == Some(version.to_string().as_str())
    {
        chosen.program = Program::OfNode;
    }
}

/// The major version of the npm of an app; of Node before anybody lists it, an old one.
pub(crate) fn npm_major(manager: &PackageManager, node: &Chosen) -> u64 {
    if let (Manager::Npm, Some(version)) = (manager.manager, manager.program.version()) {
        return version.major;
    }
    let own = node.release.npm.as_deref();
    let own = own.and_then(|npm| npm.split('.').next()?.parse().ok());
    own.unwrap_or(if node.release.version.0.major >= 15 {
        7
    } else {
        6
    })
}

/// The tool; none where Node or the app itself brings the program.
pub(crate) fn tool(
    chosen: &PackageManager,
    home: &str,
    in_image: bool,
    context: &PlanContext<'_>,
) -> Result<Option<Tool>, Box<Diagnostic>> {
    let Program::Fetched { version, pin } = &chosen.program else {
        return Ok(None);
    };
    let version = version.to_string();
    let id = chosen.manager.program();
    let package = context
        .npm
        .package(chosen.manager.package(), &version)
        .map_err(|error| Box::new(error.diagnostic().from(&chosen.origin, "asked for here")))?;
    let name = format!("{id} {version}");
    Ok(Some(Tool {
        name: name.clone(),
        id: id.to_owned(),
        version,
        artifact: Artifact {
            name,
            url: package.tarball,
            verify: Verify::Sha512Hex(package.sha512),
            max_bytes: LARGEST,
            kind: Kind::TarGz,
        },
        unpack: Unpack::Archive {
            strip: 1,
            under: String::new(),
        },
        place: format!("{home}/{id}"),
        install: None,
        purpose: Purpose::Node,
        in_image,
        pin: pin.clone(),
        binds_output: false,
    }))
}

/// Writes the programs of a package manager in `folder` into the tree: those that its own `package.json` names.
pub(crate) fn write_programs(tree: &Path, tool: &Tool, folder: &Path) -> io::Result<()> {
    for (program, file) in programs(&fs_err::read_to_string(folder.join("package.json"))?) {
        write_program(tree, &program, &below(&tool.place, &file))?;
    }
    Ok(())
}

/// Writes a program `name` that runs a file of JavaScript at an absolute path.
pub(crate) fn write_program(tree: &Path, name: &str, file: &str) -> io::Result<()> {
    let file = file.replace('\'', "'\\''");
    let script = format!("#!/bin/sh\nexec node '{file}' \"$@\"\n");
    write_in_tree(tree, &format!("{BIN}/{name}"), script.as_bytes(), true)
}

/// `bin` of a `package.json`: programs with their files. Names that are more than a name are left out.
fn programs(package: &str) -> BTreeMap<String, String> {
    let package: Value = serde_json::from_str(package).unwrap_or_default();
    let plain = |name: &str| {
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    match &package["bin"] {
        Value::Object(bin) => bin
            .iter()
            .filter(|(name, _)| plain(name))
            .filter_map(|(name, file)| Some((name.clone(), file.as_str()?.to_owned())))
            .collect(),
        Value::String(file) => package["name"]
            .as_str()
            .filter(|name| plain(name))
            .map(|name| (name.to_owned(), file.clone()))
            .into_iter()
            .collect(),
        _ => BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_those_that_the_package_names() {
        let found = programs(r#"{"bin": {"pnpm": "bin/pnpm.cjs", "../x": "y", "n": 1}}"#);
        assert_eq!(
            found,
            BTreeMap::from([("pnpm".to_owned(), "bin/pnpm.cjs".to_owned())])
        );
        let found = programs(r#"{"name": "yarn", "bin": "./bin/yarn.js"}"#);
        assert_eq!(
            found,
            BTreeMap::from([("yarn".to_owned(), "./bin/yarn.js".to_owned())])
        );
        for odd in [
            "",
            "[]",
            "{\"bin\": 1}",
            "{\"name\": \"@x/y\", \"bin\": \"z\"}",
        ] {
            assert!(programs(odd).is_empty(), "{odd}");
        }
    }
}
