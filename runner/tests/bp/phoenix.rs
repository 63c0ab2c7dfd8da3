//! Phoenix apps with assets: what a browser gets from the image, and what runs again after which change.

use std::io::Read as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use testdata::workspace::Workspace;

use crate::{fresh, page, workspace};

/// Paths of styles and scripts in the page of an image, each with what it answers; the page itself first, others last.
pub(crate) fn served(place: &Workspace, image: &str, others: &[String]) -> Vec<(String, String)> {
    let port = page::free_port();
    let port_text = port.to_string();
    let secret = format!("SECRET_KEY_BASE={}", "0123456789abcdef".repeat(5));
    let mut child = place
        .command(&["run", image, "--port", &port_text, "--env", &secret])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_mins(1);
    let mut all = Vec::new();
    if let Ok(html) = page::get(port, "/", until) {
        let links = html.split('"').filter(|text| text.starts_with("/assets/"));
        let links: Vec<String> = links.map(str::to_owned).collect();
        all.push(("/".to_owned(), html));
        for link in links.into_iter().chain(others.iter().cloned()) {
            let answer = page::get(port, &link, until).unwrap_or_default();
            all.push((link, answer));
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let mut said = String::new();
    let _ = child
        .stderr
        .take()
        .map(|mut all| all.read_to_string(&mut said));
    assert!(!all.is_empty(), "no page of {image}: {said}");
    all
}

/// Whether a path has a digest in its name: `app-0123….css?vsn=d`.
fn is_digested(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let digest = name.split_once('-').map(|(_, rest)| rest);
    digest.is_some_and(|rest| {
        rest.len() > 32 && rest[..32].bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[test]
fn a_page_has_its_digested_styles_and_scripts() {
    let Some(place) = workspace() else { return };
    for name in [
        "phoenix_npm",
        "phoenix_yarn",
        "phoenix_berry",
        "phoenix_pnpm",
        "phoenix_esbuild",
        "phoenix_compile",
        "phoenix_release",
    ] {
        let app = place.app(name, name).unwrap();
        place.build(&app, &[]).ok();
        let all = served(&place, name, &[]);
        assert_eq!(all.len(), 3, "{name}: {all:?}");
        for (path, answer) in &all {
            assert!(
                answer.starts_with("HTTP/1.1 200"),
                "{name} {path}: {answer}"
            );
        }
        for (path, _) in &all[1..] {
            assert!(is_digested(path), "{name}: {path}");
        }
        place
            .bp(&[
                "run", name, "--", "bash", "-c",
                "find /app -name node_modules -o -name .yarn -o -name '.pnp*' -o -path '*/.heroku/*' -o -name 'esbuild-linux*' \
                 | sed 's/^/left: /'",
            ])
            .ok()
            .never_says("left: ");
    }
}

#[test]
fn an_app_without_assets_needs_no_node() {
    let Some(place) = workspace() else { return };
    let app = place.app("phoenix_api", "phoenix_api").unwrap();
    place
        .build(&app, &[])
        .ok()
        .says("* Node none")
        .says("* digest skipped")
        .never_says("Fetched Node");
    assert_eq!(served(&place, "phoenix_api", &[]).len(), 1);
}

#[test]
fn only_what_a_change_concerns_runs_again() {
    let (Some(place), Some(other)) = (workspace(), fresh()) else {
        return;
    };
    let app = place.app("phoenix_npm", "changes").unwrap();
    // Else the image that another test made would do.
    app.write("note.txt", "changes").unwrap();
    let cold = place.build(&app, &[]).ok().says("Installing packages");
    app.write("lib/more.ex", "defmodule More do\nend\n")
        .unwrap();
    place
        .build(&app, &[])
        .ok()
        .says("-----> Compiling")
        .never_says("Installing packages")
        .never_says("Building assets");
    app.remove("lib/more.ex").unwrap();
    app.write("assets/css/app.css", "body { color: teal }\n")
        .unwrap();
    let styled = place
        .build(&app, &[])
        .ok()
        .says("Building assets")
        .says("Digesting static files")
        .never_says("Installing packages");
    assert_ne!(cold.digest(), styled.digest());
    // A clean build of the same files is the same image.
    let copy = other.app("phoenix_npm", "copy").unwrap();
    copy.write("note.txt", "changes").unwrap();
    copy.write("assets/css/app.css", "body { color: teal }\n")
        .unwrap();
    let clean = other.build(&copy, &[]).ok();
    assert_eq!(
        clean.digest(),
        styled.digest(),
        "{}\n{}",
        clean.text,
        styled.text
    );
}

#[test]
fn what_fails_says_what_helps() {
    let Some(place) = workspace() else { return };
    let app = place.app("phoenix_npm", "outdated").unwrap();
    app.replace("assets/package.json", "0.25.0", "0.25.1")
        .unwrap();
    place
        .build(&app, &[])
        .fails(1, "npm-lock")
        .says("can only install packages when")
        .says("run `npm install` in `assets`, and commit it");
    let app = place.app("phoenix_compile", "no_task").unwrap();
    app.write("compile", "mix phx.nothing\n").unwrap();
    place
        .build(&app, &[])
        .fails(1, "mix-task-missing")
        .says("the app has no Mix task `phx.nothing`");
}

/// What cannot be planned is told before anything is fetched.
#[test]
fn assets_that_cannot_be_built_are_told_beforehand() {
    let Some(place) = workspace() else { return };
    let app = place.app("phoenix_npm", "unplannable").unwrap();
    let whole = fs_err::read_to_string(app.path.join("assets/package.json")).unwrap();
    for text in ["{ \"scripts\": }", "[]", ""] {
        app.write("assets/package.json", text).unwrap();
        place
            .build(&app, &[])
            .fails(3, "package-json")
            .says("`assets/package.json` is not a JSON object")
            .never_says("assets-missing-script");
    }
    let impossible = whole.replacen('{', "{\n  \"engines\": { \"node\": \">=99\" },", 1);
    app.write("assets/package.json", &impossible).unwrap();
    app.write("phoenix_static_buildpack.config", "").unwrap();
    place
        .build(&app, &[])
        .fails(3, "node-engines")
        .says("assets/package.json:2:");
    app.write("assets/package.json", &whole).unwrap();
    for path in ["../other", "/etc"] {
        app.write(
            "phoenix_static_buildpack.config",
            format!("assets_path={path}\n"),
        )
        .unwrap();
        place.build(&app, &[]).fails(3, "assets-path").says(path);
    }
    app.write("phoenix_static_buildpack.config", "node_version=22.14.0\n")
        .unwrap();
    app.write("assets/bun.lock", "{}").unwrap();
    app.remove("assets/package-lock.json").unwrap();
    place
        .build(&app, &[])
        .fails(3, "package-manager-unsupported")
        .says("`assets/bun.lock` asks for bun, which is not supported");
    // But a hook may use what it likes, as the message says.
    app.config("hook_post_compile=\"echo bun run deploy\"")
        .unwrap();
    place
        .build(&app, &[])
        .ok()
        .says("* assets built by a hook")
        .never_says("Installing packages");
}

#[test]
fn what_a_build_can_do_without_is_a_warning() {
    let Some(place) = workspace() else { return };
    let app = place.app("phoenix_npm", "warned").unwrap();
    let whole = fs_err::read(app.path.join("assets/package.json")).unwrap();
    app.remove("assets/package-lock.json").unwrap();
    app.write(
        "assets/package.json",
        [b"\xef\xbb\xbf", &whole[..]].concat(),
    )
    .unwrap();
    place
        .build(&app, &[])
        .ok()
        .says("[config-encoding]")
        .says("[lock-file-missing]")
        .says("run `npm install` in `assets`, and commit `assets/package-lock.json`");
    app.remove("assets/package.json").unwrap();
    app.write("assets/deno.json", "{}").unwrap();
    place
        .bp(&["check-versions", "warned"])
        .ok()
        .says("[assets-missing-script]")
        .says("`assets/deno.json` is for deno, which is not supported");
}

#[test]
fn what_npm_cannot_do_is_said_with_what_helps() {
    let Some(place) = workspace() else { return };
    let app = place.app("phoenix_npm", "postinstalled").unwrap();
    app.replace(
        "assets/package.json",
        "\"scripts\": {",
        "\"scripts\": {\n    \"postinstall\": \"echo before; exit 7\",",
    )
    .unwrap();
    place
        .build(&app, &[])
        .fails(1, "package-script")
        .says("assets-install")
        .says("before");
    let app = place.app("phoenix_npm", "unreachable").unwrap();
    app.write("note.txt", "with packages that no other test has had")
        .unwrap();
    app.remove("assets/package-lock.json").unwrap();
    app.write("assets/.npmrc", "fetch-retries=0\n").unwrap();
    let mut build = place.command(&["build"]);
    build
        .arg(&app.path)
        .env("BP_NPM_REGISTRY_URL", "http://127.0.0.1:1");
    testdata::workspace::run(&mut build)
        .fails(1, "npm-unreachable")
        .says("could not be reached");
}

#[test]
fn of_two_lock_files_it_is_said_which_counts() {
    let Some(place) = workspace() else { return };
    let app = place.app("phoenix_npm", "two-locks").unwrap();
    app.write("assets/yarn.lock", "# yarn lockfile v1\n")
        .unwrap();
    // The other one is empty, which its manager says itself.
    place
        .build(&app, &[])
        .fails(1, "yarn-lock")
        .says("[lock-files]")
        .says("Your lockfile needs to be updated");
}
