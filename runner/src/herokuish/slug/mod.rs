//! `herokuish slug generate|import|export`: an app's folder as one archive.

mod archive;
mod export;
mod generate;
mod import;

use std::path::PathBuf;
use std::time::Duration;

use buildpack_core::diagnostic::{Class, Diagnostic};
use buildpack_core::toolchain::RetryPolicy;

use crate::http::{HttpFetch, Proxies};
use crate::pipeline::Failure;

pub(super) use export::exec as export;
pub(super) use generate::exec as generate;
pub(super) use import::exec as import;

/// How often a server is asked once more.
const MORE_TRIES: u32 = 2;

/// The network as the environment has it.
fn http() -> HttpFetch {
    crate::tls::install();
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    HttpFetch::new(set("SSL_CERT_FILE").map(PathBuf::from)).behind(Proxies::read(set))
}

fn policy() -> RetryPolicy<'static> {
    RetryPolicy {
        attempts: MORE_TRIES + 1,
        ..RetryPolicy::new(&|wait: Duration| std::thread::sleep(wait))
    }
}

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
