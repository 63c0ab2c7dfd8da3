//! The document's fields. What is not known yet when a build ends is absent.

use std::collections::BTreeMap;

use buildpack_core::diagnostic::Diagnostic;
use buildpack_core::digest::Digest;
use buildpack_core::event::StepState;
use buildpack_core::layer::Compression;
use buildpack_core::wanted::lock::Identity;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of the document. It is raised when a field goes or means something else; new ones don't raise it.
pub const SCHEMA: u32 = 1;

/// What is told of a build.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// [`SCHEMA`] of who wrote it.
    pub schema: u32,
    /// The version of `bp`.
    pub bp: String,
    /// When the build began.
    pub began: Timestamp,
    /// How long it took.
    pub millis: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// The exit code.
    pub exit: u8,
    /// The name of the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Asked>,
    /// The config vars, without their values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_vars: Option<VarHashes>,
    /// What the build came to know.
    #[serde(flatten)]
    pub facts: Facts,
    /// Problems and warnings, in the order in which they were told.
    #[serde(default)]
    pub diagnostics: Vec<Said>,
    /// Why it failed, where it did and that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Value>,
}

/// How a build ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// With an image.
    Built,
    /// Nothing had changed: with the image of an earlier build.
    Unchanged,
    /// Without an image, or before all that was asked for was done with it.
    Failed,
}

/// What a build was asked for, as far as it decides about the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The stack's name.
    pub stack: String,
    /// The architecture, as OCI writes it.
    pub architecture: String,
    /// Packs of the command line, as they are written, without credentials.
    #[serde(default)]
    pub buildpacks: Vec<String>,
    /// Whether built-in packs may take the place of those that they are made after.
    pub native: bool,
    /// Where packs that are scripts see the app.
    pub build_dir: String,
    /// How the app's layers are packed.
    pub compression: Compression,
    /// How many earlier versions of static files the image holds.
    pub keep_assets: usize,
    /// Config vars whose values may stand in the image.
    #[serde(default)]
    pub allow_in_image: Vec<String>,
}

/// Config vars by name. Of each value there is a keyed hash: equal for equal values of one name, and no way back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VarHashes {
    /// Which key it is: hashes of two keys can't be compared.
    pub key: String,
    /// The hashes by name.
    pub vars: BTreeMap<String, String>,
}

/// What a build comes to know on its way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The plan, as `bp` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Value>,
    /// The image that programs run on; none where they run in place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_image: Option<StackImage>,
    /// The image that the app stands on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_image: Option<StackImage>,
    /// The tools of the plan, in its order.
    #[serde(default)]
    pub tools: Vec<Tool>,
    /// The packs that were asked for, in their order.
    #[serde(default)]
    pub packs: Vec<Pack>,
    /// The stages that ended.
    #[serde(default)]
    pub stages: Vec<Stage>,
    /// The steps that ended, in the order in which they did.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// The app's own layers, lowest first.
    #[serde(default)]
    pub layers: Vec<Layer>,
    /// The image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
}

/// An app's source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Digest of its names, modes and contents.
    pub digest: Digest,
    /// The commit, where the app's folder is a checkout. What is not committed is in the digest alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The time that the image carries.
    pub created: Timestamp,
}

/// An image of the stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackImage {
    /// Its name in full.
    pub name: String,
    /// Digest of its manifest for this architecture.
    pub digest: Digest,
}

/// A tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its id in the plan: `erlang`.
    pub id: String,
    /// For people: `Erlang 27.3.4.1`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it was fetched from, without credentials.
    pub url: String,
    /// SHA-256 of the archive, where that is what it is known by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    /// Whether nobody publishes a digest of it, so that the one seen at first counts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub first_use: bool,
    /// SHA-512 of the archive, 128 hex digits, where it is known by that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha512: Option<String>,
}

/// A pack that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pack {
    /// Its address as it is written, without credentials.
    pub wanted: String,
    /// What it was: a commit, a digest, or built in.
    pub was: Identity,
}

/// A stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Its name.
    pub stage: String,
    /// How long it took.
    pub millis: u64,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its id in the plan.
    pub step: String,
    /// `skipped`, `finished` or `failed`.
    pub state: StepState,
    /// How long it took; none where it was left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub millis: Option<u64>,
    /// The exit code of its program: 0, or the one that it failed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<u8>,
    /// The signal that ended its program, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
}

/// A layer of the app's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// What it is for.
    pub purpose: String,
    /// Digest of the compressed blob.
    pub digest: Digest,
    /// Digest of the tar.
    pub diff_id: Digest,
    /// Bytes of the compressed blob.
    pub size: u64,
}

/// The image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Digest of the manifest.
    pub digest: Digest,
    /// Digest of the config.
    pub config: Digest,
    /// Bytes of manifest, config and compressed layers.
    pub size: u64,
}

/// A diagnostic in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Its code.
    pub code: String,
    /// `note`, `warning` or `error`.
    pub severity: String,
    /// What was said.
    pub message: String,
}

impl Said {
    /// What a diagnostic says.
    pub fn of(diagnostic: &Diagnostic) -> Self {
        Self {
            code: diagnostic.code.to_string(),
            severity: format!("{:?}", diagnostic.severity).to_lowercase(),
            message: diagnostic.message.clone(),
        }
    }
}

impl Record {
    /// A record of a build that has just begun.
    pub fn begin(now: Timestamp) -> Self {
        Self {
            schema: SCHEMA,
            bp: env!("CARGO_PKG_VERSION").to_owned(),
            began: now,
            millis: 0,
            outcome: Outcome::Failed,
            exit: 0,
            name: None,
            request: None,
            config_vars: None,
            facts: Facts::default(),
            diagnostics: Vec::new(),
            cause: None,
        }
    }
}
