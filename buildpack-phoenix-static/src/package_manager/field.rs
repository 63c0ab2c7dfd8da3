//! `packageManager` of `package.json`, as Corepack reads it: `pnpm@9.15.0`, `yarn@4.9.2+sha512.…`.

use buildpack_core::diagnostic::{Class, Diagnostic, Sourced};
use buildpack_core::toolchain::{Algorithm, Pin};
use semver::Version;

use super::{Manager, OTHERS, PackageManager, Program, reads, unsupported};
use crate::lock_file::LockFile;

/// The package manager that `field` names; of `locks` it reads the first that is for it. It installs in `root`.
pub(super) fn read(
    field: &Sourced<String>,
    locks: &[LockFile],
    root: &str,
) -> Result<PackageManager, Box<Diagnostic>> {
    let malformed = || {
        Box::new(
            Diagnostic::error(
                "package-manager-malformed",
                Class::Config,
                format!(
                    "`packageManager` names no version of a package manager: expected `name@1.2.3`, found `{}`",
                    field.value
                ),
            )
            .from(&field.origin, "written here")
            .help("write it as in `pnpm@9.15.0`, or leave it out: the lock file tells, too"),
        )
    };
    let (name, rest) = field.value.trim().split_once('@').ok_or_else(malformed)?;
    let (version, hash) = rest.split_once('+').unwrap_or((rest, ""));
    if OTHERS.contains(&name) {
        return Err(unsupported("`packageManager`", name, &field.origin));
    }
    let version: Version = version.parse().map_err(|_| malformed())?;
    let manager = match name {
        "npm" => Manager::Npm,
        "yarn" if version.major < 2 => Manager::YarnClassic,
        "yarn" => Manager::YarnBerry,
        "pnpm" => Manager::Pnpm,
        _ => return Err(malformed()),
    };
    let pin = match hash {
        "" => None,
        hash => Some(pin(hash, manager, field)?),
    };
    Ok(PackageManager {
        manager,
        program: Program::Fetched { version, pin },
        lock: locks
            .iter()
            .find(|lock| reads(manager, &lock.kind))
            .cloned(),
        root: root.to_owned(),
        origin: field.origin.clone(),
    })
}

/// `sha512.0a1b…`: of the archive in npm's registry; of yarn 2 and later, which Corepack takes from a host of yarn's own,
/// of the one file that is there and in the archive alike (Corepack's `corepackUtils.ts`).
fn pin(hash: &str, manager: Manager, field: &Sourced<String>) -> Result<Pin, Box<Diagnostic>> {
    let problem = |what: String| {
        Box::new(
            Diagnostic::error(
                "package-manager-digest",
                Class::Config,
                format!("`packageManager` names a digest that is none: {what}"),
            )
            .from(&field.origin, "written here")
            .help("let `corepack use` write it, or take everything from the `+` on out"),
        )
    };
    let (name, hex) = hash.split_once('.').unwrap_or((hash, ""));
    let Some(algorithm) = Algorithm::named(name) else {
        return Err(problem(format!(
            "expected `sha512.` and hex digits, found `{hash}`"
        )));
    };
    if hex.len() != algorithm.digits() || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(problem(format!(
            "expected {} hex digits behind `{name}.`, found `{hex}`",
            algorithm.digits()
        )));
    }
    Ok(Pin {
        algorithm,
        hex: hex.to_ascii_lowercase(),
        file: (manager == Manager::YarnBerry).then(|| "bin/yarn.js".to_owned()),
        origin: field.origin.clone(),
    })
}
