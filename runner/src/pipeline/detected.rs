//! Which packs apply to an app: those that are asked for, else those that are built in.

use buildpack_core::app::App;
use buildpack_core::diagnostic::{Diagnostic, Severity};
use buildpack_core::pack::{Detected, Detection, detect_timeout, not_detected};
use buildpack_core::plan::Goal;
use buildpack_core::wanted::NativeName;

use super::detect_scripts::detect_scripts;
use super::failure::Failure;
use super::packs::{brought_along, choose_packs};
use super::prepare::{detect, detect_one, read_app};
use super::request::Request;
use super::services::Services;
use crate::packs::{Chosen, Fetched};

/// What packs say of an app before any of them has done anything.
pub struct Answers {
    /// What each says, in order.
    pub all: Vec<Detection>,
    /// That packs which are asked for don't apply: an error where a build will end for it, a warning where a pack before
    /// that one may yet make what it looks for.
    pub problems: Vec<Diagnostic>,
}

impl Answers {
    /// Whether a build will find all of its packs, as far as can be told.
    pub fn take_the_app(&self) -> bool {
        self.all.iter().any(|detection| detection.applies)
            && !self.problems.iter().any(Diagnostic::is_error)
    }
}

/// What each pack says of the app, in order. Packs that are scripts are fetched, and asked in the sandbox.
pub fn detected(request: &Request, services: &Services) -> Result<Answers, Failure> {
    let app = read_app(&request.app, services)?;
    let chosen = choose_packs(&app, request, &Goal::Build, services)?.chosen;
    if chosen.is_empty() {
        let all: Vec<Detection> = (detect(&app).into_iter())
            .map(|(_, detection)| detection)
            .collect();
        let mut answers = Answers {
            all,
            problems: Vec::new(),
        };
        if !answers.take_the_app()
            && let Some((pack, says)) = brought_along(request, services)?
        {
            answers.all = vec![of_script(&pack, Detected::Yes(says), services).0];
        }
        return Ok(answers);
    }
    answers(&app, &chosen, request, services)
}

fn answers(
    app: &App,
    chosen: &[Chosen],
    request: &Request,
    services: &Services,
) -> Result<Answers, Failure> {
    let folders: Vec<_> = chosen
        .iter()
        .filter_map(|pack| match pack {
            Chosen::Script(pack) => Some(pack.folder.clone()),
            Chosen::Native { .. } => None,
        })
        .collect();
    let mut of_scripts = detect_scripts(&folders, request, services)?.into_iter();
    let mut answers = Answers {
        all: Vec::new(),
        problems: Vec::new(),
    };
    for (number, pack) in chosen.iter().enumerate() {
        let (detection, problem) = match pack {
            Chosen::Native { name, .. } => of_native(*name, app),
            Chosen::Script(pack) => {
                let answer = of_scripts.next().unwrap_or(Detected::No);
                let (detection, mut problem) = of_script(pack, answer, services);
                if number > 0
                    && let Some(problem) = &mut problem
                {
                    problem.severity = Severity::Warning;
                }
                (detection, problem)
            }
        };
        answers.all.push(detection);
        answers.problems.extend(problem);
    }
    Ok(answers)
}

fn of_native(name: NativeName, app: &App) -> (Detection, Option<Diagnostic>) {
    let detection = detect_one(name, app).1;
    // The classic pack for assets takes any Mix project, and does nothing for one without assets.
    let needed = !detection.applies && name == NativeName::Elixir;
    let problem = needed.then(|| not_applying(&detection.name));
    (detection, problem)
}

fn of_script(
    pack: &Fetched,
    answer: Detected,
    services: &Services,
) -> (Detection, Option<Diagnostic>) {
    let (evidence, problem) = match &answer {
        Detected::Yes(_) => ("says so", None),
        Detected::No => ("says no", Some(not_applying(&pack.shown))),
        Detected::TooLate => {
            let late = detect_timeout(&pack.shown, services.detect_limit);
            ("did not answer in time", Some(late))
        }
    };
    let name = match answer {
        Detected::Yes(name) if !name.is_empty() => name,
        _ => pack.shown.clone(),
    };
    let detection = Detection {
        applies: problem.is_none(),
        name,
        evidence: vec![format!("`bin/detect` of {} {evidence}", pack.shown)],
    };
    (detection, problem)
}

fn not_applying(pack: &str) -> Diagnostic {
    not_detected(format!(
        "the buildpack `{pack}` does not apply to this app as it stands"
    ))
}
