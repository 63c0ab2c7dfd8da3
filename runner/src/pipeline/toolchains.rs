//! A plan's tools on disk: fetched, verified, unpacked and fitted to their place, once per machine.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use buildpack_core::diagnostic::{Class, Diagnostic, Explain};
use buildpack_core::event::Event;
use buildpack_core::plan::{Tool, Unpack};
use buildpack_core::sandbox::{Access, Command, Mount, Room, Terminal, each_line};
use buildpack_core::store::{Bucket, CacheKey};
use buildpack_core::toolchain::{
    Downloaded, Kind, UnpackLimits, Verify, download, redact_url, unpack_tar_gz, unpack_zip,
};

use super::failure::{Failure, disk};
use super::promise::Promise;
use super::request::Request;
use super::services::Services;

/// A tool on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Installed {
    /// Its folder on the host.
    pub path: PathBuf,
    /// What it was made of: equal keys, equal folders.
    pub key: CacheKey,
}

/// The stack's unpacked build image, once it is there; none where programs run in place. `Err` when it can't be had.
pub(super) type RootfsPromise = Promise<Result<Option<PathBuf>, ()>>;

/// The tool's folder, from the store or made now. A tool that has to be fitted to its place waits for the sandbox's
/// root.
///
/// Returns none where the root could not be had: whoever tried says why.
pub(super) fn install(
    tool: &Tool,
    request: &Request,
    services: &Services,
    rootfs: &RootfsPromise,
) -> Result<Option<Installed>, Failure> {
    let installed = unpinned(tool, request, services, rootfs)?;
    if let (Some(installed), Some(pin)) = (&installed, &tool.pin) {
        let checked = match &pin.file {
            Some(_) => pin.check(&tool.name, &installed.path),
            None => pin.check(&tool.name, &fetch(tool, services)?.path),
        };
        checked.map_err(|error| Failure::of(error.diagnostic()))?;
    }
    Ok(installed)
}

/// The same, whatever the app says of it.
fn unpinned(
    tool: &Tool,
    request: &Request,
    services: &Services,
    rootfs: &RootfsPromise,
) -> Result<Option<Installed>, Failure> {
    let mut fetched = None;
    let key = key(tool, request, &mut || {
        let downloaded = fetch(tool, services)?;
        let digest = downloaded.digest;
        fetched = Some(downloaded);
        Ok(digest.to_string())
    })?;
    if let Some(path) = services.store.dir(Bucket::Tools, &key) {
        services.events.detail(&format!("Using kept {}", tool.name));
        return Ok(Some(Installed { path, key }));
    }
    let mut rootless = false;
    let made = services
        .store
        .make_dir(Bucket::Tools, &key, &*services.events, |folder| {
            let downloaded = match fetched.take() {
                Some(downloaded) => downloaded,
                None => fetch(tool, services)?,
            };
            unpack(tool, &downloaded, folder)?;
            if let Some(command) = &tool.install {
                let Ok(root) = rootfs.wait() else {
                    rootless = true;
                    return Err(Failure::all(Vec::new()));
                };
                fit(tool, command, folder, root, request, services)?;
            }
            Ok(())
        });
    match made {
        Ok(path) => Ok(Some(Installed { path, key })),
        Err(_) if rootless => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// What the tool's folder depends on. Only where nobody publishes a digest, the archive's own has to be asked for.
fn key(
    tool: &Tool,
    request: &Request,
    digest: &mut dyn FnMut() -> Result<String, Failure>,
) -> Result<CacheKey, Failure> {
    let archive = match &tool.artifact.verify {
        Verify::FirstUse => digest()?,
        _ => tool.artifact.identity(),
    };
    let key = CacheKey::new("tool")
        .part("archive", archive)
        .part("unpacked", format!("{:?}", tool.unpack));
    Ok(match &tool.install {
        Some(command) => key
            .part("place", &tool.place)
            .part("install", command.join(" "))
            .part("stack", request.target.stack.name),
        None => key,
    })
}

fn fetch(tool: &Tool, services: &Services) -> Result<Downloaded, Failure> {
    let downloaded = download(
        &*services.fetch,
        &services.store,
        &tool.artifact,
        &Services::retries(),
        &*services.events,
    )?;
    if !downloaded.reused {
        services.events.detail(&format!("Fetched {}", tool.name));
    }
    Ok(downloaded)
}

fn unpack(tool: &Tool, archive: &Downloaded, folder: &Path) -> Result<(), Failure> {
    let io = |error: std::io::Error| disk(&format!("unpack {}", tool.name), &error);
    match &tool.unpack {
        Unpack::Program { name } => {
            let program = folder.join(name);
            fs_err::copy(&archive.path, &program).map_err(io)?;
            fs_err::set_permissions(&program, PermissionsExt::from_mode(0o755)).map_err(io)
        }
        Unpack::Archive { strip, under } => {
            let into = folder.join(under);
            fs_err::create_dir_all(&into).map_err(io)?;
            if tool.artifact.kind == Kind::Zip {
                unpack_zip(&archive.path, &into, *strip, UnpackLimits::default())?;
            } else {
                let file = fs_err::File::open(&archive.path).map_err(io)?;
                unpack_tar_gz(file, &into, *strip, UnpackLimits::default())?;
            }
            Ok(())
        }
    }
}

/// Runs the tool's own install command with the tool at its place.
fn fit(
    tool: &Tool,
    command: &[String],
    folder: &Path,
    unpacked: Option<PathBuf>,
    request: &Request,
    services: &Services,
) -> Result<(), Failure> {
    let scratch = services.store.temp_dir(Bucket::Rootfs)?;
    let user = request.target.stack.user;
    let room = Room {
        root: unpacked.into_iter().collect(),
        scratch: scratch.path().to_owned(),
        mounts: vec![Mount {
            source: folder.to_owned(),
            target: PathBuf::from(&tool.place),
            access: Access::ReadWrite,
        }],
        memory: Vec::new(),
        user: (user.uid, user.gid),
        limits: services.limits.of_room(),
    };
    let command = Command {
        argv: command.to_vec(),
        cwd: PathBuf::from(&tool.place),
        env: BTreeMap::from([("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())]),
    };
    let mut output = Vec::new();
    let mut keep = |lines: &[u8]| {
        let lines = each_line(lines).map(|line| String::from_utf8_lossy(line).into_owned());
        output.extend(lines);
    };
    let exit = services
        .sandbox()?
        .run(&room, &command, Terminal::Lines(&mut keep))
        .map_err(|error| Failure::of(error.diagnostic()))?;
    // What is left of it is swept with the store.
    let _ = crate::sandbox::discard(scratch.path());
    if exit.success() {
        return Ok(());
    }
    for line in output {
        services.events.emit(Event::Output {
            step: tool.id.clone(),
            stream: None,
            line,
        });
    }
    Err(Failure::of(
        Diagnostic::error(
            "tool-install",
            Class::Surroundings,
            format!(
                "`{}` of {} ended with {exit}",
                command.argv.join(" "),
                tool.name
            ),
        )
        .note(format!("from {}", redact_url(&tool.artifact.url)))
        .help("check that the archive is the one that the builds host publishes for this stack"),
    ))
}
