use std::process::Command;

use proptest::prelude::*;

use super::*;

fn source(text: &str) -> Arc<Source> {
    Arc::new(Source {
        path: "elixir_buildpack.config".into(),
        text: text.to_owned(),
    })
}

fn values(text: &str) -> Vec<(String, Value)> {
    parse(&source(text))
        .value
        .unwrap()
        .into_iter()
        .map(|assignment| (assignment.name.value, assignment.value))
        .collect()
}

fn value(text: &str) -> Value {
    values(text).pop().unwrap().1
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

#[test]
fn reads_what_configs_hold() {
    assert_eq!(
        values(
            "# versions\nerlang_version=27.3 # newest\n\texport elixir_version=\"1.18.3\"\nrelease=true;always_rebuild='false'\n"
        ),
        [
            ("erlang_version".to_owned(), text("27.3")),
            ("elixir_version".to_owned(), text("1.18.3")),
            ("release".to_owned(), text("true")),
            ("always_rebuild".to_owned(), text("false")),
        ]
    );
    assert_eq!(
        value("elixir_version=(branch main)"),
        Value::Array(vec!["branch".to_owned(), "main".to_owned()])
    );
    assert_eq!(
        value("a=(\n one # c\n 'two x'\n)"),
        Value::Array(vec!["one".to_owned(), "two x".to_owned()])
    );
    assert_eq!(
        value(r#"hook_post_compile="eval mix assets.deploy && rm -f _build/esbuild*""#),
        text("eval mix assets.deploy && rm -f _build/esbuild*")
    );
    assert_eq!(value("v=27\nx=OTP-$v.${v}-${none:-3}"), text("OTP-27.27-3"));
    assert_eq!(
        value(r#"x=a\ b"c\"d"'e"f'$'g\'h'"#),
        text(r#"a bc"de"fg'h"#)
    );
    assert_eq!(value("x="), text(""));
}

#[test]
fn names_what_only_bash_can_tell() {
    for (config, why) in [
        ("x=$(cat .version)", "command substitution"),
        ("x=`cat .version`", "command substitution"),
        ("x=\"a $(echo \")\" ')' ) b\"", "command substitution"),
        ("x=${y%.*}", "parameter expansion"),
        ("x=$HOME/x", "`$HOME`, which is not set in this file"),
        ("x=~/x", "a home folder (`~`)"),
        ("if true; then\nx=1\nfi", "a command before it"),
        ("source other.sh\nx=1", "a command before it"),
    ] {
        assert_eq!(value(config), Value::Dynamic(why.to_owned()), "{config}");
    }
    assert_eq!(values("X=1 command"), []);
}

#[test]
fn an_open_quote_is_told_with_its_place() {
    for (config, place) in [
        ("a=1\nb=\"open\nc=2", "elixir_buildpack.config:2:3"),
        ("a='x", "elixir_buildpack.config:1:3"),
        ("a=(one\ntwo", "elixir_buildpack.config:1:3"),
        ("a=$(x", "elixir_buildpack.config:1:3"),
    ] {
        let outcome = parse(&source(config));
        assert_eq!(outcome.value, None);
        let problem = &outcome.diagnostics[0];
        assert_eq!(problem.code.0, "config-unbalanced");
        assert_eq!(problem.labels[0].span.to_string(), place, "{config}");
    }
}

#[test]
fn windows_lines_and_invisible_characters_are_said_and_ignored() {
    let outcome = parse(&source(
        "\u{feff}erlang_version=27.3\r\nelixir_version=1.18\u{200b}.3\r\n",
    ));
    let codes: Vec<_> = outcome.diagnostics.iter().map(|d| d.code.0).collect();
    assert_eq!(
        codes,
        [
            "config-invisible-character",
            "config-invisible-character",
            "config-crlf"
        ]
    );
    assert!(outcome.diagnostics[1].message.contains("U+200B"));
    let values: Vec<_> = outcome
        .value
        .unwrap()
        .into_iter()
        .map(|a| a.value)
        .collect();
    assert_eq!(values, [text("27.3"), text("1.18.3")]);
}

#[test]
fn an_edit_replaces_the_value_alone() {
    let config = source("a=1\nerlang_version=\"27.2\" # why\n");
    let span = &parse(&config).value.unwrap()[1].value_span;
    assert_eq!(&config.text[span.start..span.end], "\"27.2\"");
}

/// What bash itself sets `x` to; words of an array in brackets.
fn bash(config: &str) -> Option<String> {
    let script = r#"source "$1" || exit 1; printf '[%s]' "${x[@]}""#;
    let file = tempfile::NamedTempFile::new().unwrap();
    fs_err::write(file.path(), config).unwrap();
    let output = Command::new("bash")
        .args(["-c", script, "bash"])
        .arg(file.path())
        .env_clear()
        .output()
        .unwrap();
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn what_it_claims_to_know_is_what_bash_says(
        value in r#"([a-z0-9._ -]|"[a-z $\\']{0,4}"|'[a-z "$\\#]{0,4}'|\\[a-z "$]|\$v|\$\{v\}|\$\{w:-[a-z]{0,3}\}|#|\([a-z ]{0,4}\)){0,6}"#
    ) {
        let config = format!("v=27.3\nx={value}\n");
        let outcome = parse(&source(&config));
        if let Some(assignments) = outcome.value
            && assignments.len() == 2
            && let Some(said) = bash(&config)
        {
            let ours = match &assignments[1].value {
                Value::Text(text) => Some(format!("[{text}]")),
                Value::Array(words) if words.is_empty() => Some("[]".to_owned()),
                Value::Array(words) => {
                    Some(words.iter().map(|word| format!("[{word}]")).collect())
                }
                Value::Dynamic(_) => None,
            };
            if let Some(ours) = ours {
                prop_assert_eq!(ours, said, "{}", config);
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic(text in "\\PC*|[a-z=\"'$(){}`\\\\\n\r# ]{0,40}") {
        let _ = parse(&source(&text));
    }
}
