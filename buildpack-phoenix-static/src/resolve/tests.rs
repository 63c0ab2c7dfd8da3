use buildpack_core::check::Verdict;
use buildpack_core::diagnostic::Class;
use proptest::prelude::*;
use stacks::Arch;

use crate::fixture::{PACKAGE, View, check, codes};

const CONFIG: &str = "phoenix_static_buildpack.config";

/// What `node_version=…` comes to.
fn configured(text: &str) -> (Verdict, Option<String>, String) {
    let checked = check(&[(CONFIG, &format!("node_version='{text}'\n"))]);
    let tool = checked.tools.into_iter().next().unwrap();
    (tool.verdict, tool.resolved, tool.rule)
}

#[test]
fn each_request_means_one_release() {
    for (written, version, rule) in [
        ("22.11.0", "22.11.0", ""),
        ("v22.11.0", "22.11.0", ""),
        ("22", "22.14.0", "the newest that `22` allows"),
        ("20.x", "20.18.0", "the newest that `20.x` allows"),
        ("22.10", "22.10.0", "the newest that `22.10` allows"),
        (
            "^20.1 || 18",
            "20.18.0",
            "the newest that `^20.1 || 18` allows",
        ),
        (">=18 <21", "20.18.0", "the newest that `>=18 <21` allows"),
        ("*", "26.8.0", "the newest that `*` allows"),
        ("latest", "26.8.0", "the newest of all"),
        ("lts", "24.11.0", "the newest with long-term support"),
        ("lts/*", "24.11.0", "the newest with long-term support"),
        ("lts/Jod", "22.14.0", "the newest that `lts/jod` allows"),
        ("lts/-1", "22.14.0", "the newest that `lts/-1` allows"),
        ("lts/-2", "20.18.0", "the newest that `lts/-2` allows"),
    ] {
        assert_eq!(
            configured(written),
            (
                Verdict::Available,
                Some(version.to_owned()),
                rule.to_owned()
            ),
            "{written}"
        );
    }
}

#[test]
fn what_cannot_be_had_has_its_own_verdict() {
    for (written, verdict, old) in [
        ("22.99.0", Verdict::NotBuilt, Verdict::Unknown),
        ("99.1.0", Verdict::NotBuilt, Verdict::Unknown),
        (">=99", Verdict::NotBuilt, Verdict::Unknown),
        ("lts/lodestar", Verdict::NotBuilt, Verdict::Unknown),
        // Its line had ended before the list was made, or went on to newer ones.
        ("18.99.0", Verdict::NotBuilt, Verdict::NotBuilt),
        ("22.12.0", Verdict::NotBuilt, Verdict::NotBuilt),
        ("twenty", Verdict::Malformed, Verdict::Malformed),
        ("22.14.0", Verdict::Available, Verdict::Available),
    ] {
        let files = [(CONFIG, &*format!("node_version={written:?}"))];
        let found = |old| {
            let view = View {
                old,
                ..View::default()
            };
            let checked = view.check(&files);
            let unknown = codes(&checked).contains(&"node-unknown");
            assert_eq!(unknown, checked.tools[0].verdict == Verdict::Unknown);
            for problem in checked
                .diagnostics
                .iter()
                .filter(|problem| problem.is_error())
            {
                let class = if unknown {
                    Class::Surroundings
                } else {
                    Class::Config
                };
                assert_eq!(problem.class, class, "{written}");
            }
            checked.tools[0].verdict
        };
        assert_eq!((found(false), found(true)), (verdict, old), "{written}");
    }
}

#[test]
fn an_architecture_has_its_own_releases() {
    let view = View {
        arch: Arch::Arm64,
        ..View::default()
    };
    let found = view.check(&[(CONFIG, "node_version=latest")]);
    assert_eq!(found.tools[0].resolved.as_deref(), Some("26.7.0"));
    let found = view.check(&[(CONFIG, "node_version=26.8.0")]);
    assert_eq!(found.tools[0].verdict, Verdict::NotBuilt);
    assert_eq!(
        found.diagnostics[0].message,
        "Node 26.8.0 was not published for arm64"
    );
}

#[test]
fn nothing_asked_for_is_the_newest_with_support() {
    let tool = &check(&[PACKAGE]).tools[0];
    assert_eq!(tool.requested, None);
    assert_eq!(tool.resolved.as_deref(), Some("24.11.0"));
    assert_eq!(
        tool.rule,
        "the newest with long-term support, for no file says which"
    );
    // A value that is empty asks for nothing.
    let empty = check(&[PACKAGE, (CONFIG, "node_version=\nnode_version=''")]);
    assert_eq!(empty.tools[0].resolved.as_deref(), Some("24.11.0"));
}

#[test]
fn an_app_without_assets_needs_no_node() {
    assert!(check(&[]).tools.is_empty());
    assert!(check(&[(CONFIG, "clean_cache=true")]).tools.is_empty());
    assert!(check(&[(".nvmrc", "22")]).tools.is_empty());
}

#[test]
fn files_count_in_their_order_and_narrow_each_other() {
    let engines = |range: &str| {
        format!(r#"{{"engines": {{"node": {range:?}}}, "scripts": {{"deploy": "x"}}}}"#)
    };
    let (wide, jod) = (engines(">=18"), engines("^22.11"));
    let package = "assets/package.json";
    for (files, version, rule) in [
        (
            vec![(package, &*wide), (".nvmrc", "v22.10.0")],
            "22.10.0",
            "the newest that `>=18` and `22.10.0` allow",
        ),
        (
            vec![(package, &*wide), (".tool-versions", "nodejs 22.11.0")],
            "22.11.0",
            "the newest that `>=18` and `22.11.0` allow",
        ),
        (
            vec![(package, &*wide), ("package.json", &*jod)],
            "22.14.0",
            "the newest that `>=18` and `^22.11` allow",
        ),
        (
            vec![
                (CONFIG, "node_version=22.11.0"),
                (package, &*jod),
                (".nvmrc", "lts/jod"),
            ],
            "22.11.0",
            "",
        ),
        (
            vec![(package, &*jod), (".nvmrc", "22")],
            "22.14.0",
            "the newest that `^22.11` allows",
        ),
    ] {
        let found = check(&files);
        assert_eq!(codes(&found), [""; 0], "{files:?}");
        assert_eq!(
            found.tools[0].resolved.as_deref(),
            Some(version),
            "{files:?}"
        );
        assert_eq!(found.tools[0].rule, rule);
    }
}

#[test]
fn files_that_contradict_each_other_are_named() {
    let found = check(&[
        PACKAGE,
        (CONFIG, "node_version=22.14.0"),
        (".nvmrc", "v20.9.0"),
        (".tool-versions", "nodejs 22.14.0"),
    ]);
    assert_eq!(codes(&found), ["version-conflict"]);
    assert_eq!(found.tools[0].resolved.as_deref(), Some("22.14.0"));
    let labels: Vec<_> = found.diagnostics[0]
        .labels
        .iter()
        .map(|label| label.span.to_string())
        .collect();
    assert_eq!(labels, [format!("{CONFIG}:1:14"), ".nvmrc:1:1".to_owned()]);
}

#[test]
fn bash_tells_what_it_alone_can() {
    let files = [(CONFIG, "node_version=$(cat version)")];
    let found = check(&files);
    assert_eq!(codes(&found), ["version-dynamic"]);
    assert_eq!(found.tools[0].verdict, Verdict::Unknown);
    let view = View {
        by_bash: Some("22.11.0"),
        ..View::default()
    };
    let found = view.check(&files);
    assert_eq!(codes(&found), [""; 0]);
    assert_eq!(found.tools[0].resolved.as_deref(), Some("22.11.0"));
}

proptest! {
    #[test]
    fn no_config_makes_it_panic(text in "\\PC{0,30}|node_version=[-0-9x*.v=^~<>| '\"a-z/]{0,12}") {
        for old in [false, true] {
            let view = View { old, ..View::default() };
            for problem in view.check(&[(CONFIG, &text), PACKAGE]).diagnostics {
                for label in problem.labels {
                    prop_assert!(label.span.source.text.get(label.span.start..label.span.end).is_some());
                }
            }
        }
    }
}
