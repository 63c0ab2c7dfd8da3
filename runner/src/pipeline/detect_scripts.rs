//! Which of many packs that are scripts apply to an app, all asked at once in one room.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use buildpack_core::pack::{Detected, ScriptDirs};
use buildpack_core::sandbox::{Access, Command, Mount, Room};
use buildpack_core::store::Bucket;

use super::failure::Failure;
use super::request::Request;
use super::services::Services;
use super::stack_images;

/// Asks the packs in `folders`, whose scripts run in the sandbox with the app's folder to look at and without config vars.
/// Answers stand in the order of the folders.
pub fn detect_scripts(
    folders: &[PathBuf],
    request: &Request,
    services: &Services,
) -> Result<Vec<Detected>, Failure> {
    if folders.is_empty() {
        return Ok(Vec::new());
    }
    let sandbox = services.sandbox()?;
    let in_place = sandbox.in_place();
    let image = if in_place {
        None
    } else {
        Some(stack_images::build_image(request, services)?)
    };
    let dirs = ScriptDirs::default();
    let seen = |number: usize| PathBuf::from(format!("/tmp/buildpacks/{number}"));
    let shown = |source: &Path, target: PathBuf| Mount {
        source: source.to_owned(),
        target,
        access: Access::ReadOnly,
    };
    let (places, build_dir, mounts) = if in_place {
        (folders.to_vec(), request.app.clone(), Vec::new())
    } else {
        let mut mounts = vec![shown(&request.app, PathBuf::from(&dirs.build))];
        let packs = folders.iter().enumerate();
        mounts.extend(packs.map(|(number, folder)| shown(folder, seen(number))));
        let places = (0..folders.len()).map(seen).collect();
        (places, PathBuf::from(&dirs.build), mounts)
    };
    let scratch = services.store.temp_dir(Bucket::Rootfs)?;
    let user = request.target.stack.user;
    let room = Room {
        root: (image.iter())
            .filter_map(|image| image.rootfs.clone())
            .collect(),
        scratch: scratch.path().to_owned(),
        mounts,
        memory: Vec::new(),
        user: (user.uid, user.gid),
        limits: services.limits.of_room(),
    };
    let mut env = BTreeMap::from([("PATH".to_owned(), super::room::PATH.to_owned())]);
    env.extend(image.map(|image| image.base.env()).unwrap_or_default());
    env.insert("HOME".to_owned(), dirs.app);
    env.insert("STACK".to_owned(), request.target.stack.name.to_owned());
    let build_dir = build_dir.to_string_lossy();
    let ask = |place: &PathBuf| Command {
        argv: vec!["bin/detect".to_owned(), build_dir.to_string()],
        cwd: place.clone(),
        env: env.clone(),
    };
    let commands: Vec<_> = places.iter().map(ask).collect();
    let answers = sandbox
        .ask(&room, &commands, services.detect_limit)
        .map_err(|error| Failure::of(error.diagnostic()));
    // What is left of the room is swept with the store.
    let _ = crate::sandbox::discard(scratch.path());
    Ok(answers?.into_iter().map(Detected::from).collect())
}
