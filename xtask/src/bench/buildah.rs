//! The peer: the same app by a Dockerfile, with buildah and its layer cache.

use std::path::Path;
use std::process::Command;

use fs_err as fs;

use super::measure::output;
use super::shared::Bench;
use crate::debian;
use crate::world::Failure;

const DOCKERFILE: &str = include_str!("Dockerfile");

/// Buildah with a storage of its own.
pub(super) struct Buildah<'a> {
    bench: &'a Bench<'a>,
    driver: &'static str,
    /// Its storage, below the bench's folder.
    root: String,
}

impl<'a> Buildah<'a> {
    /// Builds the app once, which fills the cache. Where overlays can't be mounted, layers are copies.
    pub(super) fn warm(bench: &'a Bench<'a>, app: &Path) -> Result<Self, Failure> {
        debian::need(&[("buildah", "buildah")])?;
        fs::write(bench.path("Dockerfile"), DOCKERFILE)?;
        let overlay = Self {
            bench,
            driver: "overlay",
            root: "buildah".to_owned(),
        };
        let mut first = overlay.build(app);
        match output(&mut first) {
            Ok(_) => Ok(overlay),
            Err(cause) => {
                eprintln!("bench: buildah without overlays: {cause}");
                let copies = Self {
                    bench,
                    driver: "vfs",
                    root: "buildah".to_owned(),
                };
                output(&mut copies.build(app)).map(|_| copies)
            }
        }
    }

    /// The same with nothing kept yet, once for each `number`.
    pub(super) fn empty(&self, number: usize) -> Self {
        Self {
            root: format!("buildah-{number}"),
            ..*self
        }
    }

    /// A build with all layers that are kept.
    pub(super) fn build(&self, app: &Path) -> Command {
        let bench = self.bench;
        let registry = bench.setting("BP_REGISTRY_MIRROR");
        let registry = registry.split_once("http://").map_or("", |(_, host)| host);
        let mut command = Command::new("buildah");
        command
            .arg("--root")
            .arg(bench.path(&self.root))
            .arg("--runroot")
            .arg(bench.path(&format!("{}-run", self.root)))
            .args(["--storage-driver", self.driver, "bud", "--layers"])
            .args(["--isolation", "chroot", "--network", "host"])
            .args(["--tls-verify=false", "--tag", "hello"])
            .args(["--build-arg", &format!("REGISTRY={registry}")])
            .args([
                "--build-arg",
                &format!("BUILDS={}", bench.setting("BP_HEX_BUILDS_URL")),
            ])
            .args([
                "--build-arg",
                &format!("REPO={}", bench.setting("BP_HEX_REPO_URL")),
            ])
            .arg("--file")
            .arg(bench.path("Dockerfile"))
            .arg(app);
        command
    }
}
