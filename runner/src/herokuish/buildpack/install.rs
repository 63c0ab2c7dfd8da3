//! `herokuish buildpack install [URL [REF]]`: a pack, or all that herokuish brings along, into `BUILDPACK_PATH`.

use std::ffi::OsString;
use std::path::PathBuf;

use buildpack_core::diagnostic::{Explain as _, Origin, Sourced};
use buildpack_core::wanted::{PackReference, Wanted};

use super::bundled::{BUNDLED, folder_of};
use crate::herokuish::face::Face;
use crate::herokuish::workshop::Workshop;
use crate::herokuish::{Ended, say};
use crate::packs::{self, Chosen};
use crate::pipeline::{disk, pack_reach};

/// What a failed fetch ends with, whatever the cause.
const FAILED: u8 = 1;

pub(in crate::herokuish) fn exec(face: &Face, words: &[OsString]) -> Ended {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    // Of a pack nothing else is kept than what is installed.
    let space = tempfile::tempdir().map_err(|error| disk("make a folder to fetch into", &error))?;
    let workshop = Workshop::open(face, Some(space.path().join("store")), Vec::new())?;
    match words.as_slice() {
        [] => {
            for (place, (name, address)) in BUNDLED.iter().enumerate() {
                let code = one(face, &workshop, address, Some(&folder_of(place, name)))?;
                if code != 0 {
                    return Ok(code);
                }
            }
            Ok(0)
        }
        [url] => one(face, &workshop, url, None),
        [url, reference, ..] if reference.is_empty() => one(face, &workshop, url, None),
        [url, reference, ..] => one(face, &workshop, &format!("{url}#{reference}"), None),
    }
}

/// Installs the pack at `address` into the folder of this name, else one called as the pack.
fn one(face: &Face, workshop: &Workshop, address: &str, folder: Option<&str>) -> Ended {
    let reference = match PackReference::parse(address) {
        Ok(reference) => reference,
        Err(error) => {
            invalid(address);
            let problem = error.diagnostic(address, &Origin::Flag("install".to_owned()));
            workshop.ui.diagnostic(&problem);
            return Ok(FAILED);
        }
    };
    let name = folder.map_or_else(|| reference.word(), str::to_owned);
    let shown = reference.shown();
    let wanted = Wanted {
        written: Sourced::new(
            reference.written().to_owned(),
            Origin::Flag("install".to_owned()),
        ),
        reference,
        native: None,
        instead_of: None,
    };
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let got = match packs::get(&[wanted], None, &here, &pack_reach(&workshop.services)) {
        Ok(got) => got,
        Err(error) => {
            error.herokuish().iter().for_each(|line| say::warning(line));
            workshop.ui.diagnostic(&error.diagnostic());
            return Ok(FAILED);
        }
    };
    let target = face.buildpack_path.join(&name);
    let doing = || format!("install the buildpack into `{}`", target.display());
    for pack in &got.chosen {
        if let Chosen::Script(pack) = pack {
            packs::lay_out(&pack.folder, &target).map_err(|error| disk(&doing(), &error))?;
        }
    }
    workshop
        .ui
        .line(&format!("Installed {shown} into {}", target.display()));
    Ok(0)
}

/// What herokuish says to an address that is none (compatibility facts 2.4).
pub(super) fn invalid(address: &str) {
    let shown = buildpack_core::wanted::without_credentials(address);
    say::warning(&format!("Invalid buildpack URL: '{shown}'"));
}
