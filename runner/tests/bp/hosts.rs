//! Hosts that lie, stall and vanish: what was fetched is right, or the build says what was not.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use testdata::fake::origin::{Answer, Origin};

use crate::fresh;

pub(crate) const ERLANG: &str = "/builds/otp/amd64/ubuntu-24.04/OTP-27.3.4.1.tar.gz";
pub(crate) const ELIXIR: &str = "/builds/elixir/v1.18.3-otp-27.zip";

/// All that a build asks the builds host for.
pub(crate) const FILES: [&str; 10] = [
    ERLANG,
    ELIXIR,
    "/builds/elixir/builds.txt",
    "/builds/otp/amd64/ubuntu-24.04/builds.txt",
    "/installs/hex-1.x.csv",
    "/installs/hex-1.x.csv.signed",
    "/installs/rebar3-1.x.csv",
    "/installs/rebar3-1.x.csv.signed",
    "/installs/1.18.0/hex-2.0.6.ez",
    "/installs/1.18.0/rebar3-3.24.0",
];

/// A file of the world's builds host.
pub(crate) fn file(path: &str) -> Vec<u8> {
    of_world("BP_HEX_BUILDS_URL", path)
}

/// A file of the world's host whose address this variable holds.
pub(crate) fn of_world(variable: &str, path: &str) -> Vec<u8> {
    let url = std::env::var(variable).unwrap();
    let (address, folder) = url
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET /{folder}{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let head = answer
        .windows(4)
        .position(|part| part == b"\r\n\r\n")
        .unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{path}");
    answer.split_off(head + 4)
}

#[test]
fn what_is_not_as_listed_is_refused_and_never_kept() {
    let Some(place) = fresh() else { return };
    let app = place.app("tiny", "hosts").unwrap();
    let origin = Origin::start().unwrap();
    for path in FILES {
        origin.file(path, &file(path));
    }
    let build = || {
        let mut command = place.command(&["build", "hosts", "-v"]);
        command.env("BP_HEX_BUILDS_URL", origin.url(""));
        testdata::workspace::run(&mut command)
    };

    // What one case let through is no help to the next.
    let forget = || {
        for bucket in ["tools-v1", "downloads-v1"] {
            let _ = fs_err::remove_dir_all(place.store().join(bucket));
        }
    };

    // The packs keep an error page as the archive, for every build to come (user-demand 3, P05).
    origin.answers(ELIXIR, [Answer::Page]);
    build().exits(4).says(ELIXIR);

    // One byte is not as the list says.
    forget();
    let mut other = file(ERLANG);
    let middle = other.len() / 2;
    other[middle] ^= 1;
    origin.file(ERLANG, &other);
    build().exits(4).says("sha256");
    origin.file(ERLANG, &file(ERLANG));

    // A version that is listed and gone.
    forget();
    origin.answers(ERLANG, [Answer::Status(404)]);
    build().exits(4).says("404");

    // A connection that breaks twice goes on where it broke.
    forget();
    origin.answers(ERLANG, [Answer::Truncate(1 << 20), Answer::Reset(1 << 20)]);
    build().ok();
    let resumed = origin
        .seen()
        .iter()
        .filter(|seen| seen.line.contains(ERLANG) && seen.headers.contains_key("range"))
        .count();
    assert!(resumed >= 2, "{resumed} of the requests ask for a part");

    // And now without any host.
    app.write("lib/more.ex", "defmodule More do\nend\n")
        .unwrap();
    let mut command = place.command(&["build", "hosts", "-v", "--offline"]);
    command.env("BP_HEX_BUILDS_URL", origin.url(""));
    drop(origin);
    testdata::workspace::run(&mut command)
        .ok()
        .says("Compiling 1 file");
}

#[test]
fn a_version_that_does_not_exist_is_a_mistake_of_the_app() {
    let Some(place) = fresh() else { return };
    let app = place.app("tiny", "future").unwrap();
    app.replace("elixir_buildpack.config", "27.3.4.1", "27.9.9")
        .unwrap();
    place
        .build(&app, &[])
        .fails(3, "otp-not-built")
        .says("27.3.4.1");
}

#[test]
fn a_stack_image_that_is_nowhere_is_the_surroundings_fault() {
    let Some(place) = fresh() else { return };
    let app = place.app("tiny", "nowhere").unwrap();
    place
        .build(&app, &["--registry-mirror", "docker.io=http://127.0.0.1:9"])
        .exits(4)
        .says("heroku/heroku:24");
    place.build(&app, &["--offline"]).exits(4);
}
