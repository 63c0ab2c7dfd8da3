use buildpack_core::event::Recorder;
use buildpack_core::pack::CheckedFile;
use stacks::{Arch, Target};

use super::*;

/// Two apps on one store, and what a build of one of them is asked for.
struct Desk {
    folder: tempfile::TempDir,
    request: Request,
}

impl Desk {
    fn new(vars: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let vars = vars
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()));
        let target = Target::new(stacks::find("heroku-24").unwrap(), Arch::Amd64).unwrap();
        let request = Request {
            name: "app".to_owned(),
            config_vars: ConfigVars(vars.collect()),
            ..Request::new(folder.path().join("app"), target)
        };
        Self { folder, request }
    }

    /// A build in the tree of this name, in which `compile` writes `content`: what stood before, and what was said.
    fn build(&self, tree: &str, key: &CacheKey, takes: bool, content: &str) -> (bool, Vec<String>) {
        let store = Store::open(self.folder.path().join("store")).unwrap();
        let events = Recorder::default();
        let tree = self.folder.path().join(tree);
        fs_err::create_dir_all(tree.join("deps/plug")).unwrap();
        let shared = SharedParts {
            shares: true,
            store: &store,
            events: &events,
            tree: &tree,
            app_dir: "/app",
            request: &self.request,
            build_image: None,
            gate: SecretGate::new(self.request.config_vars.secrets(&[])),
            normalisers: Vec::new(),
            takes,
            expected: RefCell::default(),
        };
        let part = Part {
            name: "plug".to_owned(),
            key: Ok(key.clone()),
            narrow: Some(key.clone().part("words", desk_words(content))),
            native: false,
            place: "_build/plug".to_owned(),
            made_of: Some("deps/plug".to_owned()),
            check: Box::new(|_, content| {
                if content == b"unfit" {
                    return Err("it is unfit".to_owned());
                }
                let narrow = content.starts_with(b"narrow");
                Ok(CheckedFile { content, narrow })
            }),
        };
        let stands = shared
            .restore(PartKind::Compiled, "compile", vec![part])
            .unwrap();
        if stands.is_empty() {
            fs_err::create_dir_all(tree.join("_build/plug")).unwrap();
            fs_err::write(tree.join("_build/plug/code"), content).unwrap();
            shared.succeeded("fetch");
            shared.succeeded("compile");
        }
        let said = events.events().into_iter().filter_map(|event| match event {
            Event::Cache { what, reason, .. } => {
                Some(format!("{what}: {}", reason.unwrap_or_default()))
            }
            Event::Heading { text } => Some(text),
            _ => None,
        });
        (!stands.is_empty(), said.collect())
    }

    fn code(&self, tree: &str) -> String {
        fs_err::read_to_string(self.folder.path().join(tree).join("_build/plug/code")).unwrap()
    }
}

/// The words of an app that makes this.
fn desk_words(content: &str) -> &str {
    content.strip_prefix("narrow ").unwrap_or_default()
}

fn key(version: &str) -> CacheKey {
    CacheKey::new("compiled package").part("version", version)
}

#[test]
fn what_one_build_made_another_takes_over() {
    let desk = Desk::new(&[]);
    assert!(!desk.build("one", &key("1"), true, "code").0);
    let (stood, said) = desk.build("two", &key("1"), true, "never");
    assert!(stood);
    assert_eq!(
        said,
        ["compiled plug: ", "Reusing 1 of 1 compiled packages"]
    );
    assert_eq!(desk.code("two"), "code");
    let (stood, said) = desk.build("three", &key("2"), true, "newer");
    assert!(!stood);
    assert_eq!(said, ["compiled plug: version changed from `1` to `2`"]);
    // Both are kept, and where nothing is to be used, what is made stays out of the way of what is kept.
    assert!(!desk.build("four", &key("1"), false, "clean").0);
    assert!(desk.build("five", &key("1"), true, "never").0);
    assert_eq!(desk.code("five"), "code");
}

#[test]
fn what_must_not_be_kept_is_not() {
    let desk = Desk::new(&[("SECRET_KEY_BASE", "hunter2hunter2")]);
    for (content, why) in [
        ("unfit", "it is unfit"),
        ("x hunter2hunter2", "it holds the value of a config var"),
    ] {
        let (stood, said) = desk.build("one", &key("1"), true, content);
        assert!(!stood);
        let last = format!("compiled plug: and not kept for other builds: {why}");
        assert_eq!(said.last(), Some(&last));
    }
    assert!(!desk.build("two", &key("1"), true, "code").0);
    assert!(desk.build("three", &key("1"), true, "never").0);
}

#[test]
fn what_follows_from_more_is_taken_over_only_where_that_is_the_same() {
    let desk = Desk::new(&[]);
    assert!(!desk.build("one", &key("1"), true, "narrow 1").0);
    assert!(!desk.build("two", &key("1"), true, "narrow 2").0);
    assert!(desk.build("three", &key("1"), true, "narrow 1").0);
    assert_eq!(desk.code("three"), "narrow 1");
    assert!(desk.build("four", &key("1"), true, "narrow 2").0);
    assert_eq!(desk.code("four"), "narrow 2");
}

#[test]
fn vars_are_known_by_a_hash_of_those_that_count() {
    let place = Desk::new(&[]);
    let store = Store::open(place.folder.path().join("store")).unwrap();
    let events = Recorder::default();
    let hash = |vars: &[(&str, &str)], counts: &str| {
        let desk = Desk::new(vars);
        let shared = SharedParts {
            shares: true,
            store: &store,
            events: &events,
            tree: Path::new("/nowhere"),
            app_dir: "/app",
            request: &desk.request,
            build_image: None,
            gate: SecretGate::new([("", "")]),
            normalisers: Vec::new(),
            takes: true,
            expected: RefCell::default(),
        };
        shared.config_vars(&|name| name == counts).unwrap()
    };
    assert_eq!(hash(&[("A", "1")], "B"), None);
    let one = hash(&[("A", "a value"), ("B", "2")], "A");
    assert!(one.is_some() && one != Some("a value".to_owned()));
    assert_eq!(hash(&[("A", "a value"), ("B", "3")], "A"), one);
    assert_ne!(hash(&[("A", "another"), ("B", "2")], "A"), one);
}
