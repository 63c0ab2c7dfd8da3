//! Programs in a built image, and a shell where a build stands.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use buildpack_core::diagnostic::{Class, Diagnostic};
use buildpack_core::digest::Digest;
use buildpack_core::image::{BaseImage, BaseLayer, Descriptor, Image, layout};
use buildpack_core::sandbox::{Command, Exit, Limits, Room, Terminal};
use buildpack_core::store::{Bucket, Store, TempSpace};

use super::away::Fetched;
use super::failure::{Failure, disk};
use super::record::{BuildRecord, by_name};
use super::services::Services;

/// An image that can be entered.
pub struct Enterable {
    /// What it is called.
    pub name: String,
    /// Its folders, lowest first.
    root: Vec<PathBuf>,
    /// Its config's environment.
    env: BTreeMap<String, String>,
    /// The folder that its programs start in.
    cwd: PathBuf,
    /// User and group id of its programs.
    user: (u32, u32),
    /// Process types, where the image says which it has.
    pub processes: BTreeMap<String, String>,
}

/// The image kept under a name, its layers unpacked.
pub fn kept_image(name: &str, services: &Services) -> Result<Enterable, Failure> {
    let record = find(&services.store, name)?;
    let (stacks, events) = (&services.stacks, &*services.events);
    let below = Fetched::of_stack(&record.run_image, services);
    let mut root = vec![stacks.rootfs_of(&record.run_image, &below, events)?];
    let own = Fetched::of_app(&record, services);
    for layer in &record.layers {
        // A layer of ours is an image of its own as far as unpacking goes: it is unpacked once, whoever shares it.
        let alone = BaseImage {
            reference: format!("layer {}", layer.purpose),
            digest: Digest::of(format!("layer {}", layer.diff_id).as_bytes()),
            layers: vec![BaseLayer {
                digest: layer.digest,
                diff_id: layer.diff_id,
                size: layer.size,
                media_type: layer.media_type,
            }],
            ..record.run_image.clone()
        };
        root.push(stacks.rootfs_of(&alone, &own, events)?);
    }
    let config = Config::read(&record.image)?;
    Ok(Enterable {
        name: record.name,
        root,
        env: config.env,
        cwd: PathBuf::from(&record.app_dir),
        user: record.user,
        processes: record.processes,
    })
}

/// The image of an OCI layout on disk, unpacked into the store.
pub fn layout_image(
    folder: &Path,
    tag: Option<&str>,
    services: &Services,
) -> Result<Enterable, Failure> {
    let image = layout::read(folder, tag)?;
    let blobs = services.stacks.blobs();
    for layer in &image.layers {
        let kept = blobs.file(&layer.digest);
        if !blobs.has(&layer.digest, layer.size) {
            let from = folder.join("blobs/sha256").join(layer.digest.hex());
            let failed = |error: std::io::Error| disk("read the layout", &error);
            let parent = kept.parent().unwrap_or(Path::new("."));
            fs_err::create_dir_all(parent).map_err(failed)?;
            let part = tempfile::NamedTempFile::new_in(parent).map_err(failed)?;
            fs_err::copy(from, part.path()).map_err(failed)?;
            part.persist(&kept)
                .map_err(|error| disk("keep a layer", &error.error))?;
        }
    }
    let config = Config::read(&image)?;
    let base = BaseImage {
        reference: folder.display().to_string(),
        digest: image.manifest_digest,
        config_blob: Descriptor {
            media_type: "application/vnd.oci.image.config.v1+json".to_owned(),
            digest: image.config_digest,
            size: image.config.len() as u64,
        },
        config: serde_json::from_slice(&image.config)
            .map_err(|error| damaged(&folder.display().to_string(), &error))?,
        layers: image
            .layers
            .iter()
            .map(|layer| BaseLayer {
                digest: layer.digest,
                diff_id: layer.diff_id,
                size: layer.size,
                media_type: layer.media_type,
            })
            .collect(),
    };
    Ok(Enterable {
        name: folder.display().to_string(),
        root: vec![services.stacks.rootfs(&base, &*services.events)?],
        env: config.env,
        cwd: config.cwd,
        user: config.user,
        processes: config.processes,
    })
}

/// The record of the image called `name`, or an error that names those that there are.
pub fn find(store: &Store, name: &str) -> Result<BuildRecord, Failure> {
    if let Some(record) = by_name(store, name).read()? {
        return Ok(record);
    }
    let names: Vec<String> = super::record::all_named(store)
        .into_iter()
        .map(|record| record.name)
        .collect();
    let problem = Diagnostic::error(
        "image-not-kept",
        Class::Usage,
        format!("no image is kept under the name `{name}`"),
    );
    Err(Failure::of(if names.is_empty() {
        problem.help("build one first: `bp build APP`")
    } else {
        problem.help(format!("these are kept: {}", names.join(", ")))
    }))
}

/// Refuses where no image can be entered.
pub fn can_enter(services: &Services) -> Result<(), Failure> {
    if !services.sandbox()?.in_place() {
        return Ok(());
    }
    Err(Failure::of(
        Diagnostic::error(
            "run-needs-namespaces",
            Class::Surroundings,
            "an image can be entered only where namespaces work",
        )
        .help("run it with a container engine instead, or see `bp doctor`"),
    ))
}

impl Enterable {
    /// Refuses where the image has no such process type.
    pub fn must_have(&self, process: &str) -> Result<(), Failure> {
        if self.processes.contains_key(process) {
            return Ok(());
        }
        let types: Vec<&str> = self.processes.keys().map(String::as_str).collect();
        Err(Failure::of(
            Diagnostic::error(
                "no-such-process-type",
                Class::Usage,
                format!("`{}` has no process type `{process}`", self.name),
            )
            .help(if types.is_empty() {
                "add a Procfile, or give a command: `bp run NAME -- COMMAND`".to_owned()
            } else {
                format!("it has {}", types.join(", "))
            }),
        ))
    }

    /// Runs `argv` in the image with `env` above its own environment.
    ///
    /// What the program writes is gone afterwards.
    pub fn run(
        &self,
        argv: &[String],
        env: &BTreeMap<String, String>,
        terminal: Terminal<'_>,
        services: &Services,
    ) -> Result<Exit, Failure> {
        can_enter(services)?;
        let sandbox = services.sandbox()?;
        let scratch: TempSpace = services.store.temp_dir(Bucket::Rootfs)?;
        let room = Room {
            root: self.root.clone(),
            scratch: scratch.path().to_owned(),
            mounts: Vec::new(),
            memory: Vec::new(),
            user: self.user,
            limits: Limits::default(),
        };
        let mut whole = self.env.clone();
        whole.extend(env.clone());
        let command = Command {
            argv: argv.to_vec(),
            cwd: self.cwd.clone(),
            env: whole,
        };
        let exit = sandbox
            .run(&room, &command, terminal)
            .map_err(|error| Failure::of(error.diagnostic()));
        // What is left of it is swept with the store.
        let _ = crate::sandbox::discard(scratch.path());
        exit
    }
}

/// What an image's config says about running it.
struct Config {
    env: BTreeMap<String, String>,
    cwd: PathBuf,
    user: (u32, u32),
    processes: BTreeMap<String, String>,
}

impl Config {
    fn read(image: &Image) -> Result<Self, Failure> {
        let config: serde_json::Value = serde_json::from_slice(&image.config)
            .map_err(|error| damaged(&image.config_digest.to_string(), &error))?;
        let config = &config["config"];
        let env = config["Env"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.as_str()?.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let mut ids = config["User"]
            .as_str()
            .unwrap_or_default()
            .split(':')
            .map(str::parse);
        // A name instead of a number is the stack's app user.
        let uid = ids.next().and_then(Result::ok).unwrap_or(1000);
        let gid = ids.next().and_then(Result::ok).unwrap_or(uid);
        let processes = config["Labels"][super::image::label::PROCESSES]
            .as_str()
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        Ok(Self {
            env,
            cwd: PathBuf::from(config["WorkingDir"].as_str().unwrap_or("/")),
            user: (uid, gid),
            processes,
        })
    }
}

fn damaged(what: &str, error: &serde_json::Error) -> Failure {
    Failure::of(
        Diagnostic::error(
            "image-config-damaged",
            Class::Surroundings,
            format!("the config of `{what}` cannot be read: {error}"),
        )
        .help("build the image again"),
    )
}
