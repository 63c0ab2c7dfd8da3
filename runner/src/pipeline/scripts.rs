//! What packs that are scripts find in a build: copies of their folders, CACHE_DIR, and a room in which the app stands at
//! BUILD_DIR.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use buildpack_core::plan::{PackPlan, Scripts};
use buildpack_core::sandbox::{Access, Mount, Room};
use walkdir::WalkDir;

use super::caches::{copy, renew};
use super::failure::{Failure, disk};
use super::request::Request;

/// Folders of packs by id, as they lie in the store.
pub(super) type PackFolders = BTreeMap<String, PathBuf>;

/// Time limits that packs have for their downloads, as herokuish sets them (compatibility facts 1.2).
const TIME_LIMITS: [(&str, &str); 2] = [("CURL_CONNECT_TIMEOUT", "90"), ("CURL_TIMEOUT", "600")];

/// The rooms of scripts.
pub(super) struct ScriptRooms {
    /// Of those that make the app: it stands at BUILD_DIR.
    pub(super) compile: Room,
    /// Of built-in packs between them: it stands where it runs, and at BUILD_DIR, as what scripts exported names both.
    pub(super) between: Room,
    /// Of its tests: it stands where it runs.
    pub(super) test: Room,
}

/// The rooms of scripts: `room`, which shows the app's folder at its own place, with what else scripts are given. Anew
/// each time are the copies of the packs and what stands in for the app's own place; CACHE_DIR stays, unless it is to be
/// emptied.
pub(super) fn script_rooms(
    plan: &PackPlan,
    scripts: &Scripts,
    folders: &PackFolders,
    room: &Room,
    kept: &Path,
    request: &Request,
    in_place: bool,
) -> Result<ScriptRooms, Failure> {
    let failed = |error: io::Error| disk("lay out what buildpacks need", &error);
    let writable = |source: PathBuf, target: &str| Mount {
        source,
        target: PathBuf::from(target),
        access: Access::ReadWrite,
    };
    let cache = cache_dir(request, scripts, kept);
    if request.clear_cache {
        renew(&cache).map_err(failed)?;
    }
    fs_err::create_dir_all(&cache).map_err(failed)?;
    let app_dir = Path::new(&plan.app_dir);
    let (mut mounts, mut between) = (Vec::new(), room.mounts.clone());
    for mount in &room.mounts {
        let elsewhere = mount.target == app_dir && scripts.build_dir != plan.app_dir;
        if elsewhere && in_place {
            // The app's folder itself is moved there.
        } else if elsewhere {
            let stand_in = kept.join("app-dir");
            renew(&stand_in).map_err(failed)?;
            mounts.push(writable(stand_in, &plan.app_dir));
            let there = writable(mount.source.clone(), &scripts.build_dir);
            mounts.push(there.clone());
            between.push(there);
        } else {
            mounts.push(mount.clone());
        }
    }
    let mut given = vec![writable(cache, &scripts.cache_dir)];
    let packs = kept.join("packs");
    renew(&packs).map_err(failed)?;
    for pack in &scripts.packs {
        let Some(folder) = folders.get(&pack.id) else {
            continue;
        };
        let copy = packs.join(&pack.id);
        copy_pack(folder, &copy).map_err(failed)?;
        given.push(writable(copy, &pack.place));
    }
    let with = |mounts: Vec<Mount>| Room {
        mounts: [mounts, given.clone()].concat(),
        ..room.clone()
    };
    Ok(ScriptRooms {
        compile: with(mounts),
        between: with(between),
        test: with(room.mounts.clone()),
    })
}

/// Where CACHE_DIR lies on the host.
pub(super) fn cache_dir(request: &Request, scripts: &Scripts, kept: &Path) -> PathBuf {
    match request.here {
        Some(_) => PathBuf::from(&scripts.cache_dir),
        None => kept.join("cache"),
    }
}

/// A pack's own copy for one build, in which its owner may write.
fn copy_pack(from: &Path, to: &Path) -> io::Result<()> {
    fs_err::create_dir_all(to)?;
    copy(from, to, u64::MAX)?;
    for entry in WalkDir::new(to) {
        let entry = entry?;
        if entry.file_type().is_symlink() {
            continue;
        }
        let mode = entry.metadata()?.permissions().mode();
        fs_err::set_permissions(entry.path(), PermissionsExt::from_mode(mode | 0o200))?;
    }
    Ok(())
}

/// The environment of scripts: that of a build without config vars, which they find in ENV_DIR.
pub(super) fn script_env(mut env: BTreeMap<String, String>) -> BTreeMap<String, String> {
    for (name, value) in TIME_LIMITS {
        let missing = || value.to_owned();
        env.entry(name.to_owned()).or_insert_with(missing);
    }
    env
}
