//! `herokuish buildpack build`, `/build`: an app in its folder to an app that can be started there.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use buildpack_core::app::{Procfile, Repeated};
use buildpack_core::event::EventSink;
use buildpack_core::pack::Release;

use super::listener::Listener;
use super::selection::{announce, refused};
use super::setup::{Ready, setup};
use crate::cli::reproduce;
use crate::herokuish::compat::Quirk;
use crate::herokuish::face::Face;
use crate::herokuish::{Ended, release_file};
use crate::pipeline::{self, Failure, disk};
use crate::ui::Ui;

pub(in crate::herokuish) fn exec(face: &Face, _: &[OsString]) -> Ended {
    let Ready {
        request,
        mut workshop,
    } = setup(face)?;
    announce(&request, &workshop.ui);
    let listener = Listener::new(workshop.ui.clone());
    workshop.services.events = Box::new(listener.clone());
    let release = match pipeline::build_here(&request, &workshop.services) {
        Ok(release) => release,
        Err(mut failure) => {
            // At a desk, where the app is checked out.
            failure.reproduce = reproduce("build", Path::new("."), &failure, &request);
            return refused(failure, face, &workshop.ui);
        }
    };
    release_file::write(face, &release)?;
    types(face, &release, &listener.name(), &workshop.ui)?;
    // The build is done, whatever becomes of the clean-up.
    let _ = pipeline::daily_clean_up(&workshop.services, workshop.settings.cache_cap.value);
    Ok(0)
}

/// Says which process types there are, in the words that others read (compatibility facts 2.5), and writes a Procfile where
/// there is none but a pack has types to offer: platforms look at that. One that a pack left and that cannot be read is a
/// failure, as it is in any build.
fn types(face: &Face, release: &Release, name: &str, ui: &Ui) -> Result<(), Failure> {
    ui.heading("Discovering process types");
    let read = Procfile::read(&face.app_path, Repeated::First);
    let Some(declared) = read.value else {
        return Err(Failure::all(read.diagnostics));
    };
    for diagnostic in &read.diagnostics {
        ui.diagnostic(diagnostic);
    }
    let offered: BTreeMap<&String, &String> = match &declared {
        Some(_) if face.compat.wants(Quirk::ProcfileOnly) => BTreeMap::new(),
        Some(procfile) => (release.processes.iter())
            .filter(|(name, _)| !procfile.processes.contains_key(*name))
            .collect(),
        None => release.processes.iter().collect(),
    };
    if let Some(procfile) = &declared {
        ui.detail(&format!(
            "Procfile declares types -> {}",
            list(procfile.processes.keys())
        ));
    }
    if !offered.is_empty() {
        ui.detail(&format!(
            "Default types for {name} -> {}",
            list(offered.keys().copied())
        ));
    }
    if declared.is_none() && offered.is_empty() {
        ui.detail("No process types found");
    }
    if declared.is_none() && !offered.is_empty() {
        let lines = offered
            .iter()
            .map(|(name, command)| format!("{name}: {command}\n"));
        let text: String = lines.collect();
        fs_err::write(face.app_path.join("Procfile"), text)
            .map_err(|error| disk("write a Procfile", &error))?;
    }
    Ok(())
}

fn list<'n>(names: impl Iterator<Item = &'n String>) -> String {
    names.map(String::as_str).collect::<Vec<_>>().join(", ")
}
