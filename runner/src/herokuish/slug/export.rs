//! `herokuish slug export [URL]`: the slug to standard output, or to a server by PUT.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use buildpack_core::diagnostic::{Class, Diagnostic};
use buildpack_core::toolchain::FetchError;

use super::{failed, http, policy};
use crate::herokuish::Ended;
use crate::herokuish::face::Face;
use crate::pipeline::Failure;

pub(in crate::herokuish) fn exec(face: &Face, words: &[OsString]) -> Ended {
    let slug = &face.slug_path;
    if !slug.is_file() {
        return Err(missing(slug));
    }
    match words.first() {
        None => {
            let copied = fs_err::File::open(slug).and_then(|mut file| {
                let mut out = io::stdout().lock();
                io::copy(&mut file, &mut out)?;
                out.flush()
            });
            copied.map_err(|error| failed("write the slug to standard output", &error))?;
        }
        Some(url) => upload(slug, &url.to_string_lossy())?,
    }
    Ok(0)
}

fn upload(slug: &Path, url: &str) -> Result<(), Failure> {
    let http = http();
    let policy = policy();
    let mut tries = 0;
    loop {
        tries += 1;
        let Err(error) = http.put(url, slug) else {
            return Ok(());
        };
        match policy.wait_after(tries, &error) {
            Some(wait) => (policy.sleep)(wait),
            None => return Err(refused(&error)),
        }
    }
}

fn missing(slug: &Path) -> Failure {
    Failure::of(
        Diagnostic::error(
            "slug-missing",
            Class::Build,
            format!("there is no slug at `{}`", slug.display()),
        )
        .help("make one with `herokuish slug generate`"),
    )
}

fn refused(error: &FetchError) -> Failure {
    Failure::of(
        Diagnostic::error(
            "slug-upload",
            Class::Surroundings,
            format!("cannot upload the slug to `{}`: {}", error.url, error.cause),
        )
        .help("check the address and whether it still takes a PUT, then run again"),
    )
}
