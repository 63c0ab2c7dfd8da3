//! Images from files: OCI layouts, tars of them, and what `docker save` writes.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::Path;

use buildpack_core::digest::{Digest, HashingWriter};
use buildpack_core::event::EventSink;
use buildpack_core::image::{
    BaseImage, BlobDir, Descriptor, Document, ImageError, ManifestDocument, ManifestEntry,
    MediaType, OCI_CONFIG, layout, read_small,
};
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde_json::json;

use super::StackError;
use super::tree::{Tree, TreeError};
use super::unpack::{Limits, unpack_plain};
use crate::registry::{Reference, RegistryError};

/// The largest manifest or config that is read.
const DOCUMENT: u64 = 4 << 20;

/// Reads the image in `from` and puts its blobs into `blobs`, each checked. Archives are unpacked into
/// `scratch`, an empty folder.
pub(super) fn import(
    from: &Path,
    as_name: &Reference,
    architecture: &str,
    blobs: &BlobDir,
    scratch: &Path,
    events: &dyn EventSink,
) -> Result<BaseImage, StackError> {
    let work = Import {
        from,
        as_name,
        architecture,
        blobs,
        events,
    };
    let folder = blobs.folder().join("sha256");
    fs_err::create_dir_all(&folder)
        .map_err(StackError::io(format!("make `{}`", folder.display())))?;
    if from.is_dir() {
        return work.folder(from);
    }
    let file =
        fs_err::File::open(from).map_err(StackError::io(format!("read `{}`", from.display())))?;
    let plain = decompressed(file.into_parts().0)
        .map_err(StackError::io(format!("read `{}`", from.display())))?;
    unpack_plain(plain, scratch, Limits::default()).map_err(|error| match error {
        StackError::Damaged { why, .. } => work.not_an_image(format!("it is no tar: {why}")),
        StackError::Unsafe { entry, why, .. } => work.not_an_image(format!("`{entry}` {why}")),
        other => other,
    })?;
    work.folder(scratch)
}

struct Import<'a> {
    from: &'a Path,
    as_name: &'a Reference,
    architecture: &'a str,
    blobs: &'a BlobDir,
    events: &'a dyn EventSink,
}

impl Import<'_> {
    fn not_an_image(&self, why: impl Into<String>) -> StackError {
        StackError::NotAnImage {
            path: self.from.to_owned(),
            why: why.into(),
        }
    }

    fn folder(&self, folder: &Path) -> Result<BaseImage, StackError> {
        let tree =
            Tree::new(folder).map_err(StackError::io(format!("read `{}`", self.from.display())))?;
        // `docker save` of today writes both; the layout says more.
        let image = if folder.join("index.json").is_file() {
            self.layout(folder, &tree)?
        } else if folder.join("manifest.json").is_file() {
            self.docker(&tree)?
        } else {
            return Err(self.not_an_image("it holds neither `index.json` nor `manifest.json`"));
        };
        let (os, found) = (image.config.os(), image.config.architecture().to_string());
        if os.to_string() != "linux" || found != self.architecture {
            return Err(self.no_platform(vec![format!("{os}/{found}")]));
        }
        Ok(image)
    }

    fn no_platform(&self, there: Vec<String>) -> StackError {
        StackError::Registry(RegistryError::NoPlatform {
            reference: self.from.display().to_string(),
            wanted: self.architecture.to_owned(),
            there,
        })
    }

    fn layout(&self, folder: &Path, tree: &Tree) -> Result<BaseImage, StackError> {
        let source = BlobDir::new(folder.join("blobs"));
        let ManifestEntry { mut blob, .. } = match layout::find(folder, self.as_name.tag()) {
            // A layout that holds one image is meant, whatever its tag.
            Err(ImageError::NoSuchImage { .. }) => layout::find(folder, None)?,
            other => other?,
        };
        let mut document = read_document(&source, &blob)?;
        if let Document::Index(index) = &document {
            let Some(entry) = index.pick(self.architecture) else {
                return Err(self.no_platform(index.platforms()));
            };
            blob = entry.blob.clone();
            document = read_document(&source, &blob)?;
        }
        let Document::Manifest(manifest) = document else {
            return Err(self.not_an_image("it is an index of indexes"));
        };
        let config = read_small(&source, &manifest.config.digest, "the config")?;
        let name = self.as_name.to_string();
        let image = BaseImage::from_documents(&name, blob.digest, &manifest, &config)?;
        self.keep_bytes(&config)?;
        for layer in &image.layers {
            if self.blobs.has(&layer.digest, layer.size) {
                continue;
            }
            let path = format!("blobs/sha256/{}", layer.digest.hex());
            let (digest, size) = self.keep(&mut self.open(tree, &path)?)?;
            if digest != layer.digest || size != layer.size {
                return Err(self.not_an_image(format!("layer `{}` is damaged", layer.digest)));
            }
        }
        Ok(image)
    }

    /// What `docker save` writes: `manifest.json`, a config, and layers that are plain tars mostly.
    fn docker(&self, tree: &Tree) -> Result<BaseImage, StackError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Saved {
            config: String,
            layers: Vec<String>,
        }
        let saved: Vec<Saved> = serde_json::from_slice(&self.small(tree, "manifest.json")?)
            .map_err(|error| self.not_an_image(format!("`manifest.json`: {error}")))?;
        let [saved] = saved.as_slice() else {
            return Err(self.not_an_image(format!("it holds {} images", saved.len())));
        };
        let config = self.small(tree, &saved.config)?;
        let mut layers = Vec::new();
        for (at, path) in saved.layers.iter().enumerate() {
            self.events.progress(
                "import layers",
                at as u64,
                Some(saved.layers.len() as u64),
                at + 1 == saved.layers.len(),
            );
            let mut file = self.open(tree, path)?;
            let (digest, size) = if is_gzip(&mut file).map_err(self.reading(path))? {
                self.keep(&mut file)?
            } else {
                self.keep_compressed(&mut file)?
            };
            layers.push(Descriptor {
                media_type: MediaType::OciGzip.as_str().to_owned(),
                digest,
                size,
            });
        }
        let manifest = ManifestDocument {
            config: Descriptor {
                media_type: OCI_CONFIG.to_owned(),
                digest: Digest::of(&config),
                size: config.len() as u64,
            },
            layers,
        };
        self.keep_bytes(&config)?;
        // There was no manifest to be known by: this one follows from the content alone.
        let digest = Digest::of(json!(manifest).to_string().as_bytes());
        let name = self.as_name.to_string();
        Ok(BaseImage::from_documents(
            &name, digest, &manifest, &config,
        )?)
    }

    fn reading(&self, path: &str) -> impl FnOnce(io::Error) -> StackError {
        StackError::io(format!("read `{path}` of `{}`", self.from.display()))
    }

    /// Opens a file of the image; links are followed inside it only.
    fn open(&self, tree: &Tree, path: &str) -> Result<File, StackError> {
        let file = tree.open(Path::new(path)).map_err(|error| match error {
            TreeError::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                self.not_an_image(format!("`{path}` is missing"))
            }
            TreeError::Io(error) => self.reading(path)(error),
            TreeError::Entry(why) => self.not_an_image(format!("`{path}` {why}")),
        })?;
        let kind = file.metadata().map_err(self.reading(path))?;
        if !kind.is_file() {
            return Err(self.not_an_image(format!("`{path}` is no file")));
        }
        Ok(file)
    }

    fn small(&self, tree: &Tree, path: &str) -> Result<Vec<u8>, StackError> {
        let mut bytes = Vec::new();
        self.open(tree, path)?
            .take(DOCUMENT + 1)
            .read_to_end(&mut bytes)
            .map_err(self.reading(path))?;
        if bytes.len() as u64 > DOCUMENT {
            return Err(self.not_an_image(format!("`{path}` is too large")));
        }
        Ok(bytes)
    }

    fn keep_bytes(&self, bytes: &[u8]) -> Result<(), StackError> {
        self.keep(&mut &*bytes).map(drop)
    }

    /// Copies a blob into the store, under the digest of what was copied.
    fn keep(&self, source: &mut dyn Read) -> Result<(Digest, u64), StackError> {
        let mut writer = HashingWriter::new(self.temp()?);
        io::copy(source, &mut writer).map_err(StackError::io("copy a blob into the store"))?;
        let (temp, digest, size) = writer.finish();
        self.name(temp, &digest)?;
        Ok((digest, size))
    }

    /// Keeps a plain tar as a gzipped one: it goes into images that are pushed.
    fn keep_compressed(&self, source: &mut dyn Read) -> Result<(Digest, u64), StackError> {
        let doing = || StackError::io("compress a layer");
        let writer = HashingWriter::new(io::BufWriter::new(self.temp()?));
        let mut gzip = flate2::write::GzEncoder::new(writer, flate2::Compression::new(6));
        io::copy(source, &mut gzip).map_err(doing())?;
        let (buffered, digest, size) = gzip.finish().map_err(doing())?.finish();
        let temp = buffered
            .into_inner()
            .map_err(|error| doing()(error.into_error()))?;
        self.name(temp, &digest)?;
        Ok((digest, size))
    }

    fn temp(&self) -> Result<tempfile::NamedTempFile, StackError> {
        tempfile::Builder::new()
            .prefix(".import-")
            .tempfile_in(self.blobs.folder().join("sha256"))
            .map_err(StackError::io("make a file in the store"))
    }

    fn name(&self, mut temp: tempfile::NamedTempFile, digest: &Digest) -> Result<(), StackError> {
        use std::os::unix::fs::PermissionsExt;
        let doing = || StackError::io("keep a blob in the store");
        temp.flush().map_err(doing())?;
        temp.as_file()
            .set_permissions(PermissionsExt::from_mode(0o644))
            .map_err(doing())?;
        temp.as_file().sync_all().map_err(doing())?;
        temp.persist(self.blobs.file(digest))
            .map_err(|error| doing()(error.error))?;
        Ok(())
    }
}

fn read_document(source: &BlobDir, blob: &Descriptor) -> Result<Document, StackError> {
    let bytes = read_small(source, &blob.digest, "the manifest")?;
    Ok(Document::parse("the manifest", &bytes)?)
}

fn is_gzip(file: &mut (impl Read + Seek)) -> io::Result<bool> {
    let mut magic = [0; 2];
    let mut read = 0;
    while read < magic.len() {
        match file.read(&mut magic[read..])? {
            0 => break,
            more => read += more,
        }
    }
    file.rewind()?;
    Ok(magic == [0x1f, 0x8b])
}

fn decompressed(mut file: File) -> io::Result<Box<dyn Read>> {
    Ok(if is_gzip(&mut file)? {
        Box::new(MultiGzDecoder::new(BufReader::new(file)))
    } else {
        Box::new(BufReader::new(file))
    })
}
