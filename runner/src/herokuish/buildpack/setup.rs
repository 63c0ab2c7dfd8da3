//! What comes before packs are asked: folders, the source, variables, the user (compatibility facts 2.3, in their order).

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use buildpack_core::app::{App, SlugIgnore};
use buildpack_core::diagnostic::{Class, Diagnostic, Origin, Sourced};
use buildpack_core::event::{Event, EventSink as _};
use buildpack_core::pack::ScriptDirs;
use jiff::tz::TimeZone;
use stacks::Target;
use walkdir::WalkDir;

use super::bundled::name_of;
use super::list::installed;
use crate::cli;
use crate::herokuish::compat::Quirk;
use crate::herokuish::face::Face;
use crate::herokuish::workshop::Workshop;
use crate::herokuish::{env_dir, env_eval, env_file, owner, say, user};
use crate::pipeline::{ConfigVars, Failure, Here, Request, choose_target, disk};

/// An app made ready, and what it is built with.
pub(super) struct Ready {
    pub(super) request: Request,
    pub(super) workshop: Workshop,
}

/// Folder of the engine's own store in `CACHE_PATH`, hidden from packs that look around there.
const STORE: &str = ".bp";

/// Folder in `BUILDPACK_PATH` from which packs are run, hidden from lists of what is there. What the platform installed may
/// have any other name.
const RUN_FROM: &str = ".bp";

/// The variable in which Dokku gives the commit. It is another with each deploy, so that it counts as no config var.
const REVISION: &str = "GIT_REV";

/// Makes everything ready. From here on the program is the app's user.
pub(super) fn setup(face: &Face) -> Result<Ready, Failure> {
    for folder in [
        &face.app_path,
        &face.env_path,
        &face.build_path,
        &face.cache_path,
        &face.buildpack_path,
    ] {
        fs_err::create_dir_all(folder)
            .map_err(|error| disk(&format!("make the folder `{}`", folder.display()), &error))?;
    }
    let user = user::of_build(face)?;
    import(face).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => not_ours(face, &error),
        _ => disk("copy the source into the app's folder", &error),
    })?;
    leave_out(face).map_err(|error| disk("leave out what `.slugignore` names", &error))?;
    if let Some(user) = &user {
        user.set_home(&face.app_path);
        for folder in [
            &face.app_path,
            &face.build_path,
            &face.cache_path,
            &face.env_path,
        ] {
            owner::give(folder, user);
        }
        // Packs are copied before they are run; only their folder has to take the copies.
        owner::give_alone(&face.buildpack_path, user);
        user.become_it()?;
    }
    std::env::set_current_dir(&face.app_path)
        .map_err(|error| disk("enter the app's folder", &error))?;
    let app = fs_err::canonicalize(&face.app_path)
        .map_err(|error| disk("find the app's folder", &error))?;
    let variables = Variables::read(face)?;
    let workshop = Workshop::open(
        face,
        Some(face.cache_path.join(STORE)),
        (variables.config.secrets(&[]))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    )?;
    let target = target(&workshop, &app)?;
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let request = Request {
        name: "herokuish".to_owned(),
        config_vars: variables.config,
        // As many as the bash pack keeps.
        keep_assets: 2,
        script_dirs: ScriptDirs {
            app: text(&app),
            build: text(&face.build_path),
            cache: text(&face.cache_path),
            env: text(&face.env_path),
            packs: text(&face.buildpack_path.join(RUN_FROM)),
        },
        here: Some(Here {
            env: variables.env,
            packs: brought_along(face),
            unchecked: face.compat.wants(Quirk::Unchecked),
        }),
        ..Request::new(app, target)
    };
    Ok(Ready { request, workshop })
}

/// Packs that the platform has put into `BUILDPACK_PATH`. What the one called `multi` does, is done here already.
fn brought_along(face: &Face) -> Vec<(String, PathBuf)> {
    let packs = installed(face).into_iter();
    packs
        .map(|(folder, path)| (name_of(&folder).to_owned(), path))
        .filter(|(name, path)| name != "multi" && path.join("bin/detect").is_file())
        .collect()
}

/// Copies what is mounted at `IMPORT_PATH`, if anything is, over what stands in the app's folder.
fn import(face: &Face) -> io::Result<()> {
    let from = &face.import_path;
    if !from.is_dir() || fs_err::read_dir(from)?.next().is_none() {
        return Ok(());
    }
    crate::pipeline::mirror(from, &face.app_path, &|_| false)
}

/// Who is not root builds as who they are, and must own the app's folder.
fn not_ours(face: &Face, error: &io::Error) -> Failure {
    let folder = face.app_path.display();
    Failure::of(
        Diagnostic::error(
            "herokuish-not-writable",
            Class::Surroundings,
            format!("cannot copy the source into `{folder}`: {error}"),
        )
        .help(format!(
            "start the container as root: the build itself runs as the app's user; or as the owner of `{folder}`"
        )),
    )
}

/// Removes what `.slugignore` names, before anything is built, as on Heroku.
fn leave_out(face: &Face) -> io::Result<()> {
    if face.compat.wants(Quirk::TarExclude) {
        return Ok(());
    }
    let ignore = match fs_err::read(face.app_path.join(".slugignore")) {
        Ok(text) => SlugIgnore::parse(&text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut walk = WalkDir::new(&face.app_path).min_depth(1).into_iter();
    while let Some(entry) = walk.next() {
        let entry = entry?;
        let is_folder = entry.file_type().is_dir();
        let Ok(below) = entry.path().strip_prefix(&face.app_path) else {
            continue;
        };
        if !ignore.leaves_out(below, is_folder) {
            continue;
        }
        if is_folder {
            walk.skip_current_dir();
            fs_err::remove_dir_all(entry.path())?;
        } else {
            fs_err::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// What a build's programs find in their environment, and which of it are the app's config vars.
struct Variables {
    /// The container's, what herokuish sets, and those of `.env`.
    env: BTreeMap<String, String>,
    config: ConfigVars,
}

impl Variables {
    fn read(face: &Face) -> Result<Self, Failure> {
        let mut env: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        env.insert(
            "APP_DIR".to_owned(),
            face.app_path.to_string_lossy().into_owned(),
        );
        let of_file = of_env_file(face, &env)?;
        let mut config = of_file.clone();
        // A pack may be asked for by the container's own variables, too.
        let url = buildpack_core::wanted::BUILDPACK_URL;
        if let Some(value) = env.get(url).filter(|value| !value.is_empty()) {
            config
                .entry(url.to_owned())
                .or_insert_with(|| value.clone());
        }
        env.extend(of_file);
        let of_folder = env_dir::read(&face.env_path);
        for remark in &of_folder.remarks {
            say::warning(remark);
        }
        for (name, value) in of_folder.variables {
            match value.into_string() {
                Ok(value) => {
                    config.insert(name, value);
                }
                Err(_) => say::warning(&format!(
                    "the config var `{name}` is not UTF-8; packs find it in {} alone",
                    face.env_path.display()
                )),
            }
        }
        if let Some(revision) = config.remove(REVISION) {
            env.entry("SOURCE_VERSION".to_owned())
                .or_insert_with(|| revision.clone());
            env.insert(REVISION.to_owned(), revision);
        }
        Ok(Self {
            env,
            config: ConfigVars(config),
        })
    }
}

/// The variables of the app's `.env`; none without one.
fn of_env_file(
    face: &Face,
    env: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Failure> {
    let path = face.app_path.join(".env");
    let text = match fs_err::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(disk("read the app's `.env`", &error)),
    };
    let text = String::from_utf8_lossy(&text);
    if face.compat.wants(Quirk::EvalEnv) {
        return env_eval::evaluate(&text, face, env);
    }
    let file = env_file::parse(&text, &|name| env.get(name).cloned());
    for remark in &file.remarks {
        say::warning(remark);
    }
    Ok(file.variables)
}

/// `STACK`, else heroku-24.
fn target(workshop: &Workshop, app: &Path) -> Result<Target, Failure> {
    let stack = std::env::var("STACK").ok().filter(|name| !name.is_empty());
    let stack = stack.map(|name| Sourced::new(name, Origin::Env("STACK".to_owned())));
    let today = workshop.services.now.to_zoned(TimeZone::UTC).date();
    let app = App::read(app).value;
    let chosen = choose_target(stack.as_ref(), app.as_ref(), cli::arch()?, today);
    let Some(target) = chosen.target else {
        return Err(Failure::all(chosen.diagnostics));
    };
    for diagnostic in chosen.diagnostics {
        workshop.ui.emit(Event::Diagnostic { diagnostic });
    }
    Ok(target)
}
