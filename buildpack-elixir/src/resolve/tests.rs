use buildpack_core::diagnostic::{Applicability, Class, Severity};

use super::*;
use crate::fixture::{CONFIG, SHA, checked_on, edits, resolution};

fn of_files(files: &[(&str, &str)]) -> Resolution {
    resolution(files, false, false)
}

fn of(erlang: &str, elixir: &str) -> Resolution {
    let config = format!("erlang_version={erlang}\nelixir_version={elixir}\n");
    of_files(&[(CONFIG, &config)])
}

fn codes(resolution: &Resolution) -> Vec<&str> {
    let codes = resolution.diagnostics.iter().map(|d| d.code.0);
    codes.collect()
}

fn only(resolution: Resolution) -> Diagnostic {
    assert_eq!(
        resolution.diagnostics.len(),
        1,
        "{:#?}",
        resolution.diagnostics
    );
    resolution.diagnostics.into_iter().next().unwrap()
}

#[test]
fn what_the_packs_take_is_taken() {
    // The rows of the compatibility facts (3.2), the right-hand column or better.
    for (erlang, elixir, otp, taken, rules) in [
        (
            "27",
            "1.18.3",
            "27.0",
            "1.18.3",
            ["`27` means 27.0, as Heroku's Elixir packs read it", ""],
        ),
        ("27.0", "1.18.3", "27.0", "1.18.3", ["", ""]),
        (
            "25.0.0",
            "1.17.3",
            "25.0",
            "1.17.3",
            ["`25.0.0` means 25.0", ""],
        ),
        (
            "26",
            "1.18.3",
            "26.0",
            "1.18.3",
            ["`26` means 26.0, as Heroku's Elixir packs read it", ""],
        ),
        (
            "26.0.0",
            "1.18.3",
            "26.0",
            "1.18.3",
            ["`26.0.0` means 26.0", ""],
        ),
        (
            "OTP-26.2.5",
            "1.18.3",
            "26.2.5",
            "1.18.3",
            ["`OTP-26.2.5` means 26.2.5", ""],
        ),
        (
            "v26.2.5",
            "v1.18.1",
            "26.2.5",
            "1.18.1",
            ["`v26.2.5` means 26.2.5", "`v1.18.1` means 1.18.1"],
        ),
        ("27.0-rc1", "1.18.3", "27.0-rc1", "1.18.3", ["", ""]),
        ("27.0", "1.18.0-rc.0", "27.0", "1.18.0-rc.0", ["", ""]),
        ("27.3.4.1", "(branch main)", "27.3.4.1", "main", ["", ""]),
        ("26.2.5", "(branch v1.16)", "26.2.5", "v1.16", ["", ""]),
        (
            "27.3.4.1",
            "1.18",
            "27.3.4.1",
            "1.18.3",
            ["", "newest 1.18 published for OTP 27"],
        ),
        (
            "28.5.0.5",
            "1.18",
            "28.5.0.5",
            "1.18.4",
            ["", "newest 1.18 published for OTP 28"],
        ),
        (
            "latest",
            "latest",
            "28.5.0.5",
            "1.18.4",
            [
                "newest release built for heroku-24",
                "newest release published for OTP 28",
            ],
        ),
        ("27.0", "0.15.0", "27.0", "0.15.0", ["", ""]),
        (
            "27.0",
            "1.18.3-otp-27",
            "27.0",
            "1.18.3",
            ["", "`1.18.3-otp-27` means 1.18.3"],
        ),
    ] {
        let resolution = of(erlang, elixir);
        let said = format!("{erlang} {elixir}: {:#?}", resolution.diagnostics);
        let tools = resolution.tools.expect(&said);
        assert_eq!(tools.otp.version.value, otp, "{said}");
        assert_eq!(tools.elixir.version.value, taken, "{said}");
        assert_eq!([tools.otp.rule.as_str(), &tools.elixir.rule], rules);
        assert!(
            resolution
                .checks
                .iter()
                .all(|check| check.verdict == Verdict::Available)
        );
    }
}

#[test]
fn a_suffix_for_another_otp_has_no_effect_and_is_said() {
    // gigalixir drops it without a word; HashNuke makes `v1.16.225` of it.
    let resolution = of("26.2.5", "1.16.2-otp-25");
    assert_eq!(
        resolution.tools.as_ref().unwrap().elixir.path,
        "builds/elixir/v1.16.2-otp-26.zip"
    );
    let problem = only(resolution);
    assert_eq!(
        (problem.code.0, problem.severity),
        ("elixir-otp-mismatch", Severity::Warning)
    );
    assert_eq!(problem.labels.len(), 2);
}

#[test]
fn a_suffix_is_kept_where_it_was_written() {
    let tools = |elixir: &str| {
        let tools = format!("erlang 27.3.4.1\nelixir {elixir}\n");
        only(of_files(&[(".tool-versions", &tools)]))
    };
    let unpublished = tools("1.18.9-otp-27");
    assert_eq!(
        edits(&unpublished),
        [("1.18.3-otp-27", Applicability::Certain)]
    );
    let other = tools("1.18.3-otp-26");
    assert_eq!(edits(&other), [("1.18.3-otp-27", Applicability::Likely)]);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic_or_edit_beside_the_file(
        erlang in "[ -~é\u{200b}]{0,14}",
        elixir in "[0-9.a-z$(){}'\"~> -]{0,14}",
        other in "\\PC{0,14}",
    ) {
        let config = format!("erlang_version={erlang}\nelixir_version={elixir}\n");
        let tools = format!("erlang {other}\nelixir {other}\n");
        for files in [[(CONFIG, config.as_str()), (".tool-versions", tools.as_str())], [(CONFIG, ""), (".erlang-version", &other)]] {
            for problem in checked_on(&files, jiff::civil::date(2026, 11, 1)).diagnostics {
                let spans = problem.helps.iter().flat_map(|help| &help.edits).map(|edit| &edit.span);
                for span in spans.chain(problem.labels.iter().map(|label| &label.span)) {
                    proptest::prop_assert!(span.source.text.get(span.start..span.end).is_some());
                }
            }
        }
    }
}

#[test]
fn versions_become_archives() {
    let tools = of("27.3.4.1", "1.18.3").tools.unwrap();
    assert_eq!(
        tools.otp.path,
        "builds/otp/amd64/ubuntu-24.04/OTP-27.3.4.1.tar.gz"
    );
    assert_eq!(tools.elixir.path, "builds/elixir/v1.18.3-otp-27.zip");
    assert_eq!(tools.elixir.sha256.unwrap().hex(), SHA);
}

#[test]
fn an_otp_that_was_never_built_names_the_line_and_the_nearest() {
    for written in ["27.2", "\"27.2\"", "'OTP-27.2'"] {
        let resolution = of(written, "1.18.3");
        assert_eq!(resolution.checks[0].verdict, Verdict::NotBuilt);
        assert_eq!(resolution.checks[1].verdict, Verdict::Available);
        let problem = only(resolution);
        assert_eq!(problem.code.0, "otp-not-built");
        assert_eq!(
            problem.labels[0].span.to_string(),
            "elixir_buildpack.config:1:16"
        );
        assert_eq!(edits(&problem), [("27.2.4", Applicability::Certain)]);
        let edit = &problem.helps[0].edits[0].span;
        let bare = written.trim_matches(['"', '\'']);
        assert_eq!(edit.source.text[edit.start..edit.end], *bare);
        // 27.2.1 is known to be bad; 28 has no build of this Elixir.
        assert_eq!(problem.alternatives, ["27.2.4", "27.3.4.1", "26.2.5.21"]);
        assert_eq!(problem.other_stacks, ["heroku-22"]);
    }
}

#[test]
fn a_line_of_which_nothing_was_built_is_said_with_another() {
    let resolution = of("24.3", "1.16.2");
    assert_eq!(codes(&resolution), ["otp-not-built", "elixir-otp-mismatch"]);
    assert_eq!(
        edits(&resolution.diagnostics[0]),
        [("25.3.2.21", Applicability::Likely)]
    );
}

#[test]
fn a_list_of_another_year_cannot_tell() {
    let config = "erlang_version=27.2\nelixir_version=1.29.0\n";
    let resolution = resolution(&[(CONFIG, config)], true, true);
    assert!(resolution.tools.is_none());
    assert_eq!(codes(&resolution), ["otp-unknown", "elixir-unknown"]);
    for problem in &resolution.diagnostics {
        assert_eq!(problem.class, Class::Surroundings);
        assert!(
            problem.message.contains("2025-06-01"),
            "{}",
            problem.message
        );
    }
    assert!(
        resolution
            .checks
            .iter()
            .all(|check| check.verdict == Verdict::Unknown)
    );
}

#[test]
fn an_elixir_that_was_never_published_names_the_nearest() {
    let problem = only(of("27.3.4.1", "1.18.9"));
    assert_eq!(problem.code.0, "elixir-not-built");
    assert_eq!(edits(&problem), [("1.18.3", Applicability::Certain)]);
    assert_eq!(problem.alternatives, ["1.18.3", "1.18.1"]);
    let problem = only(of("27.3.4.1", "(branch v1.17)"));
    assert_eq!(edits(&problem), [("1.18.3", Applicability::Likely)]);
}

#[test]
fn a_pair_that_was_never_built_is_refused_with_a_way_out_on_either_side() {
    // Both packs let 1.10.4 on OTP 26 pass and fail minutes later.
    let problem = only(of("26.2.5", "1.10.4"));
    assert_eq!(problem.code.0, "elixir-otp-mismatch");
    assert_eq!(problem.notes, ["it was built for OTP 22"]);
    assert_eq!(edits(&problem), [("1.16.2", Applicability::Likely)]);
    let problem = only(of("27.3.4.1", "1.16.2"));
    assert_eq!(
        edits(&problem),
        [
            ("1.18.3", Applicability::Likely),
            ("26.2.5.21", Applicability::Likely)
        ]
    );
    assert_eq!(problem.labels.len(), 2);
}

#[test]
fn a_pair_that_is_built_but_not_documented_is_a_warning() {
    let problem = only(of("28.5.0.5", "1.18.4"));
    assert_eq!(
        (problem.code.0, problem.severity),
        ("elixir-otp-mismatch", Severity::Warning)
    );
    assert!(problem.message.contains("25 to 27"), "{}", problem.message);
}

#[test]
fn known_trouble_is_a_warning_that_can_be_mended() {
    let problem = only(of("27.2.1", "1.18.3"));
    assert_eq!(
        (problem.code.0, problem.severity),
        ("otp-known-bad", Severity::Warning)
    );
    assert_eq!(edits(&problem), [("27.2.4", Applicability::Certain)]);
}

#[test]
fn texts_that_are_no_versions_are_all_said_in_one_run() {
    let resolution = of("twenty", "one");
    assert_eq!(codes(&resolution), ["otp-malformed", "elixir-malformed"]);
    assert!(
        resolution
            .checks
            .iter()
            .all(|check| check.verdict == Verdict::Malformed)
    );
    assert_eq!(
        resolution.checks[0].requested.as_ref().unwrap().value,
        "twenty"
    );
    for (erlang, elixir, code) in [
        ("(27 3)", "1.18.3", "otp-malformed"),
        ("27.3.4.1", "(one two three)", "elixir-malformed"),
        ("27.x", "1.18.3", "otp-malformed"),
        ("''", "1.18.3", "otp-malformed"),
        ("system", "1.18.3", "otp-malformed"),
    ] {
        assert_eq!(codes(&of(erlang, elixir)), [code], "{erlang} {elixir}");
    }
    let problem = only(of("27.3.4.1", "\"~> 1.18\""));
    assert_eq!(edits(&problem), [("1.18", Applicability::Likely)]);
}

#[test]
fn what_only_bash_can_tell_is_a_note_until_it_is_built() {
    let config = "erlang_version=$(cat x)\nelixir_version=1.18.3\n";
    let checked = resolution(&[(CONFIG, config)], false, false);
    assert_eq!(checked.checks[0].verdict, Verdict::Unknown);
    assert_eq!(
        checked.checks[0].requested.as_ref().unwrap().value,
        "$(cat x)"
    );
    assert_eq!(only(checked).severity, Severity::Note);
    let built = resolution(&[(CONFIG, config)], false, true);
    let problem = only(built);
    assert_eq!(
        (problem.code.0, problem.class),
        ("version-dynamic", Class::Config)
    );
    assert!(problem.is_error());
}

#[test]
fn each_tool_may_come_from_another_file() {
    let both = of_files(&[
        (CONFIG, "erlang_version=27.3.4.1\n"),
        (".tool-versions", "elixir 1.18.3-otp-27\n"),
    ]);
    assert_eq!(codes(&both), [""; 0]);
    let tools = both.tools.unwrap();
    assert_eq!(
        tools.otp.version.origin.to_string(),
        "elixir_buildpack.config:1:16"
    );
    assert_eq!(
        tools.elixir.version.origin.to_string(),
        ".tool-versions:1:8"
    );
    let alone = of_files(&[(".tool-versions", "erlang 27.3.4.1\nelixir 1.18.3\n")]);
    assert!(alone.tools.is_some());
}

#[test]
fn short_versions_mean_the_newest_where_mise_reads_them() {
    for (file, text, taken, rule) in [
        (
            "mise.toml",
            "[tools]\nerlang = \"27\"\n",
            "27.3.4.1",
            "newest 27 built for heroku-24",
        ),
        (
            "mise.toml",
            "[tools]\nerlang = \"26.2\"\n",
            "26.2.5.21",
            "newest 26.2 built for heroku-24",
        ),
        ("mise.toml", "[tools]\nerlang = \"26.2.5\"\n", "26.2.5", ""),
        (".erlang-version", "27.0\n", "27.0", ""),
        (
            ".erlang-version",
            "latest\n",
            "28.5.0.5",
            "newest release built for heroku-24",
        ),
        (
            ".tool-versions",
            "erlang 27\n",
            "27.0",
            "`27` means 27.0, as Heroku's Elixir packs read it",
        ),
    ] {
        let resolution = of_files(&[(file, text), (".elixir-version", "latest")]);
        let check = &resolution.checks[0];
        assert_eq!(check.resolved.as_deref(), Some(taken), "{text}");
        assert_eq!(check.rule, rule, "{text}");
    }
    let problem = only(of_files(&[(
        "mise.toml",
        "[tools]\nerlang = \"24.3\"\nelixir = \"0.15.0\"\n",
    )]));
    assert!(
        problem.message.contains("24.3 was never built"),
        "{}",
        problem.message
    );
    assert_eq!(edits(&problem), [("25.3.2.21", Applicability::Likely)]);
    let edit = &problem.helps[0].edits[0].span;
    assert_eq!(&edit.source.text[edit.start..edit.end], "24.3");
}

#[test]
fn files_that_disagree_are_said_and_the_config_counts() {
    let resolution = of_files(&[
        (CONFIG, "erlang_version=27.3.4.1\nelixir_version=1.18.3\n"),
        (".tool-versions", "erlang 26.2.5\nelixir 1.18.1-otp-26\n"),
    ]);
    assert_eq!(codes(&resolution), ["version-conflict", "version-conflict"]);
    let written: Vec<_> = resolution.diagnostics.iter().flat_map(edits).collect();
    assert_eq!(
        written,
        [
            ("27.3.4.1", Applicability::Likely),
            ("1.18.3-otp-27", Applicability::Likely)
        ]
    );
    assert_eq!(resolution.tools.unwrap().otp.version.value, "27.3.4.1");
    let agreeing = of_files(&[
        (CONFIG, "erlang_version=27.3.4.1\nelixir_version=1.18.3\n"),
        (".tool-versions", "erlang 27\nelixir 1.18.3-otp-27\n"),
        (
            "mise.toml",
            "[tools]\nerlang = \"latest\"\nelixir = \"1.18\"\n",
        ),
        (".erlang-version", "system\n"),
    ]);
    assert_eq!(codes(&agreeing), [""; 0]);
}

#[test]
fn what_nothing_asks_for_is_an_error_with_the_lines_to_write() {
    let problem = only(of_files(&[]));
    assert_eq!(problem.code.0, "version-missing");
    assert!(problem.message.contains("no `elixir_buildpack.config`"));
    // 1.18.4 is built for OTP 28 alone, which it does not document.
    assert_eq!(
        problem.helps[0].text,
        "write `erlang_version=27.3.4.1` and `elixir_version=1.18.3` into `elixir_buildpack.config`"
    );
    for (files, line) in [
        (
            (CONFIG, "elixir_version=1.17.3"),
            "\nerlang_version=26.2.5.21\n",
        ),
        (
            (CONFIG, "erlang_version=27.0\r\n"),
            "elixir_version=1.18.3\r\n",
        ),
        ((".tool-versions", "elixir 1.18.3\n"), "erlang 27.3.4.1\n"),
    ] {
        let problem = only(of_files(&[files]));
        assert_eq!(edits(&problem), [(line, Applicability::Likely)]);
    }
}
