//! `bp doctor`: what this machine can do, what stands in the way, and what mends it.

use std::path::PathBuf;

use buildpack_core::toolchain::redact_url;

use super::context::{self, in_stack_image, settings, variable};
use super::{Call, Ended};
use crate::doctor::{Asked, Need, Question, State, gather, judge};
use crate::http::Proxies;
use crate::registry::address_of;
use crate::settings::{KEYS, Settings};
use crate::ui;

/// The stack that is built on where nobody names one.
const STACK: &str = "heroku-24";

pub(super) fn exec(call: &Call) -> Ended {
    crate::tls::install();
    let settings = settings(&call.cli, &call.ui)?;
    let name = settings.stack.as_ref().map(|stack| stack.value.as_str());
    let stack = context::find_stack(name.unwrap_or(STACK))?;
    let facts = gather(&Asked {
        cache_dir: settings.cache_dir.value.clone(),
        offline: settings.offline.value,
        authorities: variable("SSL_CERT_FILE").map(PathBuf::from),
        proxies: Proxies::read(variable),
        hosts: hosts(&settings, stack.build_image)?,
        stack_images: (
            vec![stack.build_image, stack.run_image],
            context::arch()?.oci(),
        ),
        in_stack_image: in_stack_image(),
        in_container: ["container", "KUBERNETES_SERVICE_HOST"]
            .iter()
            .any(|name| variable(name).is_some()),
        path: std::env::var_os("PATH"),
        user: variable("USER"),
    });
    let findings = judge(&facts);
    let machine = format!(
        "bp {} on linux/{}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH
    );
    let set = KEYS.iter().filter_map(|key| {
        let value = variable(key.variable)?;
        Some((key.variable.to_owned(), redact_url(&value)))
    });
    ui::findings(&call.ui, &machine, &findings, &set.collect::<Vec<_>>());
    let bad = findings.iter().any(|finding| finding.state == State::Bad);
    Ok(u8::from(bad))
}

/// The hosts that builds ask, with what they ask first.
fn hosts(
    settings: &Settings,
    stack_image: &str,
) -> Result<Vec<Question>, crate::pipeline::Failure> {
    let question = |url: String, purpose, need, setting| Question {
        host: host(&url),
        url,
        purpose,
        need,
        elsewhere: format!("export {setting}=https://MIRROR"),
        direct: false,
    };
    let hex = (settings.hex_repo_url.as_ref()).map_or("https://repo.hex.pm", |url| &url.value);
    let image = crate::pipeline::parse_image_name(stack_image)?;
    let registry = address_of(&image, &context::registry_settings(settings))?;
    Ok(vec![
        question(
            format!("{}/installs/hex-1.x.csv", settings.hex_builds_url.value),
            "lists of builds, Erlang, Elixir, Hex and rebar3",
            Need::Every,
            "BP_HEX_BUILDS_URL",
        ),
        question(
            format!("{hex}/names"),
            "Hex packages",
            Need::Every,
            "BP_HEX_REPO_URL",
        ),
        Question {
            host: registry.host,
            url: registry.url,
            direct: registry.is_loopback,
            purpose: "the stack's images",
            need: Need::Stack,
            elsewhere: format!("export BP_REGISTRY_MIRROR={}=https://MIRROR", image.host()),
        },
        question(
            format!("{}/index.json", settings.node_dist_url.value),
            "Node, for apps with assets",
            Need::Some,
            "BP_NODE_DIST_URL",
        ),
        question(
            format!("{}/esbuild", settings.npm_registry_url.value),
            "npm packages",
            Need::Some,
            "BP_NPM_REGISTRY_URL",
        ),
    ])
}

/// Host and port of an address.
fn host(url: &str) -> String {
    let shown = redact_url(url);
    let rest = shown.split_once("://").map_or(&*shown, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default().to_owned()
}
