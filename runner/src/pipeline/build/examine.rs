//! What was built, looked at before it counts as done.

use std::collections::BTreeMap;
use std::path::Path;

use buildpack_core::diagnostic::Diagnostic;
use buildpack_core::event::Event;
use buildpack_core::pack::{Buildpack as _, Built, Finding, Made, Place};

use super::super::failure::Failure;
use super::super::startable::{Programs, unstartable};
use super::super::toolchains::Installed;
use super::Build;
use crate::rootfs::System;

impl Build<'_> {
    /// What will not work of what these tools, files and process types make: everything that their files tell.
    pub(super) fn inspect(
        &self,
        tree: &Path,
        built: &Built,
        tools: &[Installed],
        processes: &BTreeMap<String, String>,
        system: &System,
    ) -> Vec<Finding> {
        let plan = &self.prepared.plan;
        let pack = &self.prepared.pack;
        let mut findings = pack.inspect(
            plan,
            &Made {
                app: &self.prepared.app,
                tree,
                built,
                processes,
                tools: &self.tool_folders(tools),
            },
        );
        let places: Vec<(&str, &Path)> = self
            .in_image(tools)
            .map(|(tool, installed)| (tool.place.as_str(), installed.path.as_path()))
            .collect();
        let programs = Programs {
            app_dir: &plan.app_dir,
            tree,
            kept: &|path| pack.place_of(plan, built, path) != Place::Nowhere,
            tools: &places,
            of_system: &system.programs,
            path_is_known: plan.scripts.is_none(),
        };
        let offered = self.release(built).processes;
        findings.extend(unstartable(processes, &offered, &programs));
        findings
    }

    /// Tells what was found; where the app is sure not to work, there is no image.
    pub(super) fn judge(&self, findings: &[Finding]) -> Result<(), Failure> {
        let allowed = &self.request.allowed_missing;
        let allowed = |finding: &Finding| {
            let library = finding.library();
            library.is_some_and(|library| allowed.iter().any(|other| other == library))
        };
        let told = findings.iter().filter(|finding| !allowed(finding));
        let (errors, rest): (Vec<_>, Vec<_>) = told
            .map(Finding::diagnostic)
            .partition(Diagnostic::is_error);
        for diagnostic in rest {
            self.services.events.emit(Event::Diagnostic { diagnostic });
        }
        if errors.is_empty() {
            return Ok(());
        }
        Err(Failure::all(errors))
    }
}
