//! One part of the world: a folder that is there as a whole or not at all.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use fs_err as fs;
use sha2::{Digest, Sha256};

use crate::debian::{self, Program};
use crate::world::Failure;

/// What the recipes call, besides what every Debian has.
const TOOLS: [Program; 6] = [
    ("mmdebstrap", "mmdebstrap"),
    ("npm", "npm"),
    ("openssl", "openssl"),
    ("unzip", "unzip"),
    ("xz", "xz-utils"),
    ("zip", "zip"),
];

/// Where parts are made. One process at a time makes a part; the others wait for it.
pub(crate) struct Kitchen {
    dir: PathBuf,
}

/// A part that was made, now or earlier.
pub(crate) struct Part {
    /// Its folder, not to be written to.
    pub(crate) path: PathBuf,
    /// Stands for all that went into it.
    pub(crate) key: String,
}

impl Kitchen {
    /// Parts are kept in this folder.
    pub(crate) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    /// The part `name` that is made of `inputs`; `make` fills an empty folder if it is not there yet.
    pub(crate) fn part(
        &self,
        name: &str,
        inputs: &[&str],
        make: impl FnOnce(&Path) -> Result<(), Failure>,
    ) -> Result<Part, Failure> {
        let mut hash = Sha256::new();
        for input in inputs {
            hash.update(input.len().to_le_bytes());
            hash.update(input);
        }
        let key = format!("{name}-{}", &hex(&hash.finalize())[..12]);
        let path = self.dir.join(&key);
        if !path.exists() {
            self.make(name, &key, make)?;
        }
        Ok(Part { path, key })
    }

    fn make(
        &self,
        name: &str,
        key: &str,
        make: impl FnOnce(&Path) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let hint = |cause| {
            Failure::new(
                "root makes the world (`sudo cargo xtask world -- true`)",
                cause,
            )
        };
        let path = self.dir.join(key);
        fs::create_dir_all(&self.dir).map_err(hint)?;
        let lock_path = self.dir.join(format!("{key}.lock"));
        let lock = fs::File::create(&lock_path).map_err(hint)?;
        if lock.file().try_lock().is_err() {
            eprintln!("world: another process makes {name}; waiting for it");
            lock.file()
                .lock()
                .map_err(|cause| Failure::new(format!("cannot lock {key}"), cause))?;
        }
        if path.exists() {
            return Ok(());
        }
        debian::need(&TOOLS)?;
        let started = Instant::now();
        let half = self.dir.join(format!("{key}.making"));
        if half.exists() {
            fs::remove_dir_all(&half)?;
        }
        fs::create_dir(&half)?;
        make(&half)?;
        // Ordinary users read it, whatever the umask was. What is inside a root folder stays as it is.
        let depth = if name.starts_with("roots") {
            "--"
        } else {
            "--recursive"
        };
        Command::new("chmod")
            .args([depth, "a+rX"])
            .arg(&half)
            .status()?;
        fs::rename(&half, &path)?;
        eprintln!(
            "world: {name} made in {:.1} s",
            started.elapsed().as_secs_f64()
        );
        // Whoever waits for it finds the part there.
        Ok(fs::remove_file(lock_path)?)
    }
}

/// Runs a shell recipe in `folder`, in a mount namespace of its own, with these settings.
pub(crate) fn run_recipe(
    recipe: &str,
    folder: &Path,
    settings: &[(&str, &str)],
) -> Result<(), Failure> {
    let name = recipe.lines().next().unwrap_or_default();
    let log = folder.join("log");
    let out = fs::File::create(&log)?.into_parts().0;
    let err = out.try_clone()?;
    // A recipe that is left alone would go on writing to a folder that the next making removes.
    let status = Command::new("setpriv")
        .args([
            "--pdeathsig",
            "KILL",
            "--",
            "unshare",
            "--mount",
            "sh",
            "-c",
            recipe,
        ])
        .current_dir(folder)
        .envs(settings.iter().copied())
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .status()
        .map_err(|cause| Failure::new("cannot start `setpriv`", cause))?;
    if status.success() {
        return Ok(fs::remove_file(log)?);
    }
    let text = fs::read_to_string(&log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines[lines.len().saturating_sub(15)..].join("\n  ");
    Err(Failure::say(format!(
        "{name}\n  failed ({status}); making the world needs root, mmdebstrap and the Debian mirrors; its last words:\n  {tail}"
    )))
}

/// Bytes as lowercase hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}
