//! Which packs apply to an app: those that are asked for, else those that are built in.

use buildpack_core::pack::{Detected, Detection};
use buildpack_core::plan::Goal;

use super::detect_scripts::detect_scripts;
use super::failure::Failure;
use super::packs::{brought_along, choose_packs};
use super::prepare::{detect, detect_one, read_app};
use super::request::Request;
use super::services::Services;
use crate::packs::{Chosen, Fetched};

/// What each pack says of the app, in order. Packs that are scripts are fetched, and asked in the sandbox.
pub fn detected(request: &Request, services: &Services) -> Result<Vec<Detection>, Failure> {
    let app = read_app(&request.app, services)?;
    let chosen = choose_packs(&app, request, &Goal::Build, services)?;
    if chosen.is_empty() {
        let all: Vec<Detection> = (detect(&app).into_iter())
            .map(|(_, detection)| detection)
            .collect();
        if !all.iter().any(|detection| detection.applies)
            && let Some((pack, says)) = brought_along(request, services)?
        {
            return Ok(vec![of_script(&pack, Detected::Yes(says))]);
        }
        return Ok(all);
    }
    let folders: Vec<_> = chosen
        .iter()
        .filter_map(|pack| match pack {
            Chosen::Script(pack) => Some(pack.folder.clone()),
            Chosen::Native { .. } => None,
        })
        .collect();
    let mut answers = detect_scripts(&folders, request, services)?.into_iter();
    let all = chosen.iter().map(|pack| match pack {
        Chosen::Native { name, .. } => detect_one(*name, &app).1,
        Chosen::Script(pack) => of_script(pack, answers.next().unwrap_or(Detected::No)),
    });
    Ok(all.collect())
}

fn of_script(pack: &Fetched, answer: Detected) -> Detection {
    let said = |evidence: &str| vec![format!("`bin/detect` of {} {evidence}", pack.shown)];
    match answer {
        Detected::Yes(name) => Detection {
            applies: true,
            evidence: said("says so"),
            name: if name.is_empty() {
                pack.shown.clone()
            } else {
                name
            },
        },
        Detected::No => Detection {
            applies: false,
            name: pack.shown.clone(),
            evidence: said("says no"),
        },
        Detected::TooLate => Detection {
            applies: false,
            name: pack.shown.clone(),
            evidence: said("did not answer in time"),
        },
    }
}
