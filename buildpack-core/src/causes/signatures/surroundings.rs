//! The machine and the platform: memory, disk, network, namespaces.

use crate::causes::{Rank, Signature};

pub(super) const KNOWN: [Signature; 8] = [
    Signature {
        code: "out-of-memory",
        rank: Rank::Root,
        patterns: &[
            "[0-9] Killed[ \t]",
            "(?:spawn|code|errno) ENOMEM",
            "SIGKILL",
            "exit(?:ed with| value) 137",
            "exit code:? 137",
        ],
        message: &["a program was killed, as the kernel does when memory has run out"],
        helps: &[&["give the build more memory, or add swap"]],
        ..Signature::NONE
    },
    Signature {
        code: "illegal-instruction",
        patterns: &["Illegal instruction", "SIGILL", "exited with 132"],
        message: &["a program uses instructions that this machine's processor lacks"],
        helps: &[&[
            "take another release of it (of tailwind a newer one, or its npm package), or build on another machine",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "certificate-refused",
        patterns: &[
            "CLIENT ALERT: Fatal - (?<alert>Unknown CA|Certificate Expired)",
            "SELF_SIGNED_CERT_IN_CHAIN",
            "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
            "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
            "self-signed certificate",
            "self signed certificate",
            "unable to get local issuer certificate",
            "server certificate verification failed",
            "server verification failed: certificate",
        ],
        more: &["(?:request to|unable to access) '?https://(?:[^@/ ]+@)?(?<host>[^/ ']+)"],
        message: &[
            "the certificate of {host} was refused",
            "the certificate of a host was refused: {alert}",
            "the certificate of a host was refused",
        ],
        helps: &[
            &[
                "the connection is signed by an authority that is not known here: set `SSL_CERT_FILE` to a PEM file that has it",
            ],
            &["or Erlang/OTP {otp} is too old for today's authorities: take its newest release"],
        ],
        ..Signature::NONE
    },
    Signature {
        code: "disk-full",
        rank: Rank::Root,
        patterns: &[
            "No space left on device",
            "ENOSPC: no space left",
            "npm (?:ERR!|error) (?:code|errno) ENOSPC",
        ],
        message: &["the disk is full"],
        helps: &[&[
            "`bp cache gc` makes room in the cache folder; of another builder, clear what it keeps",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "namespaces-blocked",
        rank: Rank::Root,
        patterns: &[
            "uid_map: Operation not permitted",
            "new[ug]idmap: write to [ug]id_map failed",
            "insufficient UIDs or GIDs available",
        ],
        message: &["this machine blocks user namespaces, or gives the user no ids for them"],
        helps: &[&["run `bp doctor` there: it names what forbids it, and the line that mends it"]],
        ..Signature::NONE
    },
    Signature {
        code: "launcher-missing",
        patterns: &["exec launcher failed"],
        message: &["the platform takes the image for a Cloud Native one, which it is not"],
        helps: &[&[
            "on Dokku, a label `io.buildpacks.stack.id` of the base image does that: build with `bp`, whose images do not \
               inherit it",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "slug-too-large",
        patterns: &["Compiled slug size: (?<size>[0-9.]+[MG]) is too large"],
        message: &["the slug has {size}, and Heroku takes 500 MB"],
        helps: &[&[
            "leave out what only the build needs: `.slugignore`, `remove_node=true` in `phoenix_static_buildpack.config`, or a \
               release (`release=true`)",
        ]],
        ..Signature::NONE
    },
    Signature {
        code: "app-too-slow",
        rank: Rank::Root,
        patterns: &["Web process failed to bind to \\$PORT within"],
        message: &["the app did not listen on PORT in time"],
        helps: &[&["let it listen on `PORT`, on all addresses, in `config/runtime.exs`"]],
        ..Signature::NONE
    },
];
