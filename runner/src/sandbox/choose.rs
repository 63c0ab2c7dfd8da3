//! Which sandbox to use.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use buildpack_core::sandbox::Sandbox;

use super::{InPlaceSandbox, NamespaceSandbox, Unavailable};

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
/// the one place where `auto` may run programs in place; they are then run as the room's user if `bp` is root.
pub fn choose(
    mode: Mode,
    folder: &Path,
    in_stack_image: bool,
) -> Result<Box<dyn Sandbox>, Unavailable> {
    let in_place = || -> Box<dyn Sandbox> { Box::new(InPlaceSandbox::new(true)) };
    if mode == Mode::None {
        return Ok(in_place());
    }
    let namespace = NamespaceSandbox::new();
    match namespace.probe(folder).failure {
        None => Ok(Box::new(namespace)),
        Some(_) if mode == Mode::Auto && in_stack_image => Ok(in_place()),
        Some(failure) => Err(Unavailable { failure }),
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
}
