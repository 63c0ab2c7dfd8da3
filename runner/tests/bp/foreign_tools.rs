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
/// Of heroku-26.
const NEWER_ERLANG: &str = "/builds/otp/amd64/ubuntu-26.04/OTP-29.1.1.tar.gz";

/// The world's builds host, one archive of which another one stands in for, as its list says too.
fn mirror(path: &str, list: &str, archive: &[u8]) -> Origin {
    let origin = Origin::start().unwrap();
    for path in FILES {
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

fn build(place: &Workspace, app: &App, origin: &Origin) -> Ran {
    let mut command = place.command(&["build", "-v"]);
    command.arg(&app.path);
    run(command.env("BP_HEX_BUILDS_URL", origin.url("")))
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
        (
            "glibc-too-old",
            file(NEWER_ERLANG),
            "which heroku-24 does not have",
        ),
    ] {
        let app = place.app("tiny", code).unwrap();
        // Fetched over TLS, for which there is no other need in so small an app.
        app.replace(
            "mix.exs",
            "deps: []",
            "deps: [{:nimble_parsec, \"~> 1.0\"}]",
        )
        .unwrap();
        let origin = mirror(ERLANG, OTP_LIST, &archive);
        let ran = build(&place, &app, &origin).fails(1, code).says(words);
        shows(code, &ran, &app);
    }
}

#[test]
fn elixir_of_another_erlang_is_told_with_the_build_to_take() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "otp-of-another-build").unwrap();
    let newer = file("/builds/elixir/v1.20.4-otp-29.zip");
    let origin = mirror(ELIXIR, ELIXIR_LIST, &newer);
    let ran = build(&place, &app, &origin).fails(1, "otp-of-another-build");
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
        let ran = build(&place, &app, &origin).fails(4, "download-not-an-archive");
        let ran = ran.says(path);
        if path == ELIXIR {
            shows("archive-damaged", &ran, &app);
        }
    }
}
