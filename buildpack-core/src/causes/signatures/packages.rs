//! npm, yarn and pnpm, and their registry.

use crate::causes::{Rank, Signature};

pub(super) const KNOWN: [Signature; 8] = [
    Signature {
        code: "npm-lock",
        patterns: &["can only install packages when your package.json and package-lock.json"],
        message: &["`package-lock.json` does not fit `package.json`"],
        helps: &[&[
            "`package-lock.json` does not fit `package.json`: run `npm install`{in}, and commit it",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "yarn-lock",
        patterns: &[
            "Your lockfile needs to be updated",
            "The lockfile would have been modified by this install",
        ],
        message: &["`yarn.lock` does not fit `package.json`"],
        helps: &[&[
            "`yarn.lock` does not fit `package.json`: run `yarn install`{in}, and commit it",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "pnpm-lock",
        patterns: &["ERR_PNPM_OUTDATED_LOCKFILE"],
        message: &["`pnpm-lock.yaml` does not fit `package.json`"],
        helps: &[&[
            "`pnpm-lock.yaml` does not fit `package.json`: run `pnpm install`{in}, and commit it",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "package-integrity",
        patterns: &[
            "EINTEGRITY",
            "ERR_PNPM_TARBALL_INTEGRITY",
            "Integrity check failed",
            "The remote archive doesn't match the expected checksum",
        ],
        message: &["a package is not the one that the lock file names"],
        helps: &[&["find out who changed it, a mirror or the lock file, before you lock it anew"]],
        ..Signature::NONE
    },
    Signature {
        code: "package-refused",
        patterns: &[
            "npm error code E40[134]",
            "npm ERR! code E40[134]",
            "ERR_PNPM_FETCH_40[134]",
            "Response Code: 40[134]",
            "Request failed \\\\?\"40[134]",
        ],
        message: &["the npm registry does not hand out a package"],
        helps: &[&[
            "check its name, or, where it is private, let `.npmrc` name a token by a config var or a `--build-secret`, as in \
               `//registry.npmjs.org/:_authToken=${NPM_TOKEN}`",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "npm-unreachable",
        patterns: &[
            "ENOTFOUND",
            "ETIMEDOUT",
            "ESOCKETTIMEDOUT",
            "ECONNREFUSED",
            "ECONNRESET",
            "EAI_AGAIN",
            "ERR_PNPM_META_FETCH_FAIL",
            "There appears to be trouble with your network connection",
        ],
        message: &["the npm registry, or another host that the step asks, could not be reached"],
        helps: &[&[
            "check the network, set `HTTPS_PROXY` where a proxy is needed, or name a mirror with `BP_NPM_REGISTRY_URL`",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "node-not-supported",
        patterns: &[
            "The engine \"node\" is incompatible",
            "ERR_PNPM_UNSUPPORTED_ENGINE",
            "npm error code EBADENGINE",
        ],
        message: &[
            "a package does not run on Node {node}",
            "a package does not run on this Node",
        ],
        helps: &[&[
            "ask for one that it names, with `engines.node` in `package.json` or `node_version` in \
               `phoenix_static_buildpack.config`",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "package-script",
        rank: Rank::Summary,
        patterns: &[
            "npm error command sh -c",
            "npm ERR! Failed at the",
            "couldn't be built successfully",
            "install: Failed",
        ],
        sums_up: true,
        message: &["a script of a package failed"],
        helps: &[&[
            "its own message stands above; it may want another Node, or a newer release of the package",
        ]],
        ..Signature::NONE
    },
];
