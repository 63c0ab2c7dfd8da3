//! From the finished tree and the tools to the image's layers; what did not change is not read again.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use buildpack_core::digest::Digest;
use buildpack_core::event::Event;
use buildpack_core::image::{BlobDir, LayerRecord};
use buildpack_core::layer::{
    FileSearch, Finding, LayerError, Normalise, Options, Purpose, Selection, StatCache, Synthetic,
    Tree, tree_digest, write,
};
use buildpack_core::pack::{Buildpack, Built, Place};
use buildpack_core::plan::{PackPlan, Tool};
use buildpack_core::store::{Bucket, CacheKey};
use walkdir::WalkDir;

use super::away;
use super::failure::{Failure, disk};
use super::request::Request;
use super::secrets::SecretGuard;
use super::services::Services;
use super::toolchains::Installed;

/// Raised when the same files make other layers than before, or when more is remembered of them.
const LAYERS_VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "-3");

/// What stands in the layers of a tree besides its own files.
pub(super) struct Beside<'a> {
    /// Tools that share a layer.
    pub(super) tools: &'a [(&'a Tool, &'a Installed)],
    /// Files of the app's layer.
    pub(super) files: &'a [Synthetic],
}

/// Writes layers for one build.
pub(super) struct Layerer<'a> {
    /// What is built.
    pub request: &'a Request,
    /// Its plan.
    pub plan: &'a PackPlan,
    /// Its pack.
    pub pack: &'a dyn Buildpack,
    /// The identity of the app and its plan.
    pub(super) inputs: &'a Digest,
    /// Services.
    pub services: &'a Services,
    /// What must not be in the layers.
    pub(super) guard: &'a SecretGuard,
}

/// Paths below a tree by purpose.
type Sorted = BTreeMap<Purpose, BTreeSet<PathBuf>>;

/// The layers of a tree, and its paths that are in none.
pub(super) struct OfTree {
    /// By purpose.
    pub(super) layers: Vec<(Purpose, LayerRecord)>,
    /// Files and links below the tree.
    pub(super) left_out: Vec<PathBuf>,
}

impl Layerer<'_> {
    /// The layer of one tool: it depends on the tool alone, so that it is made once per machine.
    pub(super) fn tool(
        &self,
        tool: &Tool,
        installed: &Installed,
    ) -> Result<Option<LayerRecord>, Failure> {
        let selection = Selection::new().tree(Tree::new(&installed.path, &tool.place));
        let key = self
            .key(tool.purpose)
            .part("tool", installed.key.digest())
            .part("place", &tool.place);
        match self.layer(tool.purpose, &key, &selection, None) {
            Ok(layer) => Ok(layer),
            Err(Trouble::Found(findings)) => none(findings).map(|()| None),
            Err(Trouble::Other(failure)) => Err(failure),
        }
    }

    /// The layers of what a build left in `tree`, by purpose, with what stands beside it.
    pub(super) fn tree(
        &self,
        tree: &Path,
        built: &Built,
        beside: &Beside<'_>,
        environment: &str,
        stat_cache: &Path,
    ) -> Result<OfTree, Failure> {
        let (mut sorted, left_out) = self.sort(tree, built)?;
        for (tool, _) in beside.tools {
            sorted.entry(tool.purpose).or_default();
        }
        let mut cache = StatCache::load(stat_cache);
        let mut layers = Vec::new();
        // All that is found is told at once.
        let mut found = Vec::new();
        for (purpose, paths) in sorted {
            let mut selection = Selection::new()
                .tree(Tree::new(tree, &self.plan.app_dir).keep(move |path| paths.contains(path)));
            if purpose == Purpose::App {
                for file in beside.files {
                    selection = selection.file(file.clone());
                }
            }
            let content = tree_digest(&selection, &mut cache)?;
            let mut key = self.key(purpose).part("content", content);
            for (tool, installed) in beside.tools.iter().filter(|(t, _)| t.purpose == purpose) {
                selection = selection.tree(Tree::new(&installed.path, &tool.place));
                key = key
                    .part("tool", installed.key.digest())
                    .part("place", &tool.place);
            }
            let key = key.part("config vars", environment);
            match self.layer(purpose, &key, &selection, Some(built)) {
                Ok(layer) => layers.extend(layer.map(|layer| (purpose, layer))),
                Err(Trouble::Found(findings)) => found.extend(findings),
                Err(Trouble::Other(failure)) => return Err(failure),
            }
        }
        none(found)?;
        cache.save()?;
        Ok(OfTree { layers, left_out })
    }

    fn key(&self, purpose: Purpose) -> CacheKey {
        let user = self.request.target.stack.user;
        CacheKey::new("layer")
            .part("purpose", purpose.name())
            .part("made by", LAYERS_VERSION)
            .part("pack", self.pack.layers_version())
            .part("compressor", self.request.compression.compressor())
            .part("owner", format!("{}:{}", user.uid, user.gid))
    }

    /// The layer kept under `key`, or made now.
    fn layer(
        &self,
        purpose: Purpose,
        key: &CacheKey,
        selection: &Selection<'_>,
        of_build: Option<&Built>,
    ) -> Result<Option<LayerRecord>, Trouble> {
        let blobs = BlobDir::new(self.services.store.blob_dir());
        let record = self
            .services
            .store
            .keyed_record::<LayerRecord>(Bucket::Layers, "", key);
        if let Some(layer) = record.get()
            && away::is_at_hand(&layer.blob(), self.request, self.guard, self.services)
        {
            if let Some(built) = of_build {
                let findings = self.search_again(&layer, built)?;
                if !findings.is_empty() {
                    return Err(Trouble::Found(findings));
                }
            }
            self.say(&layer, true);
            return Ok(Some(layer));
        }
        let user = self.request.target.stack.user;
        // A tool is what its archive holds, the same everywhere already.
        let made_to_measure = match of_build {
            Some(built) => self.pack.normalisers(self.inputs, built),
            None => Vec::new(),
        };
        let normalisers: Vec<&dyn Normalise> = made_to_measure.iter().map(|n| &**n).collect();
        let options = Options {
            owner: (user.uid, user.gid),
            home: &self.plan.app_dir,
            name: purpose.title(),
            mtime_from_content: &|path| path.contains("/priv/static/"),
            normalisers: &normalisers,
            loads: &|path| self.pack.loads(self.plan, path),
            gate: of_build.map(|_| &self.guard.gate),
            architecture: self.request.target.arch,
            compression: self.request.compression,
            threads: self.services.threads,
        };
        let folder = blobs.folder().join("sha256");
        let written = match write(selection, &options, &folder, &*self.services.events) {
            Ok(Some(written)) => written,
            Ok(None) => return Ok(None),
            Err(LayerError::Secret { findings }) => return Err(Trouble::Found(findings)),
            Err(error) => return Err(Trouble::Other(error.into())),
        };
        let layer = LayerRecord {
            purpose: purpose.title().to_owned(),
            digest: written.digest,
            diff_id: written.diff_id,
            size: written.size,
            unpacked_size: written.unpacked_size,
            media_type: self.request.compression.into(),
            libraries: written.libraries,
        };
        record.write(&layer)?;
        if of_build.is_some() && !self.guard.gate.is_open() {
            self.guard
                .searched(&layer.digest, self.services)
                .write(&true)?;
        }
        self.say(&layer, false);
        Ok(Some(layer))
    }

    /// Searches a layer that is kept, unless that was done for just the secrets of now; gives what was found.
    pub(super) fn search_again(
        &self,
        layer: &LayerRecord,
        built: &Built,
    ) -> Result<Vec<Finding>, Failure> {
        let searched = self.guard.searched(&layer.digest, self.services);
        if self.guard.gate.is_open() || searched.get() == Some(true) {
            return Ok(Vec::new());
        }
        let normalisers = self.pack.normalisers(self.inputs, built);
        let normalisers: Vec<&dyn Normalise> = normalisers.iter().map(|n| &**n).collect();
        let file = BlobDir::new(self.services.store.blob_dir()).file(&layer.digest);
        let failed = |error: io::Error| disk("search a kept layer for secrets", &error);
        let blob = fs_err::File::open(file).map_err(failed)?;
        let mut search = FileSearch::new(&self.guard.gate, &normalisers);
        let searching = search.layer(blob, self.request.compression);
        searching.map_err(failed)?;
        let findings = search.findings();
        if findings.is_empty() {
            searched.write(&true)?;
        }
        Ok(findings)
    }

    fn say(&self, layer: &LayerRecord, reused: bool) {
        self.services.events.emit(Event::Layer {
            purpose: layer.purpose.clone(),
            digest: layer.digest,
            diff_id: layer.diff_id,
            size: layer.size,
            reused,
        });
    }

    /// The tree's paths by purpose, each with the folders above it, and those that are in no layer. Folders without files are
    /// the app's.
    fn sort(&self, tree: &Path, built: &Built) -> Result<(Sorted, Vec<PathBuf>), Failure> {
        let mut left_out = Vec::new();
        let mut sorted = Sorted::new();
        sorted.entry(Purpose::App).or_default();
        for entry in WalkDir::new(tree).min_depth(1) {
            let entry = entry.map_err(|error| disk("read the build tree", &error.into()))?;
            let Ok(path) = entry.path().strip_prefix(tree) else {
                continue;
            };
            if entry.file_type().is_dir() && !empty(entry.path()) {
                continue;
            }
            // A name that is no UTF-8 is one that no rule knows.
            let place = path.to_str().map_or(Place::Unknown, |path| {
                self.pack.place_of(self.plan, built, path)
            });
            let purpose = match place {
                Place::Layer(purpose) => Some(purpose),
                Place::Nowhere => None,
                Place::Unknown => Some(Purpose::App),
            };
            if purpose.is_none() && !entry.file_type().is_dir() {
                left_out.push(path.to_owned());
            }
            if let Some(purpose) = purpose {
                let paths = sorted.entry(purpose).or_default();
                for ancestor in path.ancestors() {
                    if !paths.insert(ancestor.to_owned()) {
                        break;
                    }
                }
            }
        }
        Ok((sorted, left_out))
    }
}

/// Why there is no layer.
enum Trouble {
    /// Secrets are in its files.
    Found(Vec<Finding>),
    Other(Failure),
}

impl<E> From<E> for Trouble
where
    Failure: From<E>,
{
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

/// An error where something was found in what would be in the image.
pub(super) fn none(findings: Vec<Finding>) -> Result<(), Failure> {
    if findings.is_empty() {
        return Ok(());
    }
    Err(LayerError::Secret { findings }.into())
}

fn empty(folder: &Path) -> bool {
    fs_err::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}
