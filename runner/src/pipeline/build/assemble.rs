//! From a compiled tree and its tools to layers, and from layers to the image that is kept.

use std::collections::BTreeMap;
use std::path::Path;

use buildpack_core::event::Event;
use buildpack_core::image::{BaseImage, LayerRecord, assemble};
use buildpack_core::layer::Purpose;
use buildpack_core::pack::{Buildpack as _, Built, Release};
use buildpack_core::plan::Tool;

use super::super::earlier_assets::History;
use super::super::failure::Failure;
use super::super::layers::{Beside, Layerer, OfTree};
use super::super::record::{BuildRecord, by_inputs, by_name};
use super::super::toolchains::Installed;
use super::super::tree::Tree;
use super::super::written_procfile::written_procfile;
use super::super::{image, launch};
use super::Build;
use crate::rootfs::System;

impl Build<'_> {
    pub(super) fn layerer(&self) -> Layerer<'_> {
        Layerer {
            request: self.request,
            plan: &self.prepared.plan,
            pack: &self.prepared.pack,
            inputs: &self.content,
            services: self.services,
            guard: &self.guard,
        }
    }

    /// Layers of tools that have one of their own: they wait for nothing.
    pub(super) fn tool_layers(
        &self,
        tools: &[Installed],
    ) -> Result<Vec<(Purpose, LayerRecord)>, Failure> {
        let layerer = self.layerer();
        let mut layers = Vec::new();
        for (tool, installed) in self.in_image(tools) {
            if self.stands_alone(tool)
                && let Some(layer) = layerer.tool(tool, installed)?
            {
                layers.push((tool.purpose, layer));
            }
        }
        Ok(layers)
    }

    pub(super) fn tree_layers(
        &self,
        tree: &Tree,
        built: &Built,
        tools: &[Installed],
        processes: &BTreeMap<String, String>,
    ) -> Result<OfTree, Failure> {
        let files = launch::files(&self.prepared.plan, &self.release(built), processes);
        let shared: Vec<_> = self
            .in_image(tools)
            .filter(|(tool, _)| !self.stands_alone(tool))
            .collect();
        self.layerer().tree(
            tree.app(),
            built,
            &Beside {
                tools: &shared,
                files: &files,
            },
            &self.environment,
            &self.kept.join("tree-stat"),
        )
    }

    pub(super) fn in_image<'t>(
        &'t self,
        tools: &'t [Installed],
    ) -> impl Iterator<Item = (&'t Tool, &'t Installed)> {
        let plan = self.prepared.plan.tools.iter();
        plan.zip(tools).filter(|(tool, _)| tool.in_image)
    }

    /// Whether no other tool is in the layer of this one.
    pub(super) fn stands_alone(&self, tool: &Tool) -> bool {
        let plan = &self.prepared.plan.tools;
        plan.iter()
            .filter(|other| other.purpose == tool.purpose)
            .count()
            == 1
    }

    pub(super) fn release(&self, built: &Built) -> Release {
        let release = self.prepared.pack.release(&self.prepared.plan, built);
        release.unwrap_or_default()
    }

    /// Process types; scripts may have written a Procfile.
    pub(super) fn processes(
        &self,
        tree: &Path,
        built: &Built,
    ) -> Result<BTreeMap<String, String>, Failure> {
        let app = &self.prepared.app;
        let procfile = match self.prepared.plan.scripts {
            Some(_) => written_procfile(app, tree, &*self.services.events)?,
            None => app.procfile.clone(),
        };
        Ok(image::processes(&procfile, &self.release(built)))
    }

    /// The image of these layers, whose files have what `below` says of the run image.
    pub(super) fn image(
        &self,
        run_image: BaseImage,
        tools: &[Installed],
        processes: BTreeMap<String, String>,
        layers: Vec<LayerRecord>,
        below: &System,
    ) -> BuildRecord {
        let facts = image::Facts {
            request: self.request,
            app: &self.prepared.app,
            plan: &self.prepared.plan,
            tools,
            processes: &processes,
            run_image: &run_image,
            identity: &self.identity,
            below,
        };
        let settings = facts.settings();
        let image = assemble(&run_image, &layers, &settings);
        let user = self.request.target.stack.user;
        BuildRecord {
            name: self.request.name.clone(),
            app: self.request.app.clone(),
            stack: self.request.target.stack.name.to_owned(),
            architecture: self.request.target.arch.oci().to_owned(),
            app_dir: self.prepared.plan.app_dir.clone(),
            user: (user.uid, user.gid),
            processes,
            run_image,
            layers,
            image,
            findings: Vec::new(),
            built: self.services.now,
        }
    }

    /// Keeps an image under its name, and for builds of the same inputs. The static files of this one are in `history`
    /// by now: the next build finds them there, and leaves the same ones out as this one did.
    pub(super) fn remember(
        &self,
        record: &BuildRecord,
        build_image: Option<&BaseImage>,
        history: Option<&History<'_>>,
    ) -> Result<(), Failure> {
        let inputs = self.inputs(build_image, &record.run_image, history);
        by_inputs(&self.services.store, &inputs).write(&record.of_any_machine())?;
        by_name(&self.services.store, &record.name).write(record)?;
        self.services.events.emit(image_event(record));
        Ok(())
    }
}

/// What is said of a finished image, whether it was made now or before.
pub(super) fn image_event(record: &BuildRecord) -> Event {
    Event::Image {
        name: record.name.clone(),
        digest: record.image.manifest_digest,
        size: record.image.total_size(),
    }
}

/// Layers in the order of the image.
pub(super) fn ordered(mut layers: Vec<(Purpose, LayerRecord)>) -> Vec<LayerRecord> {
    layers.sort_by_key(|(purpose, _)| *purpose);
    layers.into_iter().map(|(_, layer)| layer).collect()
}
