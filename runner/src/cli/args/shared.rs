//! Flags that several commands have.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Which stack and which config vars.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Target {
    /// Stack to build on [default: app.json's, else heroku-24]
    #[arg(short, long, value_name = "STACK")]
    pub stack: Option<String>,
    #[command(flatten)]
    pub vars: Vars,
}

/// Config vars. Steps see them in their environment and as ENV_DIR; the image never holds them.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct Vars {
    /// Config var: `NAME=value`, or `NAME` for the value it has here
    #[arg(short, long = "env", value_name = "NAME[=VALUE]")]
    pub env: Vec<String>,
    /// File of config vars, one `NAME=value` a line
    #[arg(long, value_name = "FILE")]
    pub env_file: Vec<PathBuf>,
    /// Folder of config vars: a file's name is the variable's, its content the value
    #[arg(long, value_name = "DIR")]
    pub env_dir: Vec<PathBuf>,
}

/// What single steps are lent, and no other sees; docs/secrets.md tells of it.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct Secrets {
    /// Secret for the steps that the app's bp.toml names: `NAME` for the value it has here, `NAME@FILE` for what a file
    /// holds, or `NAME=VALUE`
    #[arg(long, value_name = "NAME[=VALUE|@FILE]", help_heading = "Secrets")]
    pub build_secret: Vec<String>,
    /// Let steps see these config vars alone, and others only where the app's bp.toml names them
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        help_heading = "Secrets"
    )]
    pub env_allow: Vec<String>,
    /// Let steps that fetch packages use the SSH agent of `SSH_AUTH_SOCK`, or the one at SOCKET
    #[arg(
        long,
        value_name = "SOCKET",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        help_heading = "Secrets"
    )]
    pub ssh: Option<String>,
    /// Give git the login of this host in steps that fetch packages: the one that git knows here, or that of a secret
    #[arg(long, value_name = "HOST[=NAME]", help_heading = "Secrets")]
    pub git_credential: Vec<String>,
    /// Give Hex the key of this organization in the step that fetches its packages
    /// [default: the variable `HEX_ORG_NAME_KEY`]
    #[arg(long, value_name = "NAME[=NAME]", help_heading = "Secrets")]
    pub hex_org: Vec<String>,
}

/// Which packs build the app.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct Packs {
    /// Pack to build with: an address, `owner/name` or a folder; may be given several times
    /// [default: `BUILDPACK_URL`, `.buildpacks` or app.json's, else those that apply]
    #[arg(long, value_name = "PACK")]
    pub buildpack: Vec<String>,
    /// Run packs of Elixir and Phoenix themselves, in place of the built-in ones
    #[arg(long)]
    pub no_native: bool,
    /// Take the versions of buildpacks.lock, and fail where packs and lock differ
    #[arg(long)]
    pub locked: bool,
    /// Where packs that are scripts see the app: below /tmp, as in Heroku's builds, or in /app, as in Heroku CI
    /// [default: heroku for a build, app for tests]
    #[arg(long, value_name = "MODE")]
    pub build_dir_mode: Option<BuildDirMode>,
}

/// What the steps' programs may use of the machine. docs/limits.md has the rest.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct LimitFlags {
    /// Memory that the programs of a step may use together, as in `2GiB`
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<String>,
    /// Processors that the programs of a step may use together, as in `2` or `1.5`
    #[arg(long, value_name = "N")]
    pub cpus: Option<String>,
    /// How long all steps may take together, as in `15m`
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<String>,
}

/// Whether the lock is written.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct WriteLock {
    /// Write the versions of the packs into buildpacks.lock, in the app's folder
    #[arg(long, conflicts_with = "locked")]
    pub lock: bool,
}

/// Where packs that are scripts see the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum BuildDirMode {
    /// `/tmp/build`, while `/app` is empty.
    Heroku,
    /// `/app`, where the app will run.
    App,
}

/// A path on a web server.
pub(super) fn absolute_path(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_graphic();
    match text {
        path if path.starts_with('/') && path.chars().all(plain) => Ok(path.to_owned()),
        _ => Err("a path begins with `/` and has no blanks: `/health?full=1`".to_owned()),
    }
}

/// What machines share.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct RemoteFlags {
    /// Take what other machines have made from this remote cache: `registry.example/team/app:cache`
    #[arg(long, value_name = "NAME")]
    pub cache_from: Option<String>,
    /// Send what is made here to this remote cache
    #[arg(long, value_name = "NAME")]
    pub cache_to: Option<String>,
}
