//! Container registries, as far as a build needs them: names, credentials, and pulling base images.
//!
//! The wire is the OCI distribution specification, 1.1, over blocking HTTP: each step says which repository on which
//! host it asks, tries again what is worth trying again, and lets nothing in that its digest does not vouch for.

mod blobs;
mod challenge;
mod credentials;
mod endpoint;
mod error;
mod pull;
mod reference;
mod refusal;
mod settings;
mod token;
mod wire;

pub use error::RegistryError;
pub use pull::Puller;
pub use reference::{ParseReferenceError, Reference};
pub use settings::{Credentials, ImageSource, RegistrySettings};
