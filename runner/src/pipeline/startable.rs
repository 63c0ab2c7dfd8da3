//! Whether the programs that process types begin with are in the image.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path};

use buildpack_core::pack::Finding;
use buildpack_core::syntax::first_command;

use crate::rootfs::PROGRAMS;

/// What programs can be in an image.
pub(super) struct Programs<'a> {
    /// The app's folder in the image.
    pub app_dir: &'a str,
    /// The same on the host.
    pub tree: &'a Path,
    /// Whether a file of the tree, by its path below it, is in the image.
    pub kept: &'a dyn Fn(&str) -> bool,
    /// Tools of the image: their places, and their folders on the host.
    pub tools: &'a [(&'a str, &'a Path)],
    /// Names of the run image's programs.
    pub of_system: &'a BTreeSet<String>,
    /// Whether nothing but tools and system is on `PATH`: packs that are scripts may have put more there.
    pub path_is_known: bool,
}

/// How a program was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Yes,
    No,
    NotExecutable,
}

/// What keeps the process types from starting. `offered` are the commands that packs have for some of them.
pub(super) fn unstartable(
    processes: &BTreeMap<String, String>,
    offered: &BTreeMap<String, String>,
    programs: &Programs<'_>,
) -> Vec<Finding> {
    let finding = |(process, command): (&String, &String)| {
        let words = first_command(command)?;
        let program = (*words.first()?).to_owned();
        let process = process.clone();
        match programs.find(&program)? {
            Found::Yes => None,
            Found::NotExecutable => Some(Finding::ProgramNotExecutable { process, program }),
            Found::No => {
                let instead = offered.get(&process).filter(|other| *other != command);
                Some(Finding::ProgramMissing {
                    instead: instead.cloned().into_iter().collect(),
                    process,
                    program,
                })
            }
        }
    };
    processes.iter().filter_map(finding).collect()
}

impl Programs<'_> {
    /// Whether bash would find and start it; none where that can't be told.
    fn find(&self, program: &str) -> Option<Found> {
        if !program.contains('/') {
            return self.on_path(program);
        }
        let below = match Path::new(program).strip_prefix(self.app_dir) {
            Ok(below) => below,
            Err(_) if program.starts_with('/') => return self.of_system(program),
            Err(_) => Path::new(program),
        };
        let parts: Option<Vec<&str>> = below
            .components()
            .filter(|part| *part != Component::CurDir)
            .map(|part| match part {
                Component::Normal(name) => name.to_str(),
                _ => None,
            })
            .collect();
        self.in_app(&parts?.join("/"))
    }

    fn on_path(&self, name: &str) -> Option<Found> {
        let tool = |(_, folder): &(&str, &Path)| {
            let places = [folder.join("bin").join(name), folder.join(name)];
            places.iter().any(|file| file.symlink_metadata().is_ok())
        };
        if self.of_system.contains(name) || self.tools.iter().any(tool) {
            return Some(Found::Yes);
        }
        (self.path_is_known && !self.has_profile()).then_some(Found::No)
    }

    /// Whether the app changes its environment when it starts.
    fn has_profile(&self) -> bool {
        let scripts = fs_err::read_dir(self.tree.join(".profile.d"));
        self.tree.join(".profile").exists() || scripts.is_ok_and(|mut all| all.next().is_some())
    }

    fn of_system(&self, program: &str) -> Option<Found> {
        let (folder, name) = program.trim_start_matches('/').rsplit_once('/')?;
        let known = PROGRAMS.contains(&folder);
        let there = self.of_system.contains(name);
        known.then_some(if there { Found::Yes } else { Found::No })
    }

    /// Looks for a file of the app's folder, or of a tool in it.
    fn in_app(&self, below: &str) -> Option<Found> {
        let path = format!("{}/{below}", self.app_dir);
        for (place, folder) in self.tools {
            let of_tool = path
                .strip_prefix(place)
                .and_then(|rest| rest.strip_prefix('/'));
            if let Some(rest) = of_tool {
                return kind(folder, rest);
            }
        }
        match kind(self.tree, below)? {
            Found::Yes if !(self.kept)(below) => Some(Found::No),
            found => Some(found),
        }
    }
}

/// What is at `below` in `folder`; none behind a link, which may lead to where only the image has something.
fn kind(folder: &Path, below: &str) -> Option<Found> {
    let mut path = folder.to_owned();
    for name in below.split('/') {
        path.push(name);
        let Ok(found) = path.symlink_metadata() else {
            return Some(Found::No);
        };
        if found.is_symlink() {
            return None;
        }
    }
    let found = path.symlink_metadata().ok()?;
    let executable = found.is_file() && found.permissions().mode() & 0o100 != 0;
    Some(if executable {
        Found::Yes
    } else {
        Found::NotExecutable
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn write(folder: &Path, path: &str, mode: u32) {
        let path = folder.join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, "").unwrap();
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn programs_are_found_where_bash_would_look() {
        let folder = tempfile::tempdir().unwrap();
        let (tree, elixir) = (folder.path().join("app"), folder.path().join("elixir"));
        write(&tree, "bin/start", 0o755);
        write(&tree, "bin/text", 0o644);
        write(&tree, "left/out", 0o755);
        symlink("/app/elsewhere", tree.join("linked")).unwrap();
        write(&elixir, "bin/mix", 0o755);
        let mut programs = Programs {
            app_dir: "/app",
            tree: &tree,
            kept: &|path| !path.starts_with("left/"),
            tools: &[("/app/.platform_tools/elixir", &elixir)],
            of_system: &["bash".to_owned()].into(),
            path_is_known: true,
        };
        for (program, found) in [
            ("mix", Some(Found::Yes)),
            ("bash", Some(Found::Yes)),
            ("/bin/bash", Some(Found::Yes)),
            ("/usr/bin/node", Some(Found::No)),
            ("/opt/tool", None),
            ("node", Some(Found::No)),
            ("bin/start", Some(Found::Yes)),
            ("./bin/start", Some(Found::Yes)),
            ("/app/bin/start", Some(Found::Yes)),
            ("/app/.platform_tools/elixir/bin/mix", Some(Found::Yes)),
            ("/app/.platform_tools/elixir/bin/iex", Some(Found::No)),
            ("bin/server", Some(Found::No)),
            ("bin/text", Some(Found::NotExecutable)),
            ("./bin", Some(Found::NotExecutable)),
            ("left/out", Some(Found::No)),
            ("linked/server", None),
            ("../x/server", None),
        ] {
            assert_eq!(programs.find(program), found, "{program}");
        }
        programs.path_is_known = false;
        assert_eq!(programs.find("node"), None);
        programs.path_is_known = true;
        write(&tree, ".profile", 0o644);
        assert_eq!(programs.find("node"), None);
        assert_eq!(programs.find("bin/server"), Some(Found::No));
    }

    #[test]
    fn a_process_type_is_told_with_what_the_pack_offers() {
        let folder = tempfile::tempdir().unwrap();
        let programs = Programs {
            app_dir: "/app",
            tree: folder.path(),
            kept: &|_| true,
            tools: &[],
            of_system: &BTreeSet::new(),
            path_is_known: true,
        };
        let processes = [
            ("web", "bin/old start"),
            ("odd", "$X"),
            ("env", "A=1 bin/x"),
        ];
        let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            let owned = pairs.iter().map(|&(a, b)| (a.to_owned(), b.to_owned()));
            owned.collect()
        };
        let offered = map(&[("web", "bin/new start")]);
        let told = unstartable(&map(&processes), &offered, &programs);
        let missing = |process: &str, program: &str, instead: &[&str]| Finding::ProgramMissing {
            process: process.to_owned(),
            program: program.to_owned(),
            instead: instead.iter().map(|&text| text.to_owned()).collect(),
        };
        assert_eq!(
            told,
            [
                missing("env", "bin/x", &[]),
                missing("web", "bin/old", &["bin/new start"]),
            ]
        );
    }
}
