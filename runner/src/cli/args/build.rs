//! Commands that compile an app, or would.

use std::path::PathBuf;

use clap::Args;

use super::shared::{LimitFlags, Packs, RemoteFlags, Secrets, Target, WriteLock, absolute_path};
use crate::pipeline::{Names, Output};

/// Whether what was built is started, and what it is asked for.
#[derive(Debug, Args)]
pub(in crate::cli) struct CheckPage {
    /// Start `web` in the built image and ask it for a page; no answer, or one with a status of 500 or more, fails the build
    #[arg(long)]
    pub check: bool,
    /// With --check: the page to ask for
    #[arg(long, value_name = "PATH", requires = "check", default_value = "/", value_parser = absolute_path)]
    pub check_path: String,
    /// With --check: seconds that `web` may take to answer
    #[arg(long, value_name = "SECONDS", requires = "check", default_value_t = 60)]
    pub check_timeout: u64,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Build {
    /// The app's folder
    #[arg(default_value = ".")]
    pub app: PathBuf,
    #[command(flatten)]
    pub target: Target,
    #[command(flatten)]
    pub packs: Packs,
    #[command(flatten)]
    pub write: WriteLock,
    #[command(flatten)]
    pub limits: LimitFlags,
    /// Name to keep the image under [default: the folder's name]
    #[arg(short = 't', long = "tag", value_name = "NAME")]
    pub name: Option<String>,
    /// Also write the image: `oci:DIR`, `oci-archive:FILE` or `docker-archive:FILE`; may be given several times
    #[arg(short, long, value_name = "KIND:PATH")]
    pub output: Vec<Output>,
    /// Also push the image to the registry that its name says: `-t registry.example/team/app:tag`
    #[arg(long, requires = "name")]
    pub push: bool,
    /// With --push: whose names the image's parts have in the registry, `oci` or `docker`
    #[arg(long, value_name = "NAMES", requires = "push", default_value_t)]
    pub media_types: Names,
    /// Start from scratch: use nothing that earlier builds of this app left
    #[arg(long)]
    pub clear_cache: bool,
    /// Hold digested static files of this many earlier versions in the image, for pages that were loaded before a deploy
    /// [default: 0]
    #[arg(long, value_name = "N")]
    pub keep_assets: Option<String>,
    /// How the app's layers are packed: `gzip` or `zstd`; archives for Docker take gzip alone [default: gzip]
    #[arg(long, value_name = "FORMAT")]
    pub compression: Option<String>,
    #[command(flatten)]
    pub remote: RemoteFlags,
    /// If a step fails, open a shell there, with its environment; needs a terminal
    #[arg(long)]
    pub shell: bool,
    #[command(flatten)]
    pub secrets: Secrets,
    #[command(flatten)]
    pub check: CheckPage,
    /// Let the value of this config var stand in the image, because it is no secret
    #[arg(long, value_name = "NAME")]
    pub allow_in_image: Vec<String>,
    /// Let secrets stand in this file or folder of the image, because they are meant to
    #[arg(long, value_name = "PATH")]
    pub allow_secret_in: Vec<String>,
    /// Let the app's files need this library, such as `libcuda.so.1`, though nothing in the image has it
    #[arg(long, value_name = "LIBRARY")]
    pub allow_missing: Vec<String>,
    /// Write a record of the build as JSON, also if it fails: docs/records.md
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Build as this record says: on its stack images, with its tools and packs; what cannot be the same is told
    #[arg(long, value_name = "RECORD", conflicts_with = "stack")]
    pub like: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Test {
    /// The app's folder
    #[arg(default_value = ".")]
    pub app: PathBuf,
    /// Command to run instead of the app's tests, where they would run
    #[arg(last = true)]
    pub command: Vec<String>,
    #[command(flatten)]
    pub target: Target,
    #[command(flatten)]
    pub packs: Packs,
    #[command(flatten)]
    pub limits: LimitFlags,
    #[command(flatten)]
    pub remote: RemoteFlags,
    #[command(flatten)]
    pub secrets: Secrets,
    /// Start from scratch: use nothing that earlier tests of this app left
    #[arg(long)]
    pub clear_cache: bool,
    /// If a step or the tests fail, open a shell there, with the environment; needs a terminal
    #[arg(long)]
    pub shell: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Shell {
    /// A kept image's name, an app's folder, or `oci:DIR` [default: the folder where you are]
    pub what: Option<String>,
    #[command(flatten)]
    pub target: Target,
    #[command(flatten)]
    pub packs: Packs,
    /// Enter the build of the app, even if its image is kept
    #[arg(long)]
    pub build: bool,
    /// Command to run instead of bash
    #[arg(last = true)]
    pub command: Vec<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Detect {
    /// The app's folder
    #[arg(default_value = ".")]
    pub app: PathBuf,
    /// Say what spoke for and against each pack, and what the plan would be
    #[arg(long)]
    pub explain: bool,
    #[command(flatten)]
    pub target: Target,
    #[command(flatten)]
    pub packs: Packs,
    #[command(flatten)]
    pub write: WriteLock,
}
