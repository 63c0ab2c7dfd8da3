//! What package managers and bundlers say when they fail, and the way out.

use buildpack_core::plan::{PackPlan, Run, Step};

use crate::hooks;

/// Words of a program's output, and what helps.
struct Known {
    /// Any of these, in any line.
    words: &'static [&'static str],
    /// What helps; `{in}` stands for the folder of `package.json`.
    help: &'static str,
}

/// What is known, what explains most first.
const KNOWN: [Known; 18] = [
    Known {
        words: &["can only install packages when your package.json and package-lock.json"],
        help: "`package-lock.json` does not fit `package.json`: run `npm install`{in}, and commit it",
    },
    Known {
        words: &[
            "Your lockfile needs to be updated",
            "The lockfile would have been modified by this install",
        ],
        help: "`yarn.lock` does not fit `package.json`: run `yarn install`{in}, and commit it",
    },
    Known {
        words: &["ERR_PNPM_OUTDATED_LOCKFILE"],
        help: "`pnpm-lock.yaml` does not fit `package.json`: run `pnpm install`{in}, and commit it",
    },
    Known {
        words: &[
            "EINTEGRITY",
            "ERR_PNPM_TARBALL_INTEGRITY",
            "Integrity check failed",
            "The remote archive doesn't match the expected checksum",
        ],
        help: "a package is not the one that the lock file names: find out who changed it, a mirror or the lock file, before \
               you lock it anew",
    },
    Known {
        words: &[
            "digital envelope routines::unsupported",
            "ERR_OSSL_EVP_UNSUPPORTED",
        ],
        help: "webpack 4 asks for a hash that OpenSSL 3 of Node 17 and later refuses: move to webpack 5; until then put \
               `NODE_OPTIONS=--openssl-legacy-provider` before it in the script `deploy`",
    },
    Known {
        words: &["node-sass", "Node Sass does not yet support"],
        help: "node-sass is made for one line of Node each and is no longer maintained: take the package `sass` in its \
               place, which needs no compiler",
    },
    Known {
        words: &["gyp ERR!"],
        help: "a package has a part in C or C++ that could not be compiled for this Node: take a newer release of it, or \
               with `node_version` an older Node",
    },
    Known {
        words: &["JavaScript heap out of memory"],
        help: "Node used up the memory that it allows itself: set the config var \
               `NODE_OPTIONS=--max-old-space-size=4096`, or as many MiB as the machine can spare",
    },
    Known {
        words: &["Illegal instruction", "SIGILL"],
        help: "a program uses instructions that this machine's processor lacks: take another release of it, or build on \
               another machine",
    },
    Known {
        words: &["ENOSPC", "No space left on device"],
        help: "the disk is full: `bp cache gc` makes room in the cache folder",
    },
    Known {
        words: &[
            "SELF_SIGNED_CERT_IN_CHAIN",
            "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
            "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
            "self-signed certificate",
            "self signed certificate",
            "unable to get local issuer certificate",
        ],
        help: "the connection is signed by an authority that is not known here: set `SSL_CERT_FILE` to a PEM file that has \
               it",
    },
    Known {
        words: &[
            "npm error code E401",
            "npm error code E403",
            "npm error code E404",
            "npm ERR! code E401",
            "npm ERR! code E403",
            "npm ERR! code E404",
            "ERR_PNPM_FETCH_401",
            "ERR_PNPM_FETCH_403",
            "ERR_PNPM_FETCH_404",
            "Response Code: 401",
            "Response Code: 403",
            "Response Code: 404",
            "Request failed \"401",
            "Request failed \"403",
            "Request failed \"404",
        ],
        help: "the registry does not hand out the package: check its name, or, where it is private, let `.npmrc` name a \
               token by a config var, as in `//registry.npmjs.org/:_authToken=${NPM_TOKEN}`",
    },
    Known {
        words: &[
            "ENOTFOUND",
            "ETIMEDOUT",
            "ESOCKETTIMEDOUT",
            "ECONNREFUSED",
            "ECONNRESET",
            "EAI_AGAIN",
            "ERR_PNPM_META_FETCH_FAIL",
            "There appears to be trouble with your network connection",
        ],
        help: "the npm registry could not be reached: check the network, set `HTTPS_PROXY` where a proxy is needed, or name \
               a mirror with `BP_NPM_REGISTRY_URL`",
    },
    Known {
        words: &[
            "The engine \"node\" is incompatible",
            "ERR_PNPM_UNSUPPORTED_ENGINE",
            "npm error code EBADENGINE",
        ],
        help: "a package does not run on this Node: ask for one that it names, with `engines.node` in `package.json` or \
               `node_version` in `phoenix_static_buildpack.config`",
    },
    Known {
        words: &["phoenix-colocated"],
        help: "the hooks of templates are written by `mix compile`: check that `phoenix_live_view` is 1.1 or newer, and that \
               `compilers:` of `mix.exs` begins with `:phoenix_live_view`",
    },
    Known {
        words: &[
            "Could not resolve \"phoenix\"",
            "Could not resolve \"phoenix_html\"",
            "Could not resolve \"phoenix_live_view\"",
            "Can't resolve 'phoenix'",
            "Can't resolve 'phoenix_html'",
            "Can't resolve 'phoenix_live_view'",
        ],
        help: "the bundler does not look into `deps`: set `NODE_PATH` to that folder where it is started, or add the package \
               to `dependencies`, as in `\"phoenix\": \"file:../deps/phoenix\"`",
    },
    Known {
        words: &[
            "ouldn't fetch https://registry.npmjs.org/esbuild",
            "ouldn't fetch https://registry.npmjs.org/@esbuild",
            "ouldn't fetch https://github.com/tailwindlabs",
        ],
        help: "a Mix task tried to download its program: write the version in plain text in `config/config.exs`, as in \
               `config :tailwind, version: \"4.1.12\"`, so that `bp` fetches it beforehand",
    },
    Known {
        words: &[
            "npm error command sh -c",
            "npm ERR! Failed at the",
            "couldn't be built successfully",
            "install: Failed",
        ],
        help: "a script of a package failed: its own message stands above; it may want another Node, or a newer release of \
               the package",
    },
];

/// Ways out for a step that failed after these lines: for a missing Mix task or script its name, else the first that is
/// known. Only for steps that deal with packages or assets.
pub(crate) fn hints(plan: &PackPlan, id: &str, tail: &[String]) -> Vec<String> {
    let step = plan.steps.iter().find(|step| step.id == id);
    if !id.starts_with("assets-") && !step.is_some_and(is_hook_of_assets) {
        return Vec::new();
    }
    if let Some(task) = tail.iter().find_map(|line| missing_task(line)) {
        return vec![format!(
            "the app has no Mix task `{task}`: name the one that it has, or add the dependency that brings it \
             (Phoenix before 1.3 has `phoenix.digest` for `phx.digest`)"
        )];
    }
    if let Some(script) = tail.iter().find_map(|line| missing_script(line)) {
        return vec![format!(
            "`package.json` has no script `{script}`: add it, or take out what runs it"
        )];
    }
    let says = |known: &&Known| {
        let mut lines = tail.iter();
        lines.any(|line| known.words.iter().any(|words| line.contains(words)))
    };
    let place = match step.map_or("", |step| step.cwd.as_str()) {
        "" => String::new(),
        folder => format!(" in `{folder}`"),
    };
    let known = KNOWN.iter().find(says);
    known
        .map(|known| known.help.replace("{in}", &place))
        .into_iter()
        .collect()
}

/// Whether a step of another pack runs what this pack would run.
fn is_hook_of_assets(step: &Step) -> bool {
    matches!(&step.run, Run::Bash { script } if hooks::may_build_by(script))
}

/// `** (Mix) The task "phx.digest" could not be found`.
fn missing_task(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("The task \"")?;
    let (task, rest) = rest.split_once('"')?;
    rest.contains("could not be found").then_some(task)
}

/// `npm error Missing script: "build"`, pnpm's `Missing script: build`, `error Command "build" not found.` of yarn 1, and
/// `Couldn't find a script named "build".` of later ones.
fn missing_script(line: &str) -> Option<&str> {
    let word = |text: &'static str| {
        let (_, rest) = line.split_once(text)?;
        let rest = rest.trim_start_matches(['"', ' ']);
        let word = rest.split(['"', ' ']).next().unwrap_or_default();
        (!word.is_empty()).then_some(word)
    };
    let lower = |text| word(text).filter(|_| line.contains("not found"));
    word("Missing script:")
        .or_else(|| word("missing script:"))
        .or_else(|| word("find a script named"))
        .or_else(|| lower("error Command \""))
}

#[cfg(test)]
mod tests {
    use buildpack_core::plan::Phase;
    use proptest::prelude::*;

    use super::*;

    fn plan() -> PackPlan {
        let mut plan = PackPlan::empty("/app");
        let step = |id: &str, script: &str| {
            let script = script.to_owned();
            Step::new(id, Phase::Assets, "", Run::Bash { script })
        };
        plan.steps = vec![
            step("assets-install", ""),
            step("assets-deploy", ""),
            step("hook_post_compile", "npm --prefix assets run deploy"),
            step("hook_pre_compile", "mix gettext"),
        ];
        plan.steps[0].cwd = "assets".to_owned();
        plan
    }

    #[test]
    fn the_first_that_is_known_is_said() {
        for (step, line, expected) in [
            (
                "assets-install",
                "npm error `npm ci` can only install packages when your package.json and package-lock.json or npm-shrinkwrap.json are in sync",
                "run `npm install` in `assets`, and",
            ),
            (
                "assets-install:apps/web",
                "error Your lockfile needs to be updated, but yarn was run with `--frozen-lockfile`.",
                "run `yarn install`, and",
            ),
            (
                "assets-install",
                "➤ YN0028: │ The lockfile would have been modified by this install, which is explicitly forbidden.",
                "run `yarn install`",
            ),
            (
                "assets-deploy",
                "Error: error:0308010C:digital envelope routines::unsupported",
                "webpack 5",
            ),
            (
                "assets-install",
                "npm error code ENOTFOUND",
                "`HTTPS_PROXY`",
            ),
            ("assets-install", "npm error code E404", "`.npmrc`"),
            (
                "assets-install",
                "➤ YN0001: │ RequestError: connect ECONNREFUSED 127.0.0.1:1",
                "`HTTPS_PROXY`",
            ),
            (
                "assets-install",
                "npm error command sh -c node postinstall.js",
                "a script of a package",
            ),
            (
                "assets-install",
                "npm error path /app/assets/node_modules/node-sass",
                "`sass` in its place",
            ),
            (
                "assets-install",
                "npm error gyp ERR! stack Error: not found: make",
                "C or C++",
            ),
            (
                "assets-deploy",
                "** (Mix) The task \"phx.digests\" could not be found. Did you mean \"phx.digest\"?",
                "no Mix task `phx.digests`",
            ),
            (
                "assets-deploy",
                "npm error Missing script: \"build\"",
                "no script `build`",
            ),
            (
                "assets-deploy",
                " ERR_PNPM_NO_SCRIPT  Missing script: build",
                "no script `build`",
            ),
            (
                "assets-deploy",
                "error Command \"build\" not found.",
                "no script `build`",
            ),
            (
                "hook_post_compile",
                "Usage Error: Couldn't find a script named \"build\".",
                "no script `build`",
            ),
            (
                "assets-deploy",
                "✘ [ERROR] Could not resolve \"phoenix\"",
                "`NODE_PATH`",
            ),
        ] {
            let found = hints(&plan(), step, &[line.to_owned()]);
            assert_eq!(found.len(), 1, "{line}");
            assert!(found[0].contains(expected), "{line}: {}", found[0]);
        }
        let silent = |step, line: &str| hints(&plan(), step, &[line.to_owned()]).is_empty();
        assert!(silent("compile", "ENOTFOUND"));
        assert!(silent("hook_pre_compile", "ENOTFOUND"));
        assert!(silent("assets-deploy", "✘ [ERROR] no"));
        // What ran well before.
        assert!(silent(
            "assets-install",
            "> esbuild@0.25.0 postinstall /app/assets"
        ));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(\\PC|The task \"|\" could not be found|Missing script:|node-sass){0,20}") {
            hints(&plan(), "assets-deploy", &[text]);
        }
    }
}
