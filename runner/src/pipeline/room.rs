//! What a build's programs see: the room, and their environment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use buildpack_core::image::BaseImage;
use buildpack_core::plan::{PackPlan, TestOptions};
use buildpack_core::sandbox::{Access, Mount, Room};

use super::caches::copy_of;
use super::request::{ConfigVars, Request};
use super::services::Services;
use super::toolchains::Installed;

/// Where a stack's image looks for programs when its config says nothing.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The room of a build: the stack's build image, the tree as the app's folder, the tools and the copies of caches at
/// their places, ENV_DIR. `kept` is the folder of what is kept between builds of the app. The time that its programs have
/// begins now.
pub(super) fn build_room(
    request: &Request,
    plan: &PackPlan,
    rootfs: Option<&Path>,
    kept: &Path,
    tree: &Path,
    tools: &[Installed],
    services: &Services,
) -> Room {
    let app = Mount {
        source: tree.to_owned(),
        target: PathBuf::from(&plan.app_dir),
        access: Access::ReadWrite,
    };
    let tools = plan.tools.iter().zip(tools).map(|(tool, installed)| Mount {
        source: installed.path.clone(),
        target: PathBuf::from(&tool.place),
        access: Access::ReadOnly,
    });
    let caches = plan.caches.iter().map(|cache| Mount {
        source: copy_of(kept, cache),
        target: PathBuf::from(&cache.place),
        access: Access::ReadWrite,
    });
    let user = request.target.stack.user;
    Room {
        root: rootfs.map(Path::to_owned).into_iter().collect(),
        scratch: scratch(kept),
        mounts: (std::iter::once(app).chain(tools).chain(caches))
            .chain(services.network.mounts())
            .collect(),
        // A machine of its own has ENV_DIR as a folder.
        memory: match request.here {
            Some(_) => Vec::new(),
            None => request.config_vars.env_dir(),
        },
        user: (user.uid, user.gid),
        limits: services.limits.of_steps(Instant::now()),
    }
}

/// Where a build's programs write what lies neither in the app's folder nor in a cache.
pub(super) fn scratch(kept: &Path) -> PathBuf {
    kept.join("scratch")
}

/// The environment of tests: that of a build's programs, on the terms of continuous integration (Heroku CI). Config vars
/// win.
pub(super) fn test_env(
    mut env: BTreeMap<String, String>,
    plan: &PackPlan,
    options: &TestOptions,
) -> BTreeMap<String, String> {
    env.insert("HOME".to_owned(), plan.app_dir.clone());
    // What programs ask for whose output is no terminal: <https://force-color.org>, <https://bixense.com/clicolors>.
    let colours = [("FORCE_COLOR", "1"), ("CLICOLOR_FORCE", "1")];
    let colours = colours.iter().filter(|_| options.colour);
    for (name, value) in [("CI", "true")].iter().chain(colours) {
        let entry = env.entry((*name).to_owned());
        entry.or_insert_with(|| (*value).to_owned());
    }
    env
}

/// The environment of a build's programs: the stack image's, then the platform's, the plan's, and above all these
/// config vars.
pub(super) fn build_env(
    request: &Request,
    plan: &PackPlan,
    image: Option<&BaseImage>,
    revision: Option<&str>,
    config_vars: &ConfigVars,
    services: &Services,
) -> BTreeMap<String, String> {
    let mut env: BTreeMap<String, String> = BTreeMap::from([("PATH".to_owned(), PATH.to_owned())]);
    env.extend(image.map(BaseImage::env).unwrap_or_default());
    env.extend(request.here.iter().flat_map(|here| here.env.clone()));
    let platform = [
        ("HOME", plan.app_dir.as_str()),
        ("STACK", request.target.stack.name),
        ("REQUEST_ID", "build-0"),
    ];
    env.extend(platform.map(|(name, value)| (name.to_owned(), value.to_owned())));
    if let Some(revision) = revision {
        env.insert("SOURCE_VERSION".to_owned(), revision.to_owned());
    }
    if services.offline {
        env.insert("HEX_OFFLINE".to_owned(), "1".to_owned());
    }
    env.extend(services.network.env(&services.upstreams.npm_registry));
    env.extend(plan.surroundings.clone());
    env.extend(plan.build_env.clone());
    env.extend(
        config_vars
            .exported()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    let path = plan
        .build_path
        .iter()
        .map(String::as_str)
        .chain(env.get("PATH").map(String::as_str))
        .collect::<Vec<_>>()
        .join(":");
    env.insert("PATH".to_owned(), path);
    services.limits.tell(&mut env, services.threads);
    env
}
