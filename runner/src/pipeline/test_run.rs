//! An app's tests: the same way through the house as a build's, up to what was compiled. No image is made.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use buildpack_core::image::BaseImage;
use buildpack_core::pack::{Buildpack as _, CompileError};
use buildpack_core::plan::{Goal, TestOptions};
use buildpack_core::sandbox::Exit;

use super::build::{Build, Ground, all_here};
use super::failure::Failure;
use super::promise::Promise;
use super::request::Request;
use super::services::Services;
use super::stages::Stages;
use super::test_vars::with_vars_of_app;
use super::toolchains::{self, RootfsPromise};

/// Tests that were run.
pub struct Tested {
    /// What was asked for, with the config vars that app.json adds.
    pub request: Request,
    /// What they came to.
    pub verdict: Verdict,
    /// How long each stage took.
    pub stages: Vec<(&'static str, Duration)>,
    /// How long each step took that ran and ended well.
    pub steps: Vec<(String, Duration)>,
}

/// What tests came to.
pub enum Verdict {
    /// All passed.
    Passed,
    /// Some failed, and those after them were not run.
    Failed {
        /// How the program that ran them ended.
        exit: Exit,
        /// The same for people, with the step for a shell at the same place.
        failure: Failure,
    },
}

/// Compiles an app for its tests and runs them (Heroku's testpack API). It fails where the tests could not be run: there
/// are none, or what comes before them failed.
///
/// Of the request, `name` and `public_vars` are for images and mean nothing here. Config vars of app.json's
/// `environments.test` are added to those of the request, which win.
pub fn test(
    request: &Request,
    options: &TestOptions,
    services: &Services,
) -> Result<Tested, Failure> {
    let stages = Stages::new(&*services.events);
    let request = &with_vars_of_app(request, services)?;
    let goal = Goal::Test(options.clone());
    let build = stages.run("plan", || Build::begin(request, goal, services))?;
    build.check_secrets()?;
    build.announce();
    Ok(Tested {
        request: request.clone(),
        verdict: build.run_tests(&stages)?,
        steps: stages.step_times(),
        stages: stages.times(),
    })
}

impl Build<'_> {
    /// Fetches, compiles, tests. Downloads and unpacking run beside each other.
    fn run_tests(&self, stages: &Stages<'_>) -> Result<Verdict, Failure> {
        let rootfs: RootfsPromise = Promise::new();
        let base: Mutex<Option<BaseImage>> = Mutex::new(None);
        thread::scope(|scope| {
            let build_image = scope.spawn(|| self.build_image(&rootfs, &base));
            let rootfs = &rootfs;
            let install = |tool| {
                scope.spawn(move || toolchains::install(tool, self.request, self.services, rootfs))
            };
            let tools = self.prepared.plan.tools.iter().map(install).collect();
            let (mut tree, _lock) = stages.run("source", || self.tree())?;
            let tools = stages.run("tools", || all_here(tools, build_image))?;
            let image = base.lock().unwrap_or_else(PoisonError::into_inner).take();
            let ground = Ground {
                image: image.as_ref(),
                rootfs,
                tools: &tools,
                earlier: None,
            };
            stages.run("test", || {
                let clock = stages.clock();
                self.with_steps(&mut tree, &ground, &clock, |context, failed| {
                    match self.prepared.pack.run(&self.prepared.plan, context) {
                        Ok(()) => Ok(Verdict::Passed),
                        Err(error) => red(error, failed),
                    }
                })
            })
        })
    }
}

/// Tests that failed are an answer; anything else is none.
fn red(error: CompileError, failed: &dyn Fn(CompileError) -> Failure) -> Result<Verdict, Failure> {
    match error {
        CompileError::Tests { exit, .. } => Ok(Verdict::Failed {
            exit,
            failure: failed(error).in_stage("test"),
        }),
        error => Err(failed(error)),
    }
}
