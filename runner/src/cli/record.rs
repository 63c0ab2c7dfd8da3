//! The record of a build: written beside it, and taken as what another build is to be like.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use buildpack_core::clean::Lines;
use buildpack_core::diagnostic::{Diagnostic, Explain as _, Origin, Sourced};
use buildpack_core::event::{Event, EventSink, Stream};
use buildpack_core::pack::ScriptDirs;
use buildpack_core::store::Store;

use super::Ended;
use super::args::Build;
use super::context::Context;
use crate::pipeline::{self, Failure, Finished, Request, kept_records};
use crate::records::{Facts, Outcome, Record, Said, file};
use crate::settings::Settings;
use crate::ui::Ui;

/// What is told of a build that is under way.
pub(super) struct Telling {
    began: Instant,
    record: Record,
    heard: Arc<Heard>,
    /// Where it is kept, once that is known.
    store: Option<Store>,
    /// Where it is wanted.
    to: Option<PathBuf>,
}

/// The problems that are told on the way.
#[derive(Default)]
struct Heard(Mutex<Vec<Said>>);

impl Heard {
    fn take_in(&self, diagnostic: &Diagnostic) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Said::of(diagnostic));
    }
}

/// Passes events on, and remembers problems.
struct Listening {
    to: Box<dyn EventSink>,
    heard: Arc<Heard>,
}

impl EventSink for Listening {
    fn emit(&self, event: Event) {
        if let Event::Diagnostic { diagnostic } = &event {
            self.heard.take_in(diagnostic);
        }
        self.to.emit(event);
    }

    fn output(&self, step: &str, stream: Option<Stream>, lines: &Lines<'_>) {
        self.to.output(step, stream, lines);
    }

    fn lines(&self) -> Option<u64> {
        self.to.lines()
    }
}

impl Telling {
    /// A build begins. A place that the record must not be written to is refused at once.
    pub(super) fn begin(args: &Build) -> Result<Self, Failure> {
        // Of a folder that cannot be read, that is said first.
        let readable = pipeline::readable(&args.app).is_ok();
        if let Some(path) = args.record.as_ref().filter(|_| readable) {
            let help = "write it outside of the app, whose source it would become";
            pipeline::must_lie_outside(&args.app, path, "the record", help)?;
        }
        // One that is asked for and cannot be written is not to be found out after a long build.
        if let Some(path) = &args.record {
            file::check(path)?;
        }
        Ok(Self {
            began: Instant::now(),
            record: Record::begin(jiff::Timestamp::now()),
            heard: Arc::default(),
            store: None,
            to: args.record.clone(),
        })
    }

    /// From now on, it hears what is told.
    pub(super) fn listen(&mut self, context: &mut Context) {
        let events = &mut context.services.events;
        *events = Box::new(Listening {
            to: Box::new(context.ui.clone()),
            heard: Arc::clone(&self.heard),
        });
        self.store = Some(context.services.store.clone());
    }

    /// It is known what is to be built.
    pub(super) fn asked(&mut self, request: &Request, context: &Context) -> Result<(), Failure> {
        self.record.name = Some(request.name.clone());
        self.record.request = Some(pipeline::asked(request));
        let hashes = request.config_vars.hashes(&context.services.store)?;
        self.record.config_vars = Some(hashes);
        Ok(())
    }

    /// There is an image.
    pub(super) fn finished(&mut self, finished: &mut Finished) {
        self.record.facts = std::mem::take(&mut finished.facts);
        self.record.outcome = if finished.unchanged {
            Outcome::Unchanged
        } else {
            Outcome::Built
        };
    }

    /// There is none.
    pub(super) fn failed(&mut self, failure: &mut Failure) {
        let facts: Option<Box<Facts>> = failure.facts.take();
        self.record.facts = facts.map(|facts| *facts).unwrap_or_default();
        let cause = failure.cause();
        self.record.cause = cause.and_then(|cause| serde_json::to_value(cause).ok());
        failure
            .diagnostics
            .iter()
            .for_each(|it| self.heard.take_in(it));
    }

    /// The command ends: the record is written.
    pub(super) fn end(mut self, ended: Ended, ui: &Ui) -> Ended {
        let record = &mut self.record;
        record.millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut heard = self.heard.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &ended {
            Ok(code) => record.exit = *code,
            Err(failure) => {
                record.exit = failure.class().exit_code();
                record.outcome = Outcome::Failed;
                for said in failure.diagnostics.iter().map(Said::of) {
                    let told =
                        |it: &&Said| (&it.code, &it.severity) == (&said.code, &said.severity);
                    if !heard.iter().any(|it| told(&it)) {
                        heard.push(said);
                    }
                }
            }
        }
        if record.exit != 0 {
            record.outcome = Outcome::Failed;
        }
        record.diagnostics = std::mem::take(&mut *heard);
        drop(heard);
        // A record is only words: this cannot fail.
        let value = serde_json::to_value(&self.record).unwrap_or_default();
        let sealed = file::sealed(ui.redacted(value));
        if let (Some(store), Some(name)) = (&self.store, &self.record.name) {
            // A build that cannot be remembered is still one.
            let _ = kept_records::keep(store, name, self.record.outcome, &sealed);
        }
        let written = self.to.as_deref().map(|path| file::write(path, &sealed));
        match (written.transpose(), ended) {
            (Ok(_), ended) => ended,
            (Err(error), Ok(0)) => Err(Failure::of(error.diagnostic())),
            (Err(error), ended) => {
                // What went wrong first decides how it ends.
                ui.diagnostic(&error.diagnostic());
                ended
            }
        }
    }
}

/// Who says so.
fn origin() -> Origin {
    Origin::Flag("--like".to_owned())
}

/// A record that a build is to be like.
pub(super) struct Like(Record);

impl Like {
    /// Reads it.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        Ok(Self(file::read(path)?))
    }

    /// The stack of that build.
    pub(super) fn stack(&self) -> Option<Sourced<String>> {
        let asked = self.0.request.as_ref()?;
        Some(Sourced::new(asked.stack.clone(), origin()))
    }

    /// Asks for what that build was asked for, where the command line says nothing else. That a value may stand in the
    /// image is for who builds to say.
    pub(super) fn set(self, request: &mut Request, args: &Build, settings: &Settings) {
        let by_default = |origin: &Origin| matches!(origin, Origin::Default(_));
        if let Some(asked) = &self.0.request {
            if by_default(&settings.compression.origin) {
                request.compression = asked.compression;
            }
            if by_default(&settings.keep_assets.origin) {
                request.keep_assets = asked.keep_assets;
            }
            if request.buildpacks.is_empty() {
                let packs = asked.buildpacks.iter().cloned();
                request.buildpacks = packs.map(|pack| Sourced::new(pack, origin())).collect();
            }
            request.native &= asked.native;
            let in_app_dir = ScriptDirs::in_app_dir();
            if args.packs.build_dir_mode.is_none() && asked.build_dir == in_app_dir.build {
                request.script_dirs = in_app_dir;
            }
        }
        if request.source_date_epoch.is_none()
            && let Some(source) = &self.0.facts.source
        {
            request.source_date_epoch = Some(source.created.as_second().to_string());
        }
        request.like = Some(Arc::new(self.0));
    }
}
