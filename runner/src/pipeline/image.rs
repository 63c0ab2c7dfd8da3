//! What the image says about itself and about running it.

use std::collections::BTreeMap;

use buildpack_core::app::{App, Procfile};
use buildpack_core::image::{BaseImage, ImageSettings};
use buildpack_core::pack::Release;
use buildpack_core::plan::PackPlan;

use super::identity::Identity;
use super::request::Request;
use super::toolchains::Installed;
use crate::rootfs::System;

/// Labels of the image; those of OCI are in the image-spec, annotations.md.
pub mod label {
    /// Process types and their commands, a JSON object.
    pub const PROCESSES: &str = "build.bp.processes";
    /// The Procfile as it was.
    pub const PROCFILE: &str = "build.bp.procfile";
    /// The command of the release phase, to be run before a new version takes over.
    pub const RELEASE_COMMAND: &str = "build.bp.release-command";
    /// The scripts of app.json, a JSON object.
    pub const SCRIPTS: &str = "build.bp.app-json-scripts";
    /// The stack's name.
    pub const STACK: &str = "build.bp.stack";
    /// The tools with version and archive digest, a JSON object.
    pub const TOOLS: &str = "build.bp.tools";
    /// Packs of scripts with what they are by content, a JSON object in their order.
    pub const BUILDPACKS: &str = "build.bp.buildpacks";
    /// Distribution and version of the run image: `ubuntu 24.04`.
    pub const SYSTEM: &str = "build.bp.system";
    /// What the app's files need of the run image's libraries, a JSON object.
    pub const LIBRARIES: &str = "build.bp.libraries";
    /// The version of `bp`.
    pub const VERSION: &str = "build.bp.version";
    /// The source's commit.
    pub const REVISION: &str = "org.opencontainers.image.revision";
    /// The run image's name.
    pub const BASE_NAME: &str = "org.opencontainers.image.base.name";
    /// The run image's manifest digest.
    pub const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";
}

/// The app's process types: the Procfile's, and the pack's where the Procfile is silent.
pub(super) fn processes(procfile: &Procfile, release: &Release) -> BTreeMap<String, String> {
    let mut processes = release.processes.clone();
    for (name, command) in &procfile.processes {
        processes.insert(name.clone(), command.value.clone());
    }
    processes
}

/// What an image says of itself is made of these.
pub(super) struct Facts<'a> {
    pub(super) request: &'a Request,
    pub(super) app: &'a App,
    pub(super) plan: &'a PackPlan,
    pub(super) tools: &'a [Installed],
    pub(super) processes: &'a BTreeMap<String, String>,
    pub(super) run_image: &'a BaseImage,
    pub(super) identity: &'a Identity,
    /// What its files have of the run image.
    pub(super) below: &'a System,
}

impl Facts<'_> {
    /// The image's settings.
    pub(super) fn settings(&self) -> ImageSettings {
        let user = self.request.target.stack.user;
        ImageSettings {
            created: self.identity.created,
            architecture: self.request.target.arch.oci().to_owned(),
            labels: self.labels(),
            env: vec![
                ("HOME".to_owned(), self.plan.app_dir.clone()),
                (
                    "STACK".to_owned(),
                    self.request.target.stack.name.to_owned(),
                ),
            ],
            entrypoint: Vec::new(),
            cmd: vec!["/start".to_owned(), "web".to_owned()],
            user: format!("{}:{}", user.uid, user.gid),
            working_dir: self.plan.app_dir.clone(),
            exposed_ports: vec!["5000/tcp".to_owned()],
            stop_signal: None,
        }
    }

    fn labels(&self) -> BTreeMap<String, String> {
        let tools: serde_json::Map<_, _> = (self.plan.tools.iter().zip(self.tools))
            .map(|(tool, installed)| {
                let facts = serde_json::json!({
                    "version": tool.version,
                    "archive": installed.key.get("archive"),
                });
                (tool.id.clone(), facts)
            })
            .collect();
        let scripts: BTreeMap<&str, &str> = (self.app.app_json.scripts.iter())
            .map(|(name, script)| (name.as_str(), script.value.as_str()))
            .collect();
        let stack = self.request.target.stack.name;
        let (base, digest) = (&self.run_image.reference, self.run_image.digest);
        let mut labels = vec![
            (
                label::PROCESSES,
                serde_json::json!(self.processes).to_string(),
            ),
            (label::STACK, stack.to_owned()),
            (label::TOOLS, serde_json::Value::from(tools).to_string()),
            (label::VERSION, env!("CARGO_PKG_VERSION").to_owned()),
            (label::BASE_NAME, base.clone()),
            (label::BASE_DIGEST, digest.to_string()),
        ];
        if let Some(release) = &self.below.release {
            labels.push((label::SYSTEM, release.clone()));
        }
        if !self.below.libraries.is_empty() {
            let libraries = serde_json::json!(self.below.libraries);
            labels.push((label::LIBRARIES, libraries.to_string()));
        }
        if let Some(source) = self.app.source("Procfile") {
            labels.push((label::PROCFILE, source.text.clone()));
        }
        if let Some(scripts) = &self.plan.scripts {
            let packs = scripts.packs.iter();
            let packs: serde_json::Map<_, _> = packs
                .map(|pack| (pack.name.clone(), pack.identity.clone().into()))
                .collect();
            let packs = serde_json::Value::from(packs);
            labels.push((label::BUILDPACKS, packs.to_string()));
        }
        if let Some(command) = self.processes.get("release") {
            labels.push((label::RELEASE_COMMAND, command.clone()));
        }
        if !scripts.is_empty() {
            labels.push((label::SCRIPTS, serde_json::json!(scripts).to_string()));
        }
        if let Some(revision) = &self.identity.revision {
            labels.push((label::REVISION, revision.clone()));
        }
        labels
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}
