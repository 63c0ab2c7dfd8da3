//! What single steps are lent and no other sees: secrets, and ways to use keys that stay outside.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::plan::{Run, Step};
use crate::sandbox::{MemoryFile, Mount, Room};

/// The folder of secrets in the sandbox, a file system in memory, as Docker has it.
pub const SECRETS_DIR: &str = "/run/secrets";

/// What one step is lent. There is no way to print it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Loan {
    /// Secrets by name: variables of its programs, for a script of a pack files of ENV_DIR, and files of [`SECRETS_DIR`].
    pub secrets: BTreeMap<String, String>,
    /// More variables.
    pub env: BTreeMap<String, String>,
    /// More files in memory.
    pub memory: Vec<MemoryFile>,
    /// Paths of the host.
    pub mounts: Vec<Mount>,
    /// Links below the app's folder, each with where it leads to in the sandbox, for the time of the step.
    pub links: Vec<(PathBuf, PathBuf)>,
}

/// What steps are lent, by their ids.
pub type Loans = BTreeMap<String, Loan>;

impl Loan {
    /// Adds to the room and the environment of the step's programs. `env_dir` is where a script finds config vars.
    pub(super) fn give(
        &self,
        step: &Step,
        env_dir: Option<&str>,
        room: &mut Room,
        env: &mut BTreeMap<String, String>,
    ) {
        let script = matches!(step.run, Run::Script { .. });
        for (name, value) in &self.secrets {
            let file = |folder: &str| MemoryFile {
                target: Path::new(folder).join(name),
                content: value.clone().into_bytes(),
            };
            room.memory.push(file(SECRETS_DIR));
            match env_dir {
                Some(env_dir) if script => {
                    let file = file(env_dir);
                    room.memory.retain(|other| other.target != file.target);
                    room.memory.push(file);
                }
                _ => drop(env.insert(name.clone(), value.clone())),
            }
        }
        env.extend(self.env.clone());
        room.memory.extend(self.memory.iter().cloned());
        room.mounts.extend(self.mounts.iter().cloned());
    }

    /// Makes the links below `tree`; they are gone when the value that is returned is dropped. What stands in the place of one
    /// stays, and counts.
    pub(super) fn link(&self, tree: &Path) -> io::Result<Links> {
        let mut links = Links(Vec::new());
        for (at, to) in &self.links {
            let at = tree.join(at);
            if at.is_symlink() {
                // A build that was killed left it.
                fs_err::remove_file(&at)?;
            }
            if at.exists() {
                continue;
            }
            if let Some(folder) = at.parent() {
                fs_err::create_dir_all(folder)?;
            }
            symlink(to, &at)?;
            links.0.push(at);
        }
        Ok(links)
    }
}

/// Links that stand as long as this value.
pub(super) struct Links(Vec<PathBuf>);

impl Drop for Links {
    fn drop(&mut self) {
        for link in &self.0 {
            // It leads to what is gone by now, and the next build removes it first.
            let _ = fs_err::remove_file(link);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Phase, Script};
    use crate::sandbox::Limits;

    fn room() -> Room {
        Room {
            root: Vec::new(),
            scratch: PathBuf::new(),
            mounts: Vec::new(),
            memory: vec![MemoryFile {
                target: "/tmp/env/A".into(),
                content: b"config var".to_vec(),
            }],
            user: (1000, 1000),
            limits: Limits::default(),
        }
    }

    fn given(run: Run) -> (Vec<String>, Vec<String>) {
        let loan = Loan {
            secrets: BTreeMap::from([("A".to_owned(), "secret".to_owned())]),
            ..Loan::default()
        };
        let (mut room, mut env) = (room(), BTreeMap::new());
        let step = Step::new("a", Phase::End, "", run);
        loan.give(&step, Some("/tmp/env"), &mut room, &mut env);
        let files = room.memory.iter().map(|file| {
            let content = String::from_utf8_lossy(&file.content);
            format!("{}={content}", file.target.display())
        });
        let env = env
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"));
        (files.collect(), env.collect())
    }

    #[test]
    fn programs_get_variables_and_scripts_get_files() {
        let (files, env) = given(Run::Bash {
            script: "true".to_owned(),
        });
        assert_eq!(files, ["/tmp/env/A=config var", "/run/secrets/A=secret"]);
        assert_eq!(env, ["A=secret"]);
        let (files, env) = given(Run::Script {
            pack: "p".to_owned(),
            script: Script::Compile,
        });
        assert_eq!(files, ["/run/secrets/A=secret", "/tmp/env/A=secret"]);
        assert!(env.is_empty());
    }

    #[test]
    fn links_stand_for_the_time_of_a_step() {
        let tree = tempfile::tempdir().unwrap();
        let loan = Loan {
            links: ["new/a", "left", "own"]
                .map(|at| (at.into(), "/run/secrets/x".into()))
                .to_vec(),
            ..Loan::default()
        };
        symlink("/nowhere", tree.path().join("left")).unwrap();
        fs_err::write(tree.path().join("own"), "mine").unwrap();
        let links = loan.link(tree.path()).unwrap();
        for at in ["new/a", "left"] {
            let to = fs_err::read_link(tree.path().join(at)).unwrap();
            assert_eq!(to, Path::new("/run/secrets/x"));
        }
        drop(links);
        assert!(!tree.path().join("new/a").is_symlink());
        assert!(!tree.path().join("left").is_symlink());
        assert_eq!(
            fs_err::read_to_string(tree.path().join("own")).unwrap(),
            "mine"
        );
    }
}
