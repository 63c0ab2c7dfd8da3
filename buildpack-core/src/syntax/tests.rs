use std::path::PathBuf;
use std::process::Command;

use proptest::prelude::*;

use super::*;

/// The assignments, by the name that counts.
trait Last {
    fn get(&self, name: &str) -> Option<&Assignment>;
}

impl Last for Vec<Assignment> {
    fn get(&self, name: &str) -> Option<&Assignment> {
        self.iter().rev().find(|a| a.name.value == name)
    }
}

fn read(text: &str) -> Outcome<Vec<Assignment>> {
    parse(&Arc::new(Source {
        path: PathBuf::from("f.config"),
        text: text.to_owned(),
    }))
}

fn value(text: &str, name: &str) -> Value {
    let outcome = read(text);
    let script = outcome
        .value
        .unwrap_or_else(|| panic!("{:?}", outcome.diagnostics));
    script
        .get(name)
        .unwrap_or_else(|| panic!("no {name}"))
        .value
        .clone()
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn codes(text: &str) -> Vec<&'static str> {
    read(text).diagnostics.iter().map(|d| d.code.0).collect()
}

#[test]
fn reads_what_people_write() {
    let config = "# versions\nerlang_version=27.3.4 # newest\r\nelixir_version=\"1.18.3\"\n\
        elixir=(branch main)\nbase=/opt\nruntime_path=\"${base}/app\"\nnone=\n\
        hook_post_compile=\"eval mix assets.deploy && rm -f _build/esbuild*\"\nexport test_args='--a \"b\"'";
    assert_eq!(value(config, "erlang_version"), text("27.3.4"));
    assert_eq!(value(config, "elixir_version"), text("1.18.3"));
    assert_eq!(
        value(config, "elixir"),
        Value::Array(vec!["branch".into(), "main".into()])
    );
    assert_eq!(value(config, "runtime_path"), text("/opt/app"));
    assert_eq!(value(config, "none"), text(""));
    assert_eq!(
        value(config, "hook_post_compile"),
        text("eval mix assets.deploy && rm -f _build/esbuild*")
    );
    assert_eq!(value(config, "test_args"), text("--a \"b\""));
    let script = read(config).value.unwrap();
    assert!(script.get("test_args").unwrap().exported);
    assert!(!script.get("base").unwrap().exported);
    assert_eq!(
        script.get("erlang_version").unwrap().value_span.to_string(),
        "f.config:2:16"
    );
}

#[test]
fn the_last_assignment_counts_and_spans_cover_the_value() {
    let outcome = read("a=1\na='2'\n").value.unwrap();
    let last = outcome.get("a").unwrap();
    assert_eq!(last.value, text("2"));
    assert_eq!(
        &last.span.source.text[last.value_span.start..last.value_span.end],
        "'2'"
    );
}

#[test]
fn leaves_to_bash_what_only_bash_can_do() {
    for dynamic in [
        "a=$(cat v)",
        "a=`cat v`",
        "a=$HOME/x",
        "a=${b:-1}",
        "a=~/x",
        "a=$((1+1))",
        "a=(*.ex)",
        "a=({1,2})",
        "a=${#b}",
        "a[1]=x",
        "b=$(x)\na=$b",
        "if true; then\n  a=1\nfi",
        "a=1\nsource other",
        "true && a=1",
        "a=1 || b=2",
        "a=1\neval x",
        "for a in x; do\na=2; done",
    ] {
        let outcome = read(dynamic);
        let assignments = outcome.value.unwrap();
        for assignment in assignments.iter().filter(|a| a.name.value == "a") {
            assert!(
                matches!(assignment.value, Value::Dynamic(_)),
                "{dynamic}: {assignment:?}"
            );
        }
        assert!(
            !assignments.is_empty() || !outcome.diagnostics.is_empty(),
            "{dynamic}"
        );
    }
}

#[test]
fn a_condition_leaves_what_stands_before_it() {
    let config = "a=1\nif [ \"$X\" = y ]; then\n  release=true\nfi\n";
    assert_eq!(value(config, "a"), text("1"));
    assert_eq!(
        value(config, "release"),
        Value::Dynamic("set after `if` in line 2".into())
    );
}

#[test]
fn a_program_changes_nothing_that_stands_before_it() {
    for (config, a) in [
        ("a=1\necho \"$a\"", Some("1")),
        ("a=1\nmix --version | grep x", Some("1")),
        ("a=1\necho hi\n", Some("1")),
        ("a=1\nread a", None),
        ("a=1\nf() { a=2; }", None),
        ("a=\nb=${a:=1}", None),
        ("a=1\n: $((a = 2))", None),
        ("a=1\nfor a in 2; do :; done", None),
    ] {
        let read = value(config, "a");
        match a {
            Some(known) => assert_eq!(read, text(known), "{config}"),
            None => assert!(matches!(read, Value::Dynamic(_)), "{config}: {read:?}"),
        }
    }
}

#[test]
fn names_a_quote_that_is_never_closed() {
    let outcome = read("a=1\nb=\"2\nc=3\n");
    assert_eq!(outcome.value, None);
    assert_eq!(
        outcome.diagnostics[0].message,
        "`\"` is never closed (f.config:2:3)"
    );
    assert_eq!(codes("a='x"), ["config-syntax"]);
    assert_eq!(codes("a=(x"), ["config-syntax"]);
    assert_eq!(codes("a=$(x"), ["config-syntax"]);
}

#[test]
fn mends_spaces_around_the_equals_sign() {
    for (written, meant, kept) in [
        ("a = 1", "a=1", text("1")),
        ("a= 1 # x", "a=1 # x", text("1")),
        ("a =\"1 # 2\";b=1", "a=\"1 # 2\";b=1", text("1 # 2")),
        (
            "a = (branch main)\nb=1",
            "a=(branch main)\nb=1",
            Value::Array(vec!["branch".into(), "main".into()]),
        ),
    ] {
        let outcome = read(written);
        assert_eq!(outcome.diagnostics[0].code.0, "config-syntax", "{written}");
        let edit = &outcome.diagnostics[0].helps[0].edits[0];
        let mut mended = written.to_owned();
        mended.replace_range(edit.span.start..edit.span.end, &edit.new_text);
        assert_eq!(mended, meant);
        assert_eq!(outcome.value.unwrap().get("a").unwrap().value, kept);
        assert_eq!(value(&mended, "a"), kept);
    }
    for command in ["a = 1 2", "a = ", "a = 1 && b", "a == 1", "test a = b"] {
        assert_eq!(codes(command), ["config-command"], "{command}");
    }
}

#[test]
fn a_key_is_not_meant_for_one_command_alone() {
    let read = |text: &str| {
        let source = Arc::new(Source {
            path: PathBuf::from("f.config"),
            text: text.to_owned(),
        });
        parse_config(&source, &["hook", "version"])
    };
    for (written, meant) in [
        (
            "hook=mix deploy\nversion=1",
            "hook=\"mix deploy\"\nversion=1",
        ),
        (
            "version=1 # x\r\nhook=mix do a, b  # why not\r\n",
            "version=1 # x\r\nhook=\"mix do a, b\"  # why not\r\n",
        ),
        ("hook=x;version=~> 1.18", "hook=x;version=\"~> 1.18\""),
        ("hook=é è\nversion=2", "hook=\"é è\"\nversion=2"),
    ] {
        let outcome = read(written);
        assert_eq!(outcome.diagnostics[0].code.0, "config-syntax", "{written}");
        let edit = &outcome.diagnostics[0].helps[0].edits[0];
        let mut mended = written.to_owned();
        mended.replace_range(edit.span.start..edit.span.end, &edit.new_text);
        assert_eq!(mended, meant);
        let outcome = outcome.value.unwrap();
        for name in ["hook", "version"] {
            assert_eq!(outcome.get(name).unwrap().value, value(&mended, name));
        }
    }
    for command in [
        "LANG=C sort x",
        "hook=a b=c d",
        "hook=$(x) y",
        "hook=a b; c",
        "hook='a' b",
        "hook=a && b",
        &format!("hook=a {}", "b".repeat(2000)),
    ] {
        let found = read(command).diagnostics;
        assert!(found.iter().all(|found| !found.is_error()), "{command}");
    }
}

#[test]
fn a_name_that_is_exported_anywhere_is_exported() {
    let script = read("export a\na=1\nb=1\nc=1\nexport b\n").value.unwrap();
    let exported: Vec<_> = script.iter().map(|found| found.exported).collect();
    assert_eq!(exported, [true, true, false]);
}

#[test]
fn names_characters_that_nobody_sees() {
    let outcome = read("a=26.\u{200b}2\n# \u{200b}\nb=\u{201c}x\u{201d}\na2=1\u{a0}# x\r\n");
    assert_eq!(
        outcome.value.as_ref().unwrap().get("a").unwrap().value,
        text("26.2")
    );
    assert_eq!(
        outcome.value.as_ref().unwrap().get("a2").unwrap().value,
        text("1")
    );
    let messages: Vec<_> = outcome
        .diagnostics
        .iter()
        .map(|d| d.message.as_str())
        .collect();
    insta::assert_debug_snapshot!(messages, @r#"
    [
        "`f.config` has Windows line ends (CRLF)",
        "`a` contains U+200B, a character that cannot be seen",
        "`b` contains U+201C, a typographic quote, which bash does not take for a quote",
        "`b` contains U+201D, a typographic quote, which bash does not take for a quote",
    ]
    "#);
}

/// What bash makes of `config`, for `name`; none if it is not set.
fn bash(config: &str, name: &str) -> Option<Value> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs_err::write(file.path(), config).unwrap();
    let script = format!(
        "source \"$1\" 2>/dev/null; [[ -v {name} || $(declare -p {name} 2>/dev/null) ]] || exit 3\n\
         [[ $(declare -p {name}) == 'declare -a'* ]] && printf 'A\\0' || printf 'T\\0'\n\
         printf '%s\\0' \"${{{name}[@]}}\""
    );
    let output = Command::new("/bin/bash")
        .args(["--norc", "--noprofile", "-c", &script, "bash"])
        .arg(file.path())
        .env_clear()
        .env("LC_ALL", "C.UTF-8")
        .env("PATH", "/nonexistent")
        .current_dir("/proc/self/fdinfo")
        .output()
        .unwrap();
    if output.status.code() == Some(3) {
        return None;
    }
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut parts: Vec<_> = printed.split('\0').map(str::to_owned).collect();
    parts.pop();
    let kind = parts.remove(0);
    Some(match kind.as_str() {
        // `printf` prints one empty word for an empty array.
        "A" if parts == [""] => Value::Array(Vec::new()),
        "A" => Value::Array(parts),
        _ => Value::Text(parts.concat()),
    })
}

/// Whether all that `script` says is static and none of it is an empty word alone, which the comparison can't see.
fn comparable(outcome: &Outcome<Vec<Assignment>>) -> bool {
    let opaque = outcome
        .diagnostics
        .iter()
        .any(|d| d.is_error() || d.code.0 == "config-command");
    !opaque
        && outcome
            .value
            .iter()
            .flatten()
            .all(|assignment| match &assignment.value {
                Value::Text(_) => true,
                Value::Array(members) => members != &[""],
                Value::Dynamic(_) => false,
            })
}

fn agrees_with_bash(config: &str) -> Result<(), TestCaseError> {
    let outcome = read(config);
    if let (true, Some(script)) = (comparable(&outcome), &outcome.value) {
        for name in ["a", "b", "ab"] {
            let ours = script.get(name).map(|assignment| assignment.value.clone());
            prop_assert_eq!(&ours, &bash(config, name), "{:?}", config);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Bytes that mean something to bash, in any order: where we claim to know, bash must agree.
    #[test]
    fn never_claims_what_bash_denies(config in "(a=|b=|ab=|\\n)[ab=$\"'\\\\{}()# ;\n:~*1+-]{0,12}\n?") {
        agrees_with_bash(&config)?;
    }

    /// Well-formed assignments must be read, and as bash reads them.
    #[test]
    fn reads_assignments_as_bash_does(
        lines in proptest::collection::vec(
            "(export |)(a|b|ab)\\+?=(\"[a-z #;&*é\n]{0,6}\"|'[a-z \"$`\\\\]{0,6}'|[a-z0-9./@%,-]{0,6}|\\$'[a-z]{0,3}(\\\\n|\\\\t|\\\\'|\\\\x41)'|\\([a-z]{1,3}( [a-z]{1,3}| '[a-z ]{1,3}'|\n| #x\n){0,3}\\))(|;| # it's| )",
            1..5,
        )
    ) {
        let config = lines.join("\n");
        let outcome = read(&config);
        prop_assert!(outcome.value.is_some(), "{:?} {:?}", config, outcome.diagnostics);
        agrees_with_bash(&config)?;
    }
}

proptest! {
    #[test]
    fn any_text_is_survived(config in "(\\PC|[\n\r\t\"'$`({<\\\\]){0,80}") {
        let _ = read(&config);
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = read(&String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn files_that_ask_for_more_than_there_is_are_left_to_bash() {
    // Each line doubles the last one's value; each names the one before; each opens what is never closed.
    for (line, lines) in [
        ("a=$a$a\n", 60),
        ("a+=$a\n", 60),
        ("a=$a\n", 2_000),
        ("a=(x\n", 2_000),
    ] {
        let text = format!("a=x\n{}", line.repeat(lines));
        let found = read(&text);
        let longest = found
            .value
            .iter()
            .flatten()
            .map(|assignment| match &assignment.value {
                Value::Text(text) | Value::Dynamic(text) => text.len(),
                Value::Array(words) => words.len(),
            });
        assert!(longest.max().unwrap_or_default() <= 1 << 20, "{line}");
        assert!(found.diagnostics.len() <= 20, "{line}");
    }
    let last = |text: &str| read(text).value.unwrap().pop().unwrap().value;
    let doubled = last(&format!("a=x\n{}", "a=$a$a\n".repeat(60)));
    assert!(matches!(doubled, Value::Dynamic(_)));
    let named = last(&format!("a=$(x)\n{}", "a=$a\n".repeat(100)));
    assert_eq!(
        named,
        Value::Dynamic("`a`, which is command substitution".into())
    );
}

#[test]
fn what_is_too_large_is_no_config_file() {
    let found = read(&"# a comment\n".repeat(6000));
    assert_eq!(found.value, None);
    assert!(found.diagnostics[0].message.contains("larger than 64 KiB"));
}
