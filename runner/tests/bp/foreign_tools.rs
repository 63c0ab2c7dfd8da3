//! Builds with tools that were made for something else, as caches and mirrors have handed them out: of another Ubuntu
//! release, for another Erlang/OTP, an error page in the place of an archive.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use testdata::fake::origin::Origin;
use testdata::workspace::{App, Ran, Workspace, run};

use crate::blocks::shows;
use crate::hosts::{ELIXIR, ERLANG, FILES, file};
use crate::workspace;

const OTP_LIST: &str = "/builds/otp/amd64/ubuntu-24.04/builds.txt";
const ELIXIR_LIST: &str = "/builds/elixir/builds.txt";

/// What is asked for on heroku-22, in whose place that of heroku-24 is handed out.
const OLDER_ERLANG: &str = "/builds/otp/amd64/ubuntu-22.04/OTP-25.2.3.tar.gz";
const OLDER_OTP_LIST: &str = "/builds/otp/amd64/ubuntu-22.04/builds.txt";
const OLDER_ELIXIR: &str = "/builds/elixir/v1.14.0-otp-25.zip";
/// What else a build on heroku-22 asks for.
const OLDER_FILES: [&str; 5] = [
    OLDER_ERLANG,
    OLDER_OTP_LIST,
    OLDER_ELIXIR,
    "/installs/1.14.0/hex-2.0.6.ez",
    "/installs/1.14.0/rebar3-3.19.0",
];

/// The world's builds host, one archive of which another one stands in for, as its list says too.
fn mirror(path: &str, list: &str, archive: &[u8]) -> Origin {
    let origin = Origin::start().unwrap();
    for path in FILES.into_iter().chain(OLDER_FILES) {
        origin.file(path, &file(path));
    }
    let sum = |bytes: &[u8]| buildpack_core::digest::Digest::of(bytes).hex();
    let lines = String::from_utf8(file(list)).unwrap();
    let told = lines.replace(&sum(&file(path)), &sum(archive));
    assert_ne!(told, lines);
    origin.file(list, told.as_bytes());
    origin.file(path, archive);
    origin
}

/// An archive in which all files have `name` where they had another one of its length.
fn with(name: &str, instead_of: &str, archive: &[u8]) -> Vec<u8> {
    let (name, old) = (name.as_bytes(), instead_of.as_bytes());
    assert_eq!(name.len(), old.len());
    let mut tar = Vec::new();
    GzDecoder::new(archive).read_to_end(&mut tar).unwrap();
    let places: Vec<usize> = memchr::memmem::find_iter(&tar, old).collect();
    assert!(!places.is_empty(), "{instead_of} is nowhere");
    for at in places {
        tar[at..][..name.len()].copy_from_slice(name);
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&tar).unwrap();
    packed.finish().unwrap()
}

fn build(place: &Workspace, app: &App, stack: &str, origin: &Origin) -> Ran {
    let mut command = place.command(&["build", "-v", "--stack", stack]);
    command.arg(&app.path);
    run(command.env("BP_HEX_BUILDS_URL", origin.url("")))
}

/// The small app; fetching its package needs TLS, for which it has no other use.
fn tiny(place: &Workspace, name: &str) -> App {
    let app = place.app("tiny", name).unwrap();
    let package = "deps: [{:nimble_parsec, \"~> 1.0\"}]";
    app.replace("mix.exs", "deps: []", package).unwrap();
    app
}

/// The same as heroku-22 has it.
fn older(place: &Workspace, name: &str) -> App {
    let app = tiny(place, name);
    let versions = "erlang_version=25.2.3\nelixir_version=1.14.0\n";
    app.write("elixir_buildpack.config", versions).unwrap();
    app
}

#[test]
fn erlang_of_another_ubuntu_is_named_by_what_it_misses() {
    let Some(place) = workspace() else { return };
    let erlang = file(ERLANG);
    for (code, archive, words) in [
        (
            "library-not-found",
            with("libtinfo.so.5", "libtinfo.so.6", &erlang),
            "needs `libtinfo.so.5`, which heroku-24 does not have",
        ),
        (
            "crypto-not-loadable",
            with("libcrypto.so.1", "libcrypto.so.3", &erlang),
            "OpenSSL that heroku-24 does not have",
        ),
    ] {
        let app = tiny(&place, code);
        let origin = mirror(ERLANG, OTP_LIST, &archive);
        let ran = build(&place, &app, "24", &origin).fails(1, code);
        shows(code, &ran.says(words), &app);
    }
    let (code, words) = ("glibc-too-old", "which heroku-22 does not have");
    let app = older(&place, code);
    let origin = mirror(OLDER_ERLANG, OLDER_OTP_LIST, &erlang);
    let ran = build(&place, &app, "22", &origin).fails(1, code);
    shows(code, &ran.says(words), &app);
}

#[test]
fn elixir_of_another_erlang_is_told_with_the_build_to_take() {
    let Some(place) = workspace() else { return };
    let app = older(&place, "otp-of-another-build");
    let origin = mirror(OLDER_ELIXIR, ELIXIR_LIST, &file(ELIXIR));
    let ran = build(&place, &app, "22", &origin).fails(1, "otp-of-another-build");
    shows("otp-of-another-build", &ran, &app);
}

#[test]
fn an_error_page_is_no_archive() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "archive-damaged").unwrap();
    let page = b"<!DOCTYPE html><title>Not found</title>";
    // As its own list says: a mirror that took what a host answered for what it asked.
    for (path, list) in [(ERLANG, OTP_LIST), (ELIXIR, ELIXIR_LIST)] {
        let origin = mirror(path, list, page);
        let ran = build(&place, &app, "24", &origin).fails(4, "download-not-an-archive");
        let ran = ran.says(path);
        if path == ELIXIR {
            shows("archive-damaged", &ran, &app);
        }
    }
}
