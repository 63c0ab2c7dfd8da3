//! Apps on an image in herokuish's form, deployed as Dokku deploys them: `dokku.sh` has its calls.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use testdata::workspace::{Ran, Workspace, run};

use crate::judges::installed;
use crate::{is_root, page, workspace};

/// The image's name, as `bp herokuish image` gives it.
const BASE: &str = "localhost/herokuish:heroku-24";

/// A container engine of the test's own, gone with its folder.
struct Engine<'w> {
    place: &'w Workspace,
    podman: String,
    build_options: Vec<String>,
}

impl<'w> Engine<'w> {
    /// An engine that has the image; none where there can be none.
    fn new(place: &'w Workspace) -> Option<Self> {
        if !installed("podman") {
            return None;
        }
        if !is_root() {
            println!("skipped: podman as an ordinary user needs subordinate ids");
            return None;
        }
        let folder = place.path().join("podman");
        let of = |driver: &str| {
            let (root, run) = (folder.join("root"), folder.join("run"));
            format!(
                "podman --root {} --runroot {} --runtime runc --storage-driver {driver}",
                root.display(),
                run.display()
            )
        };
        // An overlay on an overlay is refused on some machines; copies work on all.
        let works = |podman: &String| {
            let mut words = podman.split(' ');
            let info = Command::new(words.next().unwrap())
                .args(words)
                .arg("info")
                .output();
            info.is_ok_and(|info| info.status.success())
        };
        let podman = [of("overlay"), of("vfs")].into_iter().find(works)?;
        let engine = Self {
            place,
            podman,
            build_options: upstreams(),
        };
        place
            .bp(&[
                "herokuish",
                "image",
                "heroku-24",
                "docker-archive:herokuish.tar",
            ])
            .ok()
            .says("Wrote docker-archive:herokuish.tar");
        engine
            .podman(&["load", "--quiet", "--input", "herokuish.tar"])
            .ok();
        Some(engine)
    }

    fn podman(&self, words: &[&str]) -> Ran {
        let mut engine = self.podman.split(' ');
        let mut command = Command::new(engine.next().unwrap());
        run(command
            .args(engine)
            .args(words)
            .current_dir(self.place.path()))
    }

    /// A call of `dokku.sh`.
    fn dokku(&self, words: &[&str]) -> Ran {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bp/dokku.sh");
        let mut command = Command::new(script);
        command
            .args(words)
            .env("PODMAN", &self.podman)
            .env("BUILD_OPTIONS", self.build_options.join(" "));
        run(&mut command)
    }

    fn deploy(&self, name: &str, source: &Path, vars: &Path) -> Ran {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        self.dokku(&["deploy", name, &text(source), &text(vars), BASE])
    }

    /// The page of a started web process, and what the process said until then.
    fn web(&self, name: &str, path: &str) -> (String, Ran) {
        let port = page::free_port();
        self.dokku(&["web", name, &port.to_string()]).ok();
        let until = Instant::now() + Duration::from_mins(1);
        let answer = page::get(port, path, until);
        let logs = self.dokku(&["logs", name]);
        let answer = answer.unwrap_or_else(|error| panic!("{error}: {}", logs.text));
        (answer, logs)
    }
}

/// What tells a build where the world's hosts are.
fn upstreams() -> Vec<String> {
    let mut options = Vec::new();
    for name in [
        "BP_HEX_BUILDS_URL",
        "BP_HEX_REPO_URL",
        "BP_HEX_UNSAFE_REGISTRY",
        "BP_NODE_DIST_URL",
    ] {
        options.extend([
            "--env".to_owned(),
            format!("{name}={}", std::env::var(name).unwrap()),
        ]);
    }
    let key = PathBuf::from(std::env::var("BP_HEX_BUILDS_KEY").unwrap());
    let (folder, file) = (key.parent().unwrap(), key.file_name().unwrap());
    options.extend([
        "--env".to_owned(),
        format!("BP_HEX_BUILDS_KEY=/key/{}", file.to_string_lossy()),
        "--volume".to_owned(),
        format!("{}:/key:ro", folder.display()),
    ]);
    options
}

/// A folder with a file for each config var.
fn config_vars(place: &Workspace, vars: &[(&str, &str)]) -> PathBuf {
    let folder = place.path().join("vars");
    fs_err::create_dir_all(&folder).unwrap();
    for (name, value) in vars {
        fs_err::write(folder.join(name), value).unwrap();
    }
    folder
}

#[test]
fn an_elixir_app_is_deployed_started_and_deployed_again() {
    let Some(place) = workspace() else { return };
    let Some(engine) = Engine::new(&place) else {
        return;
    };
    let app = place.app("hello", "source").unwrap();
    let vars = config_vars(
        &place,
        &[
            ("GREETING", "Ahoy there"),
            ("GIT_REV", "abc123"),
            ("SECRET_KEY_BASE", "one\ntwo hunter2"),
        ],
    );
    engine
        .deploy("hello", &app.path, &vars)
        .ok()
        .says("-----> Elixir app detected")
        .says("       Generated hello app")
        .says("-----> Discovering process types\n")
        .says("       Procfile declares types -> release, web, worker\n")
        .never_says("hunter2");

    let (answer, logs) = engine.web("hello", "/data.json");
    assert!(
        answer.contains("200 OK") && answer.contains("\"Ahoy there\""),
        "{answer}"
    );
    logs.says("Listening")
        .never_says("Compiling")
        .never_says("Generated");

    // By this Dokku knows an image of herokuish, and by that a Cloud Native one.
    let config = engine.podman(&["image", "inspect", "dokku/hello"]).ok();
    config
        .says("\"USER=herokuishuser\"")
        .says("\"User\": \"herokuishuser\"")
        .never_says("io.buildpacks");

    let one_off = |words: &[&str]| engine.dokku(&[&["run", "hello"], words].concat());
    let line = "printf '[%s]' \"$GREETING\" $GLOBAL \"$SECRET_KEY_BASE\" $HOME $(id -un) && elixir --version";
    one_off(&[line])
        .ok()
        .says("[Ahoy there][global][one\ntwo hunter2][/app][herokuishuser]")
        .says("Elixir 1.18.3");
    one_off(&["printf", "[%s]", "a  b", "$HOME"])
        .ok()
        .says("[a  b][$HOME]");
    one_off(&["no-such-program", "x"])
        .exits(127)
        .says("not found");
    // Files of the app, not links out of it.
    one_off(&[
        "find /app -type l -lname '/cache*' | wc -l; ls -A /app/.platform_tools; ls -d /app/.bp",
    ])
    .exits(2)
    .says("0\nelixir\nerlang\n");

    // Another commit that changes one file: what the last build made is in the cache volume.
    engine.dokku(&["destroy-web", "hello"]).ok();
    fs_err::write(vars.join("GIT_REV"), "def456").unwrap();
    let file = fs_err::read_dir(app.path.join("lib/hello"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let text = fs_err::read_to_string(&file).unwrap();
    fs_err::write(&file, format!("{text}\n# changed\n")).unwrap();
    engine
        .deploy("hello", &app.path, &vars)
        .ok()
        .says("Using kept Erlang")
        .says("Compiling 1 file (.ex)")
        .never_says("Fetching app dependencies")
        .never_says("Generated makeup app");
    let (answer, logs) = engine.web("hello", "/data.json");
    assert!(answer.contains("200 OK"), "{answer}");
    logs.never_says("Compiling").never_says("Generated");
    engine.dokku(&["destroy", "hello"]).ok();
}

#[test]
fn packs_of_scripts_run_in_the_container_as_its_user() {
    let Some(place) = workspace() else { return };
    let Some(mut engine) = Engine::new(&place) else {
        return;
    };
    let app = place.app("plain", "source").unwrap();
    for name in [
        "chain_first",
        "chain_second",
        "release_yaml",
        "fails_compile",
    ] {
        place.pack(name).unwrap();
    }
    let packs = place.path().join("packs");
    engine.build_options.extend([
        "--volume".to_owned(),
        format!("{}:/packs:ro", packs.display()),
    ]);
    let vars = config_vars(&place, &[("GREETING", "from the config")]);
    app.write(
        ".buildpacks",
        "# both\n/packs/chain_first\n/packs/chain_second\n",
    )
    .unwrap();
    engine
        .deploy("plain", &app.path, &vars)
        .ok()
        .says("-----> Fetching custom buildpack /packs/chain_first\n")
        .says("-----> Chain, second app detected\n")
        .says("-----> second, after: first\n")
        .says("       Default types for Chain, second -> web, worker\n");
    engine
        .dokku(&[
            "run",
            "plain",
            "cat chain.txt; stat -c %U chain.txt; cat Procfile",
        ])
        .ok()
        .says("first\nsecond\nherokuishuser\nweb: echo web of the second\nworker: cat chain.txt\n");
    // One that the image brings along.
    app.remove(".buildpacks").unwrap();
    let pack = packs.join("release_yaml");
    let along = format!("{}:/tmp/buildpacks/01_buildpack-release:ro", pack.display());
    engine.build_options.extend(["--volume".to_owned(), along]);
    engine
        .deploy("plain", &app.path, &vars)
        .ok()
        .says("-----> Release YAML app detected\n");
    engine
        .dokku(&["run", "plain", "/start web; env | grep WEB_C"])
        .ok()
        .says("web of from the config\nWEB_CONCURRENCY=2\n");
    // A build that fails leaves the image as it was.
    fs_err::write(vars.join("BUILDPACK_URL"), "/packs/fails_compile").unwrap();
    engine
        .deploy("plain", &app.path, &vars)
        .exits(1)
        .says("step-failed")
        .says("App build failed");
    engine.dokku(&["destroy", "plain"]).ok();
}
