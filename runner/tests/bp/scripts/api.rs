//! What scripts are given: arguments, folders, user, environment, config vars as files.

use std::collections::BTreeMap;
use std::process::Command;

use testdata::workspace::run;

use super::build;
use crate::workspace;

/// What a script of `tells_all` told, by what it told of.
pub(super) fn told(text: &str, script: &str) -> BTreeMap<String, String> {
    let start = format!("{script}: ");
    let lines = text.lines().filter_map(|line| {
        let rest = line.trim_start().strip_prefix(&start)?;
        let (what, value) = rest.split_once(": ").unwrap_or((rest, ""));
        Some((what.to_owned(), value.to_owned()))
    });
    lines.collect()
}

/// Names of variables that a script may find besides those that the API promises: what the image sets, herokuish's
/// limits, what tells of the network, and what bash sets by itself.
const MORE: [&str; 15] = [
    "PWD",
    "OLDPWD",
    "SHLVL",
    "_",
    "CURL_CONNECT_TIMEOUT",
    "CURL_TIMEOUT",
    "APP_DIR",
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
    "HEX_CACERTS_PATH",
    "LANG",
    "LC_ALL",
    "DEBIAN_FRONTEND",
];

#[test]
fn scripts_get_what_the_api_promises() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "told").unwrap();
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(&app.path).args(arguments);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null");
        run(&mut command).ok().stdout.trim().to_owned()
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    let me = ["-c", "user.name=Me", "-c", "user.email=me@localhost"];
    git(&[&me[..], &["commit", "--quiet", "-m", "app"]].concat());
    let commit = git(&["rev-parse", "HEAD"]);
    let pack = place.pack("tells_all").unwrap();
    let vars = [
        "--env",
        "SECRET_KEY=eleven byte",
        "--env",
        "LINES=one\ntwo",
        "--env",
        "EMPTY=",
        "--env",
        "HOME=/evil",
        "--env",
        "PATH=/evil",
        "--env",
        "STACK=evil",
    ];
    for (mode, build_dir) in [("heroku", "/tmp/build"), ("app", "/app")] {
        let more = [&vars[..], &["--build-dir-mode", mode]].concat();
        let built = build(&place, &app, &[&pack], &more).ok();
        let compile = told(&built.text, "compile");
        let one = |what: &str| compile.get(what).map_or("", String::as_str);
        assert_eq!(one("arguments"), "3");
        assert_eq!(one("argument 1"), build_dir);
        assert!(one("argument 2").starts_with('/'), "{}", built.text);
        assert!(one("argument 3").starts_with('/'), "{}", built.text);
        // heroku-buildpack-multi and Heroku start scripts in the pack's own folder.
        assert!(one("cwd").contains("tells_all"), "{}", built.text);
        assert_eq!(one("user"), "1000:1000");
        assert_eq!(one("umask"), "0022");
        assert_eq!(one("HOME"), "/app");
        assert_eq!(one("STACK"), "heroku-24");
        assert_eq!(one("SOURCE_VERSION"), commit);
        assert!(!one("REQUEST_ID").is_empty());
        assert!(!one("PATH").contains("/app") && !one("PATH").contains("/evil"));
        let promised = ["HOME", "PATH", "REQUEST_ID", "SOURCE_VERSION", "STACK"];
        for name in one("environment")
            .split(' ')
            .filter(|name| !name.is_empty())
        {
            assert!(
                promised.contains(&name) || MORE.contains(&name),
                "{name} in {}",
                built.text
            );
        }
        // Config vars are files, as they are, and nothing else.
        let files: BTreeMap<_, _> = compile
            .iter()
            .filter_map(|(what, size)| {
                Some((what.strip_prefix("config var ")?, size.split(',').next()?))
            })
            .collect();
        let expected = [
            ("EMPTY", "0 bytes"),
            ("HOME", "5 bytes"),
            ("LINES", "7 bytes"),
            ("PATH", "5 bytes"),
            ("SECRET_KEY", "11 bytes"),
            ("STACK", "4 bytes"),
        ];
        assert_eq!(files, BTreeMap::from(expected));
        for there in ["the app's folder is there", "the cache is there"] {
            assert!(compile.contains_key(there), "{}", built.text);
        }
        let release = told(&built.text, "release");
        assert_eq!(release["arguments"], "1");
        assert_eq!(release["argument 1"], build_dir);
    }
}

#[test]
fn scripts_without_executable_bits_run_all_the_same() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "bits").unwrap();
    let pack = place.pack("no_exec_bits").unwrap();
    build(&place, &app, &[&pack], &[])
        .ok()
        .says("-----> Without executable bits app detected\n")
        .says("-----> Compiled without executable bits\n");
    place.bp(&["run", "bits"]).ok().says("yes\n");
}

#[test]
fn scripts_that_read_find_the_end_of_input() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "reads").unwrap();
    let pack = place.pack("waits_for_input").unwrap();
    let mut command = place.command(&["build", "reads", "--buildpack", pack.as_str()]);
    command.stdin(std::process::Stdio::piped());
    command.stdout(std::process::Stdio::piped());
    command.stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    // What is typed to `bp` is not for packs; that nobody closes this end keeps them waiting for ever if it were.
    let mut input = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, b"y\n").unwrap();
    let ran = testdata::workspace::Ran::of(&child.wait_with_output().unwrap());
    drop(input);
    ran.ok()
        .says("-----> Waits for input app detected\n")
        .says("read ended with 1, answer: none\n")
        .says("bytes before the end: 0\n");
    assert!(app.path.is_dir());
}
