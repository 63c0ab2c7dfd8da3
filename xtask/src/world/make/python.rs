//! A host of Python, for packs that bring their own as Heroku's does.

use super::part::{Kitchen, Part, run_recipe};
use crate::world::Failure;

const PYTHON: &str = include_str!("../recipes/python.sh");
/// Debian packages that it is laid out from, of the release of the stack whose roots are given.
const PACKAGES: &str =
    "python3.13-minimal libpython3.13-minimal libpython3.13-stdlib python3-pip-whl libexpat1";

/// What is served: `versions.txt`, `SHA256SUMS`, and an archive for each version.
pub(super) fn dist(kitchen: &Kitchen, roots: &Part) -> Result<Part, Failure> {
    let inputs = [roots.key.as_str(), PYTHON, PACKAGES];
    kitchen.part("python", &inputs, |folder| {
        let settings = [
            ("ROOTS", roots.path.to_str().unwrap_or_default()),
            ("DEBS", PACKAGES),
        ];
        run_recipe(PYTHON, folder, &settings)
    })
}
