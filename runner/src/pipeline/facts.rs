//! What a record tells of a request and of a build.

use buildpack_core::diagnostic::Diagnostic;
use buildpack_core::event::{Event, StepState};
use buildpack_core::image::BaseImage;
use buildpack_core::plan::Tool;
use buildpack_core::toolchain::{Verify, redact_url};

use super::build::Build;
use super::failure::Failure;
use super::record::BuildRecord;
use super::request::Request;
use super::stack_images;
use super::stages::{Stages, in_millis};
use crate::records::compare::{Change, Kind, compare};
use crate::records::{self, Asked, Facts, Record};

/// What of a request decides about the image.
pub fn asked(request: &Request) -> Asked {
    Asked {
        stack: request.target.stack.name.to_owned(),
        architecture: request.target.arch.oci().to_owned(),
        buildpacks: (request.buildpacks.iter())
            .map(|pack| pack.value.clone())
            .collect(),
        native: request.native,
        build_dir: request.script_dirs.build.clone(),
        compression: request.compression,
        keep_assets: request.keep_assets,
        allow_in_image: request.public_vars.clone(),
    }
}

impl Build<'_> {
    /// What is known so far; `made` is the image, once there is one.
    pub(super) fn facts(&self, stages: &Stages<'_>, made: Option<&BuildRecord>) -> Facts {
        let plan = &self.prepared.plan;
        let [build_image, run_image] = stack_images::named(self.request, self.services);
        let build_image = build_image.filter(|_| !self.in_place);
        let run_image = made.map(|made| made.run_image.clone()).or(run_image);
        let name = |image: BaseImage| records::StackImage {
            name: image.reference,
            digest: image.digest,
        };
        Facts {
            source: Some(records::Source {
                digest: self.source.digest(),
                commit: self.identity.revision.clone(),
                created: self.identity.created,
            }),
            plan: serde_json::to_value(plan).ok(),
            build_image: build_image.map(name),
            run_image: run_image.map(name),
            tools: plan.tools.iter().map(|tool| self.tool(tool)).collect(),
            packs: (self.prepared.packs.packs.iter())
                .map(|pack| records::Pack {
                    wanted: pack.wanted.clone(),
                    was: pack.was.clone(),
                })
                .collect(),
            ..ends(stages, made)
        }
    }

    fn tool(&self, tool: &Tool) -> records::Tool {
        let verify = &tool.artifact.verify;
        // What was installed says more than what was planned.
        let archive = self.archives.get().and_then(|all| all.get(&tool.id));
        records::Tool {
            id: tool.id.clone(),
            name: tool.name.clone(),
            version: tool.version.clone(),
            url: redact_url(&tool.artifact.url),
            sha256: match verify {
                Verify::Sha256(digest) => Some(*digest),
                _ => archive.and_then(|text| text.parse().ok()),
            },
            first_use: matches!(verify, Verify::FirstUse),
            sha512: match verify {
                Verify::Sha512Hex(hex) => Some(hex.to_ascii_lowercase()),
                _ => None,
            },
        }
    }

    /// Says what of this build is not as the record has it that it is to be like.
    pub(super) fn tell_what_is_unlike(&self, stages: &Stages<'_>) -> Result<(), Failure> {
        let Some(record) = &self.request.like else {
            return Ok(());
        };
        let now = Record {
            request: Some(asked(self.request)),
            config_vars: Some(self.request.config_vars.hashes(&self.services.store)?),
            facts: self.facts(stages, None),
            ..Record::begin(self.services.now)
        };
        let compared = compare(record, &now);
        let inputs = compared.changes.into_iter();
        let inputs: Vec<Change> = inputs.filter(|change| change.kind.is_input()).collect();
        let events = &*self.services.events;
        if !inputs.is_empty() {
            let warning = Diagnostic::warning(
                "record-unmatched",
                "this build cannot be like its record in all: the image may be another",
            );
            let warning = (inputs.iter()).fold(warning, |all, change| all.note(change.to_string()));
            events.emit(Event::Diagnostic {
                diagnostic: ways_out(warning, &inputs),
            });
        }
        for note in compared.notes {
            events.detail(&note);
        }
        Ok(())
    }
}

/// With what can be done about what is not as it was.
fn ways_out(warning: Diagnostic, inputs: &[Change]) -> Diagnostic {
    let any = |kind| inputs.iter().any(|change| change.kind == kind);
    let ways = [
        (
            any(Kind::ConfigVar),
            "give the same config vars: `--env`, `--env-file`, `--env-dir`",
        ),
        (
            any(Kind::Source),
            "check out the record's commit, with nothing changed",
        ),
        (any(Kind::Bp), "take the same version of bp"),
    ];
    let ways = ways.into_iter().filter(|(is, _)| *is);
    ways.fold(warning, |all, (_, way)| all.help(way))
}

/// What was done, and what came of it.
fn ends(stages: &Stages<'_>, made: Option<&BuildRecord>) -> Facts {
    let steps = stages.step_ends().into_iter().map(|end| records::Step {
        exit: end.exit.or((end.state == StepState::Finished).then_some(0)),
        step: end.step,
        state: end.state,
        millis: end.took.map(in_millis),
        signal: end.signal,
    });
    let stages = stages.times().into_iter();
    let layers = made.map(|made| made.layers.as_slice()).unwrap_or_default();
    Facts {
        stages: stages
            .map(|(stage, took)| records::Stage {
                stage: stage.to_owned(),
                millis: in_millis(took),
            })
            .collect(),
        steps: steps.collect(),
        layers: (layers.iter())
            .map(|layer| records::Layer {
                purpose: layer.purpose.clone(),
                digest: layer.digest,
                diff_id: layer.diff_id,
                size: layer.size,
            })
            .collect(),
        image: made.map(|made| records::Image {
            digest: made.image.manifest_digest,
            config: made.image.config_digest,
            size: made.image.total_size(),
        }),
        ..Facts::default()
    }
}
