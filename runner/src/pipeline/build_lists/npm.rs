//! An npm registry, asked over the network; what it says of a version is kept for ever.

use buildpack_core::lists::{
    Answer, ListError, NpmError, NpmPackage, NpmRegistry, npm_path, read_npm_package,
};
use buildpack_core::store::{Bucket, Record};
use buildpack_core::toolchain::redact_url;
use serde::{Deserialize, Serialize};

use super::{Patience, ask, boxed};
use crate::pipeline::services::Services;

/// The registry that [`Services::upstreams`] names, and what is kept of it.
pub struct Npm<'a> {
    services: &'a Services,
    patience: Patience,
}

/// What a registry said of a version.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Where, without credentials.
    url: String,
    /// Its answer, made short.
    package: NpmPackage,
}

impl<'a> Npm<'a> {
    /// The registry of `services`, waited for so long.
    pub fn new(services: &'a Services, patience: Patience) -> Self {
        Self { services, patience }
    }
}

impl NpmRegistry for Npm<'_> {
    fn package(&self, name: &str, version: &str) -> Result<NpmPackage, Box<dyn ListError>> {
        let registry = self.services.upstreams.npm_registry.as_str();
        let path = npm_path(name, version).map_err(own)?;
        let url = format!("{registry}/{path}");
        let shown = redact_url(&url);
        let record: Record<Kept> = self.services.store.record(Bucket::Lists, &shown);
        if let Some(kept) = record.get().filter(|kept| kept.url == shown) {
            return Ok(kept.package.at(registry));
        }
        let not_a_package = |why: String| {
            own(NpmError::NotAPackage {
                registry: redact_url(registry),
                name: name.to_owned(),
                version: version.to_owned(),
                why,
            })
        };
        let text = match ask(self.services, &url, self.patience).map_err(boxed)? {
            Answer::Text { text, .. } => text,
            Answer::Missing => {
                return Err(own(NpmError::Missing {
                    registry: redact_url(registry),
                    name: name.to_owned(),
                    version: version.to_owned(),
                }));
            }
            Answer::Nonsense(why) => return Err(not_a_package(why)),
            Answer::Unchanged => return Err(not_a_package("the answer has no body".to_owned())),
        };
        let package = read_npm_package(&text, &redact_url(registry), name, version).map_err(own)?;
        let kept = Kept {
            url: shown,
            package,
        };
        // What can't be kept can still be used.
        let _ = record.write(&kept);
        Ok(kept.package.at(registry))
    }
}

fn own(error: NpmError) -> Box<dyn ListError> {
    Box::new(error)
}
