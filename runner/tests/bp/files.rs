//! Apps with all that a file system allows.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use crate::workspace;

#[test]
fn odd_names_links_and_a_socket() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "odd").unwrap();
    let names: [&[u8]; 6] = [
        b"odd/with space",
        b"odd/with\nnewline",
        b"odd/with 'single' and \"double\" quotes",
        b"odd/not utf-8 \xff\xfe",
        b"odd/-rf",
        "odd/\u{fc}ml\u{e4}ut \u{2603}".as_bytes(),
    ];
    for name in names {
        app.write(OsStr::from_bytes(name), name).unwrap();
    }
    symlink("with space", app.path.join("odd/inside")).unwrap();
    symlink("/etc/hostname", app.path.join("odd/outside")).unwrap();
    symlink("../../../../..", app.path.join("odd/above")).unwrap();
    symlink("nowhere", app.path.join("odd/dangling")).unwrap();
    let _listener = UnixListener::bind(app.path.join("odd/socket")).unwrap();
    let first = place
        .build(&app, &[])
        .ok()
        .says("app-special-file")
        .says("socket");
    let count = place
        .bp(&["run", "odd", "--", "bash", "-c", "ls odd/* -d -1 --quoting-style=escape; cat odd/inside; for f in odd/*; do printf x; done"])
        .ok();
    let count = count
        .says("with\\nnewline")
        .says("not\\ utf-8\\ \\377\\376")
        .says("odd/with space");
    assert!(count.text.contains("xxxxxxxxxx"), "{}", count.text);
    assert_eq!(
        place.build(&app, &["--clear-cache"]).digest(),
        first.digest()
    );
}

#[test]
fn five_thousand_files() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "many").unwrap();
    for folder in 0..50 {
        for file in 0..100 {
            app.write(
                format!("data/{folder}/{file}.txt"),
                format!("{folder} {file}"),
            )
            .unwrap();
        }
    }
    let cold = place.build(&app, &[]).ok();
    place.build(&app, &[]).ok().says("Nothing changed");
    app.remove("data/7/7.txt").unwrap();
    assert_ne!(place.build(&app, &[]).digest(), cold.digest());
    place
        .bp(&[
            "run",
            "many",
            "--",
            "bash",
            "-c",
            "find data -type f | wc -l",
        ])
        .ok()
        .says("4999");
}

#[test]
fn a_library_that_the_stack_lacks_is_told_before_anything_starts() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "linked").unwrap();
    // A program of this machine that needs a library of a name that no system has.
    let mut program = std::fs::read("/bin/bash").unwrap();
    let name = b"libtinfo.so.6";
    let at = program
        .windows(name.len())
        .position(|window| window == name);
    program[at.unwrap()..][..name.len()].copy_from_slice(b"libnowhere.so");
    app.write("bin/tool", program).unwrap();
    place
        .build(&app, &[])
        .ok()
        .says("warning[library-missing]: `/app/bin/tool` needs `libnowhere.so`");
}
