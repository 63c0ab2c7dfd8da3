//! Erlang/OTP, Elixir and Node: versions that are not there, and builds that fit nothing here.

use crate::causes::{Rank, Signature};

pub(super) const KNOWN: [Signature; 10] = [
    Signature {
        code: "hex-key-usage",
        rank: Rank::Root,
        patterns: &["key_usage_mismatch"],
        more: &[r"(?<host>[A-Za-z0-9.-]*hex\.pm)"],
        message: &[
            "Erlang/OTP {otp} cannot talk to {host}: it refuses the certificates of that host",
            "this Erlang/OTP cannot talk to {host}: it refuses the certificates of that host",
            "Erlang/OTP refuses the certificate of a host: what its key may be used for does not fit",
        ],
        helps: &[&[
            "take a newer release of the same Erlang/OTP, at {otp_at}: neither your code nor your network is the cause",
            "take a newer release of the same Erlang/OTP: `bp versions list erlang` shows what there is; neither your code nor \
                 your network is the cause",
        ]],
        checks: &["otp-known-bad"],
        ..Signature::NONE
    },
    Signature {
        code: "version-not-built",
        rank: Rank::Root,
        patterns: &[
            r"Sorry, (?<tool>Erlang|Elixir) .?v?(?<version>[0-9][A-Za-z0-9._-]*).? isn.t (?:supported yet|currently supported)",
        ],
        message: &[
            "{tool} {version} is not built for {stack}",
            "{tool} {version} is not built for this stack",
        ],
        helps: &[&[
            "take one that is built for {stack}: `bp versions list {tool.lower} --stack {stack}`, and write it as \
                 `{tool.lower}_version=…` into `elixir_buildpack.config`",
            "take one that is built for the stack: `bp versions list {tool.lower}`, and write it as `{tool.lower}_version=…` \
                 into `elixir_buildpack.config`",
        ]],
        checks: &["otp-not-built", "elixir-not-built", "elixir-otp-mismatch"],
        ..Signature::NONE
    },
    Signature {
        code: "library-not-found",
        rank: Rank::Root,
        patterns: &[
            r"error while loading shared libraries: (?<lib>lib[A-Za-z0-9_.+-]+): cannot open shared object file",
        ],
        more: &["(?<binary>[^ :]+): error while loading shared libraries"],
        message: &[
            "`{binary}` needs `{lib}`, which {stack} does not have",
            "`{binary}` needs `{lib}`, which this stack does not have",
            "`{lib}` is needed, and this stack does not have it",
        ],
        helps: &[&[
            "the program was built for another Ubuntu release, as what a cache keeps of an earlier stack: clear the \
               platform's build cache and build again, or take a release of the program that is made for {stack}",
            "the program was built for another Ubuntu release, as what a cache keeps of an earlier stack: clear the \
               platform's build cache and build again",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "archive-damaged",
        rank: Rank::Root,
        patterns: &[
            "End-of-central-directory signature not found",
            "gzip: stdin: (?:not in gzip format|unexpected end of file)",
        ],
        message: &["what was downloaded is no archive: it is an error page, or was cut short"],
        helps: &[
            &[
                "the version probably does not exist: `bp check-versions` says so, and names those that do",
            ],
            &["clear the platform's build cache, which may have kept it, and build again"],
        ],
        checks: &[
            "otp-not-built",
            "elixir-not-built",
            "elixir-otp-mismatch",
            "node-not-published",
        ],
        ..Signature::NONE
    },
    Signature {
        code: "otp-of-another-build",
        rank: Rank::Root,
        patterns: &[
            "corrupt atom table",
            "compile this module with an (?:Erlang/)?OTP (?<running>[0-9]+) compiler",
            "requires a more recent Erlang/OTP version or its .beam file was corrupted",
            r"init terminating in do_boot.{0,6}undef,\[\{elixir,start",
        ],
        more: &[r"You are running Erlang/OTP (?<running>[0-9]+)"],
        message: &[
            "what another Erlang/OTP compiled was loaded by OTP {running}",
            "what another Erlang/OTP compiled was loaded by OTP {otp}",
            "what another Erlang/OTP compiled was loaded by this one",
        ],
        helps: &[
            &[
                "take the build of Elixir for the OTP that runs it: `elixir_version={elixir}-otp-{otp.major}`",
                "take the build of Elixir for the OTP that runs it, as in `elixir_version=1.18.4-otp-27`",
            ],
            &[
                "what earlier builds kept may be of another OTP: clear the build cache and build again",
            ],
        ],
        checks: &["elixir-otp-mismatch"],
        ..Signature::NONE
    },
    Signature {
        code: "elixir-not-allowed",
        rank: Rank::Root,
        patterns: &[
            r"You.re trying to run :(?<app>[A-Za-z0-9_]+) on Elixir v(?<elixir>[A-Za-z0-9_.-]+) but it has declared in its mix\.exs file it supports only",
        ],
        more: &["it supports only Elixir (?<requirement>[^\"]+)"],
        message: &[
            "`mix.exs` of `{app}` wants Elixir `{requirement}`, and {elixir} runs it",
            "`mix.exs` of `{app}` does not allow Elixir {elixir}",
        ],
        helps: &[&[
            "ask for an Elixir that it allows, at {elixir_at}, or change `elixir:` in `mix.exs`",
            "ask for an Elixir that it allows, with `elixir_version=…` in `elixir_buildpack.config`, or change `elixir:` in \
               `mix.exs`",
        ]],
        checks: &["elixir-requirement"],
        ..Signature::NONE
    },
    Signature {
        code: "node-not-found",
        rank: Rank::Root,
        patterns: &[
            "fail_bin_install: command not found",
            "Unable to resolve version",
            "cannot stat .[^ ]*node-v-linux-x64",
        ],
        more: &["Unable to resolve version ['\"]?(?<version>[0-9vx^~<>=*][0-9A-Za-z.^~<>=* |-]*)"],
        message: &[
            "there is no Node `{version}`, or not by that name",
            "there is no Node of the version that is asked for, or not by that name",
        ],
        helps: &[&[
            "write the version out, as in `node_version=22.11.0` in `phoenix_static_buildpack.config`: `bp versions list node` \
               shows what there is; ranges work with bp's own pack",
        ]],
        checks: &["node-not-published", "node-malformed"],
        ..Signature::NONE
    },
    Signature {
        code: "crypto-not-loadable",
        rank: Rank::Root,
        patterns: &["Unable to load crypto library"],
        message: &[
            "Erlang/OTP {otp} was built for another system: it needs an OpenSSL that {stack} does not have",
            "this Erlang/OTP was built for another system: it needs an OpenSSL that is not there",
        ],
        helps: &[&[
            "take the build of it for {stack}: clear the platform's build cache, which may have kept that of another stack, \
               and build again",
            "take the build of it for this stack: clear the platform's build cache, which may have kept that of another, and \
               build again",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "glibc-too-old",
        patterns: &["version .GLIBC_(?<need>[0-9.]+). not found"],
        more: &[r"required by (?<file>[^)]+)"],
        message: &[
            "`{file}` needs glibc {need}, which {stack} does not have",
            "`{file}` needs glibc {need}, which this stack does not have",
            "a program needs glibc {need}, which this stack does not have",
        ],
        helps: &[&[
            "it came compiled: take a newer stack, an older release of the package that brings it, or have it built from \
               source",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "architecture-wrong",
        rank: Rank::Root,
        patterns: &["[Ee]xec format error"],
        message: &["a program for another processor was started"],
        helps: &[&[
            "build on a machine of the architecture that the image is for, and take programs that are made for it",
        ]],
        ..Signature::NONE
    },
];
