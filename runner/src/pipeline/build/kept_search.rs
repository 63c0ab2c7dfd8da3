//! What a build leaves on the machine besides layers, searched for secrets: the tree, caches, the image's config, the record.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use buildpack_core::diagnostic::{Class, Diagnostic};
use buildpack_core::layer::{FileSearch, Finding, Normalise};
use buildpack_core::pack::{Buildpack as _, Built};
use serde::{Deserialize, Serialize};

use super::super::caches::Caches;
use super::super::failure::{Failure, disk};
use super::super::layers::none;
use super::super::record::BuildRecord;
use super::super::scripts::cache_dir;
use super::super::secrets::SecretGuard;
use super::super::tree::{Tree, remove};
use super::Build;

/// The clocks of file systems may be this much behind, in nanoseconds.
const TICK: i128 = 2_000_000_000;

/// For which secrets a tree was searched, and when that began.
#[derive(Serialize, Deserialize)]
struct Searched {
    identity: String,
    began: i128,
}

/// Keeps what package managers downloaded, unless secrets are in it. What a step that failed left is kept by no one.
pub(super) fn keep_caches(
    caches: Caches<'_>,
    guard: &SecretGuard,
    succeeded: bool,
) -> Result<(), Failure> {
    if succeeded && !guard.gate.is_open() {
        let mut search = FileSearch::new(&guard.gate, &[]);
        for (folder, place) in caches.used() {
            search
                .folder(folder, place, &|_| true)
                .map_err(|error| disk("search packages for secrets", &error))?;
        }
        kept_nothing(&search.findings())?;
    }
    caches.take_in()
}

impl Build<'_> {
    /// Searches what stays in the tree and is in no layer, and what scripts keep. Files that did not change since they were
    /// searched for the same secrets are not read again.
    pub(super) fn search_left_out(&self, tree: &Tree, left_out: &[PathBuf]) -> Result<(), Failure> {
        if self.guard.gate.is_open() {
            return Ok(());
        }
        let failed = |error: io::Error| disk("search the build tree for secrets", &error);
        let memory = self.kept.join("searched.json");
        let before: Option<Searched> = fs_err::read(&memory)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .filter(|before: &Searched| before.identity == self.guard.identity());
        let began = nanoseconds(SystemTime::now());
        let is_new = |found: &std::fs::Metadata| {
            let changed =
                i128::from(found.ctime()) * 1_000_000_000 + i128::from(found.ctime_nsec());
            before
                .as_ref()
                .is_none_or(|before| changed + TICK >= before.began)
        };
        let plan = &self.prepared.plan;
        let normalisers = self
            .prepared
            .pack
            .normalisers(&self.content, &Built::default());
        let normalisers: Vec<&dyn Normalise> = normalisers.iter().map(|n| &**n).collect();
        let mut search = FileSearch::new(&self.guard.gate, &normalisers);
        for below in left_out {
            let path = tree.app().join(below);
            let found = path.symlink_metadata().map_err(failed)?;
            if is_new(&found) {
                search
                    .on_disk(&path, &found, &plan.app_dir, below)
                    .map_err(failed)?;
            }
        }
        if let Some(scripts) = &plan.scripts {
            let folder = cache_dir(self.request, scripts, &self.kept);
            search
                .folder(&folder, &scripts.cache_dir, &is_new)
                .map_err(failed)?;
        }
        kept_nothing(&search.findings())?;
        let searched = Searched {
            identity: self.guard.identity().to_owned(),
            began,
        };
        let searched = serde_json::to_vec(&searched).map_err(io::Error::from);
        searched
            .and_then(|bytes| fs_err::write(&memory, bytes))
            .map_err(failed)
    }

    /// What came of it; where secrets were found, nothing is left of the build that holds them.
    pub(super) fn nothing_kept_of_secrets<T>(
        &self,
        done: Result<T, Failure>,
        tree: &mut Tree,
    ) -> Result<T, Failure> {
        let is_secret = |failure: &Failure| {
            let mut codes = failure.diagnostics.iter().map(|problem| problem.code.0);
            codes.any(|code| matches!(code, "secret-in-image" | "secret-in-cache"))
        };
        if let Err(failure) = &done
            && is_secret(failure)
        {
            let plan = &self.prepared.plan;
            let failed = |error: io::Error| disk("empty the build tree", &error);
            tree.wipe(&self.source, &plan.kept).map_err(failed)?;
            if let Some(scripts) = &plan.scripts {
                let folder = cache_dir(self.request, scripts, &self.kept);
                remove(&folder).map_err(failed)?;
            }
        }
        done
    }

    /// Searches an image that an earlier build made, unless that was done for just the secrets of now.
    pub(super) fn search_unchanged(&self, record: &BuildRecord) -> Result<(), Failure> {
        let tools = &self.prepared.plan.tools;
        let of_tools: Vec<&str> = (tools.iter())
            .filter(|tool| self.stands_alone(tool))
            .map(|tool| tool.purpose.title())
            .collect();
        let layerer = self.layerer();
        let mut found = Vec::new();
        for layer in &record.layers {
            if !of_tools.contains(&layer.purpose.as_str()) {
                found.extend(layerer.search_again(layer, &Built::default())?);
            }
        }
        none(found)?;
        self.search_record(record)
    }

    /// Searches what is said of an image: its config, its manifest, and the record of the build.
    pub(super) fn search_record(&self, record: &BuildRecord) -> Result<(), Failure> {
        if self.guard.gate.is_open() {
            return Ok(());
        }
        let mut search = FileSearch::new(&self.guard.gate, &[]);
        let config: serde_json::Value =
            serde_json::from_slice(&record.image.config).unwrap_or_default();
        let labels = config["config"]["Labels"].as_object();
        for (name, value) in labels.into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            search.bytes(&format!("label {name}"), value.as_bytes());
        }
        none(search.findings())?;
        let mut search = FileSearch::new(&self.guard.gate, &[]);
        search.bytes("the image's config", &record.image.config);
        search.bytes("the image's manifest", &record.image.manifest);
        let record = serde_json::to_vec(record).unwrap_or_default();
        search.bytes("the build's record", &record);
        none(search.findings())
    }
}

fn nanoseconds(time: SystemTime) -> i128 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i128::try_from(since.as_nanos()).unwrap_or(0)
}

/// An error where something was found in what would be kept for later builds.
fn kept_nothing(findings: &[Finding]) -> Result<(), Failure> {
    let Some((first, rest)) = findings.split_first() else {
        return Ok(());
    };
    let more = match rest.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!("{first}{more} would be kept for the next build");
    let problem = Diagnostic::error("secret-in-cache", Class::Build, message)
        .help("let the step that wrote it remove it, or write it elsewhere: what lies outside of the app's folder is not kept");
    let noted = rest.iter().take(20);
    let problem = noted.fold(problem, |problem, finding| {
        problem.note(finding.to_string())
    });
    Err(Failure::of(problem))
}
