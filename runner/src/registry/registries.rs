//! Registries over HTTP: where images come from and go to.

use std::sync::Arc;

use super::endpoint::Endpoint;
use super::wire::Wire;
use super::{Access, Reference, RegistryError, RegistrySettings, Repository};

/// All registries, reached as one set of settings says. Nothing is connected, and no certificate read, before the first
/// request. Clones share connections, credentials and tokens.
#[derive(Clone)]
pub struct Registries {
    pub(super) wire: Arc<Wire>,
}

impl Registries {
    /// Registries that are reached as `settings` say.
    pub fn new(settings: RegistrySettings) -> Self {
        Self {
            wire: Arc::new(Wire::new(settings)),
        }
    }

    /// The repository of a name, for what `access` allows; the tag counts for nothing. What is only pulled comes from a
    /// mirror where there is one for that host, what is pushed goes to the registry itself.
    pub fn repository(
        &self,
        name: &Reference,
        access: Access,
    ) -> Result<Repository, RegistryError> {
        let settings = self.wire.settings();
        let to = match access {
            Access::Pull => Endpoint::of(name, settings)?,
            Access::Push => Endpoint::own(name, settings),
        };
        Ok(Repository::new(&self.wire, to, access))
    }
}
