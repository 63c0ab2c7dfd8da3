//! Which sandbox to use.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use buildpack_core::sandbox::Sandbox;

use super::{Failure, InPlaceSandbox, NamespaceSandbox, Unavailable};

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Namespaces where they work; else in place, if `bp` stands inside the stack's image.
    #[default]
    Auto,
    /// Namespaces or nothing.
    Namespace,
    /// Where `bp` stands.
    None,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Namespace => "namespace",
            Self::None => "none",
        })
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "namespace" => Ok(Self::Namespace),
            "none" => Ok(Self::None),
            other => Err(format!(
                "`{other}` is no sandbox: expected `auto`, `namespace` or `none`"
            )),
        }
    }
}

/// The sandbox for `mode`. Namespaces are tried in `folder`, which should lie where rooms will have their scratch:
/// what works depends on its file system. `in_stack_image` says whether `bp` stands inside the stack's own image,
/// the one place where `auto` may run programs in place. They are then run as the user that `bp` itself is: the files
/// that they have to write are that user's.
pub fn choose(
    mode: Mode,
    folder: &Path,
    in_stack_image: bool,
) -> Result<Box<dyn Sandbox>, Unavailable> {
    let namespace = NamespaceSandbox::new();
    let trial = || match namespace.probe(folder).failure {
        None => Ok(()),
        Some(failure) => Err(failure),
    };
    if decide(mode, in_stack_image, trial)? {
        Ok(Box::new(namespace))
    } else {
        Ok(Box::new(InPlaceSandbox::new(false)))
    }
}

/// Whether it is to be namespaces.
fn decide(
    mode: Mode,
    in_stack_image: bool,
    trial: impl FnOnce() -> Result<(), Failure>,
) -> Result<bool, Unavailable> {
    if mode == Mode::None {
        return Ok(false);
    }
    match trial() {
        Ok(()) => Ok(true),
        Err(_) if mode == Mode::Auto && in_stack_image => Ok(false),
        Err(failure) => Err(Unavailable { failure }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_reads_as_it_prints() {
        for mode in [Mode::Auto, Mode::Namespace, Mode::None] {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        assert!("docker".parse::<Mode>().unwrap_err().contains("`docker`"));
    }

    #[test]
    fn nothing_runs_in_place_unasked_but_in_the_stacks_image() {
        let works = || Ok(());
        let fails = || {
            Err(Failure::Helper {
                helper: "bp".to_owned(),
                error: std::io::ErrorKind::NotFound.into(),
            })
        };
        let unasked = || -> Result<(), Failure> { unreachable!("no trial is needed") };
        assert!(!decide(Mode::None, false, unasked).unwrap());
        for in_stack_image in [false, true] {
            assert!(decide(Mode::Auto, in_stack_image, works).unwrap());
            assert!(decide(Mode::Namespace, in_stack_image, works).unwrap());
            assert!(decide(Mode::Namespace, in_stack_image, fails).is_err());
        }
        assert!(!decide(Mode::Auto, true, fails).unwrap());
        assert!(decide(Mode::Auto, false, fails).is_err());
    }
}
