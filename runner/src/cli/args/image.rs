//! Commands about images that there are.

use clap::Args;

use super::shared::{Vars, absolute_path};
use crate::pipeline::Names;

#[derive(Debug, Args)]
pub(in crate::cli) struct Push {
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
pub(in crate::cli) struct Rebase {
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
pub(in crate::cli) struct Run {
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
pub(in crate::cli) struct Inspect {
    /// A kept image's name; without one, all of them are listed
    pub name: Option<String>,
}
