//! Container registries: names, credentials, pulling base images, pushing built ones.
//!
//! The wire is the OCI distribution specification, 1.1, over blocking HTTP: each step says which repository on which
//! host it asks, tries again what is worth trying again, and lets nothing in that its digest does not vouch for.
//! [`Repository`] is the registry blob by blob and manifest by manifest; images stand above it: [`ImageSource`] and
//! [`ImageSink`].

mod access;
mod arrivals;
mod blobs;
mod challenge;
mod checked;
mod clients;
mod credentials;
mod endpoint;
mod error;
mod helper;
mod login;
mod parallel;
mod patience;
mod pull;
mod push;
mod reference;
mod refusal;
mod registries;
mod repository;
mod request;
mod settings;
mod sink;
mod standing;
mod stream;
mod token;
mod upload;
mod wire;

pub use access::Access;
pub use arrivals::{Arrivals, ArrivingBlob};
pub use checked::Meter;
pub use endpoint::{Address, address_of};
pub use error::RegistryError;
pub(crate) use parallel::each;
pub use reference::{ParseReferenceError, Reference};
pub use registries::Registries;
pub use repository::{Manifest, Repository};
pub use request::Open;
pub use settings::{Credentials, ImageSource, RegistrySettings};
pub use sink::{Holders, ImageSink, Push, Pushed, Unknown};
pub use stream::BlobReader;
pub use upload::Put;
