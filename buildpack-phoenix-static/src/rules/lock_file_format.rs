//! `lock-file-format`: the npm that is taken cannot read the app's lock file.

use buildpack_core::diagnostic::{Class, Diagnostic};

use crate::assets::AssetsApp;
use crate::config::FILE;
use crate::lock_file::Lock;
use crate::manager_tool::npm_major;
use crate::package_manager::Manager;
use crate::resolve::Chosen;

/// npm from 7 on writes formats 2 and 3; the latter holds nothing that npm before 7 reads (npm's documentation of
/// `package-lock.json`).
const FIRST_NEW: u64 = 7;
const NEW: u32 = 3;

/// The error where npm before 7 is to install from a lock file of npm 7 or later. The npm has been settled.
pub(crate) fn check(assets: &AssetsApp<'_>, node: &Chosen) -> Option<Diagnostic> {
    let manager = assets.manager.as_ref()?;
    let lock = manager.lock.as_ref()?;
    let major = npm_major(manager, node);
    let Lock::Npm {
        version: Some(format),
    } = lock.kind
    else {
        return None;
    };
    if manager.manager != Manager::Npm || major >= FIRST_NEW || format < NEW {
        return None;
    }
    let version = match (&manager.program.version(), &node.release.npm) {
        (Some(version), _) => version.to_string(),
        (None, Some(own)) => own.clone(),
        (None, None) => major.to_string(),
    };
    let problem = Diagnostic::error(
        "lock-file-format",
        Class::Config,
        format!(
            "npm {version} cannot read `{}`: its format is {format}, which came with npm 7",
            lock.path
        ),
    );
    let problem = if manager.program.version().is_some() {
        problem.from(&manager.origin, "this npm is asked for here")
    } else {
        problem.from(
            &node.asked.origin,
            format!("this leads to Node {} with its npm", node.release.version),
        )
    };
    Some(problem.help(format!(
        "take a newer npm with `npm_version` in `{FILE}`, or a newer Node, or lock the packages with npm {major}"
    )))
}
