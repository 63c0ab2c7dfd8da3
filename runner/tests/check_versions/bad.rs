//! Wrong command lines, and apps that are hardly any.

use std::os::unix::fs::PermissionsExt;

use testdata::workspace::{App, Workspace, run};

use crate::Desk;

#[test]
fn command_lines_that_are_wrong() {
    let desk = Desk::usual();
    let app = desk.app(&[]);
    for (arguments, problem) in [
        (&["--deny", "opt-eol"][..], "did you mean `otp-eol`?"),
        (&["--allow", "everything"], "[rule-unknown]"),
        (&["--stack", "heruko-24"], "did you mean `heroku-24`?"),
        (&["--stack", "cedar-14"], "[stack-unknown]"),
        (&["--arch", "riscv64"], "expected `amd64` or `arm64`"),
        (&["--on", "2027-02-30"], "--on"),
        (&["--dry-run"], "--fix"),
        (&["--format", "xml"], "sarif"),
    ] {
        let ran = desk.check(&app, arguments).exits(2).says(problem);
        assert_eq!(ran.stdout, "", "{arguments:?}");
    }
    let nowhere = desk.place.path().join("nowhere");
    let ran = run(&mut desk.command(&nowhere, &["--format", "json"]));
    assert_eq!(ran.fails(2, "app-folder").stdout, "");
}

#[test]
fn other_commands_have_no_reports() {
    let desk = Desk::usual();
    let app = desk.app(&[]);
    for form in ["sarif", "github", "gitlab"] {
        let app = app.path.to_str().unwrap();
        desk.place
            .bp(&["build", app, "--format", form])
            .fails(2, "format-of-reports");
        desk.place
            .bp(&["doctor", "--format", form])
            .fails(2, "format-of-reports");
    }
}

#[test]
fn a_folder_without_an_app_is_a_report_too() {
    let desk = Desk::usual();
    let app = desk.app(&[]);
    fs_err::remove_file(app.path.join("mix.exs")).unwrap();
    desk.check(&app, &[]).fails(3, "no-pack");
    assert_eq!(desk.codes(&app, &[]), ["error[no-pack]"]);
    assert_eq!(desk.json(&app, &[])["versions"], serde_json::json!({}));
}

#[test]
fn stacks_that_the_app_asks_for_in_vain() {
    let desk = Desk::usual();
    let app = desk.app(&[("app.json", "{\n  \"stack\": \"heroku-25\"\n}\n")]);
    let report = desk.json(&app, &[]);
    assert_eq!(report["stack"]["name"], "heroku-25");
    assert_eq!(report["stack"]["os"], serde_json::Value::Null);
    let problem = &report["diagnostics"][0];
    assert_eq!(problem["code"], "stack-unknown");
    assert_eq!(
        (&problem["line"], &problem["column"]),
        (&2.into(), &13.into())
    );
    desk.check(&app, &[]).exits(3);
    // A flag counts before the file.
    desk.check(&app, &["--stack", "heroku-24"]).ok();
    desk.check(&app, &["--stack", "heroku-22", "--arch", "arm64"])
        .fails(3, "stack-arch")
        .says("heroku-24, heroku-26");
}

#[test]
fn levels_are_raised_and_lowered() {
    let desk = Desk::usual();
    let app = desk.app(&[("app.json", "{ \"stack\": \"heroku-22\" }\n")]);
    app.replace("elixir_buildpack.config", "27.3.4.16", "27.3.4.1")
        .unwrap();
    let codes = |more: &[&str]| {
        let codes = desk.codes(&app, more);
        let of_stack = codes.into_iter().find(|code| code.contains("stack-eol"));
        (of_stack, desk.check(&app, more).code)
    };
    let warning = Some("warning[stack-eol]".to_owned());
    let error = Some("error[stack-eol]".to_owned());
    assert_eq!(codes(&[]), (warning, 0));
    assert_eq!(codes(&["--deny", "eol"]), (error.clone(), 3));
    assert_eq!(codes(&["--deny", "warnings"]), (error.clone(), 3));
    assert_eq!(codes(&["--allow", "stack-eol"]), (None, 0));
    assert_eq!(codes(&["--deny", "eol", "--allow", "stack-eol"]), (None, 0));
    assert_eq!(
        codes(&["--allow", "stack-eol", "--deny", "eol"]),
        (error, 3)
    );
}

#[test]
fn what_no_list_can_tell_stops_nobody_who_does_not_want_it() {
    let desk = Desk::new(None);
    let app = desk.app(&[]);
    let more = ["--arch", "arm64"];
    assert!(
        desk.codes(&app, &more)
            .iter()
            .all(|code| code.starts_with("warning")),
        "{:?}",
        desk.codes(&app, &more)
    );
    desk.check(&app, &more).ok();
    let ran = desk.check(&app, &["--arch", "arm64", "--require-lists"]);
    ran.exits(4).says("error[");
    // What a known version needs, the built-in list tells as well.
    let old = "elixir_version=1.16.2\nerlang_version=26.2.5\n";
    let old = desk.app(&[("elixir_buildpack.config", old)]);
    desk.check(&old, &["--require-lists"]).ok();
}

#[test]
fn support_is_judged_on_the_day_that_is_named() {
    let desk = Desk::usual();
    let app = desk.app(&[]);
    assert_eq!(desk.codes(&app, &[]), [""; 0]);
    desk.check(&app, &["--on", "2029-06-01"])
        .ok()
        .says("[stack-eol]")
        .says("2029-04-30");
}

/// Every file that is read.
const NAMES: [&str; 20] = [
    "mix.exs",
    "mix.lock",
    "elixir_buildpack.config",
    "phoenix_static_buildpack.config",
    ".tool-versions",
    "mise.toml",
    ".mise.toml",
    ".erlang-version",
    ".elixir-version",
    ".node-version",
    ".nvmrc",
    "package.json",
    "assets/package.json",
    ".buildpacks",
    "app.json",
    "Procfile",
    "bp.toml",
    "buildpacks.lock",
    "config/config.exs",
    "config/runtime.exs",
];

/// Every file that is read, in every state that no editor left it in.
#[test]
fn files_that_are_none() {
    let desk = Desk::usual();
    let binary: Vec<u8> = (0..=255).cycle().take(4096).collect();
    let endless = vec![b'a'; 64 << 10];
    let large = b"a=1\n".repeat(10 << 18);
    let states = [
        &b""[..],
        &binary,
        &endless,
        &large,
        b"\xff\xfea\0=\0",
        b"\xff\xfe",
    ];
    for bytes in states {
        let app = desk.app(&[]);
        for name in NAMES {
            app.write(name, bytes).unwrap();
        }
        survives(&desk, &app, "all of them");
    }
    for name in NAMES {
        let app = desk.app(&[]);
        app.write(name, &binary).unwrap();
        survives(&desk, &app, name);
        fs_err::remove_file(app.path.join(name)).unwrap();
        fs_err::create_dir(app.path.join(name)).unwrap();
        survives(&desk, &app, name);
        fs_err::remove_dir_all(&app.path).unwrap();
    }
}

/// Whether the app is told of, whatever is in its files, and nothing is written into those that are none.
fn survives(desk: &Desk, app: &App, name: &str) {
    for more in [&["--format", "sarif"][..], &["--fix"]] {
        let ran = desk.check(app, more);
        assert!([0, 3].contains(&ran.code), "{name}: {}", ran.text);
    }
}

#[test]
fn files_that_are_closed_to_the_user_are_named() {
    let mut desk = Desk::usual();
    let app = desk.app(&[]);
    for name in NAMES {
        app.write(name, "x\n").unwrap();
        let closed = PermissionsExt::from_mode(0o000);
        fs_err::set_permissions(app.path.join(name), closed).unwrap();
    }
    if rustix::process::geteuid().is_root() {
        // To root no file is closed: ask as somebody else.
        let place = std::mem::replace(
            &mut desk.place,
            Workspace::new(env!("CARGO_BIN_EXE_bp")).unwrap(),
        );
        desk.place = place.as_user(65534).unwrap();
    }
    let ran = desk.check(&app, &[]).exits(3);
    let report = desk.json(&app, &[]);
    let problems = report["diagnostics"].as_array().unwrap();
    for name in NAMES {
        let said = format!("`{name}` cannot be read");
        assert!(ran.text.contains(&said), "{said}: {}", ran.text);
        let told = problems.iter().any(|problem| {
            problem["code"] == "app-file" && problem["message"].as_str().unwrap().starts_with(&said)
        });
        assert!(told, "{said}: {problems:#?}");
    }
}
