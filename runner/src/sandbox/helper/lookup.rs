//! Finds the program to execute, and complains as a shell does where there is none.

use std::path::{Path, PathBuf};

use crate::sandbox::wire::Program;

/// Where a shell looks when `PATH` is not set.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What a shell says and returns for a program that can't be had.
pub(super) struct Missing {
    pub(super) line: String,
    pub(super) code: u8,
}

/// The file to execute: as a shell finds it, by the program's own `PATH`.
pub(super) fn find(program: &Program) -> Result<PathBuf, Missing> {
    let name = program.argv.first().map_or("", String::as_str);
    let complain = |why: &str, code| Missing {
        line: format!("bp: {name}: {why}"),
        code,
    };
    let judge = |path: &Path| match path.metadata() {
        Err(_) => Some(("no such file or directory", 127)),
        Ok(meta) if meta.is_dir() => Some(("is a directory", 126)),
        Ok(_) if rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_err() => {
            Some(("permission denied", 126))
        }
        Ok(_) => None,
    };
    if name.contains('/') {
        return match judge(Path::new(name)) {
            None => Ok(name.into()),
            Some((why, code)) => Err(complain(why, code)),
        };
    }
    let path = program.env.get("PATH").map_or(DEFAULT_PATH, String::as_str);
    let mut denied = false;
    for folder in path.split(':').filter(|_| !name.is_empty()) {
        let folder = if folder.is_empty() { "." } else { folder };
        let candidate = Path::new(folder).join(name);
        match judge(&candidate) {
            None => return Ok(candidate),
            Some(("permission denied", _)) => denied = true,
            Some(_) => {}
        }
    }
    Err(if denied {
        complain("permission denied", 126)
    } else {
        complain("command not found", 127)
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn look(argv: &str, path: &str) -> Result<PathBuf, u8> {
        let program = Program {
            argv: vec![argv.to_owned()],
            cwd: Path::new("/").into(),
            env: [("PATH".to_owned(), path.to_owned())].into(),
        };
        find(&program).map_err(|missing| missing.code)
    }

    #[test]
    fn programs_are_found_as_a_shell_finds_them() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (name, mode) in [("a/tool", 0o644), ("b/tool", 0o755), ("a/plain", 0o600)] {
            std::fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            std::fs::write(at(name), "#!/bin/sh\n").unwrap();
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(at(name), mode).unwrap();
        }
        let path = format!("{}:{}", at("a").display(), at("b").display());
        assert_eq!(look("tool", &path), Ok(at("b/tool")));
        assert_eq!(look("plain", &path), Err(126));
        assert_eq!(look("absent", &path), Err(127));
        assert_eq!(look("", &path), Err(127));
        assert_eq!(look(at("a").to_str().unwrap(), &path), Err(126));
        assert_eq!(look("/absent/tool", &path), Err(127));
    }
}
