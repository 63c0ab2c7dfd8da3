//! What makes the files of two clean builds of the same source the same.
//!
//! Two builds differ in chunks of BEAM files that hold no code (maps in the order of the machine's memory), in Mix's
//! manifests (clock times, order of compiling) and in the random cookie of a release; never in code. [`BeamNormaliser`] and [`ReleaseCookie`] rewrite these as they enter a layer, and
//! [`not_for_the_image`] names the leftovers that nobody needs there.

mod beam;
mod cookie;
mod etf;
mod manifest;
mod order;

use std::collections::BTreeSet;
use std::path::{Component, Path};

use buildpack_core::layer::Normalise;

use beam::Notes;
use manifest::Of;

pub use cookie::ReleaseCookie;
pub(crate) use manifest::without_app;
pub(crate) use order::atoms_of_large_maps;

/// Says how files are rewritten: belongs into every key under which a normalised layer is kept.
pub const VERSION: &str = "beam-4";

/// Rewrites BEAM files and Mix manifests of the app and its dependencies as they enter a layer.
///
/// Of BEAM files debug information (`Dbgi`, except that of protocols) and the type checker's notes (`ExCk`) are left
/// out, as `mix release` does; documentation stays. In a release nothing is left out that is still there. Files of Erlang, Elixir and Hex themselves come from archives and
/// are not touched.
#[derive(Debug, Clone, Default)]
pub struct BeamNormaliser {
    dependencies: BTreeSet<String>,
}

impl BeamNormaliser {
    /// For an app with these dependencies.
    pub fn new(dependencies: BTreeSet<String>) -> Self {
        Self { dependencies }
    }

    /// Whose manifest stands at `_build/*/lib/NAME/.mix/…`.
    fn owner(&self, image_path: &str) -> Of {
        let mut parts = image_path.rsplit('/').skip(2);
        match parts.next() {
            Some(name) if self.dependencies.contains(name) => Of::Dependency,
            _ => Of::App,
        }
    }
}

enum Kind<'p> {
    Beam(Notes),
    Manifest(&'p str),
    /// What Hex notes of a package beside its source: a map, in the order of the machine's memory.
    HexNote,
}

fn kind(image_path: &str) -> Option<Kind<'_>> {
    let (folder, name) = image_path.rsplit_once('/')?;
    if !(folder.contains("/_build/") || folder.contains("/deps/")) {
        return None;
    }
    if name == ".hex" {
        return Some(Kind::HexNote);
    }
    if extension(name) == "beam" {
        let notes = if folder.contains("/rel/") {
            Notes::Keep
        } else if folder.ends_with("/consolidated") {
            Notes::LeaveOutAll
        } else {
            Notes::LeaveOut
        };
        return Some(Kind::Beam(notes));
    }
    (folder.ends_with("/.mix") && name.starts_with("compile.")).then_some(Kind::Manifest(name))
}

/// What stands behind the last dot; Erlang and Mix write it in lower case.
fn extension(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

impl Normalise for BeamNormaliser {
    fn wants(&self, image_path: &str) -> bool {
        kind(image_path).is_some()
    }

    fn rewrite(&self, image_path: &str, content: Vec<u8>) -> Vec<u8> {
        let rewritten = match kind(image_path) {
            Some(Kind::Beam(notes)) => beam::rewrite(&content, notes),
            Some(Kind::Manifest(name)) => manifest::rewrite(name, &content, self.owner(image_path)),
            Some(Kind::HexNote) => etf::decode(&content).map(|term| term.encode()),
            None => None,
        };
        rewritten.unwrap_or(content)
    }

    fn reveal(&self, image_path: &str, content: &[u8]) -> Vec<Vec<u8>> {
        match kind(image_path) {
            Some(Kind::Beam(_)) => beam::unpacked_literals(content).into_iter().collect(),
            _ => Vec::new(),
        }
    }
}

/// Whether the file or folder at `path`, relative to the app or to its home, is a leftover of building that an image
/// must not hold: caches and keys of Hex,
/// what git keeps of dependencies besides their commit, locks, tables of compilers that name a running machine or come
/// in no order.
pub fn not_for_the_image(path: &Path) -> bool {
    path.ancestors().any(is_leftover)
}

/// Whether `path` is one, seen without what it lies in.
fn is_leftover(path: &Path) -> bool {
    let parts: Vec<&str> = path
        .components()
        .filter_map(|part| match part {
            Component::Normal(part) => part.to_str(),
            _ => None,
        })
        .collect();
    // What rebar3's compiler knows of sources and their times, in no order; it is for the next compilation.
    if parts.contains(&"_build") && parts.contains(&".rebar3") {
        return true;
    }
    if let ["deps", _, ".git", inside @ ..] = &parts[..] {
        return !wanted_of_git(inside);
    }
    match parts[..] {
        // `hex.config` holds the keys of private organisations; Hex reads none of these when an app starts.
        [.., ".hex", "cache.bin" | "cache.ets" | "packages" | "hex.config"]
        // Erlang makes the cookie at random where a node with a name starts, and refuses one that others can read.
        | [".erlang.cookie"] | [".cache", "rebar3"]
        // Mix does without: the table is for warnings of the next compilation.
        | [.., ".mix", "compile.app_tracer" | "compile.lock"]
        | [.., ".mix_lock"] => true,
        [.., ".mix", name] => matches!(extension(name), "checkpoint" | "cp"),
        _ => false,
    }
}

/// When an app starts, Mix asks git for the remote and the commit of each dependency that came by git; `HEAD` and
/// `config` say both, and the two folders make it a repository. The rest tells when it was fetched and what else the
/// remote had then.
fn wanted_of_git(inside: &[&str]) -> bool {
    matches!(
        inside,
        [] | ["HEAD" | "config" | "objects" | "refs"] | ["objects", "info"] | ["refs", "heads"]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_of_hex_is_the_same_in_whatever_order_its_atoms_were_made() {
        let note = |pairs: &[(&str, &str)]| {
            let atom = |text: &str| etf::Term::Atom(119, text.into());
            let mut bytes = vec![131, 116, 0, 0, 0, u8::try_from(pairs.len()).unwrap()];
            for (key, value) in pairs {
                atom(key).write(&mut bytes);
                etf::Term::Binary(value.as_bytes().to_vec()).write(&mut bytes);
            }
            bytes
        };
        let one = note(&[("name", "phoenix"), ("repo", "hexpm"), ("version", "1.8.1")]);
        let other = note(&[("version", "1.8.1"), ("name", "phoenix"), ("repo", "hexpm")]);
        assert_ne!(one, other);
        let normaliser = BeamNormaliser::default();
        let path = "/app/deps/phoenix/.hex";
        assert!(normaliser.wants(path) && !normaliser.wants("/app/.hex"));
        assert_eq!(
            normaliser.rewrite(path, one),
            normaliser.rewrite(path, other)
        );
    }

    #[test]
    fn leftovers() {
        for path in [
            ".hex/cache.bin",
            ".hex/cache.ets",
            ".hex/packages",
            ".hex/packages/hexpm/jason-1.4.4.tar",
            ".cache/rebar3/bin",
            "home/.hex/hex.config",
            "_build/prod/lib/hello/.mix/compile.app_tracer",
            "_build/prod/lib/hello/.mix/compile.elixir.checkpoint",
            "_build/prod/lib/.rebar3/rebar_compiler_erl/source.dag",
            ".erlang.cookie",
            "deps/forked/.git/index",
            "deps/forked/.git/logs/HEAD",
            "deps/forked/.git/objects/pack",
            "deps/forked/.git/refs/heads/main",
        ] {
            assert!(not_for_the_image(Path::new(path)), "{path}");
        }
        for path in [
            "",
            ".hex",
            "deps/nimble/.hex",
            "deps/forked/.git",
            "deps/forked/.git/HEAD",
            "deps/forked/.git/objects/info",
            "deps/forked/sub/.git",
            ".git/index",
            "lib/packages",
            "_build/prod/lib/hello/.mix/compile.elixir",
            "cache.ets",
        ] {
            assert!(!not_for_the_image(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn only_what_the_build_made() {
        for path in [
            "/app/_build/prod/lib/hello/ebin/Elixir.Hello.beam",
            "/app/_build/prod/lib/hello/.mix/compile.elixir",
            "/app/deps/jiffy/ebin/jiffy.beam",
        ] {
            assert!(BeamNormaliser::default().wants(path), "{path}");
        }
        for path in [
            "/app/.platform_tools/erlang/lib/kernel/ebin/kernel.beam",
            "/app/_build/prod/lib/hello/ebin/hello.app",
            "/app/lib/compile.elixir",
            "/app/priv/x.beam",
        ] {
            assert!(!BeamNormaliser::default().wants(path), "{path}");
        }
    }

    #[test]
    fn what_is_not_understood_stays() {
        for content in [&b""[..], b"FOR1", b"no beam", &[131, 80, 0, 0, 0, 9, 1]] {
            for path in ["/app/_build/x/ebin/a.beam", "/app/_build/x/.mix/compile.x"] {
                assert_eq!(
                    BeamNormaliser::default().rewrite(path, content.to_vec()),
                    content
                );
            }
        }
    }
}
