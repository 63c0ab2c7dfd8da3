//! Reports for other programs, in the forms that these programs document.

use serde_json::Value;

use crate::Desk;

/// An app in a repository, with an error, a warning and a problem in a nested file.
fn desk() -> (Desk, testdata::workspace::App) {
    let desk = Desk::usual();
    fs_err::create_dir(desk.place.path().join(".git")).unwrap();
    let app = desk.app(&[
        (
            "elixir_buildpack.config",
            "# é, a comment\nelixir_version=1.18.1\nerlang_version=27.2 # é\n",
        ),
        ("app.json", "{ \"stack\": \"heroku-24\" }\n"),
    ]);
    (desk, app)
}

#[test]
fn json_has_what_scripts_ask_for() {
    let (desk, app) = desk();
    let report = desk.json(&app, &[]);
    assert_eq!(report["schema"], 1);
    assert_eq!(report["ok"], false);
    let stack = serde_json::json!({ "name": "heroku-24", "os": "ubuntu-24.04", "arch": "amd64" });
    assert_eq!(report["stack"], stack);
    let erlang = &report["versions"]["erlang"];
    assert_eq!(erlang["requested"], "27.2");
    assert_eq!(erlang["resolved"], Value::Null);
    assert_eq!(erlang["verdict"], "not-built");
    let source = serde_json::json!({ "file": "elixir_buildpack.config", "line": 3, "column": 16 });
    assert_eq!(erlang["source"], source);
    let problems = report["diagnostics"].as_array().unwrap();
    let problem = problems
        .iter()
        .find(|problem| problem["code"] == "otp-not-built")
        .unwrap();
    assert_eq!(problem["end_column"], 20);
    assert_eq!(problem["fix"]["replace"], "27.2.4");
    assert_eq!(problem["alternatives"][0], "27.2.4");
    assert_eq!(problem["other_stacks"], serde_json::json!(["heroku-22"]));
    let list = &report["lists"][0];
    assert_eq!(
        (&list["tool"], &list["origin"]),
        (&"erlang".into(), &"live".into())
    );
    let again = desk.json(&app, &[]);
    assert_eq!(again["lists"][1]["origin"], "kept");
}

#[test]
fn github_gets_a_workflow_command_for_each_problem() {
    let (desk, app) = desk();
    let ran = desk.check(&app, &["--format", "github"]).exits(3);
    let line = ran
        .stdout
        .lines()
        .find(|line| line.contains("otp-not-built"))
        .unwrap();
    let start =
        "::error file=app/elixir_buildpack.config,line=3,col=16,endColumn=20,title=otp-not-built::";
    assert!(line.starts_with(start), "{line}");
    assert!(line.contains("%0Ahelp: "), "{line}");
    for line in ran.stdout.lines() {
        assert!(
            ["::error ", "::warning ", "::notice "]
                .iter()
                .any(|start| line.starts_with(start)),
            "{line}"
        );
    }
}

#[test]
fn gitlab_knows_a_problem_again_when_its_line_moves() {
    let (desk, app) = desk();
    let report = || {
        let ran = desk.check(&app, &["--format", "gitlab"]).exits(3);
        let report: Vec<Value> = serde_json::from_str(&ran.stdout).unwrap();
        let problem = report
            .iter()
            .find(|problem| problem["check_name"] == "otp-not-built");
        problem.unwrap().clone()
    };
    let before = report();
    assert_eq!(before["severity"], "blocker");
    assert_eq!(before["location"]["path"], "app/elixir_buildpack.config");
    assert_eq!(before["location"]["lines"]["begin"], 3);
    app.replace("elixir_buildpack.config", "# é, a comment\n", "")
        .unwrap();
    let after = report();
    assert_eq!(after["location"]["lines"]["begin"], 2);
    assert_eq!(after["fingerprint"], before["fingerprint"]);
    assert_eq!(after["fingerprint"].as_str().unwrap().len(), 32);
}

#[test]
fn sarif_names_rules_places_and_changes() {
    let (desk, app) = desk();
    let ran = desk.check(&app, &["--format", "sarif"]).exits(3);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let run = &report["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for rule in rules {
        let page = rule["helpUri"].as_str().unwrap();
        let path = page.split_once("/blob/main/").unwrap().1;
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        assert!(std::path::Path::new(root).join(path).is_file(), "{page}");
    }
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(result["ruleId"], rules[index]["id"]);
        let place = &result["locations"][0]["physicalLocation"]["artifactLocation"];
        assert!(
            place["uri"].as_str().unwrap().starts_with("app/"),
            "{place}"
        );
    }
    let result = &run["results"][0];
    assert_eq!(result["ruleId"], "otp-not-built");
    let region =
        serde_json::json!({ "startLine": 3, "startColumn": 16, "endLine": 3, "endColumn": 20 });
    assert_eq!(result["locations"][0]["physicalLocation"]["region"], region);
    let change = &result["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(change["deletedRegion"], region);
    assert_eq!(change["insertedContent"]["text"], "27.2.4");
}

#[test]
fn sarif_is_what_its_schema_says() {
    let Some(schema) = std::env::var_os("BP_SARIF_SCHEMA") else {
        println!("skipped: not in the test world (cargo xtask test)");
        return;
    };
    let schema: Value = serde_json::from_slice(&fs_err::read(schema).unwrap()).unwrap();
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    compiler.enable_format_assertions();
    compiler.add_resource("sarif.json", schema).unwrap();
    let index = compiler.compile("sarif.json", &mut schemas).unwrap();
    let valid = |report: &Value| {
        schemas
            .validate(report, index)
            .map_err(|error| error.to_string())
    };
    for lists in [Some(&testdata::fake::lists::Lists::usual()), None] {
        let desk = Desk::new(lists);
        for name in ["blog", "hello"] {
            let app = desk.place.app(name, name).unwrap();
            app.write("Procfile", "web mix\nweb: mix $(x)\n").unwrap();
            app.write(".buildpacks", "https://github.com/x/y\n")
                .unwrap();
            let ran = desk.check(&app, &["--format", "sarif"]);
            let report: Value = serde_json::from_str(&ran.stdout).unwrap();
            assert_eq!(valid(&report), Ok(()));
        }
    }
    let wrong = serde_json::json!({ "version": "2.1.0", "runs": [{ "results": [] }] });
    assert!(valid(&wrong).is_err());
}

#[test]
fn values_of_config_vars_are_in_no_report() {
    let (desk, app) = desk();
    let secret = "hunter2-hunter2";
    app.write(
        "elixir_buildpack.config",
        format!("elixir_version=1.18.1\nerlang_version={secret}\n"),
    )
    .unwrap();
    app.write("Procfile", format!("web: TOKEN={secret} mix run\n"))
        .unwrap();
    let var = format!("API_TOKEN={secret}");
    for form in ["text", "json", "sarif", "github", "gitlab"] {
        let ran = desk.check(&app, &["--format", form, "--env", &var]);
        assert!(ran.text.contains("[API_TOKEN]"), "{form}: {}", ran.text);
        assert!(!ran.text.contains(secret), "{form}: {}", ran.text);
    }
}
