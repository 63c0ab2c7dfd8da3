//! Whether namespaces work here, found out by building a room and entering it.

use std::path::Path;

use super::{Failure, NamespaceSandbox};

/// What a trial found.
#[derive(Debug)]
pub struct Probe {
    /// Why rooms can't be built, with the step that failed; absent where they can.
    pub failure: Option<Failure>,
}

impl Probe {
    /// Whether rooms can be built.
    pub fn works(&self) -> bool {
        self.failure.is_none()
    }
}

/// Tries to build a room with its scratch below `folder`, with this binary as the helper.
pub fn probe(folder: &Path) -> Probe {
    NamespaceSandbox::new().probe(folder)
}
