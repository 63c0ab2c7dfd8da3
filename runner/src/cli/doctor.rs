//! `bp doctor`: what this machine can do, and what stands in the way.

use buildpack_core::diagnostic::Explain;
use buildpack_core::store::Store;

use super::context::{settings, variable};
use super::{Call, Ended};
use crate::http::proxy;
use crate::pipeline::Failure;
use crate::sandbox;
use crate::settings::KEYS;

pub(super) fn exec(call: &Call) -> Ended {
    let ui = &call.ui;
    ui.line(&format!(
        "bp {} on linux/{}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH
    ));
    let folder = settings(&call.cli, ui)?.cache_dir.value;
    let store = Store::open(folder.clone());
    match &store {
        Ok(_) => ui.line(&format!("cache folder        {}", folder.display())),
        Err(error) => {
            ui.line(&format!(
                "cache folder        {}: cannot be used",
                folder.display()
            ));
            ui.diagnostic(&error.diagnostic());
        }
    }
    let probe = sandbox::probe(&folder);
    match &probe.failure {
        None => ui.line("sandbox namespace   works"),
        Some(failure) => {
            ui.line("sandbox namespace   does not work");
            ui.diagnostic(&failure.diagnostic());
        }
    }
    let in_place = variable("STACK").is_some_and(|stack| stacks::find(&stack).is_ok());
    ui.line(if in_place {
        "sandbox none        possible: this is a stack's image"
    } else {
        "sandbox none        only inside a stack's build image"
    });
    let own = KEYS.iter().map(|key| key.variable);
    for name in own.chain(proxy::NAMES) {
        if let Some(value) = variable(name) {
            ui.line(&format!(
                "{name:<24} {}",
                buildpack_core::toolchain::redact_url(&value)
            ));
        }
    }
    match store {
        Err(error) => Err(Failure::from(error)),
        Ok(_) if probe.failure.is_some() && !in_place => Ok(4),
        Ok(_) => Ok(0),
    }
}
