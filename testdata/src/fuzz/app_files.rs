//! Readers of an app's files: each is run through the whole app, with the bytes as that one file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use buildpack_core::app::{App, ConfigFile, EnvEntry};
use buildpack_core::diagnostic::{Origin, Source, Sourced};
use buildpack_core::rules::check_app as check_rules;
use buildpack_core::wanted::{Asked, PackReference, lock, wanted};

use super::readers::{check_diagnostics, check_span};

/// Some keys of a pack's config file.
const KEYS: [&str; 4] = [
    "elixir_version",
    "erlang_version",
    "always_rebuild",
    "release",
];

/// Reads an app with one file and checks every place that comes of it.
fn read(path: &str, bytes: &[u8]) {
    let files = [(path.to_owned(), bytes.to_vec())];
    let found = App::of_files(Path::new("app"), files.into());
    check_diagnostics(&found.diagnostics);
    if let Some(app) = found.value {
        check_app(&app);
        check_diagnostics(&check_rules(&app));
        check_packs(&app);
        // Files of other names are none of bash.
        if path.ends_with(".config") {
            let config = ConfigFile::read(&app, path, &KEYS, None);
            check_diagnostics(&config.diagnostics);
            if let Some(config) = config.value {
                check_diagnostics(&config.into_diagnostics());
            }
        }
    }
}

/// What the app asks for, and what a lock of its says to that.
fn check_packs(app: &App) {
    let asked = Asked {
        flags: &[],
        config_vars: &BTreeMap::new(),
        native: true,
        for_tests: true,
    };
    let found = wanted(app, &asked);
    check_diagnostics(&found.diagnostics);
    let all = found.value.unwrap_or_default();
    for one in &all {
        let again = PackReference::parse(one.reference.written());
        assert!(again.is_ok_and(|again| again.written() == one.reference.written()));
        assert!(!one.reference.word().contains('/'));
    }
    let Some(source) = app.source(lock::FILE) else {
        return;
    };
    match lock::Lock::parse(&source) {
        Ok(lock) => {
            let text = Source {
                path: lock::FILE.into(),
                text: lock.text(),
            };
            assert_eq!(
                lock::Lock::parse(&Arc::new(text)).ok().as_ref(),
                Some(&lock)
            );
            if let Err(problem) = lock.check(&all, &all) {
                check_diagnostics(&[*problem]);
            }
        }
        Err(problem) => check_diagnostics(&[*problem]),
    }
}

fn check<'a>(values: impl IntoIterator<Item = &'a Sourced<String>>) {
    for value in values {
        if let Origin::File(span) = &value.origin {
            check_span(span);
        }
    }
}

fn check_env(env: &BTreeMap<String, EnvEntry>) {
    check(env.values().filter_map(|entry| entry.value.as_ref()));
    let places = env.values().filter_map(|entry| entry.at.as_ref());
    places.for_each(check_span);
}

fn check_app(app: &App) {
    check(app.procfile.processes.values());
    check(&app.buildpacks);
    check(app.declared.iter().map(|declared| &declared.value));
    for package in &app.package_jsons {
        check(package.engines.values());
        check(package.volta_node.iter().chain(&package.package_manager));
        check(
            package
                .scripts
                .values()
                .chain(package.dependencies.values()),
        );
    }
    let json = &app.app_json;
    check(json.stack.iter().chain(&json.buildpacks));
    check(json.scripts.values());
    for environment in json.environments.values() {
        check(environment.scripts.iter().flat_map(BTreeMap::values));
        check(environment.buildpacks.iter().flatten());
        check_env(&environment.env);
    }
    check_env(&json.env);
    if let Some(mix) = &app.mix_exs {
        check(mix.app.iter().chain(&mix.elixir).chain(&mix.releases));
        for dep in &mix.deps {
            check([&dep.name].into_iter().chain(&dep.requirement));
        }
        let unread = mix.unread.iter().map(|unread| &unread.span);
        let aliases = mix.aliases.values();
        let aliases = aliases.flat_map(|alias| [&alias.name, &alias.value]);
        aliases.chain(unread).for_each(check_span);
    }
    for package in app.mix_lock.iter().flat_map(|lock| lock.packages.values()) {
        check(&package.version);
        check_span(&package.span);
    }
    for config in &app.configs {
        check(
            config
                .esbuild_version
                .iter()
                .chain(&config.tailwind_version),
        );
        let reads = config.env_reads.iter().map(|read| &read.span);
        reads.chain(&config.server).for_each(check_span);
    }
}

pub(super) fn app_json(bytes: &[u8]) {
    read("app.json", bytes);
}

pub(super) fn buildpacks(bytes: &[u8]) {
    read(".buildpacks", bytes);
}

pub(super) fn buildpacks_lock(bytes: &[u8]) {
    read("buildpacks.lock", bytes);
}

pub(super) fn elixir_config(bytes: &[u8]) {
    read("config/runtime.exs", bytes);
}

pub(super) fn mise_toml(bytes: &[u8]) {
    read("mise.toml", bytes);
}

pub(super) fn mix_exs(bytes: &[u8]) {
    read("mix.exs", bytes);
}

pub(super) fn mix_lock(bytes: &[u8]) {
    read("mix.lock", bytes);
}

pub(super) fn package_json(bytes: &[u8]) {
    read("package.json", bytes);
}

pub(super) fn procfile(bytes: &[u8]) {
    read("Procfile", bytes);
}

pub(super) fn one_line(bytes: &[u8]) {
    read(".nvmrc", bytes);
    read(".elixir-version", bytes);
}

pub(super) fn static_config(bytes: &[u8]) {
    read("phoenix_static_buildpack.config", bytes);
}

pub(super) fn tool_versions(bytes: &[u8]) {
    read(".tool-versions", bytes);
}
