//! The command line as it is typed.

mod build;
mod exits;
mod image;
mod machine;
mod past;
mod shared;
mod versions;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(super) use build::{Build, CheckPage, Detect, Shell, Test};
pub(super) use image::{Inspect, Push, Rebase, Run};
pub(super) use machine::{Cache, Stack};
pub(super) use past::{Diff, Explain};
pub(super) use shared::{BuildDirMode, LimitFlags, Packs, RemoteFlags, Secrets, Vars};
pub(super) use versions::{CheckVersions, Versions, VersionsExplain, VersionsList};

use exits::{
    CHECK_EXIT_CODES, DIFF_EXIT_CODES, DOCTOR_EXIT_CODES, EXIT_CODES, EXPLAIN_EXIT_CODES,
    TEST_EXIT_CODES,
};

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
