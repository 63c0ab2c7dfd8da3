//! Mix, Hex and what compiles an app.

use crate::causes::{Rank, Signature};

pub(super) const KNOWN: [Signature; 14] = [
    Signature {
        code: "variable-missing",
        patterns: &[
            r#"could not fetch environment variable "(?<var>[A-Za-z0-9_]+)" because it is not set"#,
            "environment variable (?<var>[A-Z0-9_]+) is missing",
        ],
        more: &[
            r"(?<place>config/[A-Za-z0-9_/.-]+\.exs:[0-9]+)",
            // Lines of other applications begin with their name and version.
            r"^(?<place>lib/[A-Za-z0-9_/.-]+\.ex:[0-9]+)",
        ],
        message: &[
            "`{var}` is read while the app is built, at `{place}`, and is not set",
            "`{var}` is read while the app is built, and is not set",
        ],
        helps: &[
            &[
                "read it when the app starts: in `config/runtime.exs`, below `if config_env() == :prod`",
            ],
            &["or give the build a value of it: `--env {var}=…`"],
        ],
        ..Signature::NONE
    },
    Signature {
        code: "secret-file-missing",
        patterns: &[
            r"could not load config config/(?<file>[A-Za-z0-9_/.]*secret\.exs)",
            r#"could not read file "[^"]*config/(?<file>[A-Za-z0-9_.]*secret\.exs)"#,
        ],
        message: &["`config/{file}` is imported and is not in the repository"],
        helps: &[&[
            "take out the import, and read the values from config vars in `config/runtime.exs`",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "mix-task-missing",
        patterns: &["The task \"?(?<task>[A-Za-z0-9_.]+)\"? could not be found"],
        message: &["the app has no Mix task `{task}`"],
        helps: &[&[
            "name the one that it has, or add the dependency that brings it (Phoenix before 1.3 has `phoenix.digest` for \
               `phx.digest`); an app without assets needs no static pack",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "git-key-missing",
        patterns: &[
            "Host key verification failed",
            r"Permission denied \(publickey",
        ],
        more: &["(?:@|^| )(?<host>[A-Za-z0-9-]+(?:[.][A-Za-z0-9-]+)+): Permission denied"],
        message: &[
            "{host} wants an SSH key that the build does not have",
            "git asks a host over SSH, and neither its key nor one of ours is known to the build",
        ],
        helps: &[&[
            "write the dependency's `https://` address into `mix.exs` where it is public; a private one needs a key or a token \
               that is lent to the build",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "hex-record",
        // A certificate that was refused may be told behind it.
        rank: Rank::Summary,
        patterns: &[
            "Failed to fetch record for [^A-Za-z0-9_]?(?:hexpm/)?(?<package>[A-Za-z0-9_]+)[^A-Za-z0-9_:/]? from registry",
        ],
        more: &["could be because the (?<unknown>package) does not exist"],
        message: &[
            "Hex has no {unknown} `{package}`",
            "Hex cannot be asked for `{package}`",
        ],
        helps: &[&[
            "check its name in `mix.exs`; a private {unknown} needs its `organization:` there, and a mirror of \
               `BP_HEX_REPO_URL` may not have it",
            "check the network and its certificates; behind a proxy set `HTTPS_PROXY`, or name a mirror with \
               `BP_HEX_REPO_URL`",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "hex-organisation",
        rank: Rank::Summary,
        patterns: &[
            "Failed to fetch record for [^A-Za-z0-9_]?(?:hexpm:)?(?<org>[A-Za-z0-9_]+)/(?<package>[A-Za-z0-9_]+)[^A-Za-z0-9_]{1,2}from registry",
        ],
        message: &[
            "the Hex organisation `{org}` does not hand out `{package}`: the build has no key for it",
        ],
        helps: &[&[
            "give the build a key of the organisation, as `mix hex.organization key {org} generate` makes one: \
               `bp build --hex-org {org}`, elsewhere `mix hex.organization auth {org} --key …`",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "lock-diverged",
        patterns: &[
            "Unchecked dependencies for environment",
            "Dependencies have diverged",
            "lock mismatch: the dependency is out of date",
            "the dependency is not available, run",
        ],
        more: &[r"\* (?<dep>[a-z][a-z0-9_]*) \("],
        message: &[
            "`mix.lock` and `mix.exs` do not agree on `{dep}`",
            "`mix.lock` and `mix.exs` do not agree",
        ],
        helps: &[&["run `mix deps.get` and commit `mix.lock`"]],
        ..Signature::NONE
    },
    Signature {
        code: "hex-resolution",
        patterns: &["version solving failed", "Hex dependency resolution failed"],
        more: &["[Bb]ecause (?<why>.+), version solving failed"],
        message: &[
            "no versions of the packages fit each other: because {why}",
            "no versions of the packages fit each other",
        ],
        helps: &[&[
            "change the requirements in `mix.exs`, run `mix deps.get` and commit `mix.lock`",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "build-tool-missing",
        patterns: &[
            "(?<tool>make). not found in the path",
            r"(?<tool>erl_nif\.h): No such file",
            "(?<tool>cargo): (?:command )?not found",
        ],
        more: &["could not compile dependency :?(?<dep>[A-Za-z0-9_]+)"],
        message: &[
            "`{dep}` is compiled with `{tool}`, which is not there",
            "a dependency is compiled with `{tool}`, which is not there",
        ],
        helps: &[&[
            "put a buildpack that brings it before Elixir's, or take a release of the dependency that comes compiled",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "static-manifest-missing",
        patterns: &["Could not find static manifest at \"(?<path>[^\"]+)\""],
        message: &["`cache_static_manifest` names `{path}`, which is not there"],
        helps: &[&[
            "let assets be built, with `mix phx.digest`, before the release is; or take `cache_static_manifest` out of \
               `config/prod.exs`",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "hook-without-shell",
        patterns: &["The input path \"&&\" does not exist"],
        message: &["a hook has `&&` in it, and was not run by a shell"],
        helps: &[&[
            "put the commands into an alias of `mix.exs`: the classic pack runs hooks without a shell; bp's runs them with \
               bash",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "environment-of-development",
        patterns: &["inotify-tools. is needed to run .file_system"],
        message: &["the app runs as in development: its live reload is at work"],
        helps: &[&["set `MIX_ENV=prod`; inotify is not needed then"]],
        ..Signature::NONE
    },
    Signature {
        code: "dependency-compile",
        patterns: &["could not compile dependency :?(?<dep>[A-Za-z0-9_]+), .?mix compile.? failed"],
        sums_up: true,
        message: &["the dependency `{dep}` does not compile"],
        helps: &[&[
            "take a release of `{dep}` that knows Elixir {elixir} and OTP {otp}: `mix deps.update {dep}`, and commit \
               `mix.lock`",
            "take a release of `{dep}` that knows this Elixir and OTP: `mix deps.update {dep}`, and commit `mix.lock`",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "compile-error",
        rank: Rank::Summary,
        patterns: &["== Compilation error in file (?<file>[^ ]+) =="],
        sums_up: true,
        message: &["`{file}` does not compile"],
        helps: &[&["mend what the compiler says of it, and build again"]],
        ..Signature::NONE
    },
];
