//! A platform that builds apps without the program `bp`: `cargo run --example embed -p runner -- APP`.
//!
//! It says itself what a build is made of: where things are kept, where they come from, who hears of progress.
//! Hosts are those of `BP_*` variables, as for `bp`; a platform would say `Upstreams` and mirrors in its own way.
#![allow(clippy::print_stdout, reason = "a platform's log")]

use std::error::Error;

use buildpack_core::diagnostic::Explain;
use buildpack_core::event::{Event, EventSink};
use buildpack_core::pack::Upstreams;
use buildpack_core::store::Store;
use runner::http::HttpFetch;
use runner::pipeline::{self, ConfigVars, Failure, Parts, Request, Services};
use runner::registry::{Registries, RegistrySettings};
use runner::sandbox::{self, Mode};
use runner::settings::{Flags, Settings};
use stacks::{Arch, Target};

/// Takes events in as a platform likes them.
struct Log;

impl EventSink for Log {
    fn emit(&self, event: Event) {
        match event {
            Event::Heading { text } => println!("[build] {text}"),
            Event::Output { step, line, .. } => println!("[{step}] {line}"),
            Event::StageFinished { stage, millis } => println!("[build] {stage}: {millis} ms"),
            Event::Diagnostic { diagnostic } => println!("[problem] {}", diagnostic.message),
            _ => {}
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // The sandbox starts this very program again as its helper.
    sandbox::entry();
    let app = std::env::args_os().nth(1).ok_or("usage: embed APP")?;
    let services = services()?;
    let arch = Arch::host().ok_or("stacks are made for amd64 and arm64")?;
    let target = Target::new(stacks::find("heroku-24")?, arch)?;
    let request = Request {
        name: "embedded".to_owned(),
        config_vars: ConfigVars([("POOL_SIZE".to_owned(), "2".to_owned())].into()),
        ..Request::new(app, target)
    };
    let finished = pipeline::build(&request, &services)?;
    let image = &finished.record.image;
    println!(
        "[build] {} of {} layers",
        image.manifest_digest,
        image.layers.len()
    );
    Ok(())
}

fn services() -> Result<Services, Box<dyn Error>> {
    runner::tls::install();
    let read = Settings::load(&|name| std::env::var_os(name), &Flags::default());
    let settings = read.value.ok_or("the BP_* variables are wrong")?;
    let store = Store::open(settings.cache_dir.value)?;
    let scratch = store.root().to_owned();
    let mut services = Services::new(Parts {
        store,
        fetch: Box::new(HttpFetch::new(None)),
        images: Box::new(Registries::new(RegistrySettings {
            mirrors: settings
                .registry_mirrors
                .into_iter()
                .map(|it| it.value)
                .collect(),
            ..RegistrySettings::default()
        })),
        events: Box::new(Log),
        sandbox: Box::new(move || {
            sandbox::choose(Mode::Namespace, &scratch, false)
                .map_err(|error| Failure::of(error.diagnostic()))
        }),
        now: jiff::Timestamp::now(),
    });
    services.upstreams = Upstreams {
        hex_builds: settings.hex_builds_url.value,
        node_dist: settings.node_dist_url.value,
        tailwind: settings.tailwind_url.value,
        npm_registry: settings.npm_registry_url.value,
        hex_repository: settings.hex_repo_url.map(|url| url.value),
        hex_unsafe_registry: settings.hex_unsafe_registry.value,
    };
    if let Some(file) = settings.hex_builds_key {
        services.hex_builds_key = fs_err::read_to_string(file.value)?;
    }
    Ok(services)
}
