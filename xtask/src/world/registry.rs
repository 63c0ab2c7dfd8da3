//! Debian's `docker-registry` on loopback, filled with the stacks' images.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use fs_err as fs;
use walkdir::WalkDir;

use super::Failure;

/// Tried first, so that addresses stay the same from run to run.
const USUAL_PORT: u16 = 24_801;

/// A running registry; it stops when this is dropped, and dies with this process.
///
/// Its storage is of this run alone: folders of its own with links to the kept blobs, so that what a test
/// pushes is gone afterwards and an ordinary user can push although somebody else made the world.
pub(crate) struct Registry {
    process: Child,
    address: SocketAddr,
    _storage: tempfile::TempDir,
}

impl Registry {
    /// Serves these storages, one a stack, as one registry.
    pub(crate) fn start(storages: &[PathBuf]) -> Result<Self, Failure> {
        let own = tempfile::Builder::new()
            .prefix("bp-world-registry-")
            .tempdir()?;
        for storage in storages {
            link_tree(storage, &own.path().join("storage"))?;
        }
        let address = free_address()?;
        let config = own.path().join("config.yml");
        fs::write(
            &config,
            format!(
                "version: 0.1\nlog:\n  level: error\n  accesslog:\n    disabled: true\nstorage:\n  \
                 filesystem:\n    rootdirectory: {}\n  delete:\n    enabled: true\nhttp:\n  addr: {address}\n",
                own.path().join("storage").display()
            ),
        )?;
        let log = fs::File::create(own.path().join("log"))?;
        let mut process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", "docker-registry", "serve"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.into_parts().0)
            .spawn()
            .map_err(|cause| Failure::new("cannot start `docker-registry`", cause))?;
        while TcpStream::connect(address).is_err() {
            if process.try_wait()?.is_some() {
                let log = fs::read_to_string(own.path().join("log")).unwrap_or_default();
                return Err(Failure::new("`docker-registry` ended at once", log.trim()));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(Self {
            process,
            address,
            _storage: own,
        })
    }

    /// Host and port.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn free_address() -> Result<SocketAddr, Failure> {
    TcpListener::bind(("127.0.0.1", USUAL_PORT))
        .or_else(|_| TcpListener::bind(("127.0.0.1", 0)))
        .and_then(|listener| listener.local_addr())
        .map_err(|cause| Failure::new("no free port on 127.0.0.1", cause))
}

/// Repeats the folders of `from` in `to`, with a symbolic link for each blob that is not there yet.
fn link_tree(from: &Path, to: &Path) -> Result<(), Failure> {
    for entry in WalkDir::new(from) {
        let entry = entry.map_err(|cause| Failure::new("cannot read the images", cause))?;
        let Ok(relative) = entry.path().strip_prefix(from) else {
            continue;
        };
        let target = to.join(relative);
        if entry.file_type().is_dir() {
            fs::create_dir_all(target)?;
        } else if entry.file_name() == "link" {
            // The registry writes over it when a tag moves, which must not reach what is kept.
            fs::copy(entry.path(), target)?;
        } else if !target.exists() {
            fs::os::unix::fs::symlink(entry.path(), target)?;
        }
    }
    Ok(())
}
