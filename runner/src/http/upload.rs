//! A file to a web server.

use std::path::Path;

use buildpack_core::toolchain::{Cause, FetchError, TimeLimits};
use reqwest::blocking::Body;
use reqwest::{Url, header};

use super::{HttpFetch, failure};

impl HttpFetch {
    /// Sends a file by PUT; its length is said first, as storage services ask for it. No redirect is followed: the
    /// address itself is the permission.
    pub fn put(&self, url: &str, file: &Path) -> Result<(), FetchError> {
        self.send_file(url, file)
            .map_err(|cause| FetchError::new(url, cause))
    }

    fn send_file(&self, url: &str, file: &Path) -> Result<(), Cause> {
        let url = Url::parse(url)
            .map_err(|error| Cause::Invalid(format!("this is no address: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Cause::Invalid(format!(
                "nothing is sent to `{}:` addresses",
                url.scheme()
            )));
        }
        let unreadable = |error: std::io::Error| Cause::Invalid(error.to_string());
        let file = fs_err::File::open(file).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        let limits = TimeLimits::default();
        let response = self
            .client(&url, limits)?
            .put(url.clone())
            .header(header::CONTENT_LENGTH, length)
            .body(Body::sized(file.into_parts().0, length))
            .send()
            .map_err(|error| failure::sort(error, limits, self.proxies.of(url.as_str())))?;
        if response.status().is_success() {
            return Ok(());
        }
        Err(Cause::Status {
            status: response.status().as_u16(),
            retry_after: failure::retry_after(response.headers()),
        })
    }
}
