//! `bp build --check`: what was built is started and asked for a page before the build counts as done.

use testdata::workspace::App;

use crate::blocks::shows;
use crate::{page, workspace};

const APP: &str = "lib/tiny.ex";

#[test]
fn an_answer_ends_the_build_well_and_the_app_is_told_to_end() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "checked").unwrap();
    let check = ["--check", "--env", "WORD=fine"];
    place
        .build(&app, &check)
        .ok()
        .says("GET /: status 200, 4 bytes")
        .says("SIGTERM received")
        .never_says("[compiles-at-start]");
    // Where nothing was built, the answer may be another one all the same.
    app.write("Procfile", "web: MIX_ENV=dev mix run --no-halt\n")
        .unwrap();
    place
        .build(&app, &check)
        .ok()
        .says("warning[compiles-at-start]: `web` compiles when it starts");
    place
        .build(&app, &check)
        .ok()
        .says("Nothing changed")
        .says("GET /: status 200");
}

#[test]
fn an_app_that_fails_is_neither_written_nor_pushed() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "erring").unwrap();
    app.replace(APP, "200 OK", "503 Down").unwrap();
    place
        .build(
            &app,
            &["--check", "--check-path", "/x?y=1", "-o", "oci:out"],
        )
        .fails(1, "page-status")
        .says("`/x?y=1` answered 503, expected no 5xx");
    assert!(!place.path().join("out").exists());
    // It says no to those whom it does not know.
    app.replace(APP, "503 Down", "401 Unauthorized").unwrap();
    place
        .build(&app, &["--check", "-o", "oci:out"])
        .ok()
        .says("status 401");
    assert!(place.path().join("out").exists());
}

#[test]
fn one_that_listens_elsewhere_is_told_where() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "elsewhere").unwrap();
    let listen = |app: &App, from: &str, to: &str| app.replace(APP, from, to).unwrap();
    listen(&app, "active: false", "active: false, ip: {127, 0, 0, 1}");
    place
        .build(&app, &["--check"])
        .fails(1, "page-for-localhost")
        .says("`web` listens on 127.0.0.1");
    listen(&app, ", ip: {127, 0, 0, 1}", "");
    let other = page::free_port();
    listen(
        &app,
        "System.get_env(\"PORT\", \"4000\")",
        &format!("\"{other}\""),
    );
    place
        .build(&app, &["--check", "--check-timeout", "8"])
        .fails(1, "page-on-other-port")
        .says(&format!("`web` listens on port {other}, not on the "));
}

#[test]
fn one_that_does_not_listen_is_told_so() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "app-too-slow").unwrap();
    // However long it is given, it never comes to listen.
    app.write("Procfile", "web: sleep 60\n").unwrap();
    let ran = place.build(&app, &["--check", "--check-timeout", "1"]);
    shows("app-too-slow", &ran.fails(1, "no-page"), &app);
}

/// Answers every request, in Perl, which all stacks have.
const SERVER: &str = r#"
use IO::Socket::INET;
$SIG{TERM} = $ENV{DEAF} ? 'IGNORE' : sub { print "bye\n"; exit };
$| = 1;
my $server = IO::Socket::INET->new(LocalPort => $ENV{PORT}, Listen => 5, ReuseAddr => 1) or die $!;
while (1) {
    my $client = $server->accept or next;
    while (<$client>) { last if /^\r?$/ }
    print $client "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nperl\n";
    close $client;
}
"#;

/// What a pack of scripts says of `web` is what is started, with what its profile scripts set.
#[test]
fn an_app_of_script_packs_is_asked_too_and_one_deaf_to_sigterm_is_told() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "asked_of_scripts").unwrap();
    app.write("server.pl", SERVER).unwrap();
    let pack = place.pack("release_yaml").unwrap();
    let compile = |more: &str| {
        let text = format!("#!/usr/bin/env bash\nmkdir -p $1/.profile.d\n{more}\n");
        pack.script("bin/compile", &text).unwrap();
    };
    let release = "#!/bin/sh\necho '--- {default_process_types: {web: perl server.pl}}'\n";
    pack.script("bin/release", release).unwrap();
    compile("");
    let words = ["--buildpack", pack.as_str(), "--check"];
    place
        .build(&app, &words)
        .ok()
        .says("GET /: status 200, 5 bytes")
        .says("bye")
        .never_says("ignores-sigterm");
    compile("echo 'export DEAF=1' > $1/.profile.d/deaf.sh");
    place
        .build(&app, &words)
        .ok()
        .says("GET /: status 200, 5 bytes")
        .says("warning[ignores-sigterm]: the app did not end within 10 s of SIGTERM");
    compile("rm $1/server.pl");
    place
        .build(&app, &words)
        .exits(1)
        .says("Can't open perl script \"server.pl\"");
}

#[test]
fn a_page_is_asked_of_a_web_process_alone() {
    let Some(place) = workspace() else { return };
    place.app("tiny", "asked").unwrap();
    for words in [
        &["--check-path", "/"][..],
        &["--check", "--check-path", "no-slash"],
        &["--check", "--check-path", "/a b"],
        &["--check", "--check-timeout", "soon"],
    ] {
        place.bp(&[&["build", "asked"], words].concat()).exits(2);
    }
}
