//! The folder in which an app's tree is kept from build to build.

use std::path::PathBuf;

use buildpack_core::event::Event;
use buildpack_core::store::{Bucket, CacheKey};

use super::failure::{Failure, disk};
use super::prepare::Prepared;
use super::request::Request;
use super::services::Services;

/// The folder in which an app's tree is kept: one for each app folder, stack and set of tools, so that output of one
/// compiler never meets another.
pub(super) fn kept_folder(
    request: &Request,
    services: &Services,
    prepared: &Prepared,
) -> Result<PathBuf, Failure> {
    let app = fs_err::canonicalize(&request.app)
        .map_err(|error| disk("find the app's folder", &error))?;
    let plan = &prepared.plan;
    let mut key = CacheKey::new("build tree")
        .part("app", app.display())
        .part("stack", request.target.stack.name)
        .part("architecture", request.target.arch)
        .part("folder", &plan.app_dir);
    for tool in &plan.tools {
        key = key.part(&tool.id, tool.artifact.identity());
    }
    for name in ["MIX_ENV", "MIX_HOME", "HEX_HOME"] {
        key = key.part(name, plan.build_env.get(name).map_or("", String::as_str));
    }
    let store = &services.store;
    let slot = app.display().to_string();
    if store.dir(Bucket::Builds, &key).is_none() {
        services.events.emit(Event::Cache {
            what: "build tree".to_owned(),
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
