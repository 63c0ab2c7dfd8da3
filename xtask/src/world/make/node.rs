//! Node's dist host.

use super::part::{Kitchen, Part, run_recipe};
use crate::world::Failure;

const NODE: &str = include_str!("../recipes/node.sh");
/// Two long-term releases and the npm that each comes with, newest first.
const RELEASES: &str = "24.11.0,11.6.1,2025-10-28,\"Krypton\" 22.14.0,10.9.2,2025-02-11,\"Jod\"";

/// What is served below `dist`: `index.json`, and a folder for each version.
pub(super) fn dist(kitchen: &Kitchen) -> Result<Part, Failure> {
    kitchen.part("node", &[NODE, RELEASES], |folder| {
        run_recipe(NODE, folder, &[("RELEASES", RELEASES)])
    })
}
