//! What people write, and what it means.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::lock::{Identity, Lock, LockedPack};
use super::*;
use crate::diagnostic::{Class, Source};

fn read(text: &str) -> PackReference {
    PackReference::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: &str) -> String {
    let origin = Origin::Env(BUILDPACK_URL.to_owned());
    let error = PackReference::parse(text).expect_err(text);
    let problem = error.diagnostic(text, &origin);
    assert_eq!(problem.code.0, "pack-reference");
    let helps = problem.helps.iter().map(|help| format!("\n{}", help.text));
    format!("{}{}", problem.message, helps.collect::<String>())
}

#[test]
fn every_form_is_told_from_the_others() {
    let git = |url: &str| Place::Git(url.to_owned());
    let path = |path: &str| Place::Path(path.to_owned());
    let name = |owner: &str, name: &str| Name {
        owner: owner.to_owned(),
        name: name.to_owned(),
    };
    for (text, place) in [
        ("https://h.org/a/b", git("https://h.org/a/b")),
        (" https://h.org/a/b.git\r\n", git("https://h.org/a/b.git")),
        ("HTTPS://h.org/a", git("https://h.org/a")),
        ("http://h.org:8080/a/b/c", git("http://h.org:8080/a/b/c")),
        ("github.com/a/b", git("https://github.com/a/b")),
        ("git://h.org/a", git("git://h.org/a")),
        ("ssh://git@h.org:22/a", git("ssh://git@h.org:22/a")),
        ("git+ssh://git@h.org/a", git("ssh://git@h.org/a")),
        ("git+https://h.org/a", git("https://h.org/a")),
        ("git@h.org:a/b.git", git("git@h.org:a/b.git")),
        ("git@alias:b", git("git@alias:b")),
        ("alias:a/b", git("alias:a/b")),
        ("h.org:b.git", git("h.org:b.git")),
        ("file:///srv/pack", path("/srv/pack")),
        ("file://localhost/srv/a%20b", path("/srv/a b")),
        ("/srv/pack.git", path("/srv/pack.git")),
        ("./packs/mine", path("./packs/mine")),
        ("../mine", path("../mine")),
        (".", path(".")),
        (
            "urn:buildpack:heroku/nodejs",
            Place::Registry(name("heroku", "nodejs")),
        ),
        ("heroku/nodejs", Place::Name(name("heroku", "nodejs"))),
        (
            "heroku-community/apt",
            Place::Name(name("heroku-community", "apt")),
        ),
        ("elixir", Place::Native(NativeName::Elixir)),
        ("phoenix-static", Place::Native(NativeName::PhoenixStatic)),
    ] {
        assert!(read(text).place == place, "{text}");
        assert_eq!(read(text).reference, None, "{text}");
    }
    for text in [
        "https://h.org/p.tgz",
        "https://h.org/p.tar.gz?raw=true",
        "https://h.org/get?file=p.tbz",
        "http://h.org/p.tar.bz",
        "https://h.org/P.TAR",
    ] {
        let archive = Place::Archive(text.to_owned());
        assert!(read(text).place == archive, "{text}");
    }
}

#[test]
fn what_stands_behind_the_hash_is_a_name_of_git() {
    for reference in [
        "v1",
        "main",
        "feature/x",
        "1.2",
        "0a1b2c3",
        "HEAD",
        "refs/tags/v1",
    ] {
        let read = read(&format!("https://h.org/a#{reference}"));
        assert_eq!(read.reference.as_deref(), Some(reference));
    }
    assert_eq!(read("https://h.org/a#").reference, None);
    assert_eq!(
        read("heroku/nodejs#v250").reference.as_deref(),
        Some("v250")
    );
    for reference in [
        "--upload-pack=x",
        "a..b",
        "a^{}",
        "x:y",
        "a.lock",
        "a//b",
        "@{1}",
        "/x",
    ] {
        let text = format!("https://h.org/a#{reference}");
        assert!(PackReference::parse(&text).is_err(), "{text}");
    }
    assert!(refused("urn:buildpack:heroku/go#v1").contains("nothing but git takes a `#`"));
}

#[test]
fn bad_input_is_told_with_what_there_is() {
    assert!(refused("ruby").contains("Heroku's pack of that name is `heroku/ruby`"));
    assert!(refused("rubby").contains("one word names no pack"));
    assert!(refused("").contains("is empty"));
    assert!(refused("https://h.org/a https://h.org/b").contains("one pack a line"));
    assert!(refused("ext::sh -c id").contains("space"));
    assert!(refused("ext::sh").contains("`ext::` is no way to fetch a pack"));
    assert!(refused("s3://bucket/p.tgz").contains("`s3://`"));
    assert!(refused("~/packs/mine").contains("from `/` on"));
    for text in [
        "https://h.org",
        "https://h.org/",
        "https:///a/b",
        "https://user@/a",
        "ssh://-oProxyCommand=x/a",
        "-oProxyCommand=x:a/b",
        "git@-oProxyCommand=x:a",
        "file://elsewhere/srv/pack",
        "h.org:",
        "host:-x/y",
        "ruby:2",
        "a b/c",
        "ä/ö",
        "-a/b",
        "a/b/c",
        "urn:buildpack:nodejs",
        "#v1",
    ] {
        assert!(refused(text).contains("https://host/owner/repo"), "{text}");
    }
}

#[test]
fn credentials_are_in_no_word_about_a_pack() {
    for text in [
        "https://user:s3cret@github.com/a/b#v1",
        "https://s3cret@h.org/a/b",
        "https://h.org/p.tgz?token=s3cret",
        "ssh://git:s3cret@h.org/a",
        "HTTPS://user:s3@cret@h.org/a",
    ] {
        let reference = read(text);
        for said in [
            reference.shown(),
            reference.written().to_owned(),
            reference.word(),
            format!("{reference:?}"),
            without_credentials(text),
        ] {
            assert!(!said.contains("cret"), "{text}: {said}");
        }
    }
    assert!(!refused("https://user:s3cret@h.org").contains("s3cret"));
    assert!(!refused("x3://user:s3cret@h.org/a").contains("s3cret"));
}

#[test]
fn names_for_people_and_for_folders() {
    for (text, shown, word) in [
        ("https://github.com/Heroku/a.git#v1", "Heroku/a#v1", "a"),
        ("https://u:p@github.com/o/r", "o/r", "r"),
        ("git@github.com:o/r.git#main", "o/r#main", "r"),
        ("ssh://git@github.com/o/r", "o/r", "r"),
        ("https://h.org/o/r.git", "https://h.org/o/r.git", "r"),
        ("git@h.org:r.git", "git@h.org:r.git", "r"),
        ("https://h.org/p.tgz?t=1", "https://h.org/p.tgz?…", "p"),
        ("heroku/nodejs", "heroku/nodejs", "heroku-buildpack-nodejs"),
        (
            "urn:buildpack:a/b",
            "urn:buildpack:a/b",
            "heroku-buildpack-b",
        ),
        ("./packs/mine/", "./packs/mine/", "mine"),
        ("./pä-ck", "./pä-ck", "p--ck"),
        ("..", "..", "pack"),
    ] {
        let reference = read(text);
        assert_eq!(reference.shown(), shown, "{text}");
        assert_eq!(reference.word(), word, "{text}");
    }
}

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
        let known = read(text).native();
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

fn lock(text: &str) -> Result<Lock, String> {
    let source = Arc::new(Source {
        path: lock::FILE.into(),
        text: text.to_owned(),
    });
    Lock::parse(&source)
        .map_err(|problem| format!("{} {}", problem.labels[0].span, problem.labels[0].text))
}

fn locked(wanted: &str, was: Identity) -> LockedPack {
    let wanted = wanted.to_owned();
    LockedPack { wanted, was }
}

#[test]
fn a_lock_reads_what_it_wrote() {
    let all = Lock {
        packs: vec![
            locked("https://h.org/a\"b#v1", Identity::Git("0a".repeat(20))),
            locked("./mine", Identity::Content("1b".repeat(32))),
            locked("https://h.org/p.tgz", Identity::Sha256("2c".repeat(32))),
            locked("elixir", Identity::Native(NativeName::Elixir)),
        ],
    };
    assert_eq!(lock(&all.text()), Ok(all.clone()));
    insta::assert_snapshot!(all.text());
    assert_eq!(lock("version = 1"), Ok(Lock::default()));
}

#[test]
fn a_lock_that_lies_is_refused_with_its_place() {
    let entry = |fields: &str| {
        lock(&format!(
            "version = 1\n[[pack]]\nwanted = \"a\"\n{fields}\n"
        ))
    };
    for fields in [
        "",
        "git = \"main\"",
        "git = \"0A0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a\"",
        "native = \"ruby\"",
        "sha256 = \"12\"",
        "native = \"elixir\"\nsha256 = \"12\"",
    ] {
        let said = entry(fields).unwrap_err();
        assert!(said.starts_with("buildpacks.lock:2:1"), "{said}");
    }
    assert!(entry("commit = 1").unwrap_err().contains("commit"));
    assert!(
        lock("version = 2")
            .unwrap_err()
            .starts_with("buildpacks.lock:1:11")
    );
    assert!(lock("").is_err());
    assert!(lock("version").is_err());
}

#[test]
fn drift_is_told_pack_by_pack() {
    let is = Identity::Native(NativeName::Elixir);
    let git = Identity::Git("0a".repeat(20));
    let all = Lock {
        packs: vec![locked("elixir", is), locked("b/b", git.clone())],
    };
    let check = |text: &'static str, native: bool| {
        let mut case = Case::new(&[(".buildpacks", text)]);
        case.native = native;
        let problem = all.check(&case.wanted()).err()?;
        assert_eq!(problem.code.0, "packs-locked");
        let labels = problem
            .labels
            .iter()
            .map(|label| format!("{} {}", label.span, label.text));
        Some(
            labels
                .chain(problem.notes.clone())
                .collect::<Vec<_>>()
                .join("; "),
        )
    };
    assert_eq!(check("elixir\nb/b\n", true), None);
    let said = check("elixir\nc/c\n", true).unwrap();
    assert_eq!(
        said,
        ".buildpacks:2:1 is not in the lock; `b/b` is in the lock, and nobody asks for it"
    );
    assert_eq!(
        check("b/b\nelixir\n", true).unwrap(),
        "they stand in another order"
    );
    let hashnuke = "https://github.com/hashnuke/heroku-buildpack-elixir";
    let native = Lock {
        packs: vec![locked(hashnuke, Identity::Native(NativeName::Elixir))],
    };
    let script = Lock {
        packs: vec![locked(hashnuke, git)],
    };
    let mut case = Case::new(&[]).flag(hashnuke);
    assert!(native.check(&case.wanted()).is_ok());
    assert!(script.check(&case.wanted()).is_err());
    case.native = false;
    assert!(native.check(&case.wanted()).is_err());
    assert!(script.check(&case.wanted()).is_ok());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_no_word_holds_the_password(
        text in "(\\PC|[:/@#?.~%-]|git|https://|ssh://|urn:buildpack:|\\.tgz){0,12}"
    ) {
        if let Ok(reference) = PackReference::parse(&text) {
            let word = reference.word();
            prop_assert!(!word.is_empty() && !word.contains('/') && !word.starts_with('.'));
            prop_assert_eq!(PackReference::parse(reference.written()).map(|it| it.written().to_owned()), Ok(reference.written().to_owned()));
            if let Place::Git(url) = &reference.place {
                let scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
                let helper = url.split_once("::").is_some_and(|(name, _)| name.chars().all(scheme));
                prop_assert!(!url.starts_with('-') && !helper, "{}", url);
            }
        }
    }

    #[test]
    fn the_password_of_any_address_is_hidden(
        scheme in "https?|ssh|git", user in "[a-z]{1,5}", host in "[a-z]{1,8}\\.org", path in "[a-z]{1,5}/[a-z]{1,5}(\\.git|\\.tgz)?"
    ) {
        let text = format!("{scheme}://{user}:PASSWORD@{host}/{path}#v1");
        let reference = PackReference::parse(&text);
        let reference = reference.unwrap();
        for said in [reference.shown(), reference.written().to_owned(), reference.word(), format!("{reference:?}")] {
            prop_assert!(!said.contains("PASSWORD"), "{}", said);
        }
    }

    #[test]
    fn no_lock_makes_it_panic(text in "(version = 1\n|\\[\\[pack\\]\\]\n|wanted = \"a\"\n|git = \"\"\n|\\PC|\n){0,8}") {
        let _ = lock(&text);
    }
}
