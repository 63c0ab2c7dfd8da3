//! What herokuish says of the packs that are asked for (compatibility facts 2.4).

use buildpack_core::app::App;
use buildpack_core::event::EventSink as _;
use buildpack_core::wanted::{Asked, BUILDPACK_URL, PackReference, wanted};

use super::install::invalid;
use super::list::installed;
use crate::herokuish::face::Face;
use crate::herokuish::{Ended, say};
use crate::pipeline::{Failure, Request};
use crate::ui::Ui;

const NO_PACK: &str = "Unable to select a buildpack";

/// Says that no pack takes the app, and gives the exit code.
pub(super) fn none(face: &Face, ui: &Ui) -> u8 {
    let code = unable(ui);
    let here = face.buildpack_path.display();
    say::warning(&if installed(face).is_empty() {
        format!(
            "No buildpacks are installed in {here}: name one in .buildpacks or BUILDPACK_URL, or install some"
        )
    } else {
        format!(
            "None of the buildpacks in {here} takes this app: name one in .buildpacks or BUILDPACK_URL"
        )
    });
    code
}

/// Says that the app cannot be built with these packs, and gives the exit code.
pub(super) fn unable(ui: &Ui) -> u8 {
    ui.heading(NO_PACK);
    1
}

/// Says which packs are about to be fetched.
pub(super) fn announce(request: &Request, ui: &Ui) {
    // What is wrong with the app's files is said when it is built.
    let Some(app) = App::read(&request.app).value else {
        return;
    };
    let asked = Asked {
        flags: &[],
        config_vars: &request.config_vars.0,
        native: true,
        for_tests: false,
    };
    let packs = wanted(&app, &asked).value.unwrap_or_default();
    for pack in packs.iter().filter(|pack| pack.native.is_none()) {
        ui.heading(&format!(
            "Fetching custom buildpack {}",
            pack.reference.shown()
        ));
    }
    if let Some(url) = request.config_vars.0.get(BUILDPACK_URL)
        && PackReference::parse(url).is_err()
        && !url.trim().is_empty()
    {
        invalid(url);
    }
}

/// Says why there is no pack, and ends as herokuish does: with 1, whatever the cause. Any other failure is passed on.
pub(super) fn refused(failure: Failure, face: &Face, ui: &Ui) -> Ended {
    let code = failure.diagnostics.first().map(|first| first.code.0);
    let title = match (&failure.pack, code) {
        (Some(pack), _) => {
            pack.herokuish().iter().for_each(|line| say::warning(line));
            format!("Unable to fetch custom buildpack from {}", pack.url())
        }
        (None, Some("pack-reference")) => "Unable to fetch custom buildpack".to_owned(),
        (None, Some("no-pack")) => return Ok(none(face, ui)),
        (None, Some("pack-not-detected" | "pack-detect-timeout")) => NO_PACK.to_owned(),
        _ => return Err(failure),
    };
    ui.failed(&failure);
    ui.heading(&title);
    Ok(1)
}
