use std::os::unix::fs::symlink;

use super::*;
use crate::diagnostic::Severity;

fn app(files: &[(&str, &[u8])]) -> (tempfile::TempDir, Outcome<App>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, content).unwrap();
    }
    let outcome = App::read(folder.path());
    (folder, outcome)
}

fn said(outcome: &Outcome<App>) -> Vec<String> {
    outcome
        .diagnostics
        .iter()
        .map(|problem| match problem.labels.first() {
            Some(label) => format!("{} {}", problem.code, label.span),
            None => problem.code.to_string(),
        })
        .collect()
}

#[test]
fn a_procfile_is_read_as_heroku_reads_it() {
    let text = b"# types\r\nweb:  mix phx.server --port $PORT # not a comment\r\n worker : run\n<<<<<<< HEAD\nbad type: x\nempty:\nworker: again\n\n";
    let (_folder, outcome) = app(&[("Procfile", text)]);
    assert_eq!(
        said(&outcome),
        [
            "procfile-syntax Procfile:5:1",
            "procfile-syntax Procfile:6:1",
            "procfile-syntax Procfile:7:1",
            "procfile-syntax Procfile:4:1",
        ]
    );
    let processes = outcome.value.unwrap().procfile.processes;
    let read: Vec<_> = processes
        .iter()
        .map(|(name, command)| format!("{name}={}@{}", command.value, command.origin))
        .collect();
    assert_eq!(
        read,
        [
            "web=mix phx.server --port $PORT # not a comment@Procfile:2:7",
            "worker=again@Procfile:7:9"
        ]
    );
}

#[test]
fn a_merge_conflict_is_said_once_and_a_colon_is_offered() {
    let text = "<<<<<<< HEAD: ours\nweb: a\n=======\nweb: b\n>>>>>>> 1234\n worker mix run\n";
    let (_folder, outcome) = app(&[("Procfile", text.as_bytes())]);
    assert_eq!(
        said(&outcome),
        [
            "procfile-syntax Procfile:4:1",
            "procfile-syntax Procfile:6:1",
            "procfile-syntax Procfile:1:1",
        ]
    );
    let [_, colon, conflict] = outcome.diagnostics.as_slice() else {
        panic!("{:?}", outcome.diagnostics)
    };
    assert_eq!(conflict.labels.len(), 3);
    let edit = &colon.helps[0].edits[0];
    let mut mended = text.to_owned();
    mended.replace_range(edit.span.start..edit.span.end, &edit.new_text);
    assert!(mended.ends_with("\n worker: mix run\n"));
    assert_eq!(outcome.value.unwrap().procfile.processes["web"].value, "b");
}

#[test]
fn where_the_first_line_counts_a_conflict_keeps_the_side_above() {
    let text = "<<<<<<< HEAD\nweb: npm start\n========\nweb: npm start-2\n>>>>>>> 5bb7ec3\n";
    let (folder, _) = app(&[("Procfile", text.as_bytes())]);
    let outcome = Procfile::read(folder.path(), Repeated::First);
    assert_eq!(
        outcome.diagnostics[0].message,
        "process type `web` stands twice; the first line counts"
    );
    let read = outcome.value.unwrap().unwrap();
    assert_eq!(read.processes["web"].value, "npm start");
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(
        Procfile::read(empty.path(), Repeated::First),
        Outcome::clean(None)
    );
}

#[test]
fn a_file_that_is_no_procfile_is_not_taken_apart_line_by_line() {
    for line in ["x\n", "<<<<<<< x\n", "a: b\n", "a:\n"] {
        let (_folder, outcome) = app(&[("Procfile", line.repeat(1000).as_bytes())]);
        let labels = outcome.diagnostics.iter().map(|problem| &problem.labels);
        assert!((1..=40).contains(&labels.flatten().count()), "{line}");
    }
}

#[test]
fn app_json_is_read_with_places() {
    let text = br#"{
  "stack": "heroku-22",
  "scripts": {"postdeploy": "mix seed", "dokku": {"predeploy": "x"}},
  "buildpacks": [{"url": "https://example.com/a"}],
  "env": {"KEY": {"generator": "secret"}, "HOST": "h", "OPT": {"required": false}}
}"#;
    let (_folder, outcome) = app(&[("app.json", text)]);
    let json = outcome.value.unwrap().app_json;
    let stack = json.stack.unwrap();
    assert_eq!(
        format!("{}@{}", stack.value, stack.origin),
        "heroku-22@app.json:2:13"
    );
    assert_eq!(json.scripts["dokku.predeploy"].value, "x");
    assert_eq!(json.buildpacks[0].value, "https://example.com/a");
    assert!(json.env["KEY"].generated && !json.env["OPT"].required);
    assert_eq!(json.env["HOST"].value.as_ref().unwrap().value, "h");
}

#[test]
fn what_an_environment_says_counts_in_the_place_of_the_rest() {
    let text = br#"{
  "scripts": {"test": "base", "test-setup": "base setup"},
  "buildpacks": [{"url": "https://example.com/a"}],
  "environments": {"test": {
    "scripts": {"test": "make test"},
    "env": {"KEY": {"generator": "secret"}, "HOST": "h", "ASKED": {}},
    "buildpacks": [{"url": "https://example.com/b"}, {"url": "https://example.com/c"}]
  }, "review": "x"}
}"#;
    let (_folder, outcome) = app(&[("app.json", text)]);
    let json = outcome.value.unwrap().app_json;
    let script = json.test_script("test").unwrap();
    assert_eq!(
        format!("{}@{}", script.value, script.origin),
        "make test@app.json:5:26"
    );
    assert_eq!(json.test_script("test-setup"), None);
    let tests = json.tests().unwrap();
    let packs = tests.buildpacks.iter().flatten().map(|url| &*url.value);
    let packs: Vec<_> = packs.collect();
    assert_eq!(packs, ["https://example.com/b", "https://example.com/c"]);
    let env = &tests.env;
    assert!(env["KEY"].generated && env["ASKED"].required);
    assert_eq!(
        env["ASKED"].at.as_ref().unwrap().to_string(),
        "app.json:6:67"
    );
    assert_eq!(env["HOST"].value.as_ref().unwrap().value, "h");

    let none = br#"{"scripts": {"test": "base"}, "environments": {"test": {}}}"#;
    let (_folder, outcome) = app(&[("app.json", none)]);
    let json = outcome.value.unwrap().app_json;
    assert_eq!(json.test_script("test").unwrap().value, "base");
    assert_eq!(json.tests().unwrap().buildpacks, None);
}

#[test]
fn broken_json_is_an_error_with_its_place() {
    let (_folder, outcome) = app(&[("app.json", b"{\n  \"stack\": heroku-22\n}")]);
    assert_eq!(said(&outcome), ["app-json app.json:2:12"]);
}

#[test]
fn tools_and_packs_are_read_line_by_line() {
    let (_folder, outcome) = app(&[
        (
            ".tool-versions",
            b"erlang 26.0 # old\nelixir 1.18.3-otp-27 1.17\nerlang 27.3\n# nodejs 1\n",
        ),
        (".buildpacks", b"\n# c\n https://example.com/a#v1 \r\n"),
    ]);
    let app = outcome.value.unwrap();
    let found: Vec<String> = (app.declared.iter())
        .map(|found| {
            format!(
                "{} {}@{}",
                found.tool.id(),
                found.value.value,
                found.value.origin
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            "erlang 27.3@.tool-versions:3:8",
            "elixir 1.18.3-otp-27@.tool-versions:2:8"
        ]
    );
    assert_eq!(app.buildpacks[0].value, "https://example.com/a#v1");
}

#[test]
fn odd_encodings_are_read_and_said() {
    let utf16: Vec<u8> = [0xfeff_u16]
        .into_iter()
        .chain("web: x\n".encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    for content in [utf16, b"\xef\xbb\xbfweb: x\n".to_vec()] {
        let (_folder, outcome) = app(&[("Procfile", &content)]);
        assert_eq!(said(&outcome), ["config-encoding Procfile:1:1"]);
        assert_eq!(outcome.value.unwrap().procfile.processes["web"].value, "x");
    }
}

#[test]
fn files_outside_of_the_app_and_huge_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    symlink("/etc/passwd", folder.path().join("Procfile")).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    fs_err::write(elsewhere.path().join("package.json"), "{}").unwrap();
    symlink(elsewhere.path(), folder.path().join("assets")).unwrap();
    fs_err::write(folder.path().join("mix.lock"), vec![b'x'; 5 << 20]).unwrap();
    let outcome = App::read(folder.path());
    assert_eq!(said(&outcome), ["app-file", "app-file", "app-file"]);
    assert!(
        outcome
            .diagnostics
            .iter()
            .all(|d| d.severity == Severity::Error)
    );
}

#[test]
fn links_within_the_app_are_followed() {
    let folder = tempfile::tempdir().unwrap();
    let front = folder.path().join("front");
    fs_err::create_dir(&front).unwrap();
    let text = "{\"engines\": {\"node\": \"22\"}}";
    fs_err::write(front.join("package.json"), text).unwrap();
    symlink("front", folder.path().join("assets")).unwrap();
    symlink("front/package.json", folder.path().join("package.json")).unwrap();
    let outcome = App::read(folder.path());
    assert_eq!(said(&outcome), [] as [&str; 0]);
    assert_eq!(outcome.value.unwrap().declared.len(), 2);
}

#[test]
fn what_is_no_folder_is_a_wrong_command_line() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("file"), "").unwrap();
    for name in ["missing", "file"] {
        let outcome = App::read(&folder.path().join(name));
        assert!(outcome.value.is_none());
        assert_eq!(outcome.diagnostics[0].class, Class::Usage);
    }
}

#[test]
fn files_that_are_in_memory_are_read_alike() {
    let files = [
        ("mix.exs", "def project do [app: :shop] end"),
        ("config/runtime.exs", "System.fetch_env!(\"A\")"),
        ("mix.lock", "%{"),
        ("README.md", "x"),
    ];
    let files = files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
    let found = App::of_files(Path::new("/nowhere"), files.into());
    let app = found.value.unwrap();
    assert_eq!(app.mix_exs.unwrap().app.unwrap().value, "shop");
    assert_eq!(app.configs[0].env_reads[0].name, "A");
    assert_eq!(app.sources.len(), 3);
    assert_eq!(found.diagnostics[0].code.0, "mix-lock");
}
