//! An architecture, and what is built for: a stack on an architecture.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::catalog::Stack;

/// A processor architecture, by its OCI name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// 64-bit x86.
    Amd64,
    /// 64-bit ARM.
    Arm64,
}

impl Arch {
    /// Its name in image configs and build lists: `amd64`, `arm64`.
    pub fn oci(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// The architecture that this program was compiled for; none where no stack has it.
    pub fn host() -> Option<Self> {
        std::env::consts::ARCH.parse().ok()
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.oci())
    }
}

/// A word that names no architecture of any stack.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no architecture that stacks exist for: expected `amd64` or `arm64`")]
pub struct UnknownArch(pub String);

impl FromStr for Arch {
    type Err = UnknownArch;

    /// Takes the OCI name, the kernel's name, and either with `linux/` before it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("linux/").unwrap_or(text) {
            "amd64" | "x86_64" | "x86-64" => Ok(Self::Amd64),
            "arm64" | "aarch64" => Ok(Self::Arm64),
            _ => Err(UnknownArch(text.to_owned())),
        }
    }
}

/// What is built for: a stack on an architecture that the stack has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The stack.
    pub stack: &'static Stack,
    /// The architecture.
    pub arch: Arch,
}

/// The stack has no images for the architecture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "Heroku publishes {} for {} only, not for {arch}",
    .stack.name,
    names(&.stack.architectures)
)]
pub struct UnsupportedArch {
    /// The stack.
    pub stack: &'static Stack,
    /// The architecture that it lacks.
    pub arch: Arch,
}

fn names(architectures: &[Arch]) -> String {
    let names: Vec<_> = architectures.iter().map(|arch| arch.oci()).collect();
    names.join(" and ")
}

impl UnsupportedArch {
    /// Stacks that have the architecture, oldest first.
    pub fn alternatives(&self) -> Vec<&'static Stack> {
        crate::all()
            .iter()
            .filter(|stack| stack.architectures.contains(&self.arch))
            .collect()
    }
}

impl Target {
    /// `stack` on `arch`, if its images exist.
    pub fn new(stack: &'static Stack, arch: Arch) -> Result<Self, UnsupportedArch> {
        if stack.architectures.contains(&arch) {
            Ok(Self { stack, arch })
        } else {
            Err(UnsupportedArch { stack, arch })
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.stack.name, self.arch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::find;

    #[test]
    fn heroku_22_has_no_arm64_and_says_who_has() {
        let refused = Target::new(find("heroku-22").unwrap(), Arch::Arm64).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "Heroku publishes heroku-22 for amd64 only, not for arm64"
        );
        let names: Vec<_> = refused.alternatives().iter().map(|s| s.name).collect();
        assert_eq!(names, ["heroku-24", "heroku-26"]);
    }

    #[test]
    fn architectures_go_by_several_names() {
        for name in ["arm64", "aarch64", "linux/arm64"] {
            assert_eq!(name.parse(), Ok(Arch::Arm64));
        }
        assert!("riscv64".parse::<Arch>().is_err());
    }
}
