//! An app built where it stands, to plain files and no image: for when the container that `bp` runs in becomes the
//! image.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::{MetadataExt as _, lchown};
use std::path::Path;
use std::thread;

use buildpack_core::pack::{Buildpack as _, Release, write_in_tree};
use buildpack_core::plan::Goal;
use rustix::process::geteuid;
use walkdir::WalkDir;

use super::super::failure::{Failure, disk};
use super::super::in_place::MARK;
use super::super::promise::Promise;
use super::super::request::Request;
use super::super::services::Services;
use super::super::stages::Stages;
use super::super::toolchains::{self, Installed};
use super::super::{caches, launch, tree};
use super::{Build, Ground, join};

/// What a build left in the app's folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuiltHere {
    /// Names of the packs that built it, built-in ones first.
    pub packs: Vec<String>,
    /// Commands by process type: the Procfile's, and the packs' where it is silent.
    pub processes: BTreeMap<String, String>,
    /// What the packs offer.
    pub release: Release,
}

/// Builds an app in its own folder, which is the one that it will run in. Programs run where `bp` stands; tools that the
/// app needs at run time become files below that folder.
pub fn build_here(request: &Request, services: &Services) -> Result<BuiltHere, Failure> {
    let stages = Stages::new(&*services.events);
    let build = Build::begin(request, Goal::Build, services)?;
    if !build.in_place {
        return Err(disk(
            "build in place",
            &io::Error::other("programs run in a sandbox, apart from this folder"),
        ));
    }
    build.announce();
    build.make_here(&stages)
}

impl Build<'_> {
    fn make_here(&self, stages: &Stages<'_>) -> Result<BuiltHere, Failure> {
        let plan = &self.prepared.plan;
        let (mut tree, _lock) = stages.run("source", || self.tree())?;
        let app = tree.app().to_owned();
        let failed = |error: io::Error| disk("lay out the app's tools", &error);
        for tool in &plan.tools {
            // An earlier build in this container left it; for this one it is shown from the store.
            tree::remove(Path::new(&tool.place)).map_err(failed)?;
        }
        if let Some(user) = self.request.user.filter(|_| geteuid().is_root()) {
            give_to(&app, user).map_err(|error| disk("give the app to its user", &error))?;
        }
        let rootfs = Promise::new();
        rootfs.keep(Ok(None));
        let tools: Result<Vec<Option<Installed>>, Failure> = thread::scope(|scope| {
            let installs: Vec<_> = (plan.tools.iter())
                .map(|tool| {
                    let rootfs = &rootfs;
                    scope.spawn(move || {
                        toolchains::install(tool, self.request, self.services, rootfs)
                    })
                })
                .collect();
            installs.into_iter().map(join).collect()
        });
        let tools: Vec<Installed> = tools?.into_iter().flatten().collect();
        let built = stages.run("compile", || {
            let clock = stages.clock();
            let ground = Ground {
                image: None,
                rootfs: &rootfs,
                tools: &tools,
            };
            self.with_steps(&mut tree, &ground, &clock, |context| {
                self.prepared.pack.compile(plan, context)
            })
        })?;
        for (tool, installed) in self.in_image(&tools) {
            let place = Path::new(&tool.place);
            fs_err::create_dir_all(place).map_err(failed)?;
            caches::copy(&installed.path, place, u64::MAX).map_err(failed)?;
        }
        let release = self.release(&built);
        for file in launch::profile(plan, &release) {
            let below = (file.path.strip_prefix(&plan.app_dir)).unwrap_or(&file.path);
            let below = below.trim_start_matches('/');
            write_in_tree(&app, below, &file.content, file.executable)
                .map_err(|error| disk("write the app's profile", &error))?;
        }
        let processes = self.processes(&app, &built);
        tree::remove(&app.join(MARK)).map_err(failed)?;
        let scripts = plan.scripts.iter().flat_map(|scripts| &scripts.packs);
        let scripts = scripts.map(|pack| pack.name.clone());
        Ok(BuiltHere {
            packs: plan.packs.iter().cloned().chain(scripts).collect(),
            processes,
            release,
        })
    }
}

/// Makes `user` the owner of all below `folder` that has another one.
fn give_to(folder: &Path, user: (u32, u32)) -> io::Result<()> {
    for entry in WalkDir::new(folder) {
        let entry = entry?;
        let found = entry.metadata()?;
        if (found.uid(), found.gid()) != user {
            lchown(entry.path(), Some(user.0), Some(user.1))?;
        }
    }
    Ok(())
}
