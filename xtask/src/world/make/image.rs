//! A stack's run and build image, from Debian packages to what a registry keeps.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use fs_err as fs;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::part::{Kitchen, Part, hex, run_recipe};
use super::stack::{self, Stack};
use crate::world::Failure;

const ROOTS: &str = include_str!("../recipes/image.sh");
const LAYER: &str = include_str!("../recipes/layer.sh");
/// Raised when the documents below are written in another way.
const DOCUMENTS: &str = "2";
const CREATED: &str = "2025-01-01T00:00:00Z";
const REPOSITORY: &str = "docker/registry/v2/repositories/heroku/heroku";

/// The roots of both images: `run`, and `above` with what the build image adds; beside them `debs` with
/// Debian's Erlang and Elixir, and `sources` of packages.
pub(super) fn roots(kitchen: &Kitchen, stack: &Stack) -> Result<Part, Failure> {
    let run_packages = format!("{},{}", stack::RUN_PACKAGES, stack.libraries);
    let hex = if stack.hex_package { " erlang-hex" } else { "" };
    let tools = format!("{}{hex}", stack::TOOL_PACKAGES);
    let settings = [
        ("SUITE", stack.suite),
        ("RUN_PACKAGES", &run_packages),
        ("BUILD_PACKAGES", stack::BUILD_PACKAGES),
        ("DEBS", &tools),
        ("SOURCES", stack.sources),
        ("SOURCES_SUITE", stack::SOURCES_SUITE),
    ];
    let mut inputs = vec![ROOTS];
    inputs.extend(settings.iter().flat_map(|(name, value)| [*name, *value]));
    kitchen.part(&format!("roots-{}", stack.number), &inputs, |folder| {
        run_recipe(ROOTS, folder, &settings)
    })
}

/// Both images as `docker-registry` keeps them, below the folder.
pub(super) fn storage(kitchen: &Kitchen, stack: &Stack, roots: &Part) -> Result<Part, Failure> {
    let name = format!("registry-{}", stack.number);
    let described = format!(
        "{} {} {} {}",
        stack.number, stack.ubuntu, stack.user, stack.label
    );
    let inputs = [roots.key.as_str(), LAYER, DOCUMENTS, &described];
    kitchen.part(&name, &inputs, |folder| {
        let storage = Storage { folder };
        let base = storage.layer(&roots.path.join("run"))?;
        let above = storage.layer(&roots.path.join("above"))?;
        storage.image(stack, "", &[&base])?;
        storage.image(stack, "-build", &[&base, &above])
    })
}

/// A layer that lies in the storage.
struct Layer {
    descriptor: Value,
    diff_id: String,
}

struct Storage<'a> {
    folder: &'a Path,
}

impl Storage<'_> {
    fn layer(&self, root: &Path) -> Result<Layer, Failure> {
        let mut tar = Command::new("sh")
            .args(["-c", LAYER, "layer"])
            .arg(root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|cause| Failure::new("cannot start `sh`", cause))?;
        let mut plain = tar
            .stdout
            .take()
            .ok_or_else(|| Failure::say("`sh` gave no output"))?;
        let new = self.folder.join("layer");
        let (mut inner, mut outer) = (Sha256::new(), Sha256::new());
        let mut gzip = GzEncoder::new(
            Hashing {
                file: fs::File::create(&new)?,
                hash: &mut outer,
            },
            Compression::new(5),
        );
        let mut buffer = vec![0; 1 << 18];
        loop {
            let count = std::io::Read::read(&mut plain, &mut buffer)?;
            if count == 0 {
                break;
            }
            inner.update(&buffer[..count]);
            gzip.write_all(&buffer[..count])?;
        }
        gzip.finish()?;
        let status = tar.wait()?;
        if !status.success() {
            return Err(Failure::say(format!(
                "`tar` failed ({status}) on {}",
                root.display()
            )));
        }
        let digest = hex(&outer.finalize());
        let size = fs::metadata(&new)?.len();
        let blob = self.blob(&digest)?;
        fs::rename(new, blob)?;
        self.link(&format!("_layers/sha256/{digest}"), &digest)?;
        Ok(Layer {
            descriptor: json!({
                "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                "digest": format!("sha256:{digest}"),
                "size": size,
            }),
            diff_id: format!("sha256:{}", hex(&inner.finalize())),
        })
    }

    /// Where a blob lies; its folder is made.
    fn blob(&self, digest: &str) -> Result<std::path::PathBuf, Failure> {
        let folder = self
            .folder
            .join("docker/registry/v2/blobs/sha256")
            .join(&digest[..2])
            .join(digest);
        fs::create_dir_all(&folder)?;
        Ok(folder.join("data"))
    }

    /// Says in the repository, at this place, that the blob belongs to it.
    fn link(&self, place: &str, digest: &str) -> Result<(), Failure> {
        let folder = self.folder.join(REPOSITORY).join(place);
        fs::create_dir_all(&folder)?;
        Ok(fs::write(folder.join("link"), format!("sha256:{digest}"))?)
    }

    /// Writes a document; gives its digest and its descriptor.
    fn document(&self, media_type: &str, document: &Value) -> Result<(String, Value), Failure> {
        let text = document.to_string();
        let digest = hex(&Sha256::digest(&text));
        fs::write(self.blob(&digest)?, &text)?;
        let descriptor = json!({
            "mediaType": media_type,
            "digest": format!("sha256:{digest}"),
            "size": text.len(),
        });
        Ok((digest, descriptor))
    }

    fn revision(&self, media_type: &str, document: &Value) -> Result<(String, Value), Failure> {
        let (digest, descriptor) = self.document(media_type, document)?;
        self.link(&format!("_manifests/revisions/sha256/{digest}"), &digest)?;
        Ok((digest, descriptor))
    }

    /// One image under its tag. Heroku publishes an index of architectures where there are two of them.
    fn image(&self, stack: &Stack, suffix: &str, layers: &[&Layer]) -> Result<(), Failure> {
        const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
        const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
        const INDEX: &str = "application/vnd.oci.image.index.v1+json";
        let tag = format!("{}{suffix}", stack.number);
        let mut settings = json!({
            "User": stack.user,
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "Cmd": ["/bin/bash"],
        });
        if stack.label {
            let id = format!("heroku-{}", stack.number);
            settings["Labels"] = json!({
                "io.buildpacks.stack.id": id,
                "io.buildpacks.base.distro.name": "ubuntu",
                "io.buildpacks.base.distro.version": stack.ubuntu.trim_start_matches("ubuntu-"),
            });
        }
        let config = json!({
            "architecture": "amd64",
            "os": "linux",
            "created": CREATED,
            "config": settings,
            "rootfs": {
                "type": "layers",
                "diff_ids": layers.iter().map(|layer| &layer.diff_id).collect::<Vec<_>>(),
            },
            "history": layers
                .iter()
                .map(|_| json!({ "created": CREATED, "created_by": "cargo xtask world" }))
                .collect::<Vec<_>>(),
        });
        let (digest, config) = self.document(CONFIG, &config)?;
        self.link(&format!("_layers/sha256/{digest}"), &digest)?;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config,
            "layers": layers.iter().map(|layer| &layer.descriptor).collect::<Vec<_>>(),
        });
        let (mut digest, mut descriptor) = self.revision(MANIFEST, &manifest)?;
        if stack.label {
            descriptor["platform"] = json!({ "architecture": "amd64", "os": "linux" });
            let index = json!({
                "schemaVersion": 2,
                "mediaType": INDEX,
                "manifests": [descriptor],
            });
            digest = self.revision(INDEX, &index)?.0;
        }
        self.link(&format!("_manifests/tags/{tag}/current"), &digest)?;
        self.link(
            &format!("_manifests/tags/{tag}/index/sha256/{digest}"),
            &digest,
        )
    }
}

/// Passes bytes on to a file and hashes them.
struct Hashing<'a> {
    file: fs::File,
    hash: &'a mut Sha256,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hash.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}
