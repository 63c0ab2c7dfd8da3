//! Archives: of the web, of Heroku's registry, and of this machine.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use buildpack_core::diagnostic::Class;
use bzip2::write::BzEncoder;
use flate2::Compression;
use flate2::write::GzEncoder;
use testdata::fake::origin::{Answer, Origin};

use super::{Desk, script, version};

/// A tar with these files, none of them executable.
pub(super) fn tar(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, text) in files {
        let mut header = tar::Header::new_ustar();
        // What the builder would refuse.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_mode(0o644);
        header.set_size(text.len() as u64);
        header.set_cksum();
        tar.append(&header, text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap()
}

pub(super) fn gzip(tar: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(tar).unwrap();
    gzip.finish().unwrap()
}

/// A gzipped pack whose files stand below `top`.
fn pack(top: &str, version: &str) -> Vec<u8> {
    let compile = format!("#!/bin/sh\necho version {version}\n");
    let names = ["bin/detect", "bin/compile"].map(|name| format!("{top}{name}"));
    gzip(&tar(&[(&names[0], "#!/bin/sh\n"), (&names[1], &compile)]))
}

#[test]
fn every_kind_of_archive_is_unpacked() {
    let desk = Desk::new();
    let origin = Origin::start().unwrap();
    let compile = "#!/bin/sh\necho version one\n";
    let plain = tar(&[("./bin/detect", "#!/bin/sh\n"), ("./bin/compile", compile)]);
    let mut bzip = BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip.write_all(&plain).unwrap();
    let bzipped = bzip.finish().unwrap();
    for (name, bytes) in [
        ("/a.tgz", gzip(&plain)),
        ("/a.tar.gz", gzip(&plain)),
        ("/a.tbz", bzipped.clone()),
        ("/a.tar.bz", bzipped),
        ("/a.tar", plain),
    ] {
        origin.file(name, &bytes);
        let pack = desk.get(&origin.url(name));
        assert_eq!(version(&pack), "one", "{name}");
        let digest = buildpack_core::digest::Digest::of(&bytes);
        assert_eq!(pack.identity, digest.to_string());
        let mode = fs_err::metadata(pack.folder.join("bin/compile")).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o755);
    }
}

#[test]
fn one_folder_too_many_is_left_out_and_said() {
    let mut desk = Desk::new();
    let origin = Origin::start().unwrap();
    origin.file("/a.tgz", &pack("pack-main/", "one"));
    assert_eq!(version(&desk.get(&origin.url("/a.tgz"))), "one");
    assert!(desk.take_said().contains("in a folder `pack-main`"));
    let scripts = [("a/bin/detect", ""), ("a/bin/compile", ""), ("README", "")];
    for (name, bytes) in [
        ("/deep.tgz", pack("a/b/", "one")),
        ("/beside.tgz", gzip(&tar(&scripts))),
    ] {
        origin.file(name, &bytes);
        assert_eq!(
            desk.fails(&origin.url(name)).code.0,
            "pack-incomplete",
            "{name}"
        );
    }
}

#[test]
fn an_archive_that_leads_out_leaves_nothing() {
    let desk = Desk::new();
    let origin = Origin::start().unwrap();
    for (number, name) in ["../evil", "bin/../../evil", "/evil"]
        .into_iter()
        .enumerate()
    {
        let path = format!("/{number}.tgz");
        origin.file(&path, &gzip(&tar(&[("bin/detect", ""), (name, "evil")])));
        let problem = desk.fails(&origin.url(&path));
        assert_eq!(problem.code.0, "archive-unsafe", "{name}");
    }
    assert!(!super::holds(&desk.path("app"), "evil"));
    assert!(!super::holds(&desk.store.root().join("packs-v1"), "evil"));
}

#[test]
fn what_is_no_archive_is_told() {
    let desk = Desk::new();
    let origin = Origin::start().unwrap();
    let url = |name: &str| origin.url(name);
    assert_eq!(desk.fails(&url("/gone.tgz")).code.0, "pack-not-found");
    origin.answers("/secret.tgz", [Answer::Status(403)]);
    let secret = desk.fails(&url("/secret.tgz"));
    assert_eq!(
        (secret.code.0, secret.class),
        ("pack-not-found", Class::Config)
    );
    origin.file("/page.tgz", b"");
    origin.answers("/page.tgz", [Answer::Page]);
    let page = desk.fails(&url("/page.tgz"));
    assert_eq!(page.code.0, "download-not-an-archive", "{page:?}");
    origin.file("/cut.tgz", &pack("", "one")[..60]);
    assert_eq!(desk.fails(&url("/cut.tgz")).code.0, "archive-damaged");
}

#[test]
fn another_file_under_the_same_address_is_another_pack() {
    let mut desk = Desk::new();
    let origin = Origin::start().unwrap();
    origin.file("/a.tgz", &pack("", "one"));
    let url = origin.url("/a.tgz?token=hunter2-hunter2");
    origin.file("/a.tgz?token=hunter2-hunter2", &pack("", "one"));
    let lock = desk.lock_of(&url);
    origin.file("/a.tgz?token=hunter2-hunter2", &pack("", "two"));
    assert_eq!(version(&desk.get(&url)), "two");
    // What the lock names is still kept here, and nowhere else.
    let held = script(desk.try_all(&[&url], Some(&lock)).unwrap());
    assert_eq!(version(&held), "one");
    let other = Desk::new();
    let drifted = other.try_all(&[&url], Some(&lock)).unwrap_err();
    let problem = buildpack_core::diagnostic::Explain::diagnostic(&drifted);
    assert_eq!(
        (problem.code.0, problem.class),
        ("packs-locked", Class::Config)
    );
    assert!(!lock.text().contains("hunter2"));
    assert!(!super::holds(desk.store.root(), "hunter2"));
    desk.offline = true;
    assert_eq!(version(&desk.get(&url)), "two");
}

#[test]
fn the_registry_is_where_the_settings_say() {
    let mut desk = Desk::new();
    let origin = Origin::start().unwrap();
    desk.registry = origin.url("/buildpacks");
    origin.file("/buildpacks/heroku/nodejs.tgz", &pack("", "one"));
    let pack = desk.get("urn:buildpack:heroku/nodejs");
    assert_eq!(
        (version(&pack).as_str(), pack.id.as_str()),
        ("one", "heroku-buildpack-nodejs")
    );
    assert_eq!(pack.shown, "urn:buildpack:heroku/nodejs");
    let none = desk.fails("urn:buildpack:heroku/none");
    assert_eq!(none.code.0, "pack-not-found");
}

#[test]
fn an_archive_of_this_machine_needs_no_network() {
    let mut desk = Desk::new();
    desk.offline = true;
    fs_err::write(desk.path("app/pack.tgz"), pack("", "one")).unwrap();
    assert_eq!(version(&desk.get("./pack.tgz")), "one");
    let url = format!("file://{}", desk.path("app/pack.tgz").display());
    assert_eq!(desk.get(&url).id, "pack");
}
