//! From the finished tree and the tools to the image's layers; what did not change is not read again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use buildpack_core::digest::Digest;
use buildpack_core::event::Event;
use buildpack_core::image::{BlobDir, LayerRecord};
use buildpack_core::layer::{
    Normalise, Options, Purpose, SecretGate, Selection, StatCache, Synthetic, Tree, tree_digest,
    write,
};
use buildpack_core::pack::{Buildpack, Built, Place};
use buildpack_core::plan::{PackPlan, Tool};
use buildpack_core::store::{Bucket, CacheKey};
use walkdir::WalkDir;

use super::failure::{Failure, disk};
use super::request::Request;
use super::services::Services;
use super::toolchains::Installed;

/// Raised when the same files make other layers than before.
const LAYERS_VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "-2");

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
        self.layer(tool.purpose, &key, &selection, None)
    }

    /// The layers of what a build left in `tree`, by purpose, with what stands beside it.
    pub(super) fn tree(
        &self,
        tree: &Path,
        built: &Built,
        beside: &Beside<'_>,
        environment: &str,
        stat_cache: &Path,
    ) -> Result<Vec<(Purpose, LayerRecord)>, Failure> {
        let mut sorted = self.sort(tree, built)?;
        for (tool, _) in beside.tools {
            sorted.entry(tool.purpose).or_default();
        }
        let mut cache = StatCache::load(stat_cache);
        let gate = secret_gate(self.request, self.services, &self.request.public_vars);
        let mut layers = Vec::new();
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
            let key = key
                .part("config vars", environment)
                // A layer that was let in with a value is not one that was searched for it.
                .part("public vars", self.request.public_vars.join(","));
            if let Some(layer) = self.layer(purpose, &key, &selection, Some((&gate, built)))? {
                layers.push((purpose, layer));
            }
        }
        cache.save()?;
        Ok(layers)
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
        of_build: Option<(&SecretGate, &Built)>,
    ) -> Result<Option<LayerRecord>, Failure> {
        let blobs = BlobDir::new(self.services.store.blob_dir());
        let record = self
            .services
            .store
            .keyed_record::<LayerRecord>(Bucket::Layers, "", key);
        if let Some(layer) = record.get()
            && self.services.store.bring_blob(&layer.blob())
        {
            self.say(&layer, true);
            return Ok(Some(layer));
        }
        let user = self.request.target.stack.user;
        // A tool is what its archive holds, the same everywhere already.
        let made_to_measure = match of_build {
            Some((_, built)) => self.pack.normalisers(self.inputs, built),
            None => Vec::new(),
        };
        let normalisers: Vec<&dyn Normalise> = made_to_measure.iter().map(|n| &**n).collect();
        let options = Options {
            owner: (user.uid, user.gid),
            home: &self.plan.app_dir,
            name: purpose.title(),
            mtime_from_content: &|path| path.contains("/priv/static/"),
            normalisers: &normalisers,
            gate: of_build.map(|(gate, _)| gate),
            architecture: self.request.target.arch,
            compression: self.request.compression,
            threads: self.services.threads,
        };
        let folder = blobs.folder().join("sha256");
        let Some(written) = write(selection, &options, &folder, &*self.services.events)? else {
            return Ok(None);
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
        self.say(&layer, false);
        Ok(Some(layer))
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

    /// The tree's paths by purpose, each with the folders above it. Folders without files are the app's.
    fn sort(
        &self,
        tree: &Path,
        built: &Built,
    ) -> Result<BTreeMap<Purpose, BTreeSet<PathBuf>>, Failure> {
        let mut sorted: BTreeMap<Purpose, BTreeSet<PathBuf>> = BTreeMap::new();
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
            if let Some(purpose) = purpose {
                let paths = sorted.entry(purpose).or_default();
                for ancestor in path.ancestors() {
                    if !paths.insert(ancestor.to_owned()) {
                        break;
                    }
                }
            }
        }
        Ok(sorted)
    }
}

/// Finds values that must not be in what is kept: those of config vars and of proxies, but for these names.
pub(super) fn secret_gate(request: &Request, services: &Services, public: &[String]) -> SecretGate {
    let proxies = services.network.proxies.secrets();
    let proxies: Vec<_> = proxies
        .filter(|(name, _)| !public.iter().any(|other| other == name))
        .collect();
    let proxies = proxies.iter().map(|(name, value)| (*name, value.as_str()));
    let vars = request.config_vars.secrets(public);
    SecretGate::new(vars.chain(proxies))
}

fn empty(folder: &Path) -> bool {
    fs_err::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}
