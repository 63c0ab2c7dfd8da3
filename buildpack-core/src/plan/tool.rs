//! What a plan needs to have at hand: tools, and folders for what programs download.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::layer::Purpose;
use crate::toolchain::{Artifact, Pin};

/// Something to fetch once per machine and to see, read-only, at one place.
#[derive(Debug, Clone, Serialize)]
pub struct Tool {
    /// For people: `Erlang 27.3.4.1`.
    pub name: String,
    /// For labels and keys: `erlang`.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Where it comes from and how it is verified.
    pub artifact: Artifact,
    /// What the app itself says that it must be, besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin: Option<Pin>,
    /// How it is unpacked.
    pub unpack: Unpack,
    /// Absolute folder it is seen at, at build and at run time.
    pub place: String,
    /// Run once in the sandbox with the tool at its place and writable, to fit it to that place.
    pub install: Option<Vec<String>>,
    /// The layer that it makes.
    pub purpose: Purpose,
    /// Whether the image holds it.
    pub in_image: bool,
    /// Whether what is kept of a build must not meet another version of it, as compiled files must not meet another
    /// compiler. A tool that only some steps depend on is named in their [`Inputs::tools`](super::Inputs::tools) instead.
    pub binds_output: bool,
}

/// How a tool's archive becomes its folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unpack {
    /// An archive, without the first so many components of each name.
    Archive {
        /// How many leading components to drop.
        strip: usize,
        /// The folder below the tool's own that it is unpacked into; empty for the tool's own.
        under: String,
    },
    /// One executable file of this name.
    Program {
        /// Its name in the folder.
        name: String,
    },
}

/// A folder outside of the app in which a program keeps what it downloads, such as `npm_config_cache`.
///
/// What is kept is immutable and has a key. A build gets a copy of its own, in which it may do as it likes: of the
/// entry of this key, else of the one that the app's last build of another key used. After steps that all succeeded the
/// copy is kept under its key if nothing is yet; otherwise it is thrown away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CacheFolder {
    /// A word for it, one of its own in the plan: `npm`.
    pub id: String,
    /// What its content depends on, such as the program's name and version.
    pub key: BTreeMap<String, String>,
    /// Source files, as paths below the app's folder, whose content belongs to the key: `assets/package-lock.json`.
    pub files: Vec<String>,
    /// Absolute path that the steps see it at, writable. No image holds it.
    pub place: String,
    /// Ids of the steps that use it: where all of them are skipped, nothing is copied.
    pub steps: Vec<String>,
}
