//! Buildpacks from repositories, archives and folders, as they are fetched, kept and refused.

#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

mod archives;
mod folders;
mod git;
mod program;
mod strangers;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use buildpack_core::app::App;
use buildpack_core::diagnostic::{Diagnostic, Explain as _, Origin, Sourced};
use buildpack_core::event::{Event, Recorder};
use buildpack_core::store::Store;
use buildpack_core::toolchain::{Fetch, Offline};
use buildpack_core::wanted::lock::Lock;
use buildpack_core::wanted::{Asked, wanted};
use runner::http::HttpFetch;
use runner::packs::{Chosen, Fetched, Gotten, PackError, Patience, REGISTRY, Reach, get};
use testdata::fake::git::{GitHost, Repository};

/// A store, a folder for repositories, an app, and what was said.
struct Desk {
    folder: tempfile::TempDir,
    store: Store,
    events: Recorder,
    registry: String,
    patience: Patience,
    offline: bool,
    today: &'static str,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["app", "repos"] {
            fs_err::create_dir(folder.path().join(name)).unwrap();
        }
        Self {
            store: Store::open(folder.path().join("store")).unwrap(),
            events: Recorder::default(),
            registry: REGISTRY.to_owned(),
            patience: Patience::default(),
            offline: false,
            today: "2026-10-10T12:00:00Z",
            folder,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A repository below the folder that [`Desk::host`] gives out.
    fn pack(&self, name: &str, version: &str) -> Repository {
        Repository::pack(&self.path("repos").join(name), version).unwrap()
    }

    fn host(&self) -> GitHost {
        GitHost::start(&self.path("repos")).unwrap()
    }

    /// Gets packs by what is written, held to a lock if there is one.
    fn try_all(&self, texts: &[&str], lock: Option<&Lock>) -> Result<Gotten, PackError> {
        let app = self.path("app");
        let said = texts
            .iter()
            .map(|text| Sourced::new((*text).to_owned(), Origin::Flag("--buildpack".to_owned())));
        let asked = Asked {
            flags: &said.collect::<Vec<_>>(),
            config_vars: &BTreeMap::new(),
            native: true,
            for_tests: false,
        };
        let wanted = wanted(&App::read(&app).value.unwrap(), &asked)
            .value
            .unwrap();
        let fetch: Box<dyn Fetch> = if self.offline {
            Box::new(Offline)
        } else {
            Box::new(HttpFetch::default())
        };
        let reach = Reach {
            store: &self.store,
            fetch: &*fetch,
            events: &self.events,
            offline: self.offline,
            authorities: None,
            registry: &self.registry,
            now: self.today.parse().unwrap(),
            patience: self.patience,
        };
        get(&wanted, lock, &app, &reach)
    }

    #[track_caller]
    fn get(&self, text: &str) -> Fetched {
        script(self.try_all(&[text], None).unwrap())
    }

    #[track_caller]
    fn fails(&self, text: &str) -> Diagnostic {
        self.try_all(&[text], None).unwrap_err().diagnostic()
    }

    fn lock_of(&self, text: &str) -> Lock {
        self.try_all(&[text], None).unwrap().lock
    }

    /// What was said so far, and none of it from now on.
    fn take_said(&mut self) -> String {
        let events = std::mem::take(&mut self.events).events();
        let lines = events.into_iter().filter_map(|event| match event {
            Event::Heading { text } => Some(format!("-----> {text}")),
            Event::Detail { text } => Some(text),
            _ => None,
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn script(mut gotten: Gotten) -> Fetched {
    match gotten.chosen.remove(0) {
        Chosen::Script(pack) => pack,
        native @ Chosen::Native { .. } => panic!("{native:?}"),
    }
}

/// What the pack says when it compiles.
fn version(pack: &Fetched) -> String {
    let text = fs_err::read_to_string(pack.folder.join("bin/compile")).unwrap();
    let said = text.rsplit_once("version ").unwrap().1;
    said.trim().to_owned()
}

/// Whether `bytes` stand in any file below `folder`, or in any name.
fn holds(folder: &Path, bytes: &str) -> bool {
    walkdir::WalkDir::new(folder).into_iter().any(|entry| {
        let entry = entry.unwrap();
        let content = if entry.file_type().is_file() {
            fs_err::read(entry.path()).unwrap()
        } else {
            Vec::new()
        };
        let name = entry.file_name().to_string_lossy().into_owned();
        name.contains(bytes)
            || content
                .windows(bytes.len())
                .any(|part| part == bytes.as_bytes())
    })
}

/// A time in which nothing can be fetched.
const SHORT: Patience = Patience {
    answer: Duration::from_millis(300),
    transfer: Duration::from_millis(300),
};
