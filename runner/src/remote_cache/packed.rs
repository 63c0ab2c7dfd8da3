//! A folder as it travels: a tar packed with zstd that begins with what it is, so that an entry is believed by its own
//! word and not by its place alone.

use std::io::{self, BufReader, Read as _, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path};

use buildpack_core::digest::HashingWriter;
use buildpack_core::layer::{FLOOR, zstd};
use buildpack_core::secret::{Scan, SecretGate};
use buildpack_core::store::{Bucket, CacheKey};
use buildpack_core::toolchain::{UnpackLimits, unpack_tar_zst};
use fs_err::File;
use serde::{Deserialize, Serialize};
use tar::{EntryType, Header};
use walkdir::WalkDir;

use super::artifact::{ENTRY, Stored};

/// The first member.
const HEAD: &str = "entry.json";
/// The folder that all others are in.
const FILES: &str = "files";
/// A longer first member is none.
const LONGEST_HEAD: u64 = 1 << 20;

/// What an entry says that it is.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    bucket: String,
    key: CacheKey,
}

/// Why a folder is not sent.
#[derive(Debug)]
pub(super) enum Unfit {
    /// The value of a config var is in this file.
    Secret(String),
    /// It holds what no reader would take.
    Odd(String),
    /// It could not be read, or written.
    Failed(io::Error),
}

impl From<io::Error> for Unfit {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// Packs the entry in `folder` into the new file `into`. The bytes follow from key and content alone.
pub(super) fn pack(
    folder: &Path,
    (bucket, key): (Bucket, &CacheKey),
    gate: &SecretGate,
    into: &Path,
) -> Result<Stored, Unfit> {
    look_through(folder, gate)?;
    let head = Head {
        bucket: bucket.folder().to_owned(),
        key: key.clone(),
    };
    let head = serde_json::to_vec(&head).map_err(io::Error::from)?;
    // Several entries are packed at once.
    let out = HashingWriter::new(io::BufWriter::new(File::create(into)?));
    let (out, ()) = zstd(1, out, |out| write(folder, &head, out))?;
    let (out, digest, size) = out.finish();
    out.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(Stored {
        media_type: ENTRY.to_owned(),
        digest,
        size,
    })
}

/// Whether all of it may be sent.
fn look_through(folder: &Path, gate: &SecretGate) -> Result<(), Unfit> {
    for entry in WalkDir::new(folder).min_depth(1) {
        let entry = entry.map_err(io::Error::from)?;
        let below = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let name = || below.display().to_string();
        let kind = entry.file_type();
        let mut found = gate.is_in(below.as_os_str().as_bytes())?;
        if kind.is_symlink() {
            let to = fs_err::read_link(entry.path())?;
            if leads_out(below, &to) {
                return Err(Unfit::Odd(format!("its link `{}` leads out of it", name())));
            }
            found |= gate.is_in(to.as_os_str().as_bytes())?;
        } else if kind.is_file() {
            found |= holds(entry.path(), gate)?;
        } else if !kind.is_dir() {
            return Err(Unfit::Odd(format!("`{}` is no file", name())));
        }
        if found {
            return Err(Unfit::Secret(name()));
        }
    }
    Ok(())
}

/// Whether a file holds a value, as it is or unpacked.
fn holds(path: &Path, gate: &SecretGate) -> io::Result<bool> {
    let mut file = File::open(path)?;
    if gate.is_in(&mut file)? {
        return Ok(true);
    }
    let mut scan = Scan::new(Some(gate));
    scan.packed(&mut file);
    Ok(scan.has_found())
}

/// Whether a link's letters lead out of the folder that it is `below`.
fn leads_out(below: &Path, to: &Path) -> bool {
    let mut depth = below.components().count() - 1;
    for part in to.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(_) => depth += 1,
            Component::ParentDir if depth > 0 => depth -= 1,
            _ => return true,
        }
    }
    false
}

fn write(folder: &Path, head: &[u8], out: &mut dyn Write) -> io::Result<()> {
    let mut tar = tar::Builder::new(out);
    let mut first = header(EntryType::Regular, 0o644);
    first.set_size(head.len() as u64);
    tar.append_data(&mut first, HEAD, head)?;
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = entry?;
        let below = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let name = Path::new(FILES).join(below);
        let kind = entry.file_type();
        if kind.is_dir() {
            let mut header = header(EntryType::Directory, 0o755);
            tar.append_data(&mut header, name, io::empty())?;
        } else if kind.is_symlink() {
            let mut header = header(EntryType::Symlink, 0o777);
            tar.append_link(&mut header, name, fs_err::read_link(entry.path())?)?;
        } else {
            let metadata = entry.metadata()?;
            let program = metadata.permissions().mode() & 0o100 != 0;
            let mut header = header(EntryType::Regular, if program { 0o755 } else { 0o644 });
            header.set_size(metadata.len());
            let file = File::open(entry.path())?;
            tar.append_data(&mut header, name, file)?;
        }
    }
    tar.into_inner().map(|_| ())
}

/// The same for every machine, user and time.
fn header(kind: EntryType, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_mtime(FLOOR);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(0);
    header
}

/// Unpacks `packed`, whose digest was checked, into the empty folder `into`, if it is the entry that was asked for.
pub(super) fn unpack(
    packed: &Path,
    (bucket, key): (Bucket, &CacheKey),
    into: &Path,
) -> Result<(), String> {
    let beside = into.parent().unwrap_or(into);
    let failed = |error: io::Error| error.to_string();
    let scratch = tempfile::tempdir_in(beside).map_err(failed)?;
    let file = BufReader::new(File::open(packed).map_err(failed)?);
    unpack_tar_zst(file, scratch.path(), 0, UnpackLimits::default())
        .map_err(|error| error.to_string())?;
    let mut head = Vec::new();
    File::open(scratch.path().join(HEAD))
        .and_then(|file| file.take(LONGEST_HEAD).read_to_end(&mut head))
        .map_err(|_| "it does not say what it is".to_owned())?;
    let head: Head = serde_json::from_slice(&head)
        .map_err(|error| format!("it does not say what it is: {error}"))?;
    if head.bucket != bucket.folder() || head.key != *key {
        return Err("it is the entry of another key".to_owned());
    }
    let files = fs_err::read_dir(scratch.path().join(FILES)).map_err(failed)?;
    for file in files {
        let file = file.map_err(failed)?;
        fs_err::rename(file.path(), into.join(file.file_name())).map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    struct Desk(tempfile::TempDir);

    impl Desk {
        fn new() -> Self {
            let desk = Self(tempfile::tempdir().unwrap());
            let long = "long/".repeat(40);
            for folder in ["entry/bin", "entry/empty", "into", &format!("entry/{long}")] {
                fs_err::create_dir_all(desk.path(folder)).unwrap();
            }
            fs_err::write(desk.path("entry/bin/erl"), "program").unwrap();
            let mode = std::fs::Permissions::from_mode(0o700);
            fs_err::set_permissions(desk.path("entry/bin/erl"), mode).unwrap();
            fs_err::write(desk.path(&format!("entry/{long}/deep")), "deep").unwrap();
            symlink("bin/erl", desk.path("entry/erl")).unwrap();
            desk
        }

        fn path(&self, name: &str) -> std::path::PathBuf {
            self.0.path().join(name)
        }

        fn pack(&self, gate: &SecretGate) -> Result<Stored, Unfit> {
            let of = (Bucket::Tools, &key());
            pack(&self.path("entry"), of, gate, &self.path("packed"))
        }

        fn unpack(&self, bucket: Bucket, key: &CacheKey) -> Result<(), String> {
            unpack(&self.path("packed"), (bucket, key), &self.path("into"))
        }
    }

    fn key() -> CacheKey {
        CacheKey::new("tool").part("archive", "sha256:aa")
    }

    fn open() -> SecretGate {
        SecretGate::new::<&str, &str>([])
    }

    #[test]
    fn what_was_packed_is_what_is_unpacked() {
        let desk = Desk::new();
        let stored = desk.pack(&open()).unwrap();
        desk.unpack(Bucket::Tools, &key()).unwrap();
        let erl = fs_err::read_to_string(desk.path("into/erl")).unwrap();
        assert_eq!(erl, "program");
        let mode = fs_err::metadata(desk.path("into/bin/erl")).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o755);
        assert!(desk.path("into/empty").is_dir());
        let deep = format!("into/{}deep", "long/".repeat(40));
        assert_eq!(fs_err::read_to_string(desk.path(&deep)).unwrap(), "deep");
        // Another machine packs the same bytes.
        let other = Desk::new().pack(&open()).unwrap();
        assert_eq!(stored, other);
    }

    #[test]
    fn an_entry_that_says_it_is_another_is_refused() {
        let desk = Desk::new();
        desk.pack(&open()).unwrap();
        for (bucket, key) in [
            (Bucket::Packages, key()),
            (Bucket::Tools, key().part("stack", "heroku-24")),
        ] {
            let why = desk.unpack(bucket, &key).unwrap_err();
            assert!(why.contains("another key"), "{why}");
        }
        let whole = fs_err::read(desk.path("packed")).unwrap();
        fs_err::write(desk.path("packed"), &whole[..whole.len() / 2]).unwrap();
        assert!(desk.unpack(Bucket::Tools, &key()).is_err());
        let bare = zstd::bulk::compress(&[0; 1024], 3).unwrap();
        fs_err::write(desk.path("packed"), bare).unwrap();
        let why = desk.unpack(Bucket::Tools, &key()).unwrap_err();
        assert!(why.contains("what it is"), "{why}");
        let into = fs_err::read_dir(desk.path("into")).unwrap();
        assert_eq!(into.count(), 0);
    }

    #[test]
    fn files_with_values_of_config_vars_are_not_sent() {
        let gate = SecretGate::new([("KEY", "0123456789")]);
        let text = b"before 0123456789 after";
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text).unwrap();
        for content in [text.to_vec(), gzip.finish().unwrap()] {
            let desk = Desk::new();
            assert!(desk.pack(&gate).is_ok());
            fs_err::write(desk.path("entry/bin/note"), content).unwrap();
            let unfit = desk.pack(&gate).unwrap_err();
            assert!(matches!(unfit, Unfit::Secret(name) if name == "bin/note"));
        }
        let desk = Desk::new();
        fs_err::write(desk.path("entry/bin/0123456789"), "").unwrap();
        assert!(matches!(desk.pack(&gate), Err(Unfit::Secret(_))));
    }

    #[test]
    fn what_no_reader_would_take_is_not_sent() {
        for (name, to) in [("out", "../x"), ("bin/out", "../../x"), ("abs", "/etc")] {
            let desk = Desk::new();
            symlink(to, desk.path("entry").join(name)).unwrap();
            assert!(matches!(desk.pack(&open()), Err(Unfit::Odd(_))), "{to}");
        }
    }
}
