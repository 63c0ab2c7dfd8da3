//! Commands about builds that are over.

use std::path::PathBuf;

use clap::Args;
use stacks::Arch;

#[derive(Debug, Args)]
pub(in crate::cli) struct Explain {
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

#[derive(Debug, Args)]
pub(in crate::cli) struct Diff {
    /// A record's file, or the name of an image: the last build of that name
    pub was: String,
    /// The same of the other build [default: of one name, its last build is held against the last that made an image]
    pub is: Option<String>,
}
