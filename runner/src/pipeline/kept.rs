//! The folder in which an app's tree is kept from build to build.

use std::path::{Path, PathBuf};

use buildpack_core::diagnostic::{Class, Diagnostic};
use buildpack_core::event::Event;
use buildpack_core::plan::Goal;
use buildpack_core::store::{Bucket, CacheKey};

use super::failure::{Failure, disk};
use super::prepare::Prepared;
use super::request::Request;
use super::services::Services;

/// The folder in which an app's tree is kept: one for each app folder, stack and set of tools that bind output, so that
/// output of one compiler never meets another. Tests have a tree of their own: no image is made of what they leave.
pub(super) fn kept_folder(
    request: &Request,
    goal: &Goal,
    services: &Services,
    prepared: &Prepared,
) -> Result<PathBuf, Failure> {
    let app = fs_err::canonicalize(&request.app)
        .map_err(|error| disk("find the app's folder", &error))?;
    let plan = &prepared.plan;
    let (purpose, slot) = match goal {
        Goal::Build => ("build tree", app.display().to_string()),
        Goal::Test(_) => ("test tree", format!("tests of {}", app.display())),
    };
    let mut key = CacheKey::new(purpose)
        .part("app", app.display())
        .part("stack", request.target.stack.name)
        .part("architecture", request.target.arch)
        .part("folder", &plan.app_dir);
    for tool in plan.tools.iter().filter(|tool| tool.binds_output) {
        key = key.part(&tool.id, tool.artifact.identity());
    }
    for name in ["MIX_ENV", "MIX_HOME", "HEX_HOME"] {
        key = key.part(name, plan.build_env.get(name).map_or("", String::as_str));
    }
    let store = &services.store;
    if store.dir(Bucket::Builds, &key).is_none() {
        services.events.emit(Event::Cache {
            what: purpose.to_owned(),
            hit: false,
            reason: Some(store.miss(Bucket::Builds, &slot, &key).to_string()),
        });
    }
    let folder = store.make_dir::<Failure>(Bucket::Builds, &key, &*services.events, |folder| {
        fs_err::create_dir_all(folder.join("app"))
            .map_err(|error| disk("make a build tree", &error))
    })?;
    store.remember(Bucket::Builds, &slot, &key)?;
    Ok(folder)
}

/// Refuses to write what is called `what` at `path`, if that is in the app's folder: the build would take it for a
/// part of the app, and a copy of itself the next time.
pub fn must_lie_outside(app: &Path, path: &Path, what: &str, help: &str) -> Result<(), Failure> {
    if !lies_within(app, path) {
        return Ok(());
    }
    Err(Failure::of(
        Diagnostic::error(
            "inside-the-app",
            Class::Usage,
            format!(
                "{what} `{}` lies in the app's folder `{}` and would become a part of the app",
                path.display(),
                app.display()
            ),
        )
        .help(help),
    ))
}

/// Whether `path` is below `folder` or the folder itself; `path` need not exist yet.
fn lies_within(folder: &Path, path: &Path) -> bool {
    let Ok(folder) = fs_err::canonicalize(folder) else {
        return false;
    };
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.ancestors()
        .find_map(|above| fs_err::canonicalize(above).ok())
        .is_some_and(|above| above.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_will_be_written_in_the_app_is_found_whatever_it_is_called() {
        let desk = tempfile::tempdir().unwrap();
        let app = desk.path().join("app");
        fs_err::create_dir_all(app.join("sub")).unwrap();
        symlink(app.join("sub"), desk.path().join("link")).unwrap();
        for inside in ["app", "app/new/folder", "app/sub/../x", "link/new"] {
            let refused = must_lie_outside(
                &app,
                &desk.path().join(inside),
                "the cache folder",
                "move it",
            );
            assert_eq!(refused.unwrap_err().class(), Class::Usage, "{inside}");
        }
        for outside in ["", "apple", "new/folder", "app/../x"] {
            let path = desk.path().join(outside);
            assert!(must_lie_outside(&app, &path, "", "").is_ok(), "{outside}");
        }
    }
}
