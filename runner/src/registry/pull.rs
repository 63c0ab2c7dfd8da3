//! Pulling a base image.

use buildpack_core::event::EventSink;
use buildpack_core::image::{BaseImage, BlobDir};

use super::{ImageSource, Reference, RegistryError, RegistrySettings};

/// Pulls from registries over HTTP. Nothing is connected, and no certificate read, before the first request.
pub struct Puller {
    settings: RegistrySettings,
}

impl Puller {
    /// A puller that reaches registries as `settings` say.
    pub fn new(settings: RegistrySettings) -> Self {
        Self { settings }
    }
}

impl ImageSource for Puller {
    fn manifest(
        &self,
        reference: &Reference,
        architecture: &str,
    ) -> Result<BaseImage, RegistryError> {
        let _ = (reference, architecture, &self.settings);
        unimplemented!()
    }

    fn blobs(
        &self,
        image: &BaseImage,
        into: &BlobDir,
        events: &dyn EventSink,
    ) -> Result<(), RegistryError> {
        let _ = (image, into, events);
        unimplemented!()
    }
}
