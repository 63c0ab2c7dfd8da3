//! What was built and stays where it stands, looked at before it counts as done: the machine that built it runs it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::Path;

use buildpack_core::app::{Procfile, Repeated};
use buildpack_core::libraries::{self, Libraries};
use buildpack_core::pack::{Buildpack as _, Built};
use walkdir::WalkDir;

use super::super::failure::Failure;
use super::super::toolchains::Installed;
use super::super::{image, linked};
use super::Build;
use crate::rootfs::System;

impl Build<'_> {
    /// Tells what will not work of the app in its folder; where it is sure not to, the build has failed.
    pub(super) fn judge_standing(&self, built: &Built, tools: &[Installed]) -> Result<(), Failure> {
        let app = &self.request.app;
        let arch = self.request.target.arch;
        let system = System::of_root(Path::new("/"), arch);
        let release = self.prepared.pack.release(&self.prepared.plan, built);
        let release = release.unwrap_or_default();
        // One that cannot be read is told by who lists process types.
        let procfile = Procfile::read(app, Repeated::First).value;
        let processes = procfile.map_or_else(BTreeMap::new, |procfile| {
            image::processes(&procfile.unwrap_or_default(), &release)
        });
        let mut findings = self.inspect(app, built, tools, &processes, &system);
        let here = system.release.clone();
        let here = here.unwrap_or_else(|| "this system".to_owned());
        findings.extend(linked::missing(&self.needs_of(app), &system, &here));
        self.judge(&findings)
    }

    /// What the app's files need of the system.
    fn needs_of(&self, app: &Path) -> Libraries {
        let mut all = Libraries::default();
        let files = WalkDir::new(app).into_iter().flatten();
        for entry in files.filter(|entry| entry.file_type().is_file()) {
            let Ok(below) = entry.path().strip_prefix(app) else {
                continue;
            };
            let path = format!("{}/{}", self.prepared.plan.app_dir, below.display());
            if let Some(linked) = read(entry.path()) {
                let loaded = self.prepared.pack.loads(&self.prepared.plan, &path);
                all.add(&path, linked, self.request.target.arch, loaded);
            }
        }
        all.wanted()
    }
}

/// What an ELF file needs and offers; most files are none.
fn read(path: &Path) -> Option<libraries::Linked> {
    let mut file = File::open(path).ok()?;
    let mut head = [0; libraries::MAGIC.len()];
    file.read_exact(&mut head).ok()?;
    if head != libraries::MAGIC {
        return None;
    }
    file.rewind().ok()?;
    libraries::read(file)
}
