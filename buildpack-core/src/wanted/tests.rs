//! Which packs are asked for, and which of them are built in.

mod forms;
mod locks;

use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::diagnostic::Class;

struct Case {
    files: Vec<(&'static str, &'static str)>,
    vars: BTreeMap<String, String>,
    flags: Vec<Sourced<String>>,
    native: bool,
    for_tests: bool,
}

impl Case {
    fn new(files: &[(&'static str, &'static str)]) -> Self {
        Self {
            files: files.to_vec(),
            vars: BTreeMap::new(),
            flags: Vec::new(),
            native: true,
            for_tests: false,
        }
    }

    fn for_tests(mut self) -> Self {
        self.for_tests = true;
        self
    }

    fn url(mut self, value: &str) -> Self {
        self.vars.insert(BUILDPACK_URL.to_owned(), value.to_owned());
        self
    }

    fn flag(mut self, value: &str) -> Self {
        let origin = Origin::Flag("--buildpack".to_owned());
        self.flags.push(Sourced::new(value.to_owned(), origin));
        self
    }

    fn outcome(&self) -> Outcome<Vec<Wanted>> {
        let files = self
            .files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()));
        let app = App::of_files(Path::new("/app"), files.collect());
        let asked = Asked {
            flags: &self.flags,
            config_vars: &self.vars,
            native: self.native,
            for_tests: self.for_tests,
        };
        wanted(&app.value.unwrap(), &asked)
    }

    fn wanted(&self) -> Vec<Wanted> {
        self.outcome().value.unwrap()
    }

    fn words(&self) -> Vec<String> {
        let all = self.wanted().into_iter();
        all.map(|one| one.written.value).collect()
    }
}

const JSON: (&str, &str) = ("app.json", r#"{"buildpacks": [{"url": "d/d"}]}"#);

#[test]
fn packs_of_the_test_environment_are_for_tests() {
    let environment = r#"{"buildpacks": [{"url": "d/d"}], "environments": {"test": {"buildpacks": [{"url": "t/t"}]}}}"#;
    let files = [(".buildpacks", "c/c\n"), ("app.json", environment)];
    assert_eq!(Case::new(&files).words(), ["c/c"]);
    assert_eq!(Case::new(&files).for_tests().words(), ["t/t"]);
    assert_eq!(Case::new(&files[1..]).words(), ["d/d"]);
    assert_eq!(Case::new(&files).for_tests().url("b/b").words(), ["b/b"]);
    // Where it names none, those are taken that would be taken if nobody did.
    let none = r#"{"buildpacks": [{"url": "d/d"}], "environments": {"test": {"buildpacks": []}}}"#;
    assert!(
        Case::new(&[("app.json", none)])
            .for_tests()
            .words()
            .is_empty()
    );
    let silent = r#"{"buildpacks": [{"url": "d/d"}], "environments": {"test": {}}}"#;
    assert_eq!(
        Case::new(&[("app.json", silent)]).for_tests().words(),
        ["d/d"]
    );
}

#[test]
fn the_first_place_that_names_packs_decides() {
    let all = [(".buildpacks", "c/c\nc/c2\n"), JSON];
    let flagged = Case::new(&all).url("b/b").flag("a/a").flag("a/a2");
    assert_eq!(flagged.words(), ["a/a", "a/a2"]);
    let by_variable = Case::new(&all).url(" b/b\n");
    assert_eq!(by_variable.words(), ["b/b"]);
    let origin = by_variable.wanted()[0].written.origin.to_string();
    assert_eq!(origin, "$BUILDPACK_URL");
    assert_eq!(Case::new(&all).url(" ").words(), ["c/c", "c/c2"]);
    let origin = Case::new(&all).wanted()[1].written.origin.to_string();
    assert_eq!(origin, ".buildpacks:2:1");
    assert_eq!(
        Case::new(&[(".buildpacks", "\r\n # none\n"), JSON]).words(),
        ["d/d"]
    );
    assert_eq!(Case::new(&[(".buildpacks", "")]).words(), [""; 0]);
}

#[test]
fn lines_end_as_they_end_anywhere() {
    let text = "\u{feff}# first\r\n  a/a#v1  \r\n\r\n\tb/b\r\n";
    assert_eq!(
        Case::new(&[(".buildpacks", text)]).words(),
        ["a/a#v1", "b/b"]
    );
}

#[test]
fn every_bad_line_is_told_at_once() {
    let case = Case::new(&[(".buildpacks", "ruby\na/a\nhttps://h.org\n")]);
    let outcome = case.outcome();
    assert_eq!(outcome.value, None);
    let places: Vec<_> = (outcome.diagnostics.iter())
        .map(|problem| (problem.class, problem.labels[0].span.to_string()))
        .collect();
    assert_eq!(
        places,
        [
            (Class::Config, ".buildpacks:1:1".to_owned()),
            (Class::Config, ".buildpacks:3:1".to_owned()),
        ]
    );
    let flag = Case::new(&[]).flag("ruby").outcome();
    assert_eq!(flag.diagnostics[0].class, Class::Usage);
}

#[test]
fn an_endless_list_is_no_list() {
    let text: &'static str = Box::leak("a/a\n".repeat(101).into_boxed_str());
    let outcome = Case::new(&[(".buildpacks", text)]).outcome();
    let codes: Vec<_> = outcome.diagnostics.iter().map(|it| it.code.0).collect();
    assert_eq!((outcome.value, codes), (None, vec!["packs-too-many"]));
}

#[test]
fn a_pack_is_run_once() {
    let text = "heroku/nodejs\n\
                https://github.com/heroku/heroku-buildpack-nodejs.git\n\
                git@github.com:Heroku/heroku-buildpack-nodejs#v1\n\
                ./mine\n./mine\n\
                https://github.com/HashNuke/heroku-buildpack-elixir\n\
                https://github.com/gigalixir/gigalixir-buildpack-elixir\n";
    let case = Case::new(&[(".buildpacks", text)]);
    assert_eq!(case.words().len(), 4);
    let places: Vec<_> = (case.outcome().diagnostics.iter())
        .map(|problem| {
            assert_eq!(problem.code.0, "pack-twice");
            let places = problem
                .labels
                .iter()
                .map(|label| label.span.line_column().0);
            places.collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(places, [[2, 1], [5, 4], [7, 6]]);
}

#[test]
fn what_is_built_in_is_taken_unless_a_version_is_named() {
    use NativeName::{Elixir, PhoenixStatic};
    for (text, native) in [
        (
            "https://github.com/HashNuke/heroku-buildpack-elixir",
            Some(Elixir),
        ),
        (
            "git@github.com:hashnuke/heroku-buildpack-elixir.git",
            Some(Elixir),
        ),
        (
            "https://github.com/gigalixir/gigalixir-buildpack-elixir#main",
            Some(Elixir),
        ),
        (
            "https://github.com/gjaldon/heroku-buildpack-phoenix-static#master",
            Some(PhoenixStatic),
        ),
        ("gigalixir/phoenix-static", Some(PhoenixStatic)),
        ("urn:buildpack:hashnuke/elixir", Some(Elixir)),
        (
            "https://buildpack-registry.s3.amazonaws.com/buildpacks/hashnuke/elixir.tgz",
            Some(Elixir),
        ),
        (
            "https://github.com/hashnuke/heroku-buildpack-elixir/archive/master.tar.gz",
            Some(Elixir),
        ),
        ("elixir", Some(Elixir)),
        (
            "https://github.com/HashNuke/heroku-buildpack-elixir#v1",
            None,
        ),
        (
            "https://github.com/hashnuke/heroku-buildpack-elixir/archive/v1.tar.gz",
            None,
        ),
        ("https://github.com/me/heroku-buildpack-elixir", None),
        ("https://gitlab.com/hashnuke/heroku-buildpack-elixir", None),
        ("heroku/nodejs", None),
        ("./heroku-buildpack-elixir", None),
    ] {
        let one = Case::new(&[]).flag(text).wanted().remove(0);
        assert_eq!(one.native, native, "{text}");
        let mut case = Case::new(&[]).flag(text);
        case.native = false;
        if text == "elixir" {
            assert_eq!(case.outcome().diagnostics[0].code.0, "pack-native-only");
            continue;
        }
        assert_eq!(case.wanted()[0].native, None, "{text}");
        let known = PackReference::parse(text).unwrap().native();
        assert_eq!(case.wanted()[0].instead_of, known, "{text}");
    }
}

#[test]
fn the_pack_of_packs_is_not_needed() {
    let multi = "https://github.com/ddollar/heroku-buildpack-multi.git";
    let files = [(".buildpacks", "a/a\nb/b\n")];
    assert_eq!(Case::new(&files).url(multi).words(), ["a/a", "b/b"]);
    assert_eq!(Case::new(&[]).url(multi).words(), [multi]);
}
