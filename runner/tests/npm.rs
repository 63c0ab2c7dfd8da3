//! npm packages over the network, from registries that behave and registries that don't.

#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use std::time::Duration;

use buildpack_core::event::{Event, EventSink};
use buildpack_core::lists::{NpmPackage, NpmRegistry as _};
use buildpack_core::store::Store;
use buildpack_core::toolchain::TimeLimits;
use runner::http::HttpFetch;
use runner::pipeline::{Npm, Parts, Patience, Services};
use runner::registry::{Registries, RegistrySettings};
use runner::sandbox::{self, Mode};
use testdata::fake::origin::{Answer, Origin};

const PATH: &str = "/npm/@esbuild%2flinux-x64/0.25.0";

/// The SHA-512 of nothing.
const DIGEST: &str =
    "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==";

struct Desk {
    origin: Origin,
    services: Services,
    _folder: tempfile::TempDir,
}

struct Silent;

impl EventSink for Silent {
    fn emit(&self, _: Event) {}
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let origin = Origin::start().unwrap();
        let scratch = folder.path().to_owned();
        let mut services = Services::new(Parts {
            store: Store::open(folder.path().join("cache")).unwrap(),
            fetch: Box::new(HttpFetch::new(None)),
            images: Box::new(Registries::new(RegistrySettings::default())),
            events: Box::new(Silent),
            sandbox: Box::new(move || {
                Ok(sandbox::choose(Mode::Namespace, &scratch, false).unwrap())
            }),
            now: "2026-10-10T12:00:00Z".parse().unwrap(),
        });
        services.upstreams.npm_registry = origin.url("/npm");
        Self {
            origin,
            services,
            _folder: folder,
        }
    }

    fn serve(&self, tarball: &str) {
        let text = format!(
            r#"{{"name": "@esbuild/linux-x64", "version": "0.25.0", "readme": "…",
                "dist": {{"tarball": "{tarball}", "integrity": "sha512-{DIGEST}", "shasum": "08fcf60c"}}}}"#
        );
        self.origin.file(PATH, text.as_bytes());
    }

    /// The package, or the code of what is wrong.
    fn ask(&self) -> Result<NpmPackage, &'static str> {
        let patience = Patience {
            limits: TimeLimits {
                connect: Duration::from_millis(500),
                stall: Duration::from_millis(300),
            },
            whole: Duration::from_millis(1500),
        };
        Npm::new(&self.services, patience)
            .package("@esbuild/linux-x64", "0.25.0")
            .map_err(|error| error.diagnostic().code.0)
    }
}

#[test]
fn a_version_is_asked_for_once_and_for_ever() {
    let mut desk = Desk::new();
    desk.serve("https://registry.npmjs.org/@esbuild/linux-x64/-/linux-x64-0.25.0.tgz");
    let package = desk.ask().unwrap();
    assert_eq!(
        package.tarball,
        desk.origin
            .url("/npm/@esbuild/linux-x64/-/linux-x64-0.25.0.tgz")
    );
    assert!(package.sha512.starts_with("cf83e1357eefb8bd"));
    desk.services.now += jiff::SignedDuration::from_hours(10_000);
    desk.services.offline = true;
    assert_eq!(desk.ask().unwrap(), package);
    assert_eq!(desk.origin.seen().len(), 1);
}

#[test]
fn nothing_kept_and_no_network_is_said() {
    let mut desk = Desk::new();
    desk.services.offline = true;
    assert_eq!(desk.ask(), Err("offline"));
    assert_eq!(desk.origin.seen(), []);
}

#[test]
fn a_registry_that_stumbles_is_asked_again_and_one_that_lacks_it_is_not() {
    let desk = Desk::new();
    desk.serve("http://files.example/x.tgz");
    desk.origin.answers(PATH, [Answer::Status(503)]);
    assert_eq!(desk.ask().unwrap().tarball, "http://files.example/x.tgz");
    assert_eq!(desk.origin.seen().len(), 2);

    let desk = Desk::new();
    assert_eq!(desk.ask(), Err("npm-package-missing"));
    assert_eq!(desk.origin.seen().len(), 1);
}

#[test]
fn what_is_no_package_is_refused_and_not_kept() {
    let desk = Desk::new();
    desk.origin.file(PATH, b"{}");
    assert_eq!(desk.ask(), Err("npm-registry-answer"));
    desk.origin.answers(PATH, [Answer::Page]);
    assert_eq!(desk.ask(), Err("npm-registry-answer"));
    desk.origin.file(PATH, &vec![b' '; 17 << 20]);
    assert_eq!(desk.ask(), Err("npm-registry-answer"));
    desk.serve("http://files.example/x.tgz");
    assert!(desk.ask().is_ok());
}
