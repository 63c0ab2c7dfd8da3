//! Packs of scripts are given the whole source, as on Heroku: what builds of other packs make anew too, where it was handed in.

use std::process::Command;

use super::build;
use crate::workspace;

#[test]
fn what_is_committed_reaches_scripts_and_what_git_ignores_does_not() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "whole").unwrap();
    for path in [
        "node_modules/left-pad/index.js",
        "assets/node_modules/local/index.js",
        "deps/jason/.hex",
        "mix.exs",
        "_build/prod/made",
    ] {
        app.write(path, "handed in").unwrap();
    }
    let pack = place.pack("chain_first").unwrap();
    let compile = "#!/usr/bin/env bash\ncd \"$1\"; rm -f found; find . -type f | sort | sed 's/^/found /'\n\
                   if [ -d node_modules ]; then echo changed > node_modules/left-pad/index.js; touch node_modules/made; fi\n";
    pack.script("bin/compile", compile).unwrap();
    let found = |wanted: &[&str]| {
        let built = build(&place, &app, &[&pack], &[]).ok();
        let lines = built.text.lines();
        let found: Vec<&str> = lines
            .filter_map(|line| line.trim().strip_prefix("found ./"))
            .filter(|path| !["README.md", "hello.txt", "mix.exs"].contains(path))
            .collect();
        assert_eq!(found, wanted, "{}", built.text);
    };
    // An archive that a platform unpacked.
    let all = [
        "_build/prod/made",
        "assets/node_modules/local/index.js",
        "deps/jason/.hex",
        "node_modules/left-pad/index.js",
    ];
    found(&all);
    place
        .bp(&[
            "run",
            "whole",
            "--",
            "bash",
            "-c",
            "cat node_modules/left-pad/index.js",
        ])
        .ok()
        .says("changed");
    // A checkout.
    for arguments in [
        &["init", "--quiet"][..],
        &["add", "mix.exs", "node_modules"],
    ] {
        let mut git = Command::new("git");
        git.arg("-C").arg(&app.path).args(arguments);
        assert!(git.output().unwrap().status.success());
    }
    found(&all[3..]);
    app.write(".slugignore", "node_modules\n").unwrap();
    found(&[".slugignore"]);
}
