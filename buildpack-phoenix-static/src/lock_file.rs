//! Lock files of package managers: which there are, and of what format.

use buildpack_core::app::App;

use crate::package_manager::below;

/// What a lock file is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lock {
    /// npm's.
    Npm {
        /// `lockfileVersion`, where it could be read.
        version: Option<u32>,
    },
    /// yarn 1's.
    YarnClassic,
    /// That of yarn from 2 on.
    YarnBerry {
        /// `__metadata.version`.
        version: u32,
    },
    /// pnpm's.
    Pnpm {
        /// The number before the dot of `lockfileVersion`.
        version: u32,
    },
    /// That of a program of this name, which can't be used.
    Other(&'static str),
}

impl Lock {
    /// Whose it is, for people.
    pub(crate) fn whose(&self) -> String {
        match self {
            Self::Npm { .. } => "npm's".to_owned(),
            Self::YarnClassic => "of yarn 1".to_owned(),
            Self::YarnBerry { version } => format!("yarn's, format {version}"),
            Self::Pnpm { version } => format!("pnpm's, format {version}"),
            Self::Other(name) => format!("{name}'s"),
        }
    }
}

/// A lock file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LockFile {
    /// Below the app's folder.
    pub(crate) path: String,
    /// Whose it is.
    pub(crate) kind: Lock,
}

/// Names, the one that counts first: yarn before npm, as the bash packs have it, and npm's `npm-shrinkwrap.json` before its
/// `package-lock.json`.
const NAMES: [&str; 7] = [
    "yarn.lock",
    "pnpm-lock.yaml",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "bun.lock",
    "bun.lockb",
    "deno.lock",
];

/// The lock files of `folder`, the one that counts first: its own, else those of the workspace that it is in.
pub(crate) fn lock_files(app: &App, folder: &str) -> Vec<LockFile> {
    in_folder(app, project_root(app, folder))
}

/// The folder that the packages of `folder` are locked in: its own, or that of the workspace around it, where it has no
/// lock file of its own.
pub(crate) fn project_root<'a>(app: &App, folder: &'a str) -> &'a str {
    if !in_folder(app, folder).is_empty() {
        return folder;
    }
    let mut above = folder;
    while !above.is_empty() {
        above = above.rsplit_once('/').map_or("", |(above, _)| above);
        let package = app.source(&below(above, "package.json"));
        let workspaces = package.is_some_and(|file| file.text.contains("\"workspaces\""));
        if workspaces || app.has(&below(above, "pnpm-workspace.yaml")) {
            return above;
        }
    }
    folder
}

fn in_folder(app: &App, folder: &str) -> Vec<LockFile> {
    NAMES
        .into_iter()
        .filter_map(|name| {
            let path = below(folder, name);
            let kind = app.has(&path).then(|| match name {
                "yarn.lock" => yarn(&app.head(&path).unwrap_or_default()),
                "pnpm-lock.yaml" => pnpm(&app.head(&path).unwrap_or_default()),
                "bun.lock" | "bun.lockb" => Lock::Other("bun"),
                "deno.lock" => Lock::Other("deno"),
                _ => npm(&app.head(&path).unwrap_or_default()),
            })?;
            Some(LockFile { path, kind })
        })
        .collect()
}

/// `"lockfileVersion": 3`, behind the name and version of the app.
fn npm(head: &str) -> Lock {
    let (_, rest) = head.split_once("\"lockfileVersion\"").unwrap_or_default();
    let version = rest.trim_start().strip_prefix(':').map(number);
    Lock::Npm {
        version: version.filter(|version| *version > 0),
    }
}

/// From yarn 2 on the file is YAML and begins with `__metadata:`.
fn yarn(head: &str) -> Lock {
    let mut lines = head.lines();
    if !lines.any(|line| line.starts_with("__metadata:")) {
        return Lock::YarnClassic;
    }
    let version = lines
        .take_while(|line| line.starts_with(char::is_whitespace))
        .find_map(|line| line.trim().strip_prefix("version:"));
    Lock::YarnBerry {
        version: version.map_or(0, number),
    }
}

/// `lockfileVersion: '9.0'`.
fn pnpm(head: &str) -> Lock {
    let version = head
        .lines()
        .find_map(|line| line.strip_prefix("lockfileVersion:"));
    Lock::Pnpm {
        version: version.map_or(9, number),
    }
}

/// The first number in a text; more than any version where it is too large for one.
fn number(text: &str) -> u32 {
    let digits: String = text
        .trim()
        .trim_start_matches(['"', '\''])
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    match digits.as_str() {
        "" => 0,
        digits => digits.parse().unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_head_tells_the_format() {
        assert_eq!(yarn("# yarn lockfile v1\n\n\nfoo@^1:\n"), Lock::YarnClassic);
        assert_eq!(
            yarn("# This\n\n__metadata:\n  version: 8\n  cacheKey: 10c0\n"),
            Lock::YarnBerry { version: 8 }
        );
        assert_eq!(
            yarn("__metadata:\n\"x\":\n  version: 3"),
            Lock::YarnBerry { version: 0 }
        );
        for (text, version) in [
            (
                "{\n  \"name\": \"x\",\n  \"lockfileVersion\": 3,\n",
                Some(3),
            ),
            ("{\"lockfileVersion\":1}", Some(1)),
            ("{\"lockfileVersion\": null}", None),
            ("{}", None),
        ] {
            assert_eq!(npm(text), Lock::Npm { version }, "{text}");
        }
        for (text, version) in [
            ("lockfileVersion: '9.0'\n", 9),
            ("lockfileVersion: 5.4\n", 5),
            ("lockfileVersion: \"6.0\"", 6),
            ("", 9),
        ] {
            assert_eq!(pnpm(text), Lock::Pnpm { version }, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(\\PC|[\n: ']|__metadata:\n|lockfileVersion:|  version:|\"lockfileVersion\"){0,30}") {
            yarn(&text);
            pnpm(&text);
            npm(&text);
        }
    }
}
