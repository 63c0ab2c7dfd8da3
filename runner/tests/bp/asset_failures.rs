//! Builds of assets that fail: the tool's own words stand in the log, and one sentence of ours tells the way out.

use testdata::workspace::{App, Ran};

use crate::blocks::shows;
use crate::workspace;

/// Replaces the script `deploy` of the app's `package.json`.
fn deploy(app: &App, package: &str, script: &str) {
    let path = app.path.join(package);
    let text = fs_err::read_to_string(&path).unwrap();
    let old = regex::Regex::new(r#""deploy": ".*""#).unwrap();
    let new = format!("\"deploy\": {script:?}");
    let text = old.replace(&text, regex::NoExpand(&new));
    fs_err::write(path, text.as_bytes()).unwrap();
}

/// A failed build of this cause, whose output has the tool's `words` before our `help`.
#[track_caller]
fn tells(ran: Ran, code: &str, words: &str, help: &str) -> Ran {
    let ran = ran.fails(1, code).says(words).says(help);
    assert!(
        ran.text.find(words) < ran.text.find(help),
        "{words} behind {help}:\n{}",
        ran.text
    );
    ran
}

#[test]
fn a_lock_file_that_is_out_of_date_is_told_by_each_package_manager() {
    let Some(place) = workspace() else { return };
    for (name, package, code, words, help) in [
        (
            "phoenix_yarn",
            "assets/package.json",
            "yarn-lock",
            "Your lockfile needs to be updated",
            "`yarn.lock` does not fit `package.json`: run `yarn install` in `assets`, and commit it",
        ),
        (
            "phoenix_berry",
            "assets/package.json",
            "yarn-lock",
            "The lockfile would have been modified by this install",
            "`yarn.lock` does not fit `package.json`: run `yarn install` in `assets`, and commit it",
        ),
        (
            "phoenix_pnpm",
            "package.json",
            "pnpm-lock",
            "ERR_PNPM_OUTDATED_LOCKFILE",
            "`pnpm-lock.yaml` does not fit `package.json`: run `pnpm install`, and commit it",
        ),
    ] {
        let app = place.app(name, &format!("old_{name}")).unwrap();
        app.replace(package, "\"0.25.0\"", "\"0.25.1\"").unwrap();
        let ran = tells(place.build(&app, &[]), code, words, help);
        if name != "phoenix_berry" {
            shows(code, &ran, &app);
        }
    }
}

#[test]
fn programs_that_fail_say_so_first_and_then_what_helps() {
    let Some(place) = workspace() else { return };
    let app = place.app("phoenix_npm", "failing_scripts").unwrap();
    let with = |script: &str, more: &[&str]| {
        deploy(&app, "assets/package.json", script);
        place.build(&app, more)
    };
    // What webpack 4 does first.
    let ran = tells(
        with("node -e \"require('crypto').createHash('md4')\"", &[]),
        "openssl-refuses",
        "ERR_OSSL_EVP_UNSUPPORTED",
        "webpack 4 asks for a hash that OpenSSL 3 of Node 17 and later refuses",
    );
    shows("openssl-refuses", &ran, &app);
    let ran = tells(
        with("npm run build", &[]),
        "script-missing",
        "Missing script: \"build\"",
        "`package.json` has no script `build`",
    );
    shows("script-missing", &ran, &app);
    with("kill -9 $$", &[])
        .fails(1, "step-failed")
        .says("ended with signal 9")
        .says("the build may use ");
    // node-gyp would fetch them from a host of its own.
    with(
        "ls $npm_config_nodedir/include/node/node_api.h; exit 1",
        &[],
    )
    .says("/app/.heroku/node/include/node/node_api.h");
    let ran = tells(
        with(
            "node -e \"const all = []; for (;;) all.push(new Array(1e5).fill({}))\"",
            &["--env", "NODE_OPTIONS=--max-old-space-size=64"],
        ),
        "node-heap",
        "JavaScript heap out of memory",
        "`NODE_OPTIONS=--max-old-space-size=4096`",
    );
    shows("node-heap", &ran, &app);
    app.config("hook_post_compile=\"cd assets && npm ci && npm run deploy:all\"")
        .unwrap();
    tells(
        place.build(&app, &[]),
        "script-missing",
        "Missing script: \"deploy:all\"",
        "`package.json` has no script `deploy:all`",
    );
}

/// What Phoenix has Mix bring, and what it has Mix write, is found where the bundler is told to look.
#[test]
fn what_a_bundler_does_not_find_is_told_with_where_it_is() {
    let Some(place) = workspace() else { return };
    let bundle = |path: &str| format!("{path}esbuild js/app.js --bundle --outdir=../priv/static");
    let early = place.app("phoenix_npm", "colocated-hooks-early").unwrap();
    early
        .config("hook_pre_compile=\"cd assets && npm ci && npm run deploy\"")
        .unwrap();
    let code = "colocated-hooks-early";
    let ran = place.build(&early, &[]).fails(1, code);
    let ran = ran.says("step `hook_pre_compile` failed");
    shows(code, &ran, &early);

    let app = place.app("phoenix_npm", "deps-not-seen").unwrap();
    deploy(&app, "assets/package.json", &bundle("NODE_PATH=../deps "));
    place
        .build(&app, &[])
        .fails(1, code)
        .says("`phoenix-colocated/phoenix_npm`")
        .says("step `assets-deploy` failed");
    deploy(&app, "assets/package.json", &bundle(""));
    without_phoenix(&app);
    let code = "deps-not-seen";
    let ran = place.build(&app, &[]).fails(1, code);
    shows(code, &ran.says("does not find `phoenix`"), &app);
}

/// Lets npm install nothing that Mix brings.
fn without_phoenix(app: &App) {
    for (file, keys) in [
        ("assets/package.json", &["/dependencies"][..]),
        (
            "assets/package-lock.json",
            &["/packages//dependencies", "/packages"],
        ),
    ] {
        let text = fs_err::read_to_string(app.path.join(file)).unwrap();
        let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
        for key in keys {
            let all = json.pointer_mut(key).unwrap().as_object_mut().unwrap();
            all.retain(|name, _| !name.ends_with("phoenix"));
        }
        app.write(file, json.to_string()).unwrap();
    }
}

/// yarn 1 ends with 1 itself.
#[test]
fn a_program_that_was_killed_below_another_is_told_as_well() {
    let Some(place) = workspace() else { return };
    let app = place.app("phoenix_yarn", "killed_below").unwrap();
    deploy(&app, "assets/package.json", "kill -9 $$");
    tells(
        place.build(&app, &[]),
        "out-of-memory",
        "signal \"SIGKILL\"",
        "the build may use ",
    );
}
