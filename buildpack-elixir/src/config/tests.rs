use std::collections::BTreeMap;

use super::*;

fn read(files: &[(&str, &str)]) -> Outcome<ElixirConfig> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs_err::write(folder.path().join(name), text).unwrap();
    }
    ElixirConfig::read(&App::read(folder.path()).value.unwrap(), &Evaluated::new())
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
fn what_bash_said_stands_in_for_what_only_bash_can_tell() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(
        folder.path().join(FILE),
        "erlang_version=$(cat x)\nelixir_version=1.18.3\n",
    )
    .unwrap();
    let app = App::read(folder.path()).value.unwrap();
    let said = Some(ConfigValue::Text("27.3".to_owned()));
    let said = BTreeMap::from([("erlang_version".to_owned(), said)]);
    let evaluated = Evaluated::from([(FILE.to_owned(), said)]);
    let version = |evaluated: &Evaluated| {
        let config = ElixirConfig::read(&app, evaluated).value.unwrap();
        text(&config.erlang_version.unwrap())
    };
    assert_eq!(
        version(&evaluated),
        "Text(\"27.3\") elixir_buildpack.config:1:16"
    );
    assert!(version(&Evaluated::new()).starts_with("Dynamic"));
}

#[test]
fn every_mistake_is_said_in_one_run() {
    let outcome = read(&[(
        FILE,
        "erlang_vresion=27.3\nelixir_version=1.18.3\nrelease=yes\nruntime_path=app\npre_compile=x\n",
    )]);
    assert_eq!(
        said(&outcome),
        [
            "config-unknown-key elixir_buildpack.config:1:1",
            "config-syntax elixir_buildpack.config:3:9",
            "config-runtime-path elixir_buildpack.config:4:14"
        ]
    );
    assert_eq!(
        outcome.diagnostics[0].helps[0].text,
        "write `erlang_version`"
    );
}
