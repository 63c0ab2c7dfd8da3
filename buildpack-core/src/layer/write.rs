//! Files to blob in one pass.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use stacks::Arch;

use super::blocks::Failure;
use super::tar::Tar;
use super::walk::walk;
use super::{Compression, LayerError, Normalise, Selection};
use crate::diagnostic::Diagnostic;
use crate::digest::{Digest, HashingWriter};
use crate::event::{Event, EventSink};
use crate::libraries::Libraries;
use crate::secret::SecretGate;

/// 2000-01-01T00:00:00Z, the time of nearly every file in the image: Mix takes it as the floor of configuration times, and
/// a project whose files are all as old as that is not compiled again at boot.
pub const FLOOR: u64 = 946_684_800;

/// How a layer is written.
pub struct Options<'a> {
    /// User and group id of every entry.
    pub owner: (u32, u32),
    /// Folder of the image that is ours, such as `/app`. Parents of files get entries from here downwards; folders
    /// above it belong to the stack's image and keep its owners and modes.
    pub home: &'a str,
    /// Names the layer in events.
    pub name: &'a str,
    /// Which files (absolute image paths) get a time made of their content, before [`FLOOR`]: files that a
    /// web server names by size and time (`Plug.Static`'s `ETag`).
    pub mtime_from_content: &'a (dyn Fn(&str) -> bool + Sync),
    /// Applied in order to the files they want.
    pub normalisers: &'a [&'a dyn Normalise],
    /// Which files (absolute image paths) the app is sure to load, if they are ELF files.
    pub loads: &'a (dyn Fn(&str) -> bool + Sync),
    /// What must not be in the layer.
    pub gate: Option<&'a SecretGate>,
    /// What the image runs on: ELF files for others mean nothing to it.
    pub architecture: Arch,
    /// How the blob is packed.
    pub compression: Compression,
    /// Threads that compress; the bytes are the same for any count.
    pub threads: usize,
}

/// A layer that lies in the blobs folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenLayer {
    /// Digest of the compressed blob, and its file name in hex.
    pub digest: Digest,
    /// Digest of the tar.
    pub diff_id: Digest,
    /// Bytes of the compressed blob.
    pub size: u64,
    /// Bytes of the tar.
    pub unpacked_size: u64,
    /// Entries of the tar.
    pub entries: u64,
    /// What its ELF files need and offer.
    pub libraries: Libraries,
}

/// Writes `selection` as a compressed tar into the folder `blobs`, named by the hex of its digest. `None` when
/// there is nothing to write. A killed process leaves a temporary file (`.tmp…`) at most, an error
/// nothing.
pub fn write(
    selection: &Selection<'_>,
    options: &Options<'_>,
    blobs: &Path,
    events: &dyn EventSink,
) -> Result<Option<WrittenLayer>, LayerError> {
    let walked = walk(selection, options.home)?;
    for path in &walked.skipped {
        events.emit(Event::Diagnostic {
            diagnostic: Diagnostic::warning(
                "layer-skipped-special-file",
                format!(
                    "`{}` is a socket, pipe or device and is not in the image",
                    path.display()
                ),
            ),
        });
    }
    if walked.entries.is_empty() {
        return Ok(None);
    }
    let cant = |source| LayerError::Write {
        path: blobs.to_owned(),
        source,
    };
    let blob = tempfile::Builder::new()
        .prefix(".tmp")
        .tempfile_in(blobs)
        .map_err(cant)?;
    let out = HashingWriter::new(blob);
    let packed = options.compression.pack(options.threads, out, |input| {
        let mut tar = Tar::new(input, options, events);
        walked
            .entries
            .iter()
            .try_for_each(|entry| tar.entry(entry))?;
        tar.finish()
    });
    let packed = packed.map_err(|failure| match failure {
        Failure::Fill(error) => error,
        Failure::Write(source) => cant(source),
    })?;
    let (diff_id, unpacked_size, libraries) = (packed.digest, packed.length, packed.value);
    let (blob, digest, size) = packed.out.finish();
    events.progress(options.name, unpacked_size, Some(unpacked_size), true);
    keep(blob, &blobs.join(digest.hex()))?;
    Ok(Some(WrittenLayer {
        digest,
        diff_id,
        size,
        unpacked_size,
        entries: walked.entries.len() as u64,
        libraries,
    }))
}

/// Makes the temporary file durable and names it.
fn keep(blob: tempfile::NamedTempFile, path: &Path) -> Result<(), LayerError> {
    let cant = |source| LayerError::Write {
        path: path.to_owned(),
        source,
    };
    let file = blob.as_file();
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
        .map_err(cant)?;
    file.sync_all().map_err(cant)?;
    blob.persist(path).map_err(|error| cant(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::fs::symlink;

    use flate2::read::MultiGzDecoder;

    use super::*;
    use crate::diagnostic::Explain as _;
    use crate::event::{Recorder, Silent};
    use crate::layer::tar::{PIECE, time_of};
    use crate::layer::{Synthetic, Tree};

    struct Shout;

    impl Normalise for Shout {
        fn wants(&self, path: &str) -> bool {
            path.ends_with("shout")
        }
        fn rewrite(&self, _: &str, content: Vec<u8>) -> Vec<u8> {
            [content.to_ascii_uppercase(), b"!".to_vec()].concat()
        }
        fn reveal(&self, _: &str, content: &[u8]) -> Vec<Vec<u8>> {
            vec![content.iter().rev().copied().collect()]
        }
    }

    fn options<'a>() -> Options<'a> {
        Options {
            owner: (1000, 1001),
            home: "/app",
            name: "app",
            mtime_from_content: &|path| path.contains("/priv/static/"),
            normalisers: &[&Shout],
            loads: &|_| false,
            gate: None,
            architecture: Arch::Amd64,
            compression: Compression::Gzip,
            threads: 2,
        }
    }

    /// A folder as a build could leave it; what is the same in two of them has to come out the same.
    fn app(reversed: bool) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let long = format!("long/{}", "x".repeat(150));
        let mut files = vec![
            ("bin/run", "#!/bin/sh\n", 0o755),
            ("lib/a.ex", "a", 0o600),
            ("priv/static/app.css", "body{}", 0o644),
            ("w.shout", "hey", 0o664),
            (&long, "", 0o640),
        ];
        if reversed {
            files.reverse();
        }
        for (name, content, mode) in files {
            let path = root.path().join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(&path, content).unwrap();
            let mode = if reversed { mode & !0o066 } else { mode };
            fs_err::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        symlink("../nowhere", root.path().join("dangling")).unwrap();
        fs_err::hard_link(root.path().join("lib/a.ex"), root.path().join("lib/b.ex")).unwrap();
        root
    }

    fn written(root: &Path, blobs: &Path, options: &Options<'_>) -> WrittenLayer {
        let selection = Selection::new().tree(Tree::new(root, "/app"));
        write(&selection, options, blobs, &Silent).unwrap().unwrap()
    }

    fn unpacked(layer: &WrittenLayer, blobs: &Path) -> Vec<String> {
        let blob = fs_err::read(blobs.join(layer.digest.hex())).unwrap();
        assert_eq!(Digest::of(&blob), layer.digest);
        assert_eq!(blob.len() as u64, layer.size);
        let mut plain = Vec::new();
        MultiGzDecoder::new(&blob[..])
            .read_to_end(&mut plain)
            .unwrap();
        assert_eq!(Digest::of(&plain), layer.diff_id);
        assert_eq!(plain.len() as u64, layer.unpacked_size);
        let mut archive = ::tar::Archive::new(&plain[..]);
        let lines: Vec<String> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let mut entry = entry.unwrap();
                let mut content = String::new();
                entry.read_to_string(&mut content).unwrap();
                let header = entry.header();
                format!(
                    "{:o} {}:{} -{} {}{} {content:?}",
                    header.mode().unwrap(),
                    header.uid().unwrap(),
                    header.gid().unwrap(),
                    FLOOR - header.mtime().unwrap(),
                    entry.path().unwrap().display(),
                    entry
                        .link_name()
                        .unwrap()
                        .map_or(String::new(), |to| format!(" -> {}", to.display())),
                )
            })
            .collect();
        assert_eq!(lines.len() as u64, layer.entries);
        lines
    }

    #[test]
    fn entries_say_nothing_of_the_machine() {
        let (root, blobs) = (app(false), tempfile::tempdir().unwrap());
        let layer = written(root.path(), blobs.path(), &options());
        let seconds = FLOOR - time_of(&Digest::of(b"body{}"));
        assert_eq!(
            unpacked(&layer, blobs.path()),
            [
                "755 1000:1001 -0 app/ \"\"".to_owned(),
                "755 1000:1001 -0 app/bin/ \"\"".to_owned(),
                "755 1000:1001 -0 app/bin/run \"#!/bin/sh\\n\"".to_owned(),
                "777 1000:1001 -0 app/dangling -> ../nowhere \"\"".to_owned(),
                "755 1000:1001 -0 app/lib/ \"\"".to_owned(),
                "644 1000:1001 -0 app/lib/a.ex \"a\"".to_owned(),
                "644 1000:1001 -0 app/lib/b.ex \"a\"".to_owned(),
                "755 1000:1001 -0 app/long/ \"\"".to_owned(),
                format!("644 1000:1001 -0 app/long/{} \"\"", "x".repeat(150)),
                "755 1000:1001 -0 app/priv/ \"\"".to_owned(),
                "755 1000:1001 -0 app/priv/static/ \"\"".to_owned(),
                format!("644 1000:1001 -{seconds} app/priv/static/app.css \"body{{}}\""),
                "644 1000:1001 -0 app/w.shout \"HEY!\"".to_owned(),
            ]
        );
    }

    #[test]
    fn two_folders_and_any_threads_make_one_blob() {
        let blobs = tempfile::tempdir().unwrap();
        let (one, other) = (app(false), app(true));
        let first = written(one.path(), blobs.path(), &options());
        for threads in [1, 7] {
            let options = Options {
                threads,
                ..options()
            };
            assert_eq!(written(other.path(), blobs.path(), &options), first);
        }
        // Nothing but the one blob is left.
        assert_eq!(fs_err::read_dir(blobs.path()).unwrap().count(), 1);
    }

    #[test]
    fn as_zstd_it_is_the_same_layer_in_another_blob() {
        let blobs = tempfile::tempdir().unwrap();
        let root = app(false);
        let gzip = written(root.path(), blobs.path(), &options());
        let options = Options {
            compression: Compression::Zstd,
            ..options()
        };
        let zstd = written(root.path(), blobs.path(), &options);
        assert_eq!(zstd.diff_id, gzip.diff_id);
        assert_ne!(zstd.digest, gzip.digest);
        let blob = fs_err::read(blobs.path().join(zstd.digest.hex())).unwrap();
        let plain = zstd::decode_all(&blob[..]).unwrap();
        assert_eq!(Digest::of(&plain), zstd.diff_id);
        assert_eq!(blob.len() as u64, zstd.size);
    }

    #[test]
    fn nothing_is_no_layer() {
        let blobs = tempfile::tempdir().unwrap();
        let selection = Selection::new().tree(Tree::new("/nowhere/at/all", "/app"));
        assert_eq!(
            write(&selection, &options(), blobs.path(), &Silent).unwrap(),
            None
        );
        assert_eq!(fs_err::read_dir(blobs.path()).unwrap().count(), 0);
    }

    #[test]
    fn special_files_are_told() {
        let (root, blobs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let _socket = std::os::unix::net::UnixListener::bind(root.path().join("s")).unwrap();
        let events = Recorder::default();
        let selection = Selection::new().tree(Tree::new(root.path(), "/app"));
        write(&selection, &options(), blobs.path(), &events).unwrap();
        assert!(events.events().iter().any(|event| matches!(
            event,
            Event::Diagnostic { diagnostic } if diagnostic.code.0 == "layer-skipped-special-file"
        )));
    }

    #[test]
    fn secrets_stop_it_by_name_only() {
        let (root, blobs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let value = "hunter2hunter2";
        // Over the border of two pieces, in a link's target, in what a normaliser reveals, and in a name.
        let mut big = vec![b'.'; PIECE - 5];
        big.extend(value.as_bytes());
        fs_err::write(root.path().join("big"), big).unwrap();
        symlink(format!("/{value}"), root.path().join("link")).unwrap();
        let reversed: String = value.to_uppercase().chars().rev().collect();
        fs_err::write(root.path().join("r.shout"), &reversed).unwrap();
        fs_err::create_dir(root.path().join(value)).unwrap();
        fs_err::write(root.path().join(value).join("f"), "").unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(format!("x = {value}").as_bytes()).unwrap();
        fs_err::write(root.path().join("app.js.gz"), gzip.finish().unwrap()).unwrap();
        let gate = SecretGate::new([("KEY", value.to_owned()), ("LOUD", value.to_uppercase())]);
        let options = Options {
            gate: Some(&gate),
            ..options()
        };
        let selection = Selection::new().tree(Tree::new(root.path(), "/app"));
        let Err(error) = write(&selection, &options, blobs.path(), &Silent) else {
            panic!("it should have been stopped");
        };
        let LayerError::Secret { findings } = &error else {
            panic!("{error}");
        };
        let found: Vec<_> = findings
            .iter()
            .map(|finding| (finding.path.as_str(), finding.name.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("/app/[its name]", "KEY"),
                ("/app/app.js.gz", "KEY"),
                ("/app/big", "KEY"),
                ("/app/link", "KEY"),
                ("/app/r.shout", "LOUD"),
            ]
        );
        let said = serde_json::to_string(&error.diagnostic()).unwrap();
        assert!(!said.contains(value), "{said}");
        assert_eq!(fs_err::read_dir(blobs.path()).unwrap().count(), 0);
    }

    #[test]
    fn unreadable_blobs_folder_is_said() {
        let root = app(false);
        let selection = Selection::new().tree(Tree::new(root.path(), "/app"));
        let error = write(&selection, &options(), Path::new("/nowhere"), &Silent).unwrap_err();
        assert!(
            error.to_string().contains("can't write `/nowhere`"),
            "{error}"
        );
    }

    /// The tar's bytes must not change between two versions of `bp`; the blob's only with the compressor.
    #[test]
    fn golden_digests() {
        let blobs = tempfile::tempdir().unwrap();
        let selection = Selection::new().file(Synthetic {
            path: "/app/Procfile".to_owned(),
            content: b"web: mix phx.server\n".repeat(1000),
            executable: false,
        });
        let layer = write(&selection, &options(), blobs.path(), &Silent)
            .unwrap()
            .unwrap();
        assert_eq!(
            (layer.diff_id.hex().as_str(), layer.digest.hex().as_str()),
            (
                "95206af920c4d5255590e1eb023ab33edea0d89cab83cc9626edfd1a352093dd",
                "59e25975206d2893a5fd57dc82f54efdad16a3b0d94192683555b68a23d0a33a",
            )
        );
    }
}
