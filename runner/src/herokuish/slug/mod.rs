//! `herokuish slug generate|import|export`: an app's folder as one archive.

mod archive;
mod export;
mod generate;
mod import;

use buildpack_core::diagnostic::{Class, Diagnostic};

use crate::pipeline::Failure;

pub(super) use export::exec as export;
pub(super) use generate::exec as generate;
pub(super) use import::exec as import;

/// How often a server is asked once more.
const MORE_TRIES: u32 = 2;

/// What a slug could not be written for, or read: the surroundings' fault.
fn failed(doing: &str, error: &std::io::Error) -> Failure {
    Failure::of(
        Diagnostic::error(
            "slug-io",
            Class::Surroundings,
            format!("cannot {doing}: {error}"),
        )
        .help("check the disk and who owns these folders, then run again"),
    )
}
