//! OCI image layouts: folders with `oci-layout`, `index.json` and `blobs/` (image-spec, image-layout.md).

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::blob::{open, read_small};
use super::document::{OCI_INDEX, OCI_MANIFEST, canonical};
use super::{BlobDir, BlobSource, Document, Image, ImageError, IndexDocument, ManifestEntry};
use crate::digest::{Digest, HashingWriter};
use crate::event::EventSink;

/// The annotation that carries a tag in a layout's index.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The content of the file `oci-layout`.
pub(super) const LAYOUT_FILE: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// Writes `image` into the layout at `dir`, made if it is missing. Blobs are linked where they can be, else copied
/// and checked; what is there is left. Other tags of the layout stay; `index.json` is replaced last and at once.
pub fn write(
    dir: &Path,
    image: &Image,
    tag: Option<&str>,
    blobs: &dyn BlobSource,
    events: &dyn EventSink,
) -> Result<(), ImageError> {
    let target = BlobDir::new(dir.join("blobs"));
    let folder = dir.join("blobs").join("sha256");
    fs_err::create_dir_all(&folder).map_err(ImageError::io(format!(
        "make the layout `{}`",
        dir.display()
    )))?;
    let _lock = lock(dir)?;

    let what = format!("layout {}", dir.display());
    let total = image.total_size();
    let mut done = 0;
    for layer in &image.layers {
        place_blob(&target, &layer.digest, layer.size, &layer.purpose, blobs)?;
        done = (done + layer.size).min(total);
        events.progress(&what, done, Some(total), false);
    }
    for (digest, bytes) in [
        (&image.config_digest, &image.config),
        (&image.manifest_digest, &image.manifest),
    ] {
        put(&target.file(digest), bytes)?;
    }
    put(&dir.join("oci-layout"), LAYOUT_FILE)?;
    let index_file = dir.join("index.json");
    put(
        &index_file,
        &index(kept_entries(&index_file, image, tag)?, image, tag),
    )?;
    events.progress(&what, total, Some(total), true);
    Ok(())
}

/// Reads the image of `tag` from the layout at `dir`; without a tag, the only one there.
pub fn read(dir: &Path, tag: Option<&str>) -> Result<Image, ImageError> {
    let entry = find(dir, tag)?;
    let blobs = BlobDir::new(dir.join("blobs"));
    let manifest = read_small(&blobs, &entry.blob.digest, "the manifest")?;
    let Document::Manifest(document) = Document::parse("the manifest", &manifest)? else {
        return Err(ImageError::malformed(
            format!("`{}`", dir.display()),
            "it holds an image for several platforms",
        ));
    };
    let config = read_small(&blobs, &document.config.digest, "the config")?;
    Image::from_documents(manifest, config)
}

/// The entry of `tag` in the layout at `dir`; without a tag, the only one there.
pub fn find(dir: &Path, tag: Option<&str>) -> Result<ManifestEntry, ImageError> {
    let file = dir.join("index.json");
    let bytes = fs_err::read(&file).map_err(ImageError::io(format!(
        "read the layout `{}`",
        dir.display()
    )))?;
    let what = format!("`{}`", file.display());
    let Document::Index(IndexDocument { manifests }) = Document::parse(&what, &bytes)? else {
        return Err(ImageError::malformed(what, "it is no index"));
    };
    let tag_of = |entry: &ManifestEntry| -> Option<String> {
        entry.annotations.as_ref()?.get(REF_NAME).cloned()
    };
    let mut there: Vec<_> = manifests.iter().filter_map(tag_of).collect();
    there.sort();
    let fits = |entry: &&ManifestEntry| tag.is_none() || tag_of(entry).as_deref() == tag;
    let mut fitting = manifests.iter().filter(fits);
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => Ok(only.clone()),
        _ => Err(ImageError::NoSuchImage {
            layout: dir.to_owned(),
            tag: tag.map(str::to_owned),
            there,
        }),
    }
}

/// The index of a layout: what is kept, then `image`.
pub(super) fn index(mut kept: Vec<Value>, image: &Image, tag: Option<&str>) -> Vec<u8> {
    let config: Value = serde_json::from_slice(&image.config).unwrap_or_default();
    let mut entry = json!({
        "mediaType": OCI_MANIFEST,
        "digest": image.manifest_digest,
        "size": image.manifest.len(),
        "platform": {"architecture": config["architecture"], "os": config["os"]},
    });
    if let Some(tag) = tag {
        entry["annotations"] = json!({ REF_NAME: tag });
    }
    kept.push(entry);
    canonical(json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": kept}))
}

/// The entries of a layout's index that stay when `image` is written under `tag`, with all that they say.
fn kept_entries(file: &Path, image: &Image, tag: Option<&str>) -> Result<Vec<Value>, ImageError> {
    let what = format!("`{}`", file.display());
    let bytes = match fs_err::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(ImageError::io(format!("read {what}"))(error)),
    };
    let index: Value =
        serde_json::from_slice(&bytes).map_err(|error| ImageError::malformed(&what, &error))?;
    let entries = index["manifests"]
        .as_array()
        .ok_or_else(|| ImageError::malformed(&what, "it has no list `manifests`"))?;
    let ours = image.manifest_digest.to_string();
    Ok(entries
        .iter()
        .filter(|entry| {
            let theirs = entry["annotations"][REF_NAME].as_str();
            let replaced = match (theirs, tag) {
                (Some(theirs), Some(tag)) => theirs == tag,
                (None, _) => entry["digest"] == ours,
                (Some(_), None) => false,
            };
            !replaced
        })
        .cloned()
        .collect())
}

/// One writer at a time: the lock is on the folder itself, so that no lock file lies about in the layout.
fn lock(dir: &Path) -> Result<std::fs::File, ImageError> {
    let doing = || ImageError::io(format!("lock the layout `{}`", dir.display()));
    let folder = std::fs::File::open(dir).map_err(doing())?;
    folder.lock().map_err(doing())?;
    Ok(folder)
}

/// Links or copies one blob into a layout.
fn place_blob(
    target: &BlobDir,
    digest: &Digest,
    size: u64,
    what: &str,
    blobs: &dyn BlobSource,
) -> Result<(), ImageError> {
    if target.has(digest, size) {
        return Ok(());
    }
    let file = target.file(digest);
    if let Some(source) = blobs.path(digest) {
        let temp = temp_name(&file);
        // A link fails across file systems and where the system forbids it; then the bytes are copied.
        if fs_err::hard_link(&source, &temp).is_ok() {
            return fs_err::rename(&temp, &file)
                .map_err(ImageError::io(format!("place blob `{digest}`")));
        }
    }
    let mut reader = open(blobs, digest, what)?;
    let doing = || ImageError::io(format!("copy blob `{digest}` to `{}`", file.display()));
    let temp = tempfile::NamedTempFile::new_in(parent(&file)).map_err(doing())?;
    let mut writer = HashingWriter::new(temp);
    io::copy(&mut reader, &mut writer).map_err(doing())?;
    let (temp, found, _) = writer.finish();
    if found != *digest {
        return Err(ImageError::Damaged {
            what: format!("blob ({what})"),
            expected: *digest,
            found,
        });
    }
    persist(temp, &file)
}

/// Writes `bytes` to `file` so that it is there whole or not at all.
pub(super) fn put(file: &Path, bytes: &[u8]) -> Result<(), ImageError> {
    let doing = || ImageError::io(format!("write `{}`", file.display()));
    let mut temp = tempfile::NamedTempFile::new_in(parent(file)).map_err(doing())?;
    temp.write_all(bytes).map_err(doing())?;
    persist(temp, file)
}

fn persist(temp: tempfile::NamedTempFile, file: &Path) -> Result<(), ImageError> {
    use std::os::unix::fs::PermissionsExt;
    let doing = || ImageError::io(format!("write `{}`", file.display()));
    // Temporary files are made for their owner alone; a layout is for whoever may read the folder.
    temp.as_file()
        .set_permissions(PermissionsExt::from_mode(0o644))
        .map_err(doing())?;
    temp.as_file().sync_all().map_err(doing())?;
    temp.persist(file)
        .map_err(|error| doing()(error.error))
        .map(drop)
}

fn parent(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new("."))
}

fn temp_name(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    PathBuf::from(name)
}

#[cfg(test)]
pub(crate) mod tests;
