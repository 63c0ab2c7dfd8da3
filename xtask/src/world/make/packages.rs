//! The Hex package repository.

use fs_err as fs;

use super::part::{Kitchen, Part, run_recipe};
use crate::world::Failure;

const PACKAGES: &str = include_str!("../recipes/packages.sh");
/// jiffy comes with a build file of rebar2's only.
const JIFFY: &str = include_str!("../../../../testdata/hex/jiffy/mix.exs");

/// What the repository serves: `names`, `versions`, `packages/`, `tarballs/`.
pub(super) fn repo(kitchen: &Kitchen, roots: &Part, tools: &Part) -> Result<Part, Failure> {
    let inputs = [roots.key.as_str(), &tools.key, PACKAGES, JIFFY];
    kitchen.part("packages", &inputs, |folder| {
        let jiffy = folder.join("jiffy.exs");
        fs::write(&jiffy, JIFFY)?;
        let settings = [
            ("ROOTS", roots.path.to_str().unwrap_or_default()),
            ("TOOLS", tools.path.to_str().unwrap_or_default()),
            ("JIFFY", jiffy.to_str().unwrap_or_default()),
        ];
        run_recipe(PACKAGES, folder, &settings)?;
        Ok(fs::remove_file(jiffy)?)
    })
}
