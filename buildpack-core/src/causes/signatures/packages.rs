//! npm, yarn and pnpm, and their registry.

use crate::causes::{Rank, Signature};

pub(super) const KNOWN: [Signature; 8] = [
    Signature {
        code: "npm-lock",
        patterns: &["can only install packages when your package.json and package-lock.json"],
        more: &[
            "Missing: (?<missing>[^ ]+) from lock file",
            "lock file's (?<locked>[^ ]+) does not satisfy (?<asked>[^ ]+)",
        ],
        message: &[
            "`package-lock.json` has `{locked}`, where `package.json` asks for `{asked}`",
            "`package-lock.json` lacks `{missing}`",
            "`package-lock.json` does not fit `package.json`",
        ],
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
        more: &[
            "Integrity check failed for \"(?<package>[^\"]+)\"",
            "unexpected checksum for \"(?<package>[^\"]+)\"",
            "(?<package>[^ ]+): The remote archive doesn't match",
        ],
        message: &[
            "`{package}` is not the package that the lock file names",
            "a package is not the one that the lock file names",
        ],
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
            "npm (?:error|ERR!) code ETARGET",
        ],
        more: &[
            "'(?<package>[^']+)' (?:is not in this registry|could not be found)",
            "No matching version found for (?<package>[^ ]*[^ .])",
            "GET https?://[^ ]*?/(?<package>(?:@[^/ ]+/)?[^/@ ]+)/-/",
        ],
        message: &[
            "the npm registry does not hand out `{package}`",
            "the npm registry does not hand out a package",
        ],
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
        more: &["(?:request to|GET) https?://(?:[^@/ ]+@)?(?<host>[^/ ]+)"],
        message: &[
            "{host}, where packages come from, could not be reached",
            "the npm registry, or another host that the step asks, could not be reached",
        ],
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
        more: &[
            "version of node/npm: (?<package>[^ ]+)",
            "(?<package>[^ ]+): The engine \"node\" is incompatible",
            "incompatible with \"(?<package>[^\"]+)\"",
            "Required: \\{\"node\":\"(?<range>[^\"]+)\"",
            "Expected version:? \"?(?<range>[^\"]+)",
        ],
        message: &[
            "`{package}` wants Node `{range}`, and {node} runs it",
            "a package does not run on Node {node}",
            "a package does not run on this Node",
        ],
        helps: &[&[
            "ask for a Node that it names, with `engines.node` in `package.json` or `node_version` in \
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
        more: &["npm error command sh -c (?<script>.+)"],
        sums_up: true,
        message: &[
            "the script `{script}` of the package `{package}` failed",
            "the script `{script}` failed, which npm runs when it installs",
            "a script of a package failed",
        ],
        helps: &[&[
            "its own message stands above; it may want another Node, or a newer release of the package",
        ]],
        ..Signature::NONE
    },
];
