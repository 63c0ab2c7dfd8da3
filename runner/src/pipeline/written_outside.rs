//! What packs that are scripts wrote where nothing stays: on Heroku and in containers they may not write there at all, so that
//! they find out at once.

use std::path::{Path, PathBuf};

use buildpack_core::diagnostic::Diagnostic;
use buildpack_core::sandbox::Room;
use walkdir::WalkDir;

/// So many paths are told.
const TOLD: usize = 3;

/// Folders of the system that hold nothing an app would start with.
const PASSING: [&str; 4] = ["run", "var", "tmp", "dev"];

/// A warning, if files were written in the room's scratch, outside of the folders that it shows.
pub(super) fn written_outside(room: &Room) -> Option<Diagnostic> {
    let upper = room.scratch.join("upper");
    let is_shown = |path: &Path| {
        room.mounts
            .iter()
            .any(|mount| path.starts_with(&mount.target))
    };
    let walk = WalkDir::new(&upper)
        .min_depth(1)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| {
            let below = entry.path().strip_prefix(&upper).unwrap_or(entry.path());
            !PASSING.iter().any(|folder| below == Path::new(folder))
                && !is_shown(&Path::new("/").join(below))
        });
    let files: Vec<PathBuf> = walk
        .flatten()
        .filter(|entry| {
            // What is empty may be a place for a mount.
            let holds = |size: u64| entry.file_type().is_file() && size > 0;
            let size = entry.metadata().map_or(0, |metadata| metadata.len());
            holds(size) || entry.file_type().is_symlink()
        })
        .filter_map(|entry| Some(Path::new("/").join(entry.path().strip_prefix(&upper).ok()?)))
        .collect();
    if files.is_empty() {
        return None;
    }
    let told = files.iter().take(TOLD);
    let mut told: Vec<String> = told.map(|path| format!("`{}`", path.display())).collect();
    if files.len() > TOLD {
        told.push(format!("{} more", files.len() - TOLD));
    }
    let problem = Diagnostic::warning(
        "pack-wrote-outside",
        format!(
            "buildpacks wrote files outside of the app, which are gone with the build: {}",
            told.join(", ")
        ),
    );
    let help = "on Heroku they could not write there: a pack puts into BUILD_DIR what is to stay";
    Some(problem.help(help))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use buildpack_core::sandbox::{Access, Limits, Mount};

    use super::*;

    #[test]
    fn files_are_told_and_places_of_mounts_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let mount = |target: &str| Mount {
            source: folder.path().to_owned(),
            target: PathBuf::from(target),
            access: Access::ReadWrite,
        };
        let room = Room {
            root: Vec::new(),
            scratch: folder.path().to_owned(),
            mounts: vec![mount("/app"), mount("/opt/tool")],
            memory: Vec::new(),
            user: (1000, 1000),
            limits: Limits::default(),
        };
        let write = |path: &str, text: &str| {
            let path = folder.path().join("upper").join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        };
        assert!(written_outside(&room).is_none());
        write("etc/hosts", "");
        write("app/a", "a");
        write("opt/tool/a", "a");
        write("var/cache/a", "a");
        assert!(written_outside(&room).is_none());
        write("usr/local/bin/tool", "a");
        symlink("tool", folder.path().join("upper/usr/local/bin/link")).unwrap();
        let said = written_outside(&room).unwrap();
        assert!(
            said.message
                .ends_with("`/usr/local/bin/link`, `/usr/local/bin/tool`"),
            "{}",
            said.message
        );
        write("new/b", "b");
        write("root/c", "c");
        let said = written_outside(&room).unwrap().message;
        assert!(
            said.ends_with("`/new/b`, `/root/c`, `/usr/local/bin/link`, 1 more"),
            "{said}"
        );
    }
}
