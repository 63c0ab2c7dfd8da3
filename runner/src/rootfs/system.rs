//! What system a base image is: read from its layers once, and remembered.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use buildpack_core::image::{BaseImage, BlobSource};
use buildpack_core::libraries::{self, Libraries};
use buildpack_core::store::{Bucket, Record};
use serde::{Deserialize, Serialize};
use stacks::Arch;
use walkdir::WalkDir;

use super::unpack::plain;
use super::{StackError, StackStore};

/// A library is smaller than that; what is larger is a program.
const LARGEST: u64 = 256 << 20;

/// Where a system says which it is (os-release(5)); the first is a link to the second, where both are there.
const RELEASE: [&str; 2] = ["etc/os-release", "usr/lib/os-release"];

/// Folders of programs, as `PATH` names them where nobody says otherwise.
pub const PROGRAMS: [&str; 6] = [
    "bin",
    "sbin",
    "usr/bin",
    "usr/local/bin",
    "usr/local/sbin",
    "usr/sbin",
];

/// Folders that have all shared libraries of a system in them or below them.
const LIBRARIES: [&str; 4] = ["lib", "lib64", "opt", "usr"];

/// The system of a base image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct System {
    /// Distribution and version, as `ubuntu 24.04`, where it says so.
    pub release: Option<String>,
    /// What its libraries offer to programs. What they need of each other is the image's own affair.
    pub libraries: Libraries,
    /// Names of the programs in the folders of [`PROGRAMS`].
    pub programs: BTreeSet<String>,
}

impl StackStore {
    /// The system that `base`, whose layers are in the store, is.
    ///
    /// A file that a later layer takes away counts all the same: base images don't remove libraries that they shipped.
    pub fn system(&self, base: &BaseImage) -> Result<System, StackError> {
        if let Some(known) = self.known_system(base) {
            return Ok(known);
        }
        let mut system = System::default();
        let architecture: Option<Arch> = base.config.architecture().to_string().parse().ok();
        for layer in &base.layers {
            let failed = StackError::io(format!("read layer `{}`", layer.digest));
            self.blobs()
                .open(&layer.digest)
                .and_then(|blob| system.read(plain(layer.media_type, blob)?, architecture))
                .map_err(failed)?;
        }
        self.system_record(base).write(&system)?;
        Ok(system)
    }

    /// The same, where it is remembered; the layers need not be in the store.
    pub fn known_system(&self, base: &BaseImage) -> Option<System> {
        self.system_record(base).get()
    }

    fn system_record(&self, base: &BaseImage) -> Record<System> {
        let name = format!("system with programs {}", base.digest);
        self.store.record(Bucket::Images, &name)
    }
}

impl System {
    /// The system whose root folder is `root`: that of the machine or container in which apps are built and stay. What
    /// cannot be read is as good as absent.
    pub fn of_root(root: &Path, architecture: Arch) -> Self {
        let mut system = Self::default();
        for path in RELEASE {
            let text = fs_err::read_to_string(root.join(path)).unwrap_or_default();
            system.release = system.release.or_else(|| release(&text));
        }
        for folder in PROGRAMS {
            let entries = fs_err::read_dir(root.join(folder));
            for entry in entries.into_iter().flatten().flatten() {
                let found = entry.metadata();
                let starts = found.is_ok_and(|found| {
                    found.is_symlink() || found.is_file() && found.permissions().mode() & 0o111 != 0
                });
                if starts {
                    let name = entry.file_name().to_string_lossy().into_owned();
                    system.programs.insert(name);
                }
            }
        }
        for folder in LIBRARIES.map(|folder| root.join(folder)) {
            // `/lib` may be a link to `/usr/lib`, which has a turn of its own.
            if !folder.symlink_metadata().is_ok_and(|found| found.is_dir()) {
                continue;
            }
            let walk = WalkDir::new(folder).into_iter().flatten();
            for entry in walk.filter(|entry| entry.file_type().is_file()) {
                let name = entry.file_name().to_string_lossy();
                let linked = (name.contains(".so"))
                    .then(|| libraries::read(File::open(entry.path()).ok()?))
                    .flatten();
                if let Some(mut linked) = linked {
                    linked.needs.clear();
                    let path = entry.path().to_string_lossy();
                    system.libraries.add(&path, linked, architecture, false);
                }
            }
        }
        system
    }

    /// Takes in a layer.
    fn read(&mut self, tar: impl Read, architecture: Option<Arch>) -> io::Result<()> {
        let mut archive = tar::Archive::new(tar);
        for entry in archive.entries()? {
            let mut entry = entry?;
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let path = path.trim_start_matches("./");
            let name = path.rsplit('/').next().unwrap_or_default();
            let library = name.contains(".so");
            if is_program(path, entry.header()) {
                self.programs.insert(name.to_owned());
            }
            if !entry.header().entry_type().is_file()
                || !(library || RELEASE.contains(&path))
                || entry.size() > LARGEST
            {
                continue;
            }
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            if !library {
                self.release = release(&String::from_utf8_lossy(&content)).or(self.release.take());
            } else if let (Some(architecture), Some(mut linked)) =
                (architecture, libraries::read(Cursor::new(content)))
            {
                linked.needs.clear();
                self.libraries
                    .add(&format!("/{path}"), linked, architecture, false);
            }
        }
        Ok(())
    }
}

/// Whether an entry at `path` can be started by its name. Where a link leads is not looked at.
fn is_program(path: &str, header: &tar::Header) -> bool {
    let kind = header.entry_type();
    let executable = header.mode().is_ok_and(|mode| mode & 0o111 != 0);
    let starts = kind.is_symlink() || (kind.is_file() || kind.is_hard_link()) && executable;
    starts
        && path
            .rsplit_once('/')
            .is_some_and(|(folder, _)| PROGRAMS.contains(&folder))
}

/// `ID` and `VERSION_ID` of os-release(5).
fn release(text: &str) -> Option<String> {
    let of = |name: &str| {
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
        Some(value.trim().trim_matches(['"', '\'']).to_owned())
    };
    Some(format!("{} {}", of("ID")?, of("VERSION_ID")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_says_which_it_is() {
        let text =
            "PRETTY_NAME=\"Ubuntu 24.04.1 LTS\"\nVERSION_ID=\"24.04\"\nID=ubuntu\nID_LIKE=debian\n";
        assert_eq!(release(text).unwrap(), "ubuntu 24.04");
        assert_eq!(release("ID=arch\n"), None);
    }

    #[test]
    fn a_root_folder_is_a_system_too() {
        let root = tempfile::tempdir().unwrap();
        let library = std::fs::read("/bin/bash").unwrap();
        for (name, mode, content) in [
            (
                "usr/lib/os-release",
                0o644,
                &b"ID=debian\nVERSION_ID=13\n"[..],
            ),
            ("usr/lib/x/libmade.so.1", 0o644, &library),
            ("usr/bin/env", 0o755, b"#!"),
            ("usr/bin/notes.txt", 0o644, b""),
        ] {
            let path = root.path().join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(&path, content).unwrap();
            fs_err::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        std::os::unix::fs::symlink("usr/bin", root.path().join("bin")).unwrap();
        let architecture = Arch::host().unwrap();
        let system = System::of_root(root.path(), architecture);
        assert_eq!(system.release.as_deref(), Some("debian 13"));
        assert_eq!(Vec::from_iter(&system.programs), ["env"]);
        let mut app = Libraries::default();
        for library in ["libmade.so.1", "libother.so.1"] {
            let linked = libraries::Linked {
                architecture: Some(architecture),
                needs: [(library.to_owned(), <_>::default())].into(),
                offers: None,
            };
            app.add("/a", linked, architecture, true);
        }
        let missing = app.missing_in(&system.libraries);
        assert_eq!(missing.len(), 1);
        assert_eq!(missing[0].library, "libother.so.1");
    }

    #[test]
    fn libraries_and_release_are_found_among_other_files() {
        let mut tar = tar::Builder::new(Vec::new());
        let library = std::fs::read("/bin/bash").unwrap();
        let files: [(&str, u32, &[u8]); 7] = [
            ("./usr/lib/os-release", 0o644, b"ID=debian\nVERSION_ID=13\n"),
            ("usr/lib/libmade.so.1", 0o755, &library),
            ("usr/lib/broken.so", 0o644, b"\x7fELF"),
            ("usr/share/os-release", 0o644, b"ID=other\nVERSION_ID=1\n"),
            ("usr/bin/env", 0o755, b"#!"),
            ("./usr/bin/notes.txt", 0o644, b""),
            ("usr/bin/below/tool", 0o755, b"#!"),
        ];
        for (name, mode, content) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            header.set_mode(mode);
            tar.append_data(&mut header, name, content).unwrap();
        }
        let mut system = System::default();
        let mut link = tar::Header::new_ustar();
        link.set_entry_type(tar::EntryType::Symlink);
        link.set_size(0);
        tar.append_link(&mut link, "bin/sh", "dash").unwrap();
        let tar = tar.into_inner().unwrap();
        system.read(&tar[..], Arch::host()).unwrap();
        assert_eq!(system.release.as_deref(), Some("debian 13"));
        assert_eq!(Vec::from_iter(&system.programs), ["env", "sh"]);
        let mut needs = Libraries::default();
        let linked = |needs: &str| libraries::Linked {
            architecture: Arch::host(),
            needs: [(needs.to_owned(), <_>::default())].into(),
            offers: None,
        };
        needs.add("/a", linked("libmade.so.1"), Arch::host().unwrap(), false);
        assert!(needs.missing_in(&system.libraries).is_empty());
        needs.add("/b", linked("broken.so"), Arch::host().unwrap(), false);
        assert_eq!(needs.missing_in(&system.libraries).len(), 1);
    }
}
