//! `lock-file-missing`: nothing says which versions of packages were meant.

use buildpack_core::app::PackageJson;
use buildpack_core::diagnostic::Diagnostic;

use crate::package_manager::{PackageManager, below};

/// What stands before an address of a package that lies in the app itself.
const LOCAL: [&str; 4] = ["file:", "link:", "portal:", "workspace:"];

/// The warning that packages are installed without a lock file, where any comes from elsewhere than the app itself.
pub(crate) fn check(package: &PackageJson, chosen: &PackageManager) -> Option<Diagnostic> {
    if chosen.lock.is_some() {
        return None;
    }
    let is_foreign = |range: &str| !LOCAL.iter().any(|local| range.starts_with(local));
    let mut foreign = (package.dependencies.iter()).filter(|(_, range)| is_foreign(&range.value));
    let (name, range) = foreign.next()?;
    let folder = package.path.strip_suffix("package.json");
    let folder = folder.unwrap_or_default().trim_end_matches('/');
    let lock = below(folder, chosen.manager.lock());
    let place = if folder.is_empty() {
        "the app's folder"
    } else {
        folder
    };
    let program = chosen.manager.program();
    let problem = Diagnostic::warning(
        "lock-file-missing",
        format!(
            "there is no `{lock}`, so that each build takes the newest packages that `{}` allows",
            package.path
        ),
    )
    .from(&range.origin, format!("`{name}`, for one"));
    Some(problem.help(format!(
        "run `{program} install` in {place}, and commit `{lock}`",
        place = if folder.is_empty() {
            place.to_owned()
        } else {
            format!("`{place}`")
        },
    )))
}
