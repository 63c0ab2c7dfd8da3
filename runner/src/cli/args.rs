//! The command line as it is typed.

use std::ffi::OsString;
use std::path::PathBuf;

use buildpack_core::version::Tool;
use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;
use stacks::Arch;

use super::levels::LevelFlags;
use crate::pipeline::{Names, Output};

/// Builds Heroku-style apps into OCI images: no daemon, no root.
#[derive(Debug, Parser)]
#[command(name = "bp", version, max_term_width = 100, propagate_version = true)]
#[command(
    after_help = "Start with `bp build ./app`, then `bp run app`. `bp doctor` tells what this machine can do."
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command.
#[derive(Debug, Clone, Args)]
pub(super) struct Global {
    /// How output is written
    #[arg(long, global = true, value_enum, default_value_t = Format::Text, help_heading = "Global options")]
    pub format: Format,
    /// Folder of everything that is kept [default: ~/.cache/bp]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help_heading = "Global options"
    )]
    pub cache_dir: Option<PathBuf>,
    /// Fetch nothing: use what is kept
    #[arg(long, global = true, help_heading = "Global options")]
    pub offline: bool,
    /// Where programs run: in `namespace`s on the stack's image, where bp stands (`none`, inside a stack's image), or in
    /// the first that works [default: auto]
    #[arg(
        long,
        global = true,
        value_name = "MODE",
        help_heading = "Global options"
    )]
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(["auto", "namespace", "none"]))]
    pub sandbox: Option<String>,
    /// Ask this registry in place of another, as in `docker.io=http://127.0.0.1:5000`
    #[arg(
        long,
        global = true,
        value_name = "HOST=URL",
        help_heading = "Global options"
    )]
    pub registry_mirror: Vec<String>,
    /// Speak to this registry without TLS, as in `registry.local:5000`; loopback addresses need no word
    #[arg(
        long,
        global = true,
        value_name = "HOST",
        help_heading = "Global options"
    )]
    pub insecure_registry: Vec<String>,
    /// Say more: what was kept, what was not and why
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub verbose: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Lines as in a deploy log
    Text,
    /// One JSON event a line; `check-versions` answers with one document
    Json,
    /// SARIF 2.1.0, of `check-versions` alone
    Sarif,
    /// Workflow commands of GitHub Actions, of `check-versions` alone
    Github,
    /// GitLab's code quality report, of `check-versions` alone
    Gitlab,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Build an app into an image
    #[command(after_help = EXIT_CODES)]
    Build(Box<Build>),
    /// Compile an app for its tests and run them; no image is made
    #[command(after_help = TEST_EXIT_CODES)]
    Test(Box<Test>),
    /// Put a built image into registries; only what is not there is sent
    Push(Push),
    /// Put a pushed image onto another run image, in its registry; the app's layers stay where they are
    Rebase(Rebase),
    /// Start a process type of a built image
    Run(Run),
    /// Open a shell where a build failed, or in a built image
    Shell(Shell),
    /// Say whether an app's versions can be had, and what else is wrong, before anything is built
    #[command(after_help = CHECK_EXIT_CODES)]
    CheckVersions(CheckVersions),
    /// Say why a build failed, from its log: bp's, herokuish's, Heroku's, Dokku's or GitLab's
    #[command(after_help = EXPLAIN_EXIT_CODES)]
    Explain(Explain),
    /// Versions of Erlang/OTP, Elixir and Node: which there are, and what is known of each
    #[command(subcommand)]
    Versions(Versions),
    /// Say which packs apply to an app
    Detect(Detect),
    /// Show what a built image is
    Inspect(Inspect),
    /// Say what is different between two builds: "it worked yesterday"
    #[command(after_help = DIFF_EXIT_CODES)]
    Diff(Diff),
    /// Stack images on this machine
    #[command(subcommand)]
    Stack(Stack),
    /// What is kept on this machine
    #[command(subcommand)]
    Cache(Cache),
    /// Say what this machine can do, what stands in the way, and what mends it
    #[command(after_help = DOCTOR_EXIT_CODES)]
    Doctor,
    /// What herokuish does, by its commands and variables: see `bp herokuish help`
    Herokuish {
        /// The command and its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
    /// Print the completion script of a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the man pages into a folder
    Man {
        /// The folder
        folder: PathBuf,
    },
}

/// What a build's exit code says.
const EXIT_CODES: &str = "\
Exit codes:
  0   done
  1   the app's build failed, or with --check, the app gave no page
  2   the command line or a setting is wrong
  3   not buildable as configured
  4   the surroundings failed: network, registry, disk, sandbox; worth a retry
  70  a bug in bp";

/// What the exit code of a test run says.
const TEST_EXIT_CODES: &str = "\
Exit codes:
  0   all tests passed
  1   the tests could not be run: compiling or `test-setup` failed
  2   the command line or a setting is wrong
  3   not buildable as configured, or nothing says how the app is tested
  4   the surroundings failed: network, registry, disk, sandbox; worth a retry
  70  a bug in bp
Where tests fail, it is the exit code of the program that ran them.

Standard output holds what the tests print, and nothing else. docs/test-an-app.md has the rest.";

/// What the exit code of a comparison says.
const DIFF_EXIT_CODES: &str = "\
Exit codes:
  0   the builds are the same
  1   they differ
  2   a record cannot be read, or there is none";

/// What the exit code of a check says.
const CHECK_EXIT_CODES: &str = "\
Exit codes:
  0   nothing stands in the way of a build
  2   the command line or a setting is wrong
  3   the app can't be built as it is
  4   with --require-lists, a list that was needed could not be had; with --fix, a file could not be written

docs/check-versions.md describes the formats, docs/diagnostics/ each code.";

/// What the exit code of an explanation says.
const EXPLAIN_EXIT_CODES: &str = "\
Exit codes:
  0   the cause is known
  1   nothing in the log is known to fail a build
  2   the command line or a setting is wrong, or the log cannot be read

docs/failures.md has all that is known.";

/// What the exit code of `bp doctor` says.
const DOCTOR_EXIT_CODES: &str = "\
Exit codes:
  0   a build can be made here; there may be warnings
  1   something must be mended first
  2   the command line or a setting is wrong

With --format json: one document. With --offline, no host is asked. docs/doctor.md tells of each check.";

/// What the exit code of a check of the store says.
const VERIFY_EXIT_CODES: &str = "\
Exit codes:
  0   nothing is damaged, or all that was is removed
  2   the command line or a setting is wrong
  4   something is damaged, or could not be read";

impl Command {
    /// The flags that give config vars, if the command has them.
    pub(super) fn vars(&self) -> Option<&Vars> {
        match self {
            Self::Build(args) => Some(&args.target.vars),
            Self::Test(args) => Some(&args.target.vars),
            Self::Run(args) => Some(&args.vars),
            Self::Shell(args) => Some(&args.target.vars),
            Self::CheckVersions(args) => Some(&args.target.vars),
            Self::Detect(args) => Some(&args.target.vars),
            _ => None,
        }
    }

    /// The flags that give build secrets, if the command has them.
    pub(super) fn secrets(&self) -> Option<&Secrets> {
        match self {
            Self::Build(args) => Some(&args.secrets),
            Self::Test(args) => Some(&args.secrets),
            _ => None,
        }
    }
}

/// Which stack and which config vars.
#[derive(Debug, Clone, Args)]
pub(super) struct Target {
    /// Stack to build on [default: app.json's, else heroku-24]
    #[arg(short, long, value_name = "STACK")]
    pub stack: Option<String>,
    #[command(flatten)]
    pub vars: Vars,
}

/// Config vars. Steps see them in their environment and as ENV_DIR; the image never holds them.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Vars {
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
pub(super) struct Secrets {
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
pub(super) struct Packs {
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
pub(super) struct LimitFlags {
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
pub(super) struct WriteLock {
    /// Write the versions of the packs into buildpacks.lock, in the app's folder
    #[arg(long, conflicts_with = "locked")]
    pub lock: bool,
}

/// Where packs that are scripts see the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum BuildDirMode {
    /// `/tmp/build`, while `/app` is empty.
    Heroku,
    /// `/app`, where the app will run.
    App,
}

/// A path on a web server.
fn absolute_path(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_graphic();
    match text {
        path if path.starts_with('/') && path.chars().all(plain) => Ok(path.to_owned()),
        _ => Err("a path begins with `/` and has no blanks: `/health?full=1`".to_owned()),
    }
}

/// What machines share.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct RemoteFlags {
    /// Take what other machines have made from this remote cache: `registry.example/team/app:cache`
    #[arg(long, value_name = "NAME")]
    pub cache_from: Option<String>,
    /// Send what is made here to this remote cache
    #[arg(long, value_name = "NAME")]
    pub cache_to: Option<String>,
}

/// Whether what was built is started, and what it is asked for.
#[derive(Debug, Args)]
pub(super) struct CheckPage {
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
pub(super) struct Build {
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
pub(super) struct Diff {
    /// A record's file, or the name of an image: the last build of that name
    pub was: String,
    /// The same of the other build [default: of one name, its last build is held against the last that made an image]
    pub is: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Test {
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
pub(super) struct Push {
    /// A kept image's name
    pub name: String,
    /// Where to, as in `registry.example/team/app:tag`
    #[arg(required = true, value_name = "REF")]
    pub to: Vec<String>,
    /// Whose names the image's parts have there, `oci` or `docker`
    #[arg(long, value_name = "NAMES", default_value_t)]
    pub media_types: Names,
}

#[derive(Debug, Args)]
pub(super) struct Rebase {
    /// The image, as in `registry.example/team/app:tag`
    #[arg(value_name = "REF")]
    pub image: String,
    /// The run image to stand on [default: the newest of the name that it stands on]
    #[arg(long, value_name = "REF")]
    pub stack_image: Option<String>,
    /// Where the new image goes [default: the tag is moved]
    #[arg(short, long, value_name = "REF")]
    pub tag: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Run {
    /// A kept image's name, or `oci:DIR`
    pub image: String,
    /// Process type [default: web]
    pub process: Option<String>,
    /// Command to run instead of a process type
    #[arg(last = true)]
    pub command: Vec<String>,
    /// The port that the app is told to listen on, as PORT [default: 5000, or a free one with --check]
    #[arg(short, long)]
    pub port: Option<u16>,
    #[command(flatten)]
    pub vars: Vars,
    /// Wait for the port, ask for PATH [default: /], report the status, stop; 2xx and 3xx are a success
    #[arg(long, value_name = "PATH", num_args = 0..=1, default_missing_value = "/", conflicts_with = "command", value_parser = absolute_path)]
    pub check: Option<String>,
    /// Seconds to wait for the port with --check
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub wait: u64,
}

#[derive(Debug, Args)]
pub(super) struct Shell {
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
pub(super) struct Detect {
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

#[derive(Debug, Args)]
pub(super) struct CheckVersions {
    /// The app's folder
    #[arg(default_value = ".")]
    pub app: PathBuf,
    #[command(flatten)]
    pub target: Target,
    /// Architecture to check for: `amd64` or `arm64` [default: this machine's]
    #[arg(long, value_name = "ARCH")]
    pub arch: Option<Arch>,
    #[command(flatten)]
    pub levels: LevelFlags,
    /// Fail with 4 where a list that is needed cannot be had
    #[arg(long)]
    pub require_lists: bool,
    /// Write the changes that are sure to be right into the app's files, then check again
    #[arg(long)]
    pub fix: bool,
    /// With --fix: show the changes, write nothing
    #[arg(long, requires = "fix")]
    pub dry_run: bool,
    /// Day that support dates are held against, as in `2027-01-31`: what will be out of support by then? [default: today]
    #[arg(long, value_name = "DATE")]
    pub on: Option<Date>,
}

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The log; `-` is standard input
    #[arg(default_value = "-")]
    pub log: PathBuf,
    /// The app's folder, so that the line to change can be named
    #[arg(long, value_name = "DIR")]
    pub app: Option<PathBuf>,
    /// Stack that was built on [default: what the log says, else the app's]
    #[arg(short, long, value_name = "STACK")]
    pub stack: Option<String>,
    /// Architecture that was built for: `amd64` or `arm64` [default: this machine's]
    #[arg(long, value_name = "ARCH")]
    pub arch: Option<Arch>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Versions {
    /// The newest version of each line, and until when the line is supported
    List(VersionsList),
    /// Ask for the lists of all stacks now
    Update {
        /// Also take lists that lost more than a tenth of what the kept ones have
        #[arg(long)]
        force: bool,
    },
    /// What is known of a version: what it was built for, what it goes with
    Explain(VersionsExplain),
}

#[derive(Debug, Args)]
pub(super) struct VersionsList {
    /// The tool
    #[arg(value_enum)]
    pub tool: ToolName,
    /// Stack that Erlang/OTP is to be built for [default: heroku-24]
    #[arg(short, long, value_name = "STACK")]
    pub stack: Option<String>,
    /// Architecture: `amd64` or `arm64` [default: this machine's]
    #[arg(long, value_name = "ARCH")]
    pub arch: Option<Arch>,
    /// All versions, not only the newest of each line
    #[arg(long)]
    pub all: bool,
}

#[derive(Debug, Args)]
pub(super) struct VersionsExplain {
    /// The version, such as `27.2`, `1.18.4-otp-27` or `22.11.0`
    #[arg(value_name = "VERSION")]
    pub text: String,
    /// Whose version it is [default: each tool's that it may be]
    #[arg(long, value_enum, value_name = "TOOL")]
    pub tool: Option<ToolName>,
}

/// A tool by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ToolName {
    /// Erlang/OTP
    #[value(alias = "otp")]
    Erlang,
    /// Elixir
    Elixir,
    /// Node
    Node,
}

impl From<ToolName> for Tool {
    fn from(name: ToolName) -> Self {
        match name {
            ToolName::Erlang => Self::Erlang,
            ToolName::Elixir => Self::Elixir,
            ToolName::Node => Self::Node,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// A kept image's name; without one, all of them are listed
    pub name: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Stack {
    /// Known stacks, and which images of them are here
    List,
    /// Get a stack's images, or newer ones
    Pull {
        /// The stack
        stack: String,
    },
    /// Take a stack's image from an OCI layout or an archive
    Import {
        /// Folder or file
        from: PathBuf,
        /// The image's name, such as `heroku/heroku:24-build`
        name: String,
    },
    /// Remove a stack's images
    Rm {
        /// The stack
        stack: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Cache {
    /// What is kept, by kind and size
    Df,
    /// Remove what was not used for longest until the rest fits
    Gc {
        /// Size to fit into, such as `5GiB` [default: 10GiB]
        #[arg(long, value_name = "SIZE")]
        max: Option<String>,
    },
    /// Hold everything that is kept against what it claims to be
    #[command(after_help = VERIFY_EXIT_CODES)]
    Verify {
        /// Remove what is damaged, so that it is fetched or made again
        #[arg(long)]
        remove: bool,
    },
    /// Remove everything that is kept, images and imported stack images too
    Clear,
}
