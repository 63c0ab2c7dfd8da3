use super::*;

fn read(files: &[(&str, &str)]) -> Outcome<ElixirConfig> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs_err::write(folder.path().join(name), text).unwrap();
    }
    ElixirConfig::read(&App::read(folder.path()).value.unwrap())
}

fn said(outcome: &Outcome<ElixirConfig>) -> Vec<String> {
    outcome
        .diagnostics
        .iter()
        .map(|problem| match problem.labels.first() {
            Some(label) => format!("{} {}", problem.code, label.span),
            None => problem.code.to_string(),
        })
        .collect()
}

fn text(value: &Sourced<ConfigValue>) -> String {
    format!("{:?} {}", value.value, value.origin)
}

const BOTH: &str = "erlang_version=27.3\nelixir_version=1.18.3\n";

#[test]
fn every_key_is_read() {
    let config = format!(
        "{BOTH}always_rebuild=true\nrelease=true\nruntime_path=/srv/app\nhook_pre_fetch_dependencies=a\nhook_pre_compile=b\nhook_compile=c\nhook_post_compile=(d e)\ntest_args=--cover\nconfig_vars_to_export=(X)\nhook_compile=\"$(which c)\"\n"
    );
    let outcome = read(&[(FILE, &config)]);
    assert_eq!(said(&outcome), [""; 0]);
    let config = outcome.value.unwrap();
    assert!(config.always_rebuild.value && config.release.value);
    assert_eq!(config.runtime_path.value, "/srv/app");
    assert_eq!(
        config.hook_compile.unwrap().value,
        ConfigValue::Dynamic("command substitution".to_owned())
    );
    assert_eq!(
        config.hook_post_compile.unwrap().value,
        ConfigValue::List(vec!["d".to_owned(), "e".to_owned()])
    );
}

#[test]
fn the_config_wins_over_tool_versions_key_by_key() {
    let outcome = read(&[
        (FILE, "erlang_version=27.3\n"),
        (".tool-versions", "erlang 26.0\nelixir 1.17.0\n"),
    ]);
    let config = outcome.value.unwrap();
    assert_eq!(
        text(&config.erlang_version),
        "Text(\"27.3\") elixir_buildpack.config:1:16"
    );
    assert_eq!(
        text(&config.elixir_version),
        "Text(\"1.17.0\") .tool-versions:2:8"
    );
}

#[test]
fn tool_versions_alone_is_enough_only_with_both() {
    let both = read(&[(".tool-versions", "erlang 26.0\nelixir 1.17.0\n")]);
    assert!(both.value.is_some());
    let one = read(&[(".tool-versions", "erlang 26.0\n")]);
    assert_eq!(
        said(&one),
        [
            "tool-versions-half .tool-versions:1:8",
            "elixir-config-missing",
            "elixir-config-missing"
        ]
    );
}

#[test]
fn every_mistake_is_said_in_one_run() {
    let outcome = read(&[(
        FILE,
        "erlang_vresion=27.3\nelixir_version=1.18.3\nrelease=yes\nruntime_path=app\npre_compile=x\n",
    )]);
    assert!(outcome.value.is_none());
    assert_eq!(
        said(&outcome),
        [
            "config-unknown-key elixir_buildpack.config:1:1",
            "config-deprecated-key elixir_buildpack.config:5:13",
            "version-missing",
            "config-not-a-flag elixir_buildpack.config:3:9",
            "config-runtime-path elixir_buildpack.config:4:14"
        ]
    );
    assert_eq!(
        outcome.diagnostics[0].helps[0].text,
        "did you mean `erlang_version`?"
    );
}
