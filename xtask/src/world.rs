//! The test world: stand-ins, made of real software, for the hosts that `bp` talks to.
//!
//! [`World::start`] makes what is missing (see [`make`]), serves it on loopback and hands out the settings
//! that point `bp` at it. Everything that runs stops when the value is dropped, or dies with this process.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::debian;

mod failure;
mod make;
mod registry;
mod server;

pub(crate) use failure::Failure;
pub(crate) use registry::Registry;

/// A running test world.
pub(crate) struct World {
    dir: PathBuf,
    settings: Vec<(&'static str, String)>,
    _registry: registry::Registry,
}

impl World {
    /// Makes what is missing for these stacks (`22`, `24`, `26`), then serves it.
    pub(crate) fn start(stacks: &[u8]) -> Result<Self, Failure> {
        debian::need(&[("docker-registry", "docker-registry")])?;
        let dir = make::folder()?;
        let made = make::make(&dir, stacks)?;
        let files = server::serve(made.tree.clone())?;
        let registry = registry::Registry::start(&made.layouts)?;
        let files = format!("http://{files}");
        let settings = vec![
            (
                "BP_REGISTRY_MIRROR",
                format!("docker.io=http://{}", registry.address()),
            ),
            ("BP_HEX_BUILDS_URL", format!("{files}/builds.hex.pm")),
            ("BP_HEX_BUILDS_KEY", text(&made.public_key)),
            ("BP_HEX_REPO_URL", format!("{files}/repo.hex.pm")),
            ("BP_HEX_UNSAFE_REGISTRY", "1".to_owned()),
            ("BP_NODE_DIST_URL", format!("{files}/nodejs.org/dist")),
            ("BP_WORLD_PYTHON_URL", format!("{files}/python.org/dist")),
            ("BP_SARIF_SCHEMA", text(&made.sarif_schema)),
            ("BP_WORLD", text(&dir)),
        ];
        Ok(Self {
            dir,
            settings,
            _registry: registry,
        })
    }

    /// The environment variables that point `bp` here.
    pub(crate) fn settings(&self) -> &[(&'static str, String)] {
        &self.settings
    }

    /// Where everything is kept.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// `cargo xtask world [--stacks 22,24,26] -- COMMAND…`: exits with the command's code.
pub(crate) fn run(args: &[String]) -> ExitCode {
    let (stacks, command) = match parse(args) {
        Ok(parsed) => parsed,
        Err(problem) => {
            eprintln!("xtask world: {problem}");
            return ExitCode::from(2);
        }
    };
    match World::start(&stacks).and_then(|world| in_world(&world, &command)) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("xtask world: {failure}");
            ExitCode::from(4)
        }
    }
}

/// Runs a command with the settings exported; it is told to end when this process dies.
fn in_world(world: &World, command: &[String]) -> Result<u8, Failure> {
    let Some(program) = command.first() else {
        eprintln!("xtask world: ready in {}", world.dir().display());
        for (name, value) in world.settings() {
            println!("{name}={value}");
        }
        return Ok(0);
    };
    let status = Command::new("setpriv")
        .args(["--pdeathsig", "TERM", "--"])
        .args(command)
        .envs(world.settings().iter().map(|(name, value)| (name, value)))
        .status()
        .map_err(|cause| Failure::new(format!("cannot start `{program}`"), cause))?;
    // A command that a signal ended has no code; shells say 128 and more.
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(128))
}

/// What was typed: the stacks, and the command after `--`.
fn parse(args: &[String]) -> Result<(Vec<u8>, Vec<String>), String> {
    let split = args
        .iter()
        .position(|arg| arg == "--")
        .unwrap_or(args.len());
    let command = args.get(split + 1..).unwrap_or_default().to_vec();
    let mut stacks = make::STACKS.to_vec();
    let mut options = args[..split].iter();
    while let Some(option) = options.next() {
        match option.as_str() {
            "--stacks" => {
                let listed = options.next().ok_or("`--stacks` needs a list: 22,24,26")?;
                stacks = listed
                    .split(',')
                    .map(|stack| {
                        stack
                            .trim_start_matches("heroku-")
                            .parse()
                            .ok()
                            .filter(|number| make::STACKS.contains(number))
                            .ok_or(format!("no stand-in for stack `{stack}`: 22, 24 and 26"))
                    })
                    .collect::<Result<_, _>>()?;
            }
            other => {
                return Err(format!(
                    "unknown option `{other}`; a command goes after `--`"
                ));
            }
        }
    }
    Ok((stacks, command))
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn typed(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_command_line_is_stacks_and_a_command() {
        let (stacks, command) = parse(&typed("--stacks 24,heroku-22 -- sh -c --")).unwrap();
        assert_eq!(stacks, [24, 22]);
        assert_eq!(command, ["sh", "-c", "--"]);
        assert_eq!(parse(&typed("--")).unwrap().0, [22, 24, 26]);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        assert!(
            parse(&typed("--stacks 20 -- true"))
                .unwrap_err()
                .contains("`20`")
        );
        assert!(
            parse(&typed("--stacks"))
                .unwrap_err()
                .contains("needs a list")
        );
        assert!(parse(&typed("true")).unwrap_err().contains("`true`"));
    }
}
