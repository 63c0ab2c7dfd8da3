//! The way through the house: app, plan, tools, tree, layers, image.

mod assemble;
mod examine;
mod here;
mod kept_search;
mod standing;
mod steps;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use buildpack_core::diagnostic::Diagnostic;
use buildpack_core::digest::Digest;
use buildpack_core::event::Event;
use buildpack_core::image::{BASE_PURPOSE, BaseImage, ImageLayer};
use buildpack_core::layer::StatCache;
use buildpack_core::pack::Buildpack as _;
use buildpack_core::plan::{Goal, Tool};
use buildpack_core::store::{Bucket, CacheKey, Guard, Share};

use super::earlier_assets::{EarlierAssets, History};
use super::failure::{Failure, disk};
use super::holders::Remembered;
use super::identity::Identity;
use super::kept::{kept_folder, must_lie_outside};
use super::prepare::{Prepared, prepare};
use super::promise::Promise;
use super::record::{BuildRecord, by_inputs, by_name};
use super::request::Request;
use super::secrets::SecretGuard;
use super::services::Services;
use super::source::Source;
use super::stages::Stages;
use super::toolchains::{self, Installed, RootfsPromise};
use super::tree::{Lent, Tree};
use super::{away, in_place, lend, linked, stack_images};
use crate::records::Facts;
use crate::rootfs::System;
use assemble::{image_event, ordered};
use steps::join;
pub(super) use steps::{Ground, all_here};

pub use here::build_here;

/// A finished build.
pub struct Finished {
    /// What is kept of it.
    pub record: BuildRecord,
    /// Whether nothing had changed and nothing was run.
    pub unchanged: bool,
    /// How long each stage took.
    pub stages: Vec<(&'static str, Duration)>,
    /// How long each step of the compile took that ran.
    pub steps: Vec<(String, Duration)>,
    /// What a record tells of it.
    pub facts: Facts,
}

/// A build under way: what does not change once it is known.
pub(super) struct Build<'a> {
    pub(super) request: &'a Request,
    /// What it is for.
    goal: Goal,
    pub(super) services: &'a Services,
    pub(super) prepared: Prepared,
    pub(super) identity: Identity,
    /// Keyed hash of the config vars.
    environment: String,
    /// Folder of what is kept between builds of this app.
    pub(super) kept: PathBuf,
    pub(super) source: Source,
    /// Identity of the source and the plan.
    content: Digest,
    pub(super) in_place: bool,
    /// What the archives of tools are known by, once they are installed.
    pub(super) archives: OnceLock<BTreeMap<String, String>>,
    /// What must not be in anything that is kept.
    guard: SecretGuard,
}

/// Builds an app and keeps the image under its name. A failure has the facts that were known by then.
pub fn build(request: &Request, services: &Services) -> Result<Finished, Failure> {
    let stages = Stages::new(&*services.events);
    let build = stages.run("plan", || Build::begin(request, Goal::Build, services))?;
    build.run(&stages).map_err(|failure| Failure {
        facts: Some(Box::new(build.facts(&stages, None))),
        ..failure
    })
}

impl<'a> Build<'a> {
    fn run(&self, stages: &Stages<'_>) -> Result<Finished, Failure> {
        self.announce();
        self.check_secrets()?;
        self.tell_what_is_unlike(stages)?;
        let kept = if self.request.clear_cache {
            None
        } else {
            stages.run("look", || self.unchanged())?
        };
        let unchanged = kept.is_some();
        if let Some(remote) = &self.services.remote_cache {
            // Whatever pushes from here later, `bp push` among it, can mount what was seen there.
            remote.teach(&Remembered(&self.services.store));
        }
        let record = match kept {
            Some(record) => {
                self.search_unchanged(&record)?;
                let services = self.services;
                services
                    .events
                    .heading("Nothing changed since the last build");
                self.judge(&record.findings)?;
                by_name(&services.store, &self.request.name).write(&record)?;
                services.events.emit(image_event(&record));
                record
            }
            None => self.make(stages)?,
        };
        Ok(Finished {
            facts: self.facts(stages, Some(&record)),
            record,
            unchanged,
            steps: stages.step_times(),
            stages: stages.times(),
        })
    }

    pub(super) fn begin(
        request: &'a Request,
        goal: Goal,
        services: &'a Services,
    ) -> Result<Self, Failure> {
        must_lie_outside(
            &request.app,
            services.store.root(),
            "the cache folder",
            "name the app's own folder, or put the cache elsewhere with `--cache-dir`",
        )?;
        let prepared = prepare(request, &goal, services)?;
        let environment = request.config_vars.keyed_hash(&services.store)?;
        let identity = Identity::of(&request.app, request.source_date_epoch.as_deref())?;
        let in_place = services.sandbox()?.in_place();
        if in_place {
            in_place::check(request.target.stack)?;
        }
        let guard = SecretGuard::of(request, &prepared.plan.app_dir, services)?;
        let kept = kept_folder(request, &goal, services, &prepared)?;
        let mut cache = StatCache::load(kept.join("source-stat"));
        let source = Source::read(
            &request.app,
            &goal,
            &prepared.plan,
            &mut cache,
            &*services.events,
        )?;
        cache.save()?;
        let plan = prepared
            .plan
            .digest()
            .map_err(|error| disk("write the plan as JSON", &std::io::Error::other(error)))?;
        let content = CacheKey::new("app")
            .part("source", source.digest())
            .part("plan", plan)
            .digest();
        Ok(Self {
            request,
            goal,
            services,
            prepared,
            identity,
            environment,
            kept,
            source,
            content,
            in_place,
            archives: OnceLock::new(),
            guard,
        })
    }

    /// Says what is wrong with the names of secrets.
    pub(super) fn check_secrets(&self) -> Result<(), Failure> {
        let problems = lend::check(&self.prepared.app, self.request, &self.prepared.plan);
        if problems.iter().any(Diagnostic::is_error) {
            return Err(Failure::all(problems));
        }
        for diagnostic in problems {
            self.services.events.emit(Event::Diagnostic { diagnostic });
        }
        Ok(())
    }

    pub(super) fn announce(&self) {
        let events = &*self.services.events;
        let plan = &self.prepared.plan;
        for pack in &plan.packs {
            events.heading(&format!("{pack} app detected"));
        }
        if plan.packs.is_empty() {
            // Scripts say for themselves what they choose.
            return;
        }
        events.heading("Checking Erlang and Elixir versions");
        events.detail("Will use the following versions:");
        events.detail(&format!("* Stack {}", self.request.target.stack.name));
        for decision in &plan.decisions {
            events.detail(&format!(
                "* {} {} ({})",
                decision.what, decision.value.value, decision.value.origin
            ));
        }
    }

    /// One digest of everything that the image depends on.
    fn inputs(
        &self,
        build_image: Option<&BaseImage>,
        run_image: &BaseImage,
        history: Option<&History<'_>>,
    ) -> CacheKey {
        let built_in = build_image.map_or("in place".to_owned(), |image| image.digest.to_string());
        let mut key = CacheKey::new("image")
            .part("app", self.content)
            .part("config vars", &self.environment)
            .part("public vars", self.request.public_vars.join(","))
            .part("build image", built_in)
            .part("run image", run_image.digest)
            .part("architecture", self.request.target.arch)
            .part("created", self.identity.created)
            .part("revision", self.identity.revision.as_deref().unwrap_or(""))
            .part("compressor", self.request.compression.compressor())
            .part("bp", env!("CARGO_PKG_VERSION"));
        if let Some(history) = history {
            key = key.part("earlier assets", history.identity());
        }
        key
    }

    /// The image of an earlier build with the same inputs, if all of it is still there.
    fn unchanged(&self) -> Result<Option<BuildRecord>, Failure> {
        // Scripts may look at anything, and what they fetch may be newer than last time.
        if self.prepared.plan.from_scratch || self.prepared.plan.scripts.is_some() {
            return Ok(None);
        }
        let Some((build_image, run_image)) =
            stack_images::known(self.request, self.services, self.in_place)?
        else {
            return Ok(None);
        };
        let history = History::read(self.request, &self.services.store);
        let inputs = self.inputs(build_image.as_ref(), &run_image, history.as_ref());
        Ok(by_inputs(&self.services.store, &inputs)
            .get()
            .filter(|record| record.is_sound() && self.is_all_at_hand(record))
            .map(|record| BuildRecord {
                name: self.request.name.clone(),
                app: self.request.app.clone(),
                ..record
            }))
    }

    /// Whether all blobs of an image are here, after those of its own layers were looked for elsewhere too; or may stay
    /// where they are.
    fn is_all_at_hand(&self, record: &BuildRecord) -> bool {
        let services = self.services;
        let blobs = services.stacks.blobs();
        let layers = record.image.layers.iter();
        let base = || (layers.clone()).filter(|layer| layer.purpose == BASE_PURPOSE);
        let is_here = |layer: &ImageLayer| blobs.has(&layer.digest, layer.size);
        // A push takes those of the stack from its registry.
        let stays = away::may_stay(self.request, &self.guard);
        let pull = !stays && services.store.looks_elsewhere() && !base().all(is_here);
        let own = thread::scope(|scope| {
            if pull {
                // What goes wrong is told when the image is made.
                scope.spawn(|| stack_images::run_image(self.request, services).is_ok());
            }
            let own = record.layers.iter().map(|layer| {
                let blob = layer.blob();
                scope.spawn(move || away::is_at_hand(&blob, self.request, &self.guard, services))
            });
            let own: Vec<_> = own.collect();
            own.into_iter().all(|one| one.join().unwrap_or(false))
        });
        own && (stays || base().all(is_here))
    }

    /// Fetches, compiles, writes layers, assembles. Downloads, unpacking and tool layers run beside each other and
    /// beside the compile.
    fn make(&self, stages: &Stages<'_>) -> Result<BuildRecord, Failure> {
        let rootfs: RootfsPromise = Promise::new();
        let base: Mutex<Option<BaseImage>> = Mutex::new(None);
        let installed: OnceLock<Vec<Installed>> = OnceLock::new();
        thread::scope(|scope| {
            let run_image = scope.spawn(|| self.run_image());
            let build_image = scope.spawn(|| self.build_image(&rootfs, &base));
            let rootfs = &rootfs;
            let tools: Vec<_> = self
                .prepared
                .plan
                .tools
                .iter()
                .map(|tool| {
                    scope.spawn(move || {
                        toolchains::install(tool, self.request, self.services, rootfs)
                    })
                })
                .collect();
            let (mut tree, _lock, earlier) = stages.run("source", || {
                let (tree, lock) = self.tree()?;
                let earlier = self.earlier_assets(&tree)?;
                Ok((tree, lock, earlier))
            })?;
            let tools = stages.run("tools", || all_here(tools, build_image))?;
            let tools = installed.get_or_init(|| tools);
            self.know_archives(tools);
            let tool_layers = scope.spawn(move || self.tool_layers(tools));
            let build_image = base.lock().unwrap_or_else(PoisonError::into_inner).take();
            let built = stages.run("compile", || {
                let clock = stages.clock();
                let ground = Ground {
                    image: build_image.as_ref(),
                    rootfs,
                    tools,
                    earlier: earlier.as_ref(),
                };
                self.with_steps(&mut tree, &ground, &clock, |context, failed| {
                    let done = self.prepared.pack.compile(&self.prepared.plan, context);
                    done.map_err(failed)
                })
            })?;
            let layers = stages.run("layers", || {
                let processes = self.processes(tree.app(), &built)?;
                let of_tree = self.tree_layers(&tree, &built, tools, &processes)?;
                self.search_left_out(&tree, &of_tree.left_out)?;
                let mut layers = join(tool_layers)?;
                layers.extend(of_tree.layers);
                Ok((processes, ordered(layers)))
            });
            let (processes, layers) = self.nothing_kept_of_secrets(layers, &mut tree)?;
            stages.run("image", || {
                let (run_image, system) = join(run_image)?;
                let mut findings = self.inspect(tree.app(), &built, tools, &processes, &system);
                let (below, lacking) = linked::below(&layers, &run_image.reference, system);
                findings.extend(lacking);
                self.judge(&findings)?;
                let build_image = build_image.as_ref();
                let record = BuildRecord {
                    findings,
                    ..self.image(run_image, tools, processes, layers, &below)
                };
                self.search_record(&record)?;
                let history = earlier.map(EarlierAssets::take_in).transpose()?;
                self.remember(&record, build_image, history.as_ref())?;
                Ok(record)
            })
        })
    }

    fn know_archives(&self, tools: &[Installed]) {
        let all = self.prepared.plan.tools.iter().zip(tools);
        let archive = |(tool, installed): (&Tool, &Installed)| {
            Some((tool.id.clone(), installed.key.get("archive")?.to_owned()))
        };
        self.archives
            .get_or_init(|| all.filter_map(archive).collect());
    }

    /// The run image, and what system it is.
    fn run_image(&self) -> Result<(BaseImage, System), Failure> {
        let image = stack_images::run_image(self.request, self.services)?;
        let system = self.services.stacks.system(&image)?;
        Ok((image, system))
    }

    /// What this build finds of earlier ones, where that is wanted.
    fn earlier_assets(&self, tree: &Tree) -> Result<Option<EarlierAssets<'a>>, Failure> {
        let history = History::read(self.request, &self.services.store);
        let events = &*self.services.events;
        let begin = |history| EarlierAssets::begin(history, tree.app(), &self.kept, events);
        history.map(begin).transpose()
    }

    pub(super) fn build_image(
        &self,
        rootfs: &RootfsPromise,
        base: &Mutex<Option<BaseImage>>,
    ) -> Result<(), Failure> {
        if self.in_place {
            rootfs.keep(Ok(None));
            return Ok(());
        }
        match stack_images::build_image(self.request, self.services) {
            Ok(image) => {
                *base.lock().unwrap_or_else(PoisonError::into_inner) = Some(image.base);
                rootfs.keep(Ok(image.rootfs));
                Ok(())
            }
            Err(failure) => {
                rootfs.keep(Err(()));
                Err(failure)
            }
        }
    }

    /// The tree as the last build left it, locked.
    pub(super) fn open_tree(&self) -> Result<(Tree, Guard), Failure> {
        let events = &*self.services.events;
        let plan = &self.prepared.plan;
        let lock = self.services.store.lock(
            Bucket::Builds,
            &self.kept.to_string_lossy(),
            Share::Exclusive,
            &|| events.heading("Waiting for another build of this app"),
        )?;
        let failed = |error: std::io::Error| disk("open the build tree", &error);
        if !self.in_place {
            return Ok((Tree::open(&self.kept).map_err(failed)?, lock));
        }
        let app = Path::new(&plan.app_dir);
        in_place::take_over(app, &self.request.app)?;
        let mut tree = Tree::at(app, &self.kept).map_err(failed)?;
        if !in_place::is_remembered_in(app, &self.kept)? {
            tree.forget_steps().map_err(failed)?;
        }
        Ok((tree, lock))
    }

    /// Whether a build has put the app's files into the tree.
    pub(super) fn is_laid_out(&self) -> bool {
        let files = fs_err::read_dir(self.kept.join("app"));
        self.in_place || files.is_ok_and(|mut files| files.next().is_some())
    }

    /// The tree, locked and brought up to date.
    pub(super) fn tree(&self) -> Result<(Tree, Guard), Failure> {
        let events = &*self.services.events;
        let plan = &self.prepared.plan;
        let failed = |error: std::io::Error| disk("lay out the app's files", &error);
        let (mut tree, lock) = self.open_tree()?;
        let lent = Lent::to(tree.app(), &self.kept);
        lent.take_back(&self.source).map_err(failed)?;
        let stale = tree.environment_changed(&self.environment);
        if self.request.clear_cache || plan.from_scratch || stale {
            if stale {
                events.emit(Event::Cache {
                    what: "compiled files".to_owned(),
                    hit: false,
                    reason: Some("config vars changed".to_owned()),
                });
            }
            tree.wipe(&self.source, &plan.kept).map_err(failed)?;
        }
        tree.sync(&self.request.app, &self.source, plan, &self.environment)
            .map_err(failed)?;
        tree.know_inputs(&self.source, plan);
        Ok((tree, lock))
    }
}
