//! Bundlers, and what they work on.

use crate::causes::{Rank, Signature};

pub(super) const KNOWN: [Signature; 12] = [
    Signature {
        code: "colocated-hooks-early",
        patterns: &["resolve (?:import )?[\"'](?<hooks>phoenix-colocated/[A-Za-z0-9_]+)"],
        message: &["the bundler does not find `{hooks}`, the hooks of the app's templates"],
        helps: &[
            &[
                "they are written by `mix compile`: what bundles must run after it, and not in `hook_pre_compile`, nor before \
               `compile` in an alias",
            ],
            &[
                "they lie in the folder of the build: `NODE_PATH` of the bundler needs `Mix.Project.build_path()` besides \
               `deps`, as in the `config/config.exs` of a new app",
            ],
            &[
                "`phoenix_live_view` must be 1.1 or newer, and `compilers:` in `mix.exs` begin with `:phoenix_live_view`",
            ],
        ],
        ..Signature::NONE
    },
    Signature {
        code: "deps-not-seen",
        patterns: &[
            "Could not resolve:? \"(?<package>phoenix|phoenix_html|phoenix_live_view|topbar)\"",
            "Can't resolve '(?<package>phoenix|phoenix_html|phoenix_live_view|topbar)'",
            "resolve import \"(?<package>phoenix|phoenix_html|phoenix_live_view|topbar)\"",
        ],
        message: &["the bundler does not find `{package}`"],
        helps: &[
            &[
                "the bundler does not look into `deps`: set `NODE_PATH` to that folder where it is started, or add the package \
               to `dependencies`, as in `\"phoenix\": \"file:../deps/phoenix\"`",
            ],
            &["`mix.exs` must depend on it in production too, else `deps` does not have it"],
        ],
        ..Signature::NONE
    },
    Signature {
        code: "script-missing",
        patterns: &[
            "Missing script: \"?(?<script>[A-Za-z0-9_:.-]+)",
            "missing script: \"?(?<script>[A-Za-z0-9_:.-]+)",
            "find a script named \"(?<script>[^\"]+)\"",
            "error Command \"(?<script>[^\"]+)\" not found",
        ],
        message: &["`package.json` has no script `{script}`"],
        helps: &[&[
            "add it, or take out what runs it; an app that uses esbuild and tailwind through Mix alone needs no \
               `package.json`",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "assets-folder-missing",
        patterns: &["cd: (?<folder>(?:[^ ]*/)?assets)/?: No such file or directory"],
        message: &["there is no folder `{folder}`"],
        helps: &[&[
            "an app without assets needs no static pack; in an umbrella, name the folder with `phoenix_relative_path=…` in \
               `phoenix_static_buildpack.config`",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "npm-before-deps",
        patterns: &[
            "addLocal Could not install (?<path>[^ ]+/deps/phoenix[^ ]*)",
            r#"(?<path>deps/phoenix[^ "]*)"? as it does not contain a package\.json"#,
            r#"refers to a non-existing file '"?[^'"]*(?<path>deps/[^'"]+)"#,
            r#"Could not install from "[^"]*(?<path>deps/[^"]+)" as it does not exist"#,
        ],
        message: &["`package.json` points at `{path}`, which is not there"],
        helps: &[
            &["let `mix.exs` depend on it, in production too, or take it out of `package.json`"],
            &[
                "elsewhere, fetch dependencies (`mix deps.get`) before npm runs; in an umbrella they are in `deps` of the root",
            ],
        ],
        ..Signature::NONE
    },
    Signature {
        code: "node-modules-clash",
        patterns: &[
            "cannot overwrite directory .[^ ]*node_modules/[^ ]+ with non-directory",
            r"cannot stat .[^ ]*node_modules/\*",
        ],
        message: &["`node_modules` of an earlier build clashes with that of this one"],
        helps: &[&[
            "clear the platform's build cache and build again; `bp` installs what the lock file names",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "openssl-refuses",
        patterns: &[
            "digital envelope routines::unsupported",
            "ERR_OSSL_EVP_UNSUPPORTED",
        ],
        message: &[
            "webpack asks for a hash that OpenSSL of Node {node} refuses",
            "webpack asks for a hash that OpenSSL of this Node refuses",
        ],
        helps: &[&[
            "webpack 4 asks for a hash that OpenSSL 3 of Node 17 and later refuses: move to webpack 5; until then put \
               `NODE_OPTIONS=--openssl-legacy-provider` before it in the script `deploy`",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "node-sass",
        patterns: &[
            "node_modules/node-sass",
            "Node Sass does not yet support",
            r"npm (?:ERR!|error) node-sass@[0-9.]+ postinstall",
        ],
        message: &[
            "node-sass has no build for Node {node}",
            "node-sass has no build for this Node",
        ],
        helps: &[&[
            "node-sass is made for one line of Node each and is no longer maintained: take the package `sass` in its place, \
               which needs no compiler",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "native-addon",
        patterns: &["gyp ERR! "],
        sums_up: true,
        message: &[
            "`{package}` has a part in C or C++ that could not be compiled for Node {node}",
            "a package has a part in C or C++ that could not be compiled for Node {node}",
            "a package has a part in C or C++ that could not be compiled for this Node",
        ],
        helps: &[&["take a newer release of it, or with `node_version` an older Node"]],
        ..Signature::NONE
    },
    Signature {
        code: "asset-program-download",
        patterns: &["ouldn't fetch https?://[^ ]*(?<program>tailwindcss|tailwindlabs|esbuild)"],
        more: &["ouldn't fetch (?<url>https?://[^ ,:]+(?::[0-9]+)?[^ ,:]*)"],
        message: &[
            "a Mix task could not download its program from {url}",
            "a Mix task could not download {program}",
        ],
        helps: &[&[
            "write the version in plain text in `config/config.exs`, as in `config :tailwind, version: \"4.1.12\"`, so that \
               `bp` fetches it beforehand, through proxies and mirrors too",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "node-heap",
        rank: Rank::Root,
        patterns: &["JavaScript heap out of memory"],
        message: &["Node used up the memory that it allows itself"],
        helps: &[&[
            "set the config var `NODE_OPTIONS=--max-old-space-size=4096`, or as many MiB as the machine can spare",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "tool-missing",
        rank: Rank::Summary,
        patterns: &["(?<tool>mix|npm|node|elixir): command not found"],
        message: &["`{tool}` is not installed when it is called"],
        helps: &[&[
            "what installs it failed above, or comes later: put the pack that brings it before the one that calls it",
        ]],
        ..Signature::NONE
    },
];
