//! Help, unknown words, paths, `procfile parse`.

use crate::desk::Desk;

#[test]
fn no_word_help_and_the_subcommand_list_the_same_commands() {
    let desk = Desk::new(&[]);
    let list = desk.run("herokuish", &[]).fine();
    assert!(list.starts_with("\nAvailable commands:\n"), "{list}");
    assert!(
        list.contains("\n  procfile                 ")
            && list.contains("\n    start                    "),
        "{list}"
    );
    for words in [&["help"][..], &["--help"]] {
        assert_eq!(desk.run("herokuish", words).fine(), list);
    }
    assert_eq!(desk.run("bp", &["herokuish"]).fine(), list);
    desk.run("bp", &["--offline", "herokuish", "help"])
        .told(2, &["herokuish-flags"]);
    let namespace = desk.run("herokuish", &["procfile"]).fine();
    assert!(
        namespace.contains("\n  parse                    "),
        "{namespace}"
    );
    let help = desk.run("herokuish", &["help", "procfile", "start"]).fine();
    assert!(help.starts_with("procfile start <type>\n  Start"), "{help}");
}

#[test]
fn an_unknown_word_is_said_with_the_commands_that_there_are() {
    let desk = Desk::new(&[]);
    for (words, unknown) in [
        (&["brew"][..], "brew"),
        (&["procfile", "brew"], "brew"),
        (&["help", "brew", "tea"], "brew tea"),
    ] {
        let ran = desk.run("herokuish", words);
        let first = format!("No such command: {unknown}\n");
        assert!(ran.out.starts_with(&first), "{ran:?}");
        ran.told(2, &["Available commands:"]);
    }
}

#[test]
fn paths_are_those_of_the_variables() {
    let desk = Desk::new(&[]);
    let mut command = desk.called("herokuish");
    let out = desk.ran(command.arg("paths").env_remove("ENV_PATH")).fine();
    let names: Vec<_> = out
        .lines()
        .map(|line| line.split('=').next().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "APP_PATH",
            "ENV_PATH",
            "BUILD_PATH",
            "CACHE_PATH",
            "IMPORT_PATH",
            "BUILDPACK_PATH"
        ]
    );
    assert!(
        out.contains("\nENV_PATH=/tmp/env                # "),
        "{out}"
    );
    assert!(out.contains("CACHE_PATH=[desk]/cache "), "{out}");
}

#[test]
fn a_flag_that_is_none_ends_any_command() {
    let desk = Desk::new(&[("Procfile", "web: true")]);
    let mut command = desk.called("start");
    let command = command.arg("web").env("BP_HEROKUISH_COMPAT", "eval-all");
    desk.ran(command)
        .told(2, &["herokuish-compat", "eval-command"]);
}

#[test]
fn a_type_is_parsed_by_its_first_line() {
    let desk = Desk::new(&[(
        "Procfile",
        "<<<<<<< HEAD\nweb: npm start\nworker:npm worker\n========\nweb: npm start-2\n>>>>>>> 5bb7ec3\n no colon\n",
    )]);
    for (name, command) in [
        ("web", "npm start\n"),
        ("worker", "npm worker\n"),
        ("clock", ""),
    ] {
        assert_eq!(
            desk.run("herokuish", &["procfile", "parse", name]).fine(),
            command
        );
    }
    desk.run("herokuish", &["procfile", "parse"])
        .told(2, &["herokuish-arguments", "procfile parse <type>"]);
    let empty = Desk::new(&[]);
    assert_eq!(
        empty.run("herokuish", &["procfile", "parse", "web"]).fine(),
        ""
    );
}

#[test]
fn a_missing_type_is_said_in_herokuishs_words() {
    let said = "Proc entrypoint invalid-proc does not exist. Please check your Procfile\n";
    for files in [&[("Procfile", "web: npm start\n")][..], &[]] {
        let ran = Desk::new(files).run("start", &["invalid-proc"]);
        assert_eq!(
            (ran.code, ran.out.as_str(), ran.err.as_str()),
            (1, said, "")
        );
    }
}

#[test]
fn a_procfile_that_is_none_is_refused() {
    let huge = "web: true\n".repeat(1 << 20);
    Desk::new(&[("Procfile", &huge)])
        .run("start", &["web"])
        .told(3, &["app-file", "`Procfile` is larger than 4 MiB"]);
}
