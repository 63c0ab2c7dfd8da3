//! The plan's steps run: the rooms and environments that their programs see.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread::ScopedJoinHandle;

use buildpack_core::diagnostic::Explain as _;
use buildpack_core::event::{Event, EventSink};
use buildpack_core::image::BaseImage;
use buildpack_core::pack::{
    Buildpack as _, Built, CompileContext, CompileError, EarlierFiles, Host, MoveTree, ScriptScene,
    TestScene,
};
use buildpack_core::sandbox::Held;

use super::Build;
use super::kept_search::keep_caches;
use crate::pipeline::caches::{Caches, Memo};
use crate::pipeline::earlier_assets::EarlierAssets;
use crate::pipeline::failure::{Failure, disk};
use crate::pipeline::lend::lend;
use crate::pipeline::memory::{Memory, Watched};
use crate::pipeline::move_tree::InPlaceMover;
use crate::pipeline::request::ConfigVars;
use crate::pipeline::room::{build_env, build_room, test_env};
use crate::pipeline::scripts::{script_env, script_rooms};
use crate::pipeline::secrets::gate_of_all;
use crate::pipeline::shared::SharedParts;
use crate::pipeline::toolchains::{Installed, RootfsPromise};
use crate::pipeline::tree::Tree;
use crate::pipeline::written_outside::written_outside;

/// What programs stand on.
pub(in crate::pipeline) struct Ground<'a> {
    /// The stack's build image; none where programs run in place.
    pub(in crate::pipeline) image: Option<&'a BaseImage>,
    /// The same, unpacked.
    pub(in crate::pipeline) rootfs: &'a RootfsPromise,
    /// The plan's tools.
    pub(in crate::pipeline) tools: &'a [Installed],
    /// What earlier builds left, where that is wanted.
    pub(in crate::pipeline) earlier: Option<&'a EarlierAssets<'a>>,
}

impl Build<'_> {
    /// Does `work` with all that the plan's steps may use; it makes what failed a failure by the function that it is given.
    pub(in crate::pipeline) fn with_steps<T>(
        &self,
        tree: &mut Tree,
        ground: &Ground<'_>,
        events: &dyn EventSink,
        work: impl FnOnce(
            &mut CompileContext<'_>,
            &dyn Fn(CompileError) -> Failure,
        ) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let plan = &self.prepared.plan;
        let unpacked = ground.rootfs.wait().ok().flatten();
        let app = tree.app().to_owned();
        let (source, kept) = (&self.source, &self.kept);
        let store = &self.services.store;
        let mut caches = Caches::prepare(plan, &self.request.app, source, kept, store, events)?;
        let room = build_room(
            self.request,
            plan,
            unpacked.as_deref(),
            kept,
            &app,
            ground.tools,
            self.services,
        );
        let no_vars = ConfigVars::default();
        let env = |config_vars: &ConfigVars| {
            build_env(
                self.request,
                plan,
                ground.image,
                self.identity.revision.as_deref(),
                config_vars,
                self.services,
            )
        };
        let rooms = (plan.scripts.as_ref())
            .map(|scripts| {
                let folders = &self.prepared.pack_folders;
                let request = self.request;
                script_rooms(plan, scripts, folders, &room, kept, request, self.in_place)
            })
            .transpose()?;
        let folders = self.tool_folders(ground.tools);
        let shared = self.shared(ground, &app, events);
        let host = Host {
            tree: &app,
            tools: &folders,
            earlier: ground.earlier.map(|earlier| earlier as &dyn EarlierFiles),
            shared: Some(&shared),
        };
        let sandbox = self.services.sandbox()?;
        let held = self
            .services
            .limits
            .announce(sandbox, self.services.threads, events);
        let lent = lend(&self.prepared.app, self.request, plan, self.services)?;
        tree.begin()
            .map_err(|error| disk("write down that the build begins", &error))?;
        let mut memo = Memo {
            tree,
            caches: &mut caches,
            shared: &shared,
        };
        let memory = Memory::now();
        let watched = Watched {
            sandbox,
            memory: &memory,
        };
        let mut context = CompileContext::new(
            &watched,
            rooms.as_ref().map_or(&room, |rooms| &rooms.between),
            host,
            env(&self.request.config_vars),
            events,
            &mut memo,
        )
        .with_streams_apart(self.services.streams_apart)
        .with_loans(lent.loans.clone());
        let mut mover = (plan.scripts.as_ref())
            .filter(|scripts| self.in_place && scripts.build_dir != plan.app_dir)
            .map(|scripts| InPlaceMover::new(&app, Path::new(&scripts.build_dir)));
        if let Some(rooms) = &rooms {
            context = context.with_scripts(ScriptScene {
                room: &rooms.compile,
                env: script_env(env(&no_vars)),
                mover: mover.as_mut().map(|mover| mover as &mut dyn MoveTree),
            });
        }
        if let Some(options) = self.goal.tests() {
            context = context.with_tests(TestScene {
                room: rooms.as_ref().map_or(&room, |rooms| &rooms.test),
                env: test_env(env(&self.request.config_vars), plan, options),
            });
        }
        let done = work(&mut context, &|error| self.failed(error, &memory, held));
        let ended = tree.end();
        let taken = keep_caches(caches, &self.guard, done.is_ok());
        if let (Ok(_), Some(rooms)) = (&done, &rooms)
            && let Some(diagnostic) = written_outside(&rooms.compile)
        {
            events.emit(Event::Diagnostic { diagnostic });
        }
        // The next build makes it anew; what can't be removed now is removed then.
        let _ = crate::sandbox::discard(&room.scratch);
        let done = done?;
        taken?;
        ended.map_err(|error| disk("write down that the build ended", &error))?;
        Ok(done)
    }
}

impl Build<'_> {
    /// What failed, with what is known of the memory that it had.
    fn failed(&self, error: CompileError, memory: &Memory, held: Held) -> Failure {
        let problem = memory.explain(&error, error.diagnostic());
        let problem = self.services.limits.explain(held, &error, problem);
        Failure {
            diagnostics: vec![problem],
            ..Failure::from(error)
        }
    }

    /// Where the plan's tools lie on the host, by their ids.
    pub(super) fn tool_folders(&self, tools: &[Installed]) -> BTreeMap<String, PathBuf> {
        let all = self.prepared.plan.tools.iter().zip(tools);
        all.map(|(tool, installed)| (tool.id.clone(), installed.path.clone()))
            .collect()
    }

    /// What this build and those of other apps share.
    fn shared<'s>(
        &'s self,
        ground: &Ground<'_>,
        tree: &'s Path,
        events: &'s dyn EventSink,
    ) -> SharedParts<'s> {
        let plan = &self.prepared.plan;
        SharedParts {
            store: &self.services.store,
            events,
            tree,
            app_dir: &plan.app_dir,
            request: self.request,
            build_image: ground.image.map(|image| image.digest.to_string()),
            // What one app allows in its own image is still no other app's.
            gate: gate_of_all(self.request, self.services),
            normalisers: (self.prepared.pack).normalisers(&self.content, &Built::default()),
            shares: !self.services.own_packages,
            takes: !(self.request.clear_cache || plan.from_scratch),
            expected: RefCell::default(),
        }
    }
}

/// The tools, when they and the build image are there.
pub(in crate::pipeline) fn all_here(
    tools: Vec<ScopedJoinHandle<'_, Result<Option<Installed>, Failure>>>,
    build_image: ScopedJoinHandle<'_, Result<(), Failure>>,
) -> Result<Vec<Installed>, Failure> {
    let tools: Vec<_> = tools.into_iter().map(join).collect();
    join(build_image)?;
    let tools: Result<Vec<Option<Installed>>, Failure> = tools.into_iter().collect();
    // None only without a root, whose failure was returned above.
    Ok(tools?.into_iter().flatten().collect())
}

/// What a thread came to.
pub(super) fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
