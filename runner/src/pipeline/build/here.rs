//! A build whose app stays where it is built: plain files below the app's folder, no layers and no image.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use buildpack_core::diagnostic::{Class, Diagnostic};
use buildpack_core::pack::{Buildpack as _, Built, Place, Release};
use buildpack_core::plan::Goal;
use serde::{Deserialize, Serialize};
use walkdir::WalkDir;

use super::super::earlier_assets::EarlierAssets;
use super::super::failure::{Failure, disk};
use super::super::in_place::{self, MARK};
use super::super::launch;
use super::super::mirror::mirror;
use super::super::promise::Promise;
use super::super::request::Request;
use super::super::services::Services;
use super::super::source::SourceFile;
use super::super::stages::Stages;
use super::super::toolchains::{self, Installed, RootfsPromise};
use super::super::tree::{Lent, Tree, remove};
use super::{Build, Ground, join};

/// Builds an app in its own folder and leaves it there, ready to be started: compiled, tools and profile beside it. Gives
/// what its packs say of starting it.
pub fn build_here(request: &Request, services: &Services) -> Result<Release, Failure> {
    let stages = Stages::new(&*services.events);
    let app = stages.run("plan", || {
        let app = Build::begin(request, Goal::Build, services)?;
        app.check_place()?;
        Ok(app)
    })?;
    app.announce();
    let (mut tree, _lock, earlier) = stages.run("source", || {
        let (tree, lock) = app.tree_here()?;
        let earlier = app.earlier_assets(&tree)?;
        Ok((tree, lock, earlier))
    })?;
    let rootfs: RootfsPromise = Promise::new();
    rootfs.keep(Ok(None));
    let tools = stages.run("tools", || app.tools_here(&rootfs))?;
    let built = stages.run("compile", || {
        let clock = stages.clock();
        let ground = Ground {
            image: None,
            rootfs: &rootfs,
            tools: &tools,
            earlier: earlier.as_ref(),
        };
        app.with_steps(&mut tree, &ground, &clock, |context, failed| {
            let done = app.prepared.pack.compile(&app.prepared.plan, context);
            done.map_err(failed)
        })
    })?;
    stages.run("place", || {
        app.settle(&built)?;
        earlier.map(EarlierAssets::take_in).transpose()
    })?;
    if request.here.as_ref().is_some_and(|here| !here.unchecked) {
        stages.run("check", || app.judge_standing(&built, &tools))?;
    }
    let release = app.prepared.pack.release(&app.prepared.plan, &built);
    Ok(release.unwrap_or_default())
}

/// What is remembered of the source of the last build, beside what it made.
#[derive(Default, Serialize, Deserialize)]
struct Remembered {
    /// Digest and time of each source file.
    files: BTreeMap<PathBuf, (String, u64, u32)>,
}

impl Build<'_> {
    /// What is compiled for one place does not run at another.
    fn check_place(&self) -> Result<(), Failure> {
        let app_dir = Path::new(&self.prepared.plan.app_dir);
        if self.request.app == app_dir {
            return Ok(());
        }
        Err(Failure::of(
            Diagnostic::error(
                "app-stays-elsewhere",
                Class::Config,
                format!(
                    "the app is to run in `{}`, but stands in `{}`",
                    app_dir.display(),
                    self.request.app.display()
                ),
            )
            .help("take `runtime_path` out of `elixir_buildpack.config`, and let `APP_PATH` be `/app`"),
        ))
    }

    /// The app's folder, with what the last build made where that still counts.
    fn tree_here(&self) -> Result<(Tree, buildpack_core::store::Guard), Failure> {
        let failed = |error: io::Error| disk("bring back what the last build made", &error);
        let plan = &self.prepared.plan;
        if self.made().join("source.json").is_file() {
            in_place::bring_back(Path::new(&plan.app_dir), &self.kept).map_err(failed)?;
        }
        let (mut tree, lock) = self.open_tree()?;
        let lent = Lent::to(tree.app(), &self.kept);
        lent.forget().map_err(failed)?;
        let stale = tree.environment_changed(&self.environment);
        if self.request.clear_cache || plan.from_scratch || stale {
            tree.wipe(&self.source, &plan.kept).map_err(failed)?;
            remove(&self.made()).map_err(failed)?;
        } else {
            self.bring_back(tree.app()).map_err(failed)?;
        }
        tree.sync(&self.request.app, &self.source, plan, &self.environment)
            .map_err(failed)?;
        tree.know_inputs(&self.source, plan);
        Ok((tree, lock))
    }

    /// Where what builds make and need again is kept: a container's own folder goes with it.
    fn made(&self) -> PathBuf {
        self.kept.join("made")
    }

    /// The plan's kept paths but for those that are the engine's own.
    fn kept_paths(&self) -> impl Iterator<Item = &String> {
        let kept = self.prepared.plan.kept.iter();
        kept.filter(|path| *path != MARK)
    }

    /// Copies what is kept to its places, unless something stands there, and gives source files that are as they were the
    /// times that they had then. All others get the time of now: compilers go by times, and a file that has changed may
    /// come with an older one.
    fn bring_back(&self, app: &Path) -> io::Result<()> {
        let made = self.made();
        let file = made.join("source.json");
        let Ok(text) = fs_err::read(&file) else {
            return Ok(());
        };
        // What is damaged is none; so is what is kept beside it.
        let Ok(was) = serde_json::from_slice::<Remembered>(&text) else {
            return remove(&made);
        };
        for path in self.kept_paths() {
            let kept = made.join("tree").join(path);
            if kept.symlink_metadata().is_err() {
                continue;
            }
            let place = app.join(path);
            if let Some(above) = place.parent() {
                fs_err::create_dir_all(above)?;
            }
            lay_beside(&kept, &place)?;
        }
        let now = SystemTime::now();
        for (path, file) in &self.source.files {
            let SourceFile::File { digest, .. } = file else {
                continue;
            };
            let time = match was.files.get(path) {
                Some((then, seconds, nanos)) if *then == digest.hex() => {
                    UNIX_EPOCH + Duration::new(*seconds, *nanos)
                }
                _ => now,
            };
            let file = fs_err::OpenOptions::new().append(true).open(app.join(path));
            if let Ok(file) = file {
                file.file().set_modified(time)?;
            }
        }
        Ok(())
    }

    /// The plan's tools: those that the app runs with as files at their places, any other in the store.
    fn tools_here(&self, rootfs: &RootfsPromise) -> Result<Vec<Installed>, Failure> {
        let plan = &self.prepared.plan;
        for tool in &plan.tools {
            remove(Path::new(&tool.place)).map_err(|error| disk("make room for tools", &error))?;
        }
        let installed = thread::scope(|scope| {
            let threads: Vec<_> = (plan.tools.iter())
                .map(|tool| {
                    scope.spawn(move || {
                        toolchains::install(tool, self.request, self.services, rootfs)
                    })
                })
                .collect();
            threads.into_iter().map(join).collect::<Result<Vec<_>, _>>()
        })?;
        let mut tools = Vec::new();
        // There is a place for each, as no sandbox has to be waited for.
        for (tool, mut installed) in plan.tools.iter().zip(installed.into_iter().flatten()) {
            if tool.in_image {
                let place = PathBuf::from(&tool.place);
                mirror(&installed.path, &place, &|_| false)
                    .map_err(|error| disk(&format!("copy {} into the app", tool.name), &error))?;
                installed.path = place;
            }
            tools.push(installed);
        }
        Ok(tools)
    }

    /// Lays down what the app starts with, keeps what the next build can use, and takes away what the running app has no
    /// use for.
    fn settle(&self, built: &Built) -> Result<(), Failure> {
        let plan = &self.prepared.plan;
        let release = self.prepared.pack.release(plan, built).unwrap_or_default();
        for file in launch::profile(plan, &release) {
            let path = Path::new(&file.path);
            let written = path
                .parent()
                .map_or(Ok(()), fs_err::create_dir_all)
                .and_then(|()| fs_err::write(path, &file.content));
            written.map_err(|error| disk("write a profile script", &error))?;
        }
        self.keep()
            .map_err(|error| disk("keep what the next build can use", &error))?;
        self.take_away(built)
            .map_err(|error| disk("take away what only the build needed", &error))
    }

    fn keep(&self) -> io::Result<()> {
        let made = self.made();
        let kept: Vec<&String> = self.kept_paths().collect();
        if kept.is_empty() {
            return remove(&made);
        }
        let app = &self.request.app;
        let tree = made.join("tree");
        // Half of it counts for nothing.
        remove(&made.join("source.json"))?;
        fs_err::create_dir_all(&tree)?;
        for path in kept {
            let (from, to) = (app.join(path), tree.join(path));
            if from.symlink_metadata().is_err() {
                remove(&to)?;
                continue;
            }
            if let Some(above) = to.parent() {
                fs_err::create_dir_all(above)?;
            }
            let is_source = |below: &Path| {
                let file = self.source.files.get(&Path::new(path).join(below));
                file.is_some_and(|file| *file != SourceFile::Folder)
            };
            mirror(&from, &to, &is_source)?;
        }
        // What was added of earlier builds is for this one alone.
        Lent::to(&tree, &self.kept).take_back(&self.source)?;
        let mut was = Remembered::default();
        for (path, file) in &self.source.files {
            if let SourceFile::File { digest, .. } = file
                && let Ok(found) = app.join(path).symlink_metadata()
                && let (Ok(seconds), Ok(nanos)) = (
                    u64::try_from(found.mtime()),
                    u32::try_from(found.mtime_nsec()),
                )
            {
                was.files
                    .insert(path.clone(), (digest.hex(), seconds, nanos));
            }
        }
        let mut draft = tempfile::NamedTempFile::new_in(&made)?;
        serde_json::to_writer(&mut draft, &was)?;
        draft.persist(made.join("source.json"))?;
        Ok(())
    }

    fn take_away(&self, built: &Built) -> io::Result<()> {
        let plan = &self.prepared.plan;
        let app = &self.request.app;
        let places: BTreeSet<&Path> = plan
            .tools
            .iter()
            .map(|tool| Path::new(&tool.place))
            .collect();
        let mut emptied: BTreeSet<PathBuf> = BTreeSet::new();
        let walk = WalkDir::new(app)
            .min_depth(1)
            .contents_first(true)
            .into_iter();
        for entry in walk {
            let entry = entry?;
            let path = entry.path();
            if places.iter().any(|place| path.starts_with(place)) {
                continue;
            }
            if entry.file_type().is_dir() {
                if emptied.contains(path) && fs_err::read_dir(path)?.next().is_none() {
                    fs_err::remove_dir(path)?;
                    emptied.extend(path.parent().map(Path::to_owned));
                }
                continue;
            }
            let below = path.strip_prefix(app).ok().and_then(Path::to_str);
            let place = below.map(|below| self.prepared.pack.place_of(plan, built, below));
            if place == Some(Place::Nowhere) {
                fs_err::remove_file(path)?;
                emptied.extend(path.parent().map(Path::to_owned));
            }
        }
        remove(&app.join(MARK))
    }
}

/// Copies `from` to `to`, file by file; what stands at `to` stays as it is.
fn lay_beside(from: &Path, to: &Path) -> io::Result<()> {
    let there = to.symlink_metadata();
    match (&there, from.symlink_metadata()?.is_dir()) {
        (Err(_), _) => mirror(from, to, &|_| false),
        (Ok(there), true) if there.is_dir() => {
            for entry in fs_err::read_dir(from)? {
                let entry = entry?;
                lay_beside(&entry.path(), &to.join(entry.file_name()))?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
