//! `buildpack test` and `test`.

use crate::desk::{Desk, Ran};

fn run(desk: &Desk, words: &[&str]) -> Ran {
    let mut command = desk.called("herokuish");
    command
        .args(words)
        .env("STACK", "heroku-24")
        .env("USER", "nobody");
    desk.ran(&mut command)
}

fn tested_by(test_compile: &str, test: &str) -> Desk {
    let desk = Desk::new(&[("README.md", "an app")]);
    let pack = "buildpacks/01_buildpack-mine";
    desk.pack(pack, "echo Mine", "echo compiled for the build; exit 9");
    desk.script(&format!("{pack}/bin/test-compile"), test_compile);
    desk.script(&format!("{pack}/bin/test"), test);
    desk
}

#[test]
fn tests_see_config_vars_and_the_profile() {
    let desk = tested_by(
        "mkdir -p \"$1/.profile.d\" && echo 'export FROM_PROFILE=yes' > \"$1/.profile.d/a.sh\"",
        "echo \"ok 1 - $FROM_PROFILE $COLOUR $(cat \"$2/COLOUR\") $(ls \"$1/README.md\")\"",
    );
    desk.env("COLOUR", "teal");
    let ran = run(&desk, &["buildpack", "test"]);
    let line = format!("ok 1 - yes teal teal {}", "[desk]/app/README.md");
    let out = ran.fine();
    assert!(out.contains(&line), "no {line:?} in {out}");
}

#[test]
fn the_first_failing_test_is_the_exit_code() {
    let desk = tested_by("true", "echo 'not ok 1'; exit 7");
    let ran = run(&desk, &["buildpack", "test"]);
    assert_eq!(ran.code, 7, "{ran:?}");
    assert!(ran.out.contains("not ok 1"), "{}", ran.out);
}

/// A page that says what it was asked for, by perl, which every Debian and Ubuntu has.
const SERVER: &str = r#"
use IO::Socket::INET;
my $server = IO::Socket::INET->new(LocalPort => $ENV{PORT}, Listen => 5, ReuseAddr => 1) or die;
while (my $client = $server->accept) {
    my $line = <$client> // "";
    my ($path) = $line =~ m{^GET (\S+)};
    while (my $header = <$client>) { last if $header =~ /^\r?\n$/ }
    my $status = $path eq "/missing" ? "404 Not Found" : "200 OK";
    print $client "HTTP/1.0 $status\r\n\r\nhello from $path\n" if defined $path;
    close $client;
}
"#;

/// One test, as the port is always the same.
#[test]
fn an_app_is_built_started_and_compared() {
    let desk = Desk::new(&[("Procfile", "web: perl server.pl\n"), ("server.pl", SERVER)]);
    desk.pack(
        "buildpacks/01_buildpack-mine",
        "echo Mine",
        "echo '-----> Making'",
    );
    let ran = run(&desk, &["test", "/page", "hello from /page"]);
    let out = ran.fine();
    let banners: Vec<&str> = (out.lines())
        .filter(|line| line.starts_with(":::") && !line.contains("RETRYING"))
        .collect();
    assert_eq!(
        banners,
        [
            "::: BUILDING APP :::",
            "::: STARTING WEB :::",
            "::: FOUND LISTENER :::",
            "::: CHECKING APP :::",
            "::: APP OUTPUT :::",
            "::: TEST FINISHED :::"
        ]
    );
    let ran = run(&desk, &["test", "/", "another page"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.out
            .contains("::: TEST FAILED :::\n::: EXPECTED: another page :::\n")
    );
    let ran = run(&desk, &["test", "/missing"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("`/missing` answered 404"), "{}", ran.err);
    // Nothing of the app is left behind.
    assert!(std::net::TcpStream::connect(("127.0.0.1", 5678)).is_err());
}
