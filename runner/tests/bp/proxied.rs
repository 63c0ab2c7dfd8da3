//! Behind a proxy: all that a build fetches comes through it, and its password is seen nowhere.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use testdata::fake::proxy::Proxy;
use testdata::workspace::{Workspace, run};

use crate::fresh;

/// A name for this machine that only the proxy knows.
const HOST: &str = "world.invalid";

const PASSWORD: &str = "s3cr3t-proxy";

/// The addresses of the world, at that name.
fn renamed(command: &mut Command) {
    for name in ["BP_HEX_BUILDS_URL", "BP_HEX_REPO_URL", "BP_NODE_DIST_URL"] {
        let url = std::env::var(name).unwrap();
        command.env(name, url.replace("127.0.0.1", HOST));
    }
}

fn behind(place: &Workspace, proxy: &Proxy, name: &str) -> Command {
    let mut command = place.command(&["build", name, "-v"]);
    let url = format!("http://someone:{PASSWORD}@{}", proxy.address());
    command.env("HTTPS_PROXY", &url).env("HTTP_PROXY", &url);
    for other in ["https_proxy", "NO_PROXY", "no_proxy"] {
        command.env_remove(other);
    }
    command
}

#[test]
fn everything_comes_through_the_proxy_and_nobody_sees_its_password() {
    let Some(place) = fresh() else { return };
    let app = place.app("phoenix_npm", "behind").unwrap();
    app.replace(
        "assets/package.json",
        "\"deploy\": \"",
        "\"deploy\": \"echo through $HTTPS_PROXY; ",
    )
    .unwrap();
    let authorization = format!("Basic {}", STANDARD.encode("someone:s3cr3t-proxy"));
    let proxy = Proxy::start(&[(HOST, "127.0.0.1")], Some(&authorization)).unwrap();
    let mut build = behind(&place, &proxy, "behind");
    renamed(&mut build);
    run(&mut build)
        .ok()
        .says("through http://*")
        .never_says("s3cr3t");
    let seen = proxy.seen();
    for wanted in [
        "/builds.hex.pm/builds/otp/",
        "/builds.hex.pm/installs/",
        "/repo.hex.pm/tarballs/phoenix-",
        "/nodejs.org/dist/v22.14.0/node-",
        "CONNECT registry.npmjs.org:443",
    ] {
        assert!(
            seen.iter().any(|seen| seen.line.contains(wanted)),
            "{wanted}: {seen:?}"
        );
    }

    // What needs no proxy does without.
    let before = proxy.seen().len();
    app.write("assets/.npmrc", "# other packages, for all that is known\n")
        .unwrap();
    app.replace("assets/package.json", "through $HTTPS_PROXY", "directly")
        .unwrap();
    let mut build = behind(&place, &proxy, "behind");
    build.env("NO_PROXY", "127.0.0.1,.npmjs.org");
    run(&mut build).ok().says("Installing packages");
    assert_eq!(proxy.seen().len(), before);
}

#[test]
fn a_proxy_that_is_down_or_refuses_is_told_without_its_password() {
    let Some(place) = fresh() else { return };
    place.app("tiny", "refused").unwrap();
    let proxy = Proxy::start(&[(HOST, "127.0.0.1")], Some("Basic other")).unwrap();
    let mut build = behind(&place, &proxy, "refused");
    renamed(&mut build);
    run(&mut build).exits(4).says("407").never_says("s3cr3t");
    drop(proxy);
    let mut build = place.command(&["build", "refused", "-v"]);
    build.env(
        "HTTP_PROXY",
        format!("http://someone:{PASSWORD}@127.0.0.1:1"),
    );
    renamed(&mut build);
    run(&mut build)
        .exits(4)
        .says("the proxy `http://127.0.0.1:1` was asked")
        .never_says("s3cr3t");
    let mut doctor = place.command(&["doctor"]);
    doctor.env("HTTP_PROXY", format!("someone:{PASSWORD}@127.0.0.1:1"));
    run(&mut doctor).says("127.0.0.1:1").never_says("s3cr3t");
}
