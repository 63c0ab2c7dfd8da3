use std::fmt::Write as _;
use std::path::PathBuf;

use buildpack_core::pack::{Part, PartKind};
use buildpack_core::plan::{Phase, Step};

use super::*;

/// An app with packages, of which each is a name, what it depends on, and a source.
struct Desk {
    tree: tempfile::TempDir,
    plan: PackPlan,
    tools: BTreeMap<String, PathBuf>,
    vars: Vars,
}

struct Vars(Vec<(&'static str, &'static str)>);

impl Shared for Vars {
    fn restore(&self, _: PartKind, _: &str, _: Vec<Part>) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn config_vars(&self, count: &dyn Fn(&str) -> bool) -> io::Result<Option<String>> {
        let counting: Vec<String> = (self.0.iter())
            .filter(|(name, _)| count(name))
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        Ok((!counting.is_empty()).then(|| counting.join(" ")))
    }
}

/// What is done to the app, and the packages whose keys are others then.
type Change = (fn(&mut Desk), &'static [&'static str]);

/// `web` needs `core`, and `json` where it is there; `core` stands alone, and nobody needs `other`.
const PACKAGES: [(&str, &str, &str); 4] = [
    ("core", "", "def one, do: System.get_env(\"ONE\")"),
    ("json", "", ""),
    ("other", "", "def all, do: Application.get_env(:other, :x)"),
    (
        "web",
        "{:core, \"~> 1.0\", [hex: :core, repo: \"hexpm\", optional: false]}, \
         {:json, \"~> 1.0\", [hex: :json, repo: \"hexpm\", optional: true]}",
        "",
    ),
];

impl Desk {
    fn new() -> Self {
        let desk = Self {
            tree: tempfile::tempdir().unwrap(),
            plan: PackPlan {
                build_env: BTreeMap::from([("MIX_ENV".to_owned(), "prod".to_owned())]),
                ..PackPlan::empty("/app")
            },
            tools: BTreeMap::new(),
            vars: Vars(Vec::new()),
        };
        desk.projects("{:web, \"~> 1.0\"}, {:other, \"~> 1.0\"}");
        let mut lock = "%{\n".to_owned();
        for (name, requires, source) in PACKAGES {
            let digest = Digest::of(name.as_bytes()).hex();
            let _ = writeln!(
                lock,
                "\"{name}\": {{:hex, :{name}, \"1.0.0\", \"aa\", [:mix], [{requires}], \"hexpm\", \"{digest}\"}},"
            );
            desk.write(&format!("deps/{name}/.hex"), &format!("<{digest}>"));
            desk.write(&format!("deps/{name}/lib/{name}.ex"), source);
        }
        desk.write("mix.lock", &format!("{lock}}}\n"));
        desk.write("config/config.exs", "import Config\nconfig :hello, a: 1\n");
        desk
    }

    fn projects(&self, deps: &str) {
        let text = format!(
            "defmodule Hello.MixProject do\n  use Mix.Project\n  def project, do: [app: :hello, deps: [{deps}]]\nend\n"
        );
        self.write("mix.exs", &text);
    }

    fn write(&self, path: &str, text: &str) {
        testdata::tree::write(self.tree.path(), path, text);
    }

    fn key(&self, name: &str) -> Result<CacheKey, String> {
        let host = Host {
            tree: self.tree.path(),
            tools: &self.tools,
            earlier: None,
            shared: None,
        };
        let locked = Locked::read(self.tree.path(), "prod").unwrap();
        let mut keys = Keys::new(&self.plan, &host, &self.vars, &locked).unwrap();
        keys.of(name).unwrap()
    }

    /// The packages whose keys differ from those of `before`.
    fn changed(&self, before: &Desk) -> Vec<&'static str> {
        let names = PACKAGES.iter().map(|(name, ..)| *name);
        names
            .filter(|name| self.key(name).unwrap() != before.key(name).unwrap())
            .collect()
    }
}

#[test]
fn a_key_is_made_of_what_may_go_into_the_package_and_of_nothing_else() {
    let changes: [Change; 14] = [
        (|_| {}, &[]),
        (|desk| desk.write("lib/hello.ex", "defmodule Hello"), &[]),
        (
            |desk| desk.write("config/config.exs", "import Config\nconfig :hello, a: 2\n"),
            &[],
        ),
        (
            |desk| desk.write("config/config.exs", "import Config\nconfig :core, a: 2\n"),
            &["core", "web"],
        ),
        (
            |desk| desk.write("config/config.exs", "import Config\nconfig :web, a: 2\n"),
            &["web"],
        ),
        (|desk| desk.vars = Vars(vec![("TWO", "2")]), &[]),
        (
            |desk| desk.vars = Vars(vec![("ONE", "1")]),
            &["core", "web"],
        ),
        (
            |desk| desk.vars = Vars(vec![("ERL_COMPILER_OPTIONS", "x")]),
            &["core", "json", "other", "web"],
        ),
        (|desk| desk.vars = Vars(vec![("MIX_ENV", "prod")]), &[]),
        (
            |desk| {
                let lock = desk.tree.path().join("mix.lock");
                let text = fs_err::read_to_string(lock).unwrap();
                let digest = Digest::of(b"json").hex();
                let newer = Digest::of(b"newer").hex();
                desk.write("mix.lock", &text.replace(&digest, &newer));
                desk.write("deps/json/.hex", &newer);
            },
            &["json", "web"],
        ),
        (
            |desk| {
                desk.projects(
                    "{:web, \"~> 1.1\", only: :prod}, {:other, \"~> 1.0\", runtime: false}",
                );
            },
            &[],
        ),
        (
            |desk| {
                desk.projects(
                    "{:web, \"~> 1.0\", system_env: [{\"A\", \"1\"}]}, {:other, \"~> 1.0\"}",
                );
            },
            &["web"],
        ),
        (
            |desk| desk.plan.app_dir = "/srv".to_owned(),
            &["core", "json", "other", "web"],
        ),
        (
            |desk| {
                let script = "sed -i s/a/b/ deps/core/mix.exs".to_owned();
                let hook = Step::new("hook", Phase::Compile, "", Run::Bash { script });
                desk.plan.steps.push(hook);
            },
            &["core", "json", "other", "web"],
        ),
    ];
    for (number, (change, expected)) in changes.into_iter().enumerate() {
        let mut desk = Desk::new();
        change(&mut desk);
        assert_eq!(desk.changed(&Desk::new()), expected, "{number}");
    }
}

#[test]
fn values_of_config_vars_that_any_package_may_read_belong_to_its_key() {
    let mut desk = Desk::new();
    desk.write("deps/core/lib/core.ex", "System.get_env(name)");
    let before = desk.key("web").unwrap();
    desk.vars = Vars(vec![("TWO", "2")]);
    assert_ne!(desk.key("web").unwrap(), before);
    desk.write("deps/core/Makefile", "all:");
    let host = Host {
        tree: desk.tree.path(),
        tools: &desk.tools,
        earlier: None,
        shared: None,
    };
    let locked = Locked::read(desk.tree.path(), "prod").unwrap();
    let mut keys = Keys::new(&desk.plan, &host, &desk.vars, &locked).unwrap();
    keys.of("web").unwrap().unwrap();
    assert!(keys.is_native("web") && keys.is_native("core") && !keys.is_native("json"));
    let configured: Vec<String> = keys.may_configure("web").into_iter().collect();
    assert_eq!(configured, ["core", "json", "web"]);
}

#[test]
fn what_depends_on_more_than_packages_of_hex_has_no_key() {
    // A fork by path, which the lock does not know.
    let desk = Desk::new();
    let lock = desk.tree.path().join("mix.lock");
    let text = fs_err::read_to_string(lock).unwrap();
    let rest: Vec<&str> = (text.lines())
        .filter(|line| !line.starts_with("\"core\""))
        .collect();
    desk.write("mix.lock", &rest.join("\n"));
    assert_eq!(
        desk.key("web").unwrap_err(),
        "it depends on core, which is no package of Hex"
    );
    // An optional one counts where the app brings it from elsewhere, and only there.
    let desk = Desk::new();
    fs_err::remove_dir_all(desk.tree.path().join("deps/json")).unwrap();
    assert!(desk.key("web").is_ok());
    desk.projects("{:web, \"~> 1.0\"}, {:json, path: \"../json\"}");
    assert!(desk.key("web").is_err());
    let desk = Desk::new();
    desk.write("deps/core/mix.exs", "System.get_env(\"SOURCE_VERSION\")");
    assert!(desk.key("core").is_err());
    assert_eq!(
        desk.key("web").unwrap_err(),
        "it depends on core, which cannot be shared"
    );
}

#[test]
fn where_only_elixir_could_tell_what_is_asked_for_all_of_it_belongs_to_the_key() {
    let mut desk = Desk::new();
    desk.projects("{:web, \"~> 1.0\", options()}, {:other, \"~> 1.0\"}");
    let before = desk.key("other").unwrap();
    desk.projects("{:web, \"~> 1.1\", options()}, {:other, \"~> 1.0\"}");
    let then = desk.key("other").unwrap();
    assert_ne!(before, then);
    desk.vars = Vars(vec![("TWO", "2")]);
    assert_ne!(desk.key("other").unwrap(), then);
}

#[test]
fn an_app_that_keeps_things_elsewhere_shares_nothing() {
    let desk = Desk::new();
    assert!(Locked::read(desk.tree.path(), "prod").is_some());
    assert!(Locked::read(desk.tree.path(), "../prod").is_none());
    let text = "defmodule A do\n def project, do: [app: :a, deps_path: \"vendor\", deps: []]\nend";
    desk.write("mix.exs", text);
    assert!(Locked::read(desk.tree.path(), "prod").is_none());
}
