//! All settings, declared once; `docs/settings.md` is made from this.

use std::fmt::Write as _;

/// A setting: what it is called in each place, and what it is for.
pub struct Key {
    /// Its name in bp.toml.
    pub name: &'static str,
    /// Its environment variable.
    pub variable: &'static str,
    /// Its flag, if it has one.
    pub flag: Option<&'static str>,
    /// Whether bp.toml gives a list, and the variable values separated by commas.
    pub list: bool,
    /// What it is when nobody says.
    pub default: &'static str,
    /// What it is for, in sentences.
    pub doc: &'static str,
}

const fn key(
    name: &'static str,
    variable: &'static str,
    flag: Option<&'static str>,
    default: &'static str,
    doc: &'static str,
) -> Key {
    Key {
        name,
        variable,
        flag,
        list: false,
        default,
        doc,
    }
}

pub(super) const CACHE_DIR: Key = key(
    "cache_dir",
    "BP_CACHE_DIR",
    Some("--cache-dir"),
    "`$XDG_CACHE_HOME/bp`, else `~/.cache/bp`",
    "Folder of everything that is kept. In bp.toml, a relative path starts at the folder of the file.",
);
pub(super) const CACHE_CAP: Key = key(
    "cache_cap",
    "BP_CACHE_CAP",
    None,
    "`10GiB`",
    "What `bp cache gc` makes the kept things fit into, such as `500MB` or `10GiB`.",
);
pub(super) const CACHE_FROM: Key = key(
    "cache_from",
    "BP_CACHE_FROM",
    Some("--cache-from"),
    "none",
    "Remote cache that builds and tests read, such as `registry.example/team/app:cache`. docs/remote-cache.md tells of it.",
);
pub(super) const CACHE_TO: Key = key(
    "cache_to",
    "BP_CACHE_TO",
    Some("--cache-to"),
    "none",
    "Remote cache that gets what a build that succeeded has made, or what tests were compiled with.",
);
pub(super) const REMOTE_CACHE_CAP: Key = key(
    "remote_cache_cap",
    "BP_REMOTE_CACHE_CAP",
    None,
    "`10GiB`",
    "How large a remote cache may become; what was not used for longest is left out first.",
);
pub(super) const CACHE_SECRET_FILE: Key = key(
    "cache_secret_file",
    "BP_CACHE_SECRET_FILE",
    None,
    "none",
    "File of the secret that the builders of a remote cache share. The variable `BP_CACHE_SECRET` holds the secret itself.",
);
pub(super) const KEEP_ASSETS: Key = key(
    "keep_assets",
    "BP_KEEP_ASSETS",
    Some("--keep-assets"),
    "`0`",
    "How many earlier versions of a Phoenix app's digested static files its image holds besides the newest, so that a page \
     that was loaded before a deploy finds them after it. An image then depends on the builds before it.",
);
pub(super) const COMPRESSION: Key = key(
    "compression",
    "BP_COMPRESSION",
    Some("--compression"),
    "`gzip`",
    "How an app's own layers are packed: `gzip`, or `zstd`, which is smaller and faster but not read by `docker load` and by \
     runtimes from before 2021.",
);
pub(super) const STACK: Key = key(
    "stack",
    "BP_STACK",
    Some("--stack"),
    "app.json's, else `heroku-24`",
    "Stack to build on. Heroku's own variable `STACK` is not read.",
);
pub(super) const SANDBOX: Key = key(
    "sandbox",
    "BP_SANDBOX",
    Some("--sandbox"),
    "`auto`",
    "Where steps run: `namespace`, `none` (where bp stands, inside a stack's image), or `auto`: the first that works.",
);
pub(super) const OFFLINE: Key = key(
    "offline",
    "BP_OFFLINE",
    Some("--offline"),
    "`false`",
    "Fetch nothing: use what is kept.",
);
pub(super) const REGISTRY_MIRROR: Key = Key {
    list: true,
    ..key(
        "registry_mirror",
        "BP_REGISTRY_MIRROR",
        Some("--registry-mirror"),
        "none",
        "Registries to ask in place of others, each as `HOST=URL`: `docker.io=http://127.0.0.1:5000`.",
    )
};
pub(super) const INSECURE_REGISTRY: Key = Key {
    list: true,
    ..key(
        "insecure_registry",
        "BP_INSECURE_REGISTRY",
        Some("--insecure-registry"),
        "none",
        "Hosts of registries that are spoken to without TLS. Loopback addresses always are.",
    )
};
pub(super) const HEX_BUILDS_URL: Key = key(
    "hex_builds_url",
    "BP_HEX_BUILDS_URL",
    None,
    "`https://builds.hex.pm`",
    "Where lists of builds, OTP, Elixir, Hex and rebar3 come from.",
);
pub(super) const HEX_BUILDS_KEY: Key = key(
    "hex_builds_key",
    "BP_HEX_BUILDS_KEY",
    None,
    "the public key of builds.hex.pm",
    "PEM file of the public key that signs the install lists of that host.",
);
pub(super) const HEX_REPO_URL: Key = key(
    "hex_repo_url",
    "BP_HEX_REPO_URL",
    None,
    "Hex's own",
    "Where Hex packages come from; Mix gets it as `HEX_MIRROR`.",
);
pub(super) const HEX_UNSAFE_REGISTRY: Key = key(
    "hex_unsafe_registry",
    "BP_HEX_UNSAFE_REGISTRY",
    None,
    "`false`",
    "Take packages from a registry that is not signed with Hex's key.",
);
pub(super) const NODE_DIST_URL: Key = key(
    "node_dist_url",
    "BP_NODE_DIST_URL",
    None,
    "`https://nodejs.org/dist`",
    "Where Node comes from.",
);
pub(super) const NPM_REGISTRY_URL: Key = key(
    "npm_registry_url",
    "BP_NPM_REGISTRY_URL",
    None,
    "`https://registry.npmjs.org`",
    "Where npm packages come from; package managers get it as `npm_config_registry`.",
);
pub(super) const TAILWIND_URL: Key = key(
    "tailwind_url",
    "BP_TAILWIND_URL",
    None,
    "`https://github.com/tailwindlabs/tailwindcss/releases/download`",
    "Where the program of Tailwind comes from that `mix tailwind` runs.",
);

pub(super) const BUILDPACK_REGISTRY_URL: Key = key(
    "buildpack_registry_url",
    "BP_BUILDPACK_REGISTRY_URL",
    None,
    "`https://buildpack-registry.s3.amazonaws.com/buildpacks`",
    "Where buildpacks that are named as `urn:buildpack:owner/name` come from, as `owner/name.tgz` below.",
);
pub(super) const LOCKED: Key = key(
    "locked",
    "BP_LOCKED",
    Some("--locked"),
    "`false`",
    "Take the versions of buildpacks that `buildpacks.lock` names, and fail where packs and lock differ.",
);
pub(super) const NO_NATIVE: Key = key(
    "no_native",
    "BP_NO_NATIVE",
    Some("--no-native"),
    "`false`",
    "Run buildpacks of Elixir and Phoenix themselves, where they are asked for, in place of the built-in ones.",
);

pub(super) const OWN_PACKAGES: Key = key(
    "own_packages",
    "BP_OWN_PACKAGES",
    None,
    "`false`",
    "Fetch and compile packages of Hex for each app alone: builds of other apps neither give nor get any. For machines that \
     build apps of people who do not trust each other.",
);
pub(super) const DETECT_LIMIT: Key = key(
    "detect_limit",
    "BP_DETECT_LIMIT",
    None,
    "`60`",
    "How many seconds `bin/detect` of a buildpack may take.",
);

pub(super) const MEMORY: Key = key(
    "memory",
    "BP_MEMORY",
    Some("--memory"),
    "no limit",
    "Memory that the programs of a build's step may use together, such as `2GiB`: from 16 MiB. A step that needs more is \
     ended. docs/limits.md tells of limits.",
);
pub(super) const CPUS: Key = key(
    "cpus",
    "BP_CPUS",
    Some("--cpus"),
    "no limit",
    "Processors that the programs of a build's step may use together, such as `2` or `1.5`.",
);
pub(super) const TIMEOUT: Key = key(
    "timeout",
    "BP_TIMEOUT",
    Some("--timeout"),
    "no limit",
    "How long all steps of a build may take together, such as `15m`, `1h30m` or `900`, in seconds where no unit is named. A build \
     that takes longer is ended.",
);

/// All settings, as they are documented.
pub const KEYS: [Key; 28] = [
    CACHE_DIR,
    CACHE_CAP,
    CACHE_FROM,
    CACHE_TO,
    REMOTE_CACHE_CAP,
    CACHE_SECRET_FILE,
    STACK,
    SANDBOX,
    OFFLINE,
    KEEP_ASSETS,
    COMPRESSION,
    REGISTRY_MIRROR,
    INSECURE_REGISTRY,
    HEX_BUILDS_URL,
    HEX_BUILDS_KEY,
    HEX_REPO_URL,
    HEX_UNSAFE_REGISTRY,
    NODE_DIST_URL,
    NPM_REGISTRY_URL,
    TAILWIND_URL,
    BUILDPACK_REGISTRY_URL,
    LOCKED,
    NO_NATIVE,
    OWN_PACKAGES,
    DETECT_LIMIT,
    MEMORY,
    CPUS,
    TIMEOUT,
];

/// The page `docs/settings.md`.
pub fn page() -> String {
    let mut page = String::from(
        "# Settings\n\n\
         A flag wins over a variable of the environment, that over bp.toml. An empty variable counts as unset.\n\
         The file is `$BP_CONFIG`, else `$XDG_CONFIG_HOME/bp/bp.toml`, else `~/.config/bp/bp.toml`.\n",
    );
    for key in &KEYS {
        let flag = key
            .flag
            .map(|flag| format!("`{flag}`, "))
            .unwrap_or_default();
        let form = if key.list {
            "; a list in bp.toml, commas in the variable"
        } else {
            ""
        };
        // Writing to a string cannot fail.
        let _ = write!(
            page,
            "\n## {}\n\n{}\n\n{flag}`{}`, `{}`{form}. Default: {}.\n",
            key.name, key.doc, key.variable, key.name, key.default
        );
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_true() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/settings.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs_err::write(path, page()).unwrap();
        }
        let kept = fs_err::read_to_string(path).unwrap_or_default();
        assert!(
            kept == page(),
            "write it anew: UPDATE_DOCS=1 cargo test -p runner settings"
        );
    }

    #[test]
    fn names_follow_one_rule() {
        for key in &KEYS {
            assert_eq!(key.variable, format!("BP_{}", key.name.to_uppercase()));
        }
    }
}
