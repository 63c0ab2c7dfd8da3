//! The JSON schema that SARIF reports are held against. Its licence keeps it out of the repository.

use super::part::{Kitchen, Part, run_recipe};
use crate::world::Failure;

const SARIF: &str = include_str!("../recipes/sarif.sh");
/// A package that holds OASIS' schema as it was published.
const PACKAGE: &str = "serde-sarif@0.8.0";

/// A folder that holds `sarif-2.1.0.json`.
pub(super) fn schema(kitchen: &Kitchen) -> Result<Part, Failure> {
    kitchen.part("sarif", &[SARIF, PACKAGE], |folder| {
        run_recipe(SARIF, folder, &[("PACKAGE", PACKAGE)])
    })
}
