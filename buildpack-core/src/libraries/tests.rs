use std::io::Cursor;

use proptest::prelude::*;

use super::*;

fn linked(needs: &[(&str, &[&str])], offers: Option<(&str, &[&str])>) -> Linked {
    let all = |versions: &[&str]| versions.iter().map(|&text| text.to_owned()).collect();
    Linked {
        architecture: Some(Arch::Amd64),
        needs: needs
            .iter()
            .map(|(name, versions)| ((*name).to_owned(), all(versions)))
            .collect(),
        offers: offers.map(|(name, versions)| (name.to_owned(), all(versions))),
    }
}

fn add(all: &mut Libraries, path: &str, linked: Linked) {
    all.add(path, linked, Arch::Amd64, false);
}

fn said(missing: &[Missing]) -> Vec<String> {
    missing
        .iter()
        .map(|it| format!("{it} for {}", it.file))
        .collect()
}

#[test]
fn what_the_app_brings_is_not_wanted_of_the_image_below() {
    let mut app = Libraries::default();
    add(
        &mut app,
        "/app/nif.so",
        linked(
            &[
                ("libc.so.6", &["GLIBC_2.38", "GLIBC_2.14"]),
                ("libown.so.1", &[]),
            ],
            None,
        ),
    );
    let mut other = Libraries::default();
    add(
        &mut other,
        "/app/libown.so.1",
        linked(
            &[("libc.so.6", &["GLIBC_2.2.5"])],
            Some(("libown.so.1", &[])),
        ),
    );
    add(
        &mut other,
        "/app/node_modules/x.musl.node",
        linked(&[("libc.musl-x86_64.so.1", &[])], None),
    );
    app.join(&other);
    let wanted = app.wanted();
    let mut old = Libraries::default();
    add(
        &mut old,
        "/lib/libc.so.6",
        linked(&[], Some(("libc.so.6", &["GLIBC_2.2.5", "GLIBC_2.14"]))),
    );
    assert_eq!(
        said(&wanted.missing_in(&old)),
        ["GLIBC_2.38 of libc.so.6 for /app/nif.so"]
    );
    assert_eq!(
        said(&wanted.missing_in(&Libraries::default())),
        ["libc.so.6 for /app/nif.so"]
    );
    add(
        &mut old,
        "/lib/libc.so.6",
        linked(&[], Some(("libc.so.6", &["GLIBC_2.38"]))),
    );
    assert!(wanted.missing_in(&old).is_empty());
    let text = serde_json::to_string(&wanted).unwrap();
    assert_eq!(serde_json::from_str::<Libraries>(&text).unwrap(), wanted);
}

#[test]
fn of_several_files_the_one_that_is_surely_loaded_is_told() {
    let mut app = Libraries::default();
    let needs: &[(&str, &[&str])] = &[("libc.so.6", &["GLIBC_2.38"]), ("libx.so.1", &[])];
    let (first, second) = ("/app/a/optional.node", "/app/priv/nif.so");
    app.add(first, linked(needs, None), Arch::Amd64, false);
    app.add(second, linked(&needs[..1], None), Arch::Amd64, true);
    let mut there = Libraries::default();
    let offers = linked(&[], Some(("libc.so.6", &["GLIBC_2.35"])));
    add(&mut there, "/lib/libc.so.6", offers);
    let missing = app.wanted().missing_in(&there);
    let told: Vec<_> = (missing.iter().map(|it| (it.file.as_str(), it.loaded))).collect();
    assert_eq!(told, [(second, true), (first, false)]);
    // What stands in the image says no more than it did.
    let left = app.wanted().without(&missing);
    assert!(!serde_json::to_string(&left).unwrap().contains("loads"));
}

#[test]
fn a_library_without_versions_is_taken_as_it_is() {
    let mut app = Libraries::default();
    add(&mut app, "/app/a", linked(&[("libx.so.1", &["X_1"])], None));
    let mut there = Libraries::default();
    add(
        &mut there,
        "/lib/libx.so.1",
        linked(&[], Some(("libx.so.1", &[]))),
    );
    assert!(app.missing_in(&there).is_empty());
}

/// Libraries of the machine that the tests run on: the C library's own word on what it defines, and a program's on what it
/// needs.
#[test]
fn reads_real_files() {
    let program = std::fs::File::open("/bin/bash").unwrap();
    let program = read(program).unwrap();
    let needed = &program.needs["libc.so.6"];
    assert!(
        needed.iter().all(|version| version.starts_with("GLIBC_")),
        "{needed:?}"
    );
    assert_eq!(program.offers, None);
    let folder = if cfg!(target_arch = "aarch64") {
        "aarch64"
    } else {
        "x86_64"
    };
    let libc = std::fs::File::open(format!("/lib/{folder}-linux-gnu/libc.so.6")).unwrap();
    let libc = read(libc).unwrap();
    let (name, versions) = libc.offers.clone().unwrap();
    assert_eq!(name, "libc.so.6");
    assert!(needed.is_subset(&versions));
    assert_eq!(libc.architecture, Arch::host());
    assert_eq!(libc.architecture, program.architecture);
}

proptest! {
    #[test]
    fn no_bytes_make_it_fall(bytes in prop::collection::vec(any::<u8>(), 0..400), at in 0usize..4096, value: u8) {
        read(Cursor::new([&MAGIC[..], &bytes].concat()));
        // A real file with one byte changed among its headers.
        let mut real = std::fs::read("/bin/true").unwrap();
        let end = real.len();
        real[at % end] = value;
        read(Cursor::new(&real));
        real.truncate(at);
        read(Cursor::new(&real));
    }
}
