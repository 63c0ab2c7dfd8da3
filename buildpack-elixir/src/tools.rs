//! What is fetched for an app: OTP, Elixir, the Hex client and rebar3, each with its place and its layer.

use buildpack_core::diagnostic::{Class, Diagnostic, Outcome};
use buildpack_core::layer::Purpose;
use buildpack_core::lists::FetchList;
use buildpack_core::plan::{Tool, Unpack};
use buildpack_core::toolchain::{Artifact, Kind, Verify};
use semver::Version;

use crate::hex_installs::{Host, Program};
use crate::resolve::{ResolvedBuild, ResolvedTools};

const MIB: u64 = 1 << 20;

/// Where an app's tools stand, as absolute paths in the sandbox and in the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// OTP's root.
    pub erlang: String,
    /// Elixir's root.
    pub elixir: String,
    /// `MIX_HOME`.
    pub mix_home: String,
    /// `HEX_HOME`.
    pub hex_home: String,
}

/// OTP and Elixir as they were resolved, in the forms that file names and lists want.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions {
    /// OTP's major version.
    pub otp_major: u32,
    /// Elixir's version; a branch counts as newer than its line's releases, `main` as newer than all.
    pub elixir: Version,
}

impl Versions {
    /// The versions of resolved builds.
    pub fn of(tools: &ResolvedTools) -> Self {
        let digits = |text: &str| {
            text.chars()
                .take_while(char::is_ascii_digit)
                .collect::<String>()
        };
        Self {
            otp_major: digits(&tools.otp.version.value).parse().unwrap_or(0),
            elixir: elixir_version(&tools.elixir.version.value),
        }
    }
}

/// Elixir's version in the form that compares; see [`Versions::elixir`].
pub(crate) fn elixir_version(text: &str) -> Version {
    let bare = text.trim_start_matches('v');
    Version::parse(bare).unwrap_or_else(|_| {
        let line = bare
            .split_once('.')
            .and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
        match line {
            Some((major, minor)) => Version::new(major, minor, 999),
            None => Version::new(u64::from(u32::MAX), 0, 0),
        }
    })
}

/// The tools for `resolved`, from the builds host at `builds`; the install lists say which Hex and rebar3.
pub fn plan(
    resolved: &ResolvedTools,
    builds: &str,
    install_lists: &dyn FetchList,
    places: &Places,
    in_image: bool,
) -> Outcome<Vec<Tool>> {
    let versions = Versions::of(resolved);
    let host = Host {
        elixir: &versions.elixir,
        otp_major: versions.otp_major,
    };
    let mut tools = vec![
        Tool {
            name: format!("Erlang {}", resolved.otp.version.value),
            id: "erlang".to_owned(),
            version: resolved.otp.version.value.clone(),
            artifact: archive("Erlang", &resolved.otp, builds, Kind::TarGz),
            unpack: Unpack::Archive {
                strip: 1,
                under: String::new(),
            },
            place: places.erlang.clone(),
            // OTP's own script writes the final path into its start scripts.
            install: Some(
                ["./Install", "-minimal", &places.erlang]
                    .map(str::to_owned)
                    .to_vec(),
            ),
            purpose: Purpose::Erlang,
            in_image,
            pin: None,
            binds_output: true,
        },
        Tool {
            name: format!("Elixir {}", resolved.elixir.version.value),
            id: "elixir".to_owned(),
            version: resolved.elixir.version.value.clone(),
            artifact: archive("Elixir", &resolved.elixir, builds, Kind::Zip),
            unpack: Unpack::Archive {
                strip: 0,
                under: String::new(),
            },
            place: places.elixir.clone(),
            install: None,
            purpose: Purpose::Elixir,
            in_image,
            pin: None,
            binds_output: true,
        },
    ];
    let mut diagnostics = Vec::new();
    for program in [Program::Hex, Program::Rebar3] {
        match program_tool(program, host, builds, install_lists, places, in_image) {
            Ok(tool) => tools.push(tool),
            Err(problem) => diagnostics.push(*problem),
        }
    }
    Outcome {
        value: diagnostics.is_empty().then_some(tools),
        diagnostics,
    }
}

fn archive(name: &str, build: &ResolvedBuild, builds: &str, kind: Kind) -> Artifact {
    Artifact {
        name: format!("{name} {}", build.version.value),
        url: format!("{builds}/{}", build.path),
        verify: build.sha256.map_or(Verify::FirstUse, Verify::Sha256),
        max_bytes: 1024 * MIB,
        kind,
    }
}

fn program_tool(
    program: Program,
    host: Host<'_>,
    builds: &str,
    install_lists: &dyn FetchList,
    places: &Places,
    in_image: bool,
) -> Result<Tool, Box<Diagnostic>> {
    let list = host.list(program);
    let title = match program {
        Program::Hex => "Hex",
        Program::Rebar3 => "rebar3",
    };
    let text = install_lists
        .get(list)
        .map_err(|error| error.diagnostic())?
        .ok_or_else(|| {
            Diagnostic::error(
                "install-list-missing",
                Class::Surroundings,
                format!("`{builds}/{list}` does not exist, so no {title} can be chosen"),
            )
            .help("check `BP_HEX_BUILDS_URL`: a mirror must serve `installs/` as well")
        })?;
    let install = host.choose(program, &text).ok_or_else(|| {
        Diagnostic::error(
            "install-not-listed",
            Class::Config,
            format!(
                "`{list}` lists no {title} for Elixir {} on OTP {}",
                host.elixir, host.otp_major
            ),
        )
        .help("take another pair of `elixir_version` and `erlang_version`")
    })?;
    let (id, place, unpack, kind) = match program {
        Program::Hex => {
            // Mix loads `archives/NAME/NAME/ebin`, whatever NAME is.
            let name = format!("hex-{}", install.version);
            let unpack = Unpack::Archive {
                strip: 1,
                under: name.clone(),
            };
            (
                "hex",
                format!("{}/archives/{name}", places.mix_home),
                unpack,
                Kind::Zip,
            )
        }
        Program::Rebar3 => (
            "rebar3",
            format!("{}/{}", places.mix_home, host.rebar_folder()),
            Unpack::Program {
                name: "rebar3".to_owned(),
            },
            Kind::Raw,
        ),
    };
    Ok(Tool {
        name: format!("{title} {}", install.version),
        id: id.to_owned(),
        version: install.version.clone(),
        artifact: Artifact {
            name: format!("{title} {}", install.version),
            url: format!("{builds}/{}", install.path),
            verify: Verify::Sha512Hex(install.sha512),
            max_bytes: 64 * MIB,
            kind,
        },
        unpack,
        place,
        install: None,
        purpose: Purpose::HexRebar,
        in_image,
        pin: None,
        binds_output: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_count_as_newer_than_their_line() {
        assert!(elixir_version("v1.16") > Version::new(1, 16, 3));
        assert!(elixir_version("v1.16") < Version::new(1, 17, 0));
        assert!(elixir_version("main") > Version::new(1, 99, 0));
        assert_eq!(elixir_version("1.18.3"), Version::new(1, 18, 3));
    }
}
