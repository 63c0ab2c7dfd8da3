//! Apps on an image in herokuish's form, deployed as Dokku deploys them: `dokku.sh` has its calls.

mod assets;
mod elixir;
mod languages;
mod scripts;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use testdata::workspace::{Ran, Workspace, run};

use crate::judges::installed;
use crate::{is_root, page};

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
        let port = self.start_web(name);
        let answer = self.page(name, port, path);
        (answer, self.dokku(&["logs", name]))
    }

    /// Starts the web process, and gives its port.
    fn start_web(&self, name: &str) -> u16 {
        let port = page::free_port();
        self.dokku(&["web", name, &port.to_string()]).ok();
        port
    }

    /// A page of the web process.
    fn page(&self, name: &str, port: u16, path: &str) -> String {
        let until = Instant::now() + Duration::from_mins(1);
        let answer = page::get(port, path, until);
        answer.unwrap_or_else(|error| panic!("{error}: {}", self.dokku(&["logs", name]).text))
    }

    /// Shows packs of testdata to builds, below `/packs`.
    fn show_packs(&mut self, names: &[&str]) {
        for name in names {
            self.place.pack(name).unwrap();
        }
        let packs = self.place.path().join("packs");
        let shown = format!("{}:/packs:ro", packs.display());
        self.build_options.extend(["--volume".to_owned(), shown]);
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
    options.extend(way_to_the_net());
    options
}

/// What a container needs to reach the net as this machine does: packages of npm and pip come from there.
fn way_to_the_net() -> Vec<String> {
    let mut options = Vec::new();
    for name in ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"] {
        if let Ok(value) = std::env::var(name) {
            options.extend(["--env".to_owned(), format!("{name}={value}")]);
        }
    }
    if let Ok(file) = std::env::var("SSL_CERT_FILE") {
        options.extend([
            "--env".to_owned(),
            "SSL_CERT_FILE=/authorities.pem".to_owned(),
            "--volume".to_owned(),
            format!("{file}:/authorities.pem:ro"),
        ]);
    }
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
