//! A built image written out: `oci:DIR`, `oci-archive:FILE`, `docker-archive:FILE`.

use std::fmt;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use buildpack_core::diagnostic::{Class, Diagnostic};
use buildpack_core::event::EventSink;
use buildpack_core::image::{BlobDir, Image, MediaType, archive, layout};
use buildpack_core::layer::Compression;

use super::failure::{Failure, disk};

/// Where to write an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A folder that is an OCI image layout; other images in it stay.
    Oci(PathBuf),
    /// A tar of such a layout.
    OciArchive(PathBuf),
    /// What `docker load` reads.
    DockerArchive(PathBuf),
}

impl Output {
    /// Refuses what cannot hold layers that are packed so.
    pub fn must_take(&self, compression: Compression) -> Result<(), Failure> {
        match (self, compression) {
            (Self::DockerArchive(_), Compression::Zstd) => Err(self.needs_gzip()),
            _ => Ok(()),
        }
    }

    fn needs_gzip(&self) -> Failure {
        Failure::of(
            Diagnostic::error(
                "docker-archive-zstd",
                Class::Usage,
                format!("`{self}` cannot hold layers that are packed with zstd: `docker load` takes gzip"),
            )
            .help("take `--compression gzip` and a stack image of gzip layers, or write `oci-archive:FILE`"),
        )
    }

    /// Where it will be.
    pub fn path(&self) -> &Path {
        match self {
            Self::Oci(path) | Self::OciArchive(path) | Self::DockerArchive(path) => path,
        }
    }
}

impl FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, path) = text.split_once(':').unwrap_or((text, ""));
        if path.is_empty() {
            return Err(format!(
                "`{text}` is no output: expected `oci:DIR`, `oci-archive:FILE` or `docker-archive:FILE`"
            ));
        }
        let path = PathBuf::from(path);
        match kind {
            "oci" => Ok(Self::Oci(path)),
            "oci-archive" => Ok(Self::OciArchive(path)),
            "docker-archive" => Ok(Self::DockerArchive(path)),
            other => Err(format!(
                "`{other}` is no kind of output: expected `oci`, `oci-archive` or `docker-archive`"
            )),
        }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, path) = match self {
            Self::Oci(path) => ("oci", path),
            Self::OciArchive(path) => ("oci-archive", path),
            Self::DockerArchive(path) => ("docker-archive", path),
        };
        write!(f, "{kind}:{}", path.display())
    }
}

/// Writes `image`, called `name`, to `output`; archives appear whole or not at all.
pub fn export(
    image: &Image,
    name: &str,
    output: &Output,
    blobs: &BlobDir,
    events: &dyn EventSink,
) -> Result<(), Failure> {
    let tag = with_tag(name);
    match output {
        Output::Oci(folder) => Ok(layout::write(folder, image, Some("latest"), blobs, events)?),
        Output::OciArchive(file) => whole(file, |out| {
            archive::write_oci(out, image, Some(&tag), blobs, events)?;
            Ok(())
        }),
        Output::DockerArchive(_)
            if (image.layers.iter()).any(|layer| layer.media_type == MediaType::OciZstd) =>
        {
            Err(output.needs_gzip())
        }
        Output::DockerArchive(file) => whole(file, |out| {
            archive::write_docker(out, image, std::slice::from_ref(&tag), blobs, events)?;
            Ok(())
        }),
    }
}

/// A name as `docker load` wants it; a colon before the last slash belongs to a port.
fn with_tag(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    if last.contains(':') {
        name.to_owned()
    } else {
        format!("{name}:latest")
    }
}

/// Writes a file beside its final place and moves it there when it is complete.
fn whole(
    file: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| disk(&format!("write `{}`", file.display()), &error);
    let folder = match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let part = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(folder)
        .map_err(failed)?;
    let mut out = BufWriter::with_capacity(1 << 20, part);
    write(&mut out)?;
    let part = out
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    part.as_file().sync_all().map_err(failed)?;
    part.persist(file).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_no_tag() {
        assert_eq!(with_tag("app"), "app:latest");
        assert_eq!(with_tag("app:1"), "app:1");
        assert_eq!(with_tag("localhost:5000/app"), "localhost:5000/app:latest");
        assert_eq!(with_tag("localhost:5000/app:1"), "localhost:5000/app:1");
    }

    #[test]
    fn reads_what_it_prints_and_says_what_it_expects() {
        for text in ["oci:out", "oci-archive:a:b.tar", "docker-archive:/x.tar"] {
            assert_eq!(text.parse::<Output>().unwrap().to_string(), text);
        }
        for text in ["", "oci", "oci:", "tar:x"] {
            assert!(
                text.parse::<Output>().unwrap_err().contains("expected"),
                "{text}"
            );
        }
    }
}
