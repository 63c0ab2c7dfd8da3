//! What stands in for each stack.

/// A stack and the Debian release that plays it.
#[derive(Debug)]
pub(crate) struct Stack {
    /// `24` of heroku-24.
    pub(crate) number: u8,
    /// The Debian release.
    pub(crate) suite: &'static str,
    /// The Ubuntu release by which Hex's builds host sorts Erlang.
    pub(crate) ubuntu: &'static str,
    /// The user that the images name.
    pub(crate) user: &'static str,
    /// The library packages whose names differ between releases.
    pub(crate) libraries: &'static str,
    /// Whether this release has a package of Hex.
    pub(crate) hex_package: bool,
    /// Source packages of [`SOURCES_SUITE`].
    pub(crate) sources: &'static str,
    /// Whether the images say which stack they are; Heroku's do from 24 on.
    pub(crate) label: bool,
}

/// All of them.
pub(crate) const ALL: [Stack; 3] = [
    Stack {
        number: 22,
        suite: "bookworm",
        ubuntu: "ubuntu-22.04",
        user: "root",
        libraries: "libssl3",
        hex_package: false,
        sources: "erlang-hex",
        label: false,
    },
    Stack {
        number: 24,
        suite: "trixie",
        ubuntu: "ubuntu-24.04",
        user: "heroku",
        libraries: "libssl3t64",
        hex_package: true,
        sources: "elixir-nimble-parsec elixir-makeup elixir-makeup-elixir elixir-makeup-erlang erlang-jiffy",
        label: true,
    },
    Stack {
        number: 26,
        suite: "forky",
        ubuntu: "ubuntu-26.04",
        user: "heroku",
        libraries: "libssl3t64,libsctp1",
        hex_package: true,
        sources: "",
        label: true,
    },
];

/// The release whose source packages are taken.
pub(crate) const SOURCES_SUITE: &str = "trixie";

/// In every run image, besides [`Stack::libraries`].
pub(crate) const RUN_PACKAGES: &str = "ca-certificates,libncurses6,libtinfo6,libstdc++6,libatomic1,locales,tzdata,\
     curl,bash,passwd,procps,netbase,unzip,zip,xz-utils";

/// In every build image above the run image.
pub(crate) const BUILD_PACKAGES: &str =
    "gcc g++ make libc6-dev git python3-minimal pkg-config patch";

/// The Debian packages that the published Erlang, Elixir and rebar3 are laid out from. Hex has one where
/// [`Stack::hex_package`] says so.
pub(crate) const TOOL_PACKAGES: &str = "erlang-base erlang-asn1 erlang-common-test erlang-crypto erlang-dev \
     erlang-dialyzer erlang-edoc erlang-eldap erlang-eunit erlang-ftp erlang-inets erlang-mnesia erlang-os-mon \
     erlang-parsetools erlang-public-key erlang-reltool erlang-runtime-tools erlang-snmp erlang-ssh erlang-ssl \
     erlang-syntax-tools erlang-tftp erlang-tools erlang-xmerl elixir rebar3";
