//! `herokuish slug import [URL]`: a slug into the app's folder, all of it or nothing.

use std::ffi::OsString;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::lchown;
use std::path::Path;

use buildpack_core::diagnostic::{Class, Diagnostic, Explain as _};
use buildpack_core::toolchain::{
    Fetch as _, FetchError, Request, UnpackError, UnpackLimits, unpack_slug,
};
use walkdir::WalkDir;

use super::{failed, http, policy};
use crate::herokuish::Ended;
use crate::herokuish::face::Face;
use crate::herokuish::user;
use crate::http::HttpFetch;
use crate::pipeline::Failure;

/// Far beyond any app, and short of filling a disk with a small download.
const LIMITS: UnpackLimits = UnpackLimits {
    entries: 3_000_000,
    bytes: 64 << 30,
};

pub(in crate::herokuish) fn exec(face: &Face, words: &[OsString]) -> Ended {
    let app = &face.app_path;
    fs_err::create_dir_all(app).map_err(|error| failed("make the app's folder", &error))?;
    let mut files =
        fs_err::read_dir(app).map_err(|error| failed("read the app's folder", &error))?;
    if files.next().is_some() {
        return Err(not_empty(app));
    }
    // Within the app's folder, so that it lies on the same disk.
    let draft = tempfile::Builder::new()
        .prefix(".slug-")
        .tempdir_in(app)
        .map_err(|error| failed("make a folder for the slug", &error))?;
    let owner = match words.first() {
        None => unpack_slug(BufReader::new(io::stdin()), draft.path(), LIMITS)
            .map_err(|error| not_a_slug("standard input", &error))?,
        Some(url) => fetched(&url.to_string_lossy(), draft.path())?,
    };
    own(face, draft.path(), owner)?;
    let moved = fs_err::read_dir(draft.path()).and_then(|entries| {
        for entry in entries {
            let entry = entry?;
            fs_err::rename(entry.path(), app.join(entry.file_name()))?;
        }
        Ok(())
    });
    moved.map_err(|error| failed("move the slug into the app's folder", &error))?;
    Ok(0)
}

/// Gets and unpacks the slug at `url`; each try begins anew.
fn fetched(url: &str, into: &Path) -> Result<Option<(u32, u32)>, Failure> {
    let fetch = http();
    let policy = policy();
    let mut tries = 0;
    loop {
        tries += 1;
        let error = match attempt(&fetch, url, into) {
            Ok(owner) => return Ok(owner),
            Err(Attempt::Final(failure)) => return Err(failure),
            Err(Attempt::Network(error)) => error,
        };
        let Some(wait) = policy.wait_after(tries, &error) else {
            return Err(error.into());
        };
        (policy.sleep)(wait);
        let emptied = fs_err::remove_dir_all(into).and_then(|()| fs_err::create_dir(into));
        emptied.map_err(|error| failed("empty the folder of a slug", &error))?;
    }
}

enum Attempt {
    Network(FetchError),
    Final(Failure),
}

fn attempt(fetch: &HttpFetch, url: &str, into: &Path) -> Result<Option<(u32, u32)>, Attempt> {
    let request = Request::get(url);
    let limits = request.limits;
    let response = fetch.get(&request).map_err(Attempt::Network)?;
    let mut broken = None;
    let body = Watched {
        body: response.body,
        broken: &mut broken,
    };
    let unpacked = unpack_slug(body, into, LIMITS);
    // The archive is blamed only if all of it came.
    match (unpacked, broken) {
        (_, Some(error)) => Err(Attempt::Network(FetchError::body(url, &error, limits))),
        (Ok(owner), None) => Ok(owner),
        (Err(error), None) => Err(Attempt::Final(not_a_slug(&response.final_url, &error))),
    }
}

/// Remembers why reading failed.
struct Watched<'w> {
    body: Box<dyn Read + Send>,
    broken: &'w mut Option<io::Error>,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.body.read(buffer).map_err(|error| {
            let kind = error.kind();
            if kind != io::ErrorKind::Interrupted {
                *self.broken = Some(error);
            }
            kind.into()
        })
    }
}

/// Gives the files to the app's user, else to the slug's owner: only root can, and only root has to.
fn own(face: &Face, draft: &Path, of_slug: Option<(u32, u32)>) -> Result<(), Failure> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let user = match &face.user {
        Some(_) => user::of_app(face)?.map(|user| (user.uid, user.gid)),
        None => of_slug,
    };
    let Some((uid, gid)) = user else {
        return Ok(());
    };
    // The app's folder itself tells later who is to run the app.
    let given = WalkDir::new(draft)
        .min_depth(1)
        .into_iter()
        .map(|entry| entry.map(walkdir::DirEntry::into_path))
        .chain([Ok(face.app_path.clone())])
        .try_for_each(|path| lchown(path?, Some(uid), Some(gid)));
    given.map_err(|error| failed("give the slug's files to their user", &error))
}

fn not_empty(app: &Path) -> Failure {
    Failure::of(
        Diagnostic::error(
            "slug-app-not-empty",
            Class::Build,
            format!("`{}` holds files already", app.display()),
        )
        .help("import a slug into an empty folder, or name another with `APP_PATH`"),
    )
}

fn not_a_slug(origin: &str, error: &UnpackError) -> Failure {
    if let UnpackError::Disk(_) = error {
        return Failure::of(error.diagnostic());
    }
    Failure::of(
        Diagnostic::error(
            "slug-unreadable",
            Class::Build,
            format!("what came from {origin} is no slug: {error}"),
        )
        .help(
            "a slug is a gzipped tar, as `herokuish slug generate` writes it; nothing was unpacked",
        ),
    )
}
