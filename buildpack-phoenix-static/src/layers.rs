//! Which layer what was installed or built for assets belongs to.

use buildpack_core::layer::{Normalise, Purpose};
use buildpack_core::pack::Place;
use buildpack_core::plan::PackPlan;

use crate::{node, standalone, steps};

/// Changes with what is sorted or written differently.
pub(crate) const VERSION: &str = "assets-2";

/// Files that yarn makes for Plug'n'Play.
const PLUG_N_PLAY: [&str; 3] = [".pnp.cjs", ".pnp.loader.mjs", ".pnp.data.json"];

/// The place of a file; unknown where it is none of ours.
pub(crate) fn place_of(plan: &PackPlan, path: &str) -> Place {
    let stays = plan
        .tools
        .iter()
        .any(|tool| tool.id == node::ID && tool.in_image);
    let packages = if stays {
        Place::Layer(Purpose::NodeModules)
    } else {
        Place::Nowhere
    };
    let parts: Vec<&str> = path.split('/').collect();
    match parts[..] {
        [".heroku", "bin", ..] => packages,
        [".heroku" | ".npm" | ".pnpm-store" | ".pnpm-state", ..] => Place::Nowhere,
        ["_build", ..] if standalone::is_program(path) => Place::Nowhere,
        // Dependencies of Mix may have a folder of this name; it is theirs.
        ["deps" | "_build", ..] => Place::Unknown,
        _ if parts.contains(&"node_modules") => packages,
        // What yarn remembers of an installation.
        [.., ".yarn", "install-state.gz" | "build-state.yml"] => Place::Nowhere,
        _ if parts
            .windows(2)
            .any(|two| matches!(two, [".yarn", "cache" | "unplugged"])) =>
        {
            packages
        }
        [.., name] if PLUG_N_PLAY.contains(&name) => packages,
        _ if steps::is_lock_of_its_own_making(plan, path) => Place::Nowhere,
        _ => Place::Unknown,
    }
}

/// Phoenix's `cache_manifest.json` says when a file was digested, for the next clean-up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CacheManifest;

/// 2000-01-01 in the seconds since year 0 that Erlang counts.
pub(crate) const FLOOR: u64 = 63_113_904_000;

impl Normalise for CacheManifest {
    fn wants(&self, image_path: &str) -> bool {
        image_path.ends_with("/cache_manifest.json")
    }

    fn rewrite(&self, _: &str, content: Vec<u8>) -> Vec<u8> {
        match String::from_utf8(content) {
            Ok(text) => at_floor(&text).into_bytes(),
            Err(error) => error.into_bytes(),
        }
    }
}

fn at_floor(text: &str) -> String {
    let key = "\"mtime\":";
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(key) {
        let (before, after) = rest.split_at(at + key.len());
        let value = after.trim_start_matches(' ');
        let number = value.trim_start_matches(|c: char| c.is_ascii_digit());
        written.push_str(before);
        if number.len() < value.len() {
            written.push_str(&after[..after.len() - value.len()]);
            written.push_str(&FLOOR.to_string());
        }
        rest = if number.len() < value.len() {
            number
        } else {
            after
        };
    }
    written + rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_only_builds_assets_stays_out_of_the_image() {
        let plan = PackPlan::empty("/app");
        for path in [
            ".heroku/node/bin/node",
            "assets/node_modules/esbuild/bin/esbuild",
            "node_modules/.package-lock.json",
            "_build/esbuild-linux-x64",
            "_build/tailwind-linux-x64",
            "assets/.yarn/install-state.gz",
            "assets/.yarn/cache/topbar-npm-3.0.0-1.zip",
            ".yarn/unplugged/esbuild-npm-0.25.0-1/node_modules/esbuild/bin/esbuild",
            "assets/.pnp.cjs",
            ".heroku/bin/yarn",
        ] {
            assert_eq!(place_of(&plan, path), Place::Nowhere, "{path}");
        }
        for path in [
            "assets/css/app.css",
            "priv/static/assets/app.js",
            "deps/x/node_modules/y",
            "_build/prod/lib/esbuild/ebin/x.beam",
            "_build/esbuilder",
            "assets/.yarn/releases/yarn-4.9.2.cjs",
            "assets/yarn.lock",
        ] {
            assert_eq!(place_of(&plan, path), Place::Unknown, "{path}");
        }
    }

    #[test]
    fn a_manifest_says_no_time_of_the_build() {
        let at = |mtime: &str| {
            format!(
                "{{\"digests\":{{\"a-1.css\":{{\"mtime\":{mtime},\"size\":1}}}},\"latest\":{{}}}}"
            )
        };
        assert_eq!(at_floor(&at("63900000000")), at(&FLOOR.to_string()));
        assert_eq!(at_floor(&at(" 63900000000")), at(&format!(" {FLOOR}")));
        assert_eq!(at_floor(&at("null")), at("null"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_twice_is_once(text in "(\\PC|\"mtime\":|[0-9 ]){0,40}") {
            let once = at_floor(&text);
            prop_assert_eq!(at_floor(&once), once);
        }
    }
}
