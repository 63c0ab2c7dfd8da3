//! The packs that an app is built with: asked for, or built in and applying.

use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use buildpack_core::app::App;
use buildpack_core::diagnostic::{Class, Diagnostic, Origin, Severity, Sourced};
use buildpack_core::event::Event;
use buildpack_core::pack::{Detected, detect_timeout};
use buildpack_core::plan::Goal;
use buildpack_core::wanted::lock::Identity;
use buildpack_core::wanted::{Asked, Wanted, lock, together, wanted as packs_of};

use super::detect_scripts::detect_scripts;
use super::failure::Failure;
use super::prepare::settle;
use super::request::{Lock, Request};
use super::services::Services;
use crate::packs::{self, Fetched, Gotten, Patience, Reach};

/// The packs that are asked for, fetched, in order; none where nobody asks for any.
pub fn choose_packs(
    app: &App,
    request: &Request,
    goal: &Goal,
    services: &Services,
) -> Result<Gotten, Failure> {
    let for_tests = goal.tests().is_some();
    let asked = |for_tests| Asked {
        flags: &request.buildpacks,
        config_vars: &request.config_vars.0,
        native: request.native,
        for_tests,
    };
    let wanted = settle(packs_of(app, &asked(for_tests)), services)?;
    // One lock holds the packs of builds and those of tests.
    let all = || {
        let others = packs_of(app, &asked(!for_tests)).value.unwrap_or_default();
        if for_tests {
            together(&others, &wanted)
        } else {
            together(&wanted, &others)
        }
    };
    let get = |wanted: &[Wanted], lock| packs::get(wanted, lock, app.root(), &reach(services));
    match request.lock {
        Lock::None if request.like.is_some() => {
            let mut lock = request.held().packs;
            // A folder is what it is, and so is this bp.
            let can_be_had = |was: &_| matches!(was, Identity::Git(_) | Identity::Sha256(_));
            lock.packs.retain(|pack| can_be_had(&pack.was));
            Ok(get(&wanted, Some(&lock))?)
        }
        Lock::None => {
            let got = get(&wanted, None)?;
            tell_of_news(app, &got.lock, services);
            Ok(got)
        }
        Lock::Refuse => {
            let lock = held(app, &wanted, &all())?;
            Ok(get(&wanted, Some(&lock))?)
        }
        Lock::Write => {
            let (got, all) = (get(&wanted, None)?, all());
            let is_more = |one: &&Wanted| got.lock.identity(one).is_none();
            let more: Vec<Wanted> = all.iter().filter(is_more).cloned().collect();
            let more = get(&more, None)?.lock;
            let locked = all.iter().filter_map(|one| {
                let was = got.lock.identity(one).or_else(|| more.identity(one))?;
                Some(lock::LockedPack {
                    wanted: one.written.value.clone(),
                    was: was.clone(),
                })
            });
            let packs = locked.collect();
            write(app, &lock::Lock { packs }, services)?;
            Ok(got)
        }
    }
}

/// The first pack that the machine brings along and that says that it applies, with the name that it gives the app; none
/// where there is none.
pub(super) fn brought_along(
    request: &Request,
    services: &Services,
) -> Result<Option<(Fetched, String)>, Failure> {
    let packs = request.here.as_ref().map_or(&[][..], |here| &here.packs);
    let folders: Vec<PathBuf> = packs.iter().map(|(_, folder)| folder.clone()).collect();
    let answers = detect_scripts(&folders, request, services)?;
    for ((name, _), answer) in packs.iter().zip(&answers) {
        if *answer == Detected::TooLate {
            say_late(name, services);
        }
    }
    let mut applying = (packs.iter().zip(answers)).filter_map(|(pack, answer)| match answer {
        Detected::Yes(says) => Some((pack, says)),
        Detected::No | Detected::TooLate => None,
    });
    let Some(((name, folder), says)) = applying.next() else {
        return Ok(None);
    };
    let others: Vec<&str> = applying.map(|((name, _), _)| name.as_str()).collect();
    if !others.is_empty() {
        // In herokuish's words (compatibility facts 2.4).
        services.events.heading(
            "Warning: Multiple default buildpacks reported the ability to handle this app. \
             The first buildpack in the list below will be used.",
        );
        let detail = format!("Detected buildpacks: {name} {}", others.join(" "));
        services.events.detail(&detail);
    }
    let origin = Origin::Default("brought along".to_owned());
    let pack = Fetched {
        id: name.clone(),
        wanted: Sourced::new(name.clone(), origin),
        shown: name.clone(),
        folder: folder.clone(),
        identity: "brought along".to_owned(),
    };
    Ok(Some((pack, says)))
}

/// Says that a pack that nobody asked for has not answered in time, and is passed over.
fn say_late(name: &str, services: &Services) {
    let mut diagnostic = detect_timeout(name, services.detect_limit);
    diagnostic.severity = Severity::Warning;
    services.events.emit(Event::Diagnostic { diagnostic });
}

/// What the app's lock holds the packs of `wanted` to; `all` are those that it may hold.
fn held(app: &App, wanted: &[Wanted], all: &[Wanted]) -> Result<lock::Lock, Failure> {
    let lock = match app.source(lock::FILE) {
        Some(source) => lock::Lock::parse(&source).map_err(|problem| Failure::of(*problem))?,
        None if wanted.is_empty() => lock::Lock::default(),
        None => {
            let missing = format!("the app has no `{}`", lock::FILE);
            return Err(Failure::of(lock::drifted(missing)));
        }
    };
    lock.check(wanted, all)
        .map_err(|problem| Failure::of(*problem))?;
    Ok(lock)
}

/// Writes the app's lock, whole at every moment. One that says the same stays as it is.
fn write(app: &App, lock: &lock::Lock, services: &Services) -> Result<(), Failure> {
    let text = lock.text();
    if app.source(lock::FILE).is_some_and(|was| was.text == text) {
        return Ok(());
    }
    let path = app.root().join(lock::FILE);
    let unwritable = |error: &std::io::Error| {
        Failure::of(
            Diagnostic::error(
                "packs-lock-unwritable",
                Class::Surroundings,
                format!("cannot write `{}`: {error}", path.display()),
            )
            .help("make the app's folder writable for the user who builds, or leave out `--lock`"),
        )
    };
    let mut draft = tempfile::Builder::new()
        .prefix(".buildpacks.lock-")
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(app.root())
        .map_err(|error| unwritable(&error))?;
    draft
        .write_all(text.as_bytes())
        .and_then(|()| draft.as_file().sync_all())
        .map_err(|error| unwritable(&error))?;
    draft
        .persist(&path)
        .map_err(|error| unwritable(&error.error))?;
    services.events.heading(&format!("Wrote {}", lock::FILE));
    Ok(())
}

/// Says where the app's lock, which nobody asked for, would hold packs to something else.
fn tell_of_news(app: &App, now: &lock::Lock, services: &Services) {
    let lock = app
        .source(lock::FILE)
        .map(|source| lock::Lock::parse(&source));
    let Some(Ok(lock)) = lock else { return };
    for pack in &now.packs {
        let locked = lock.packs.iter().find(|old| old.wanted == pack.wanted);
        if let Some(locked) = locked.filter(|locked| locked.was != pack.was) {
            services.events.detail(&format!(
                "{} holds {} to {}; `--locked` takes that",
                lock::FILE,
                pack.wanted,
                locked.was.short()
            ));
        }
    }
}

/// What getting packs takes, of these services.
pub fn reach(services: &Services) -> Reach<'_> {
    Reach {
        store: &services.store,
        fetch: &*services.fetch,
        events: &*services.events,
        offline: services.offline,
        authorities: services.network.authorities.as_deref().map(Path::new),
        registry: &services.pack_registry,
        now: services.now,
        patience: Patience::default(),
    }
}
