//! What package managers and bundlers say when they fail, and the way out.

/// Words of a program's output, and what helps.
struct Known {
    /// Any of these, in any line.
    words: &'static [&'static str],
    /// What helps.
    help: &'static str,
}

/// What is known, what explains most first.
const KNOWN: [Known; 11] = [
    Known {
        words: &[
            "can only install packages when your package.json and package-lock.json",
            "npm error code EUSAGE",
        ],
        help: "the lock file does not fit `package.json`: run `npm install` in its folder and commit `package-lock.json`",
    },
    Known {
        words: &[
            "Your lockfile needs to be updated",
            "The lockfile would have been modified by this install",
        ],
        help: "the lock file does not fit `package.json`: run `yarn install` in its folder and commit `yarn.lock`",
    },
    Known {
        words: &["ERR_PNPM_OUTDATED_LOCKFILE"],
        help: "the lock file does not fit `package.json`: run `pnpm install` in its folder and commit `pnpm-lock.yaml`",
    },
    Known {
        words: &[
            "digital envelope routines::unsupported",
            "ERR_OSSL_EVP_UNSUPPORTED",
        ],
        help: "webpack 4 needs algorithms that OpenSSL 3 of Node 17 and later lacks: move to webpack 5, or set \
               `node_version=16.20.2` in `phoenix_static_buildpack.config` until then",
    },
    Known {
        words: &["node-sass", "gyp ERR! build error", "gyp ERR! stack"],
        help: "node-sass is built for one line of Node each and is no longer maintained: take the package `sass` in its \
               place, which needs no compiler",
    },
    Known {
        words: &["SIGKILL", "code 137", "exited with 137"],
        help: "a program was ended by signal 9, which the kernel sends when memory has run out: give the build more memory, \
               or add swap",
    },
    Known {
        words: &["JavaScript heap out of memory"],
        help: "Node ran out of memory of its own: set the config var `NODE_OPTIONS=--max-old-space-size=4096` if the machine \
               has that much",
    },
    Known {
        words: &[
            "ENOTFOUND",
            "ETIMEDOUT",
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
            "SELF_SIGNED_CERT_IN_CHAIN",
            "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
            "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
        ],
        help: "the connection is signed by an authority that is not known here: set `SSL_CERT_FILE` to a PEM file that has \
               it",
    },
    Known {
        words: &[
            "Missing script: \"deploy\"",
            "missing script: deploy",
            "Command \"deploy\" not found",
        ],
        help: "add a script `deploy` to `package.json` that builds the assets for production",
    },
    Known {
        words: &["phoenix-colocated"],
        help: "the hooks of templates are written by `mix compile`: check that `phoenix_live_view` is 1.1 or newer, and that \
               `compilers:` of `mix.exs` begins with `:phoenix_live_view`",
    },
];

/// Ways out for a step of ours that failed after these lines; the first that is known, and for a missing Mix task the task.
pub(crate) fn hints(step: &str, tail: &[String]) -> Vec<String> {
    if !step.starts_with("assets-") {
        return Vec::new();
    }
    if let Some(task) = tail.iter().find_map(|line| missing_task(line)) {
        return vec![format!(
            "the app has no Mix task `{task}`: name the one that it has, or add the dependency that brings it \
             (Phoenix before 1.3 has `phoenix.digest` for `phx.digest`)"
        )];
    }
    let says = |known: &&Known| {
        let mut lines = tail.iter();
        lines.any(|line| known.words.iter().any(|words| line.contains(words)))
    };
    if let Some(known) = KNOWN.iter().find(says) {
        return vec![known.help.to_owned()];
    }
    let script = tail.iter().any(|line| {
        ["postinstall", "preinstall", "npm error command sh -c"]
            .iter()
            .any(|words| line.contains(words))
    });
    if script && step.starts_with("assets-install") {
        return vec![
            "a script of a package failed: its own message stands above; it may want a newer package for this Node"
                .to_owned(),
        ];
    }
    Vec::new()
}

/// `** (Mix) The task "phx.digest" could not be found`.
fn missing_task(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("The task \"")?;
    let (task, rest) = rest.split_once('"')?;
    rest.contains("could not be found").then_some(task)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_that_is_known_is_said() {
        for (step, line, expected) in [
            (
                "assets-install",
                "npm error `npm ci` can only install packages when your package.json and package-lock.json or npm-shrinkwrap.json are in sync",
                "run `npm install`",
            ),
            (
                "assets-install:apps/web",
                "error Your lockfile needs to be updated, but yarn was run with `--frozen-lockfile`.",
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
            (
                "assets-install",
                "npm error command sh -c node postinstall.js",
                "a script of a package",
            ),
            (
                "assets-deploy",
                "** (Mix) The task \"phx.digests\" could not be found. Did you mean \"phx.digest\"?",
                "no Mix task `phx.digests`",
            ),
        ] {
            let found = hints(step, &[line.to_owned()]);
            assert_eq!(found.len(), 1, "{line}");
            assert!(found[0].contains(expected), "{line}: {}", found[0]);
        }
        assert!(hints("compile", &["ENOTFOUND".to_owned()]).is_empty());
        assert!(hints("assets-deploy", &["✘ [ERROR] no".to_owned()]).is_empty());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(\\PC|The task \"|\" could not be found|node-sass){0,20}") {
            hints("assets-deploy", &[text]);
        }
    }
}
