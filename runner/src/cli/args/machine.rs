//! Commands about what is kept on this machine.

use std::path::PathBuf;

use clap::Subcommand;

use super::exits::VERIFY_EXIT_CODES;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Stack {
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
pub(in crate::cli) enum Cache {
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
