//! How registries are reached, and the seam behind which they stand.

use std::path::PathBuf;
use std::time::Duration;

use buildpack_core::event::EventSink;
use buildpack_core::image::{BaseImage, BlobDir};

use super::endpoint::{mirror_url, redacted};
use super::{Arrivals, Reference, RegistryError};

/// A name and a secret for a registry.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// User and password.
    Basic(String, String),
    /// A token that is exchanged for others (a refresh token of `OAuth2`).
    IdentityToken(String),
}

/// How registries are reached.
#[derive(Clone)]
pub struct RegistrySettings {
    /// Hosts that are asked elsewhere: `("docker.io", "http://127.0.0.1:5000")`. The first that fits counts, and the
    /// registry itself is not asked any more.
    pub mirrors: Vec<(String, String)>,
    /// Hosts spoken to without TLS; loopback addresses always are.
    pub insecure: Vec<String>,
    /// Files in the form of Docker's `config.json`, asked in this order; a missing one is passed over.
    pub credential_files: Vec<PathBuf>,
    /// How often a request is tried in all.
    pub attempts: u32,
    /// The first pause between two tries; it doubles. A registry's `Retry-After` is waited for instead, up to a minute.
    pub pause: Duration,
    /// How long a connection may take to come about, and how long it may then stay silent.
    pub patience: Duration,
    /// The slowest line, in bytes a second, over which an upload is not given up.
    pub slowest: u64,
    /// How long a credential helper may take to answer.
    pub helper_patience: Duration,
    /// How many blobs are fetched or sent at once.
    pub parallel: usize,
    /// Extra certificate authorities: a PEM file, as `SSL_CERT_FILE` names one. Taken in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// What we call ourselves.
    pub user_agent: String,
}

impl Default for RegistrySettings {
    fn default() -> Self {
        Self {
            mirrors: Vec::new(),
            insecure: Vec::new(),
            credential_files: Vec::new(),
            attempts: 5,
            pause: Duration::from_millis(500),
            patience: Duration::from_secs(30),
            slowest: 32 << 10,
            helper_patience: Duration::from_secs(30),
            parallel: 4,
            ca_file: None,
            user_agent: concat!("bp/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

impl RegistrySettings {
    /// Takes in `docker.io=http://127.0.0.1:5000`, the form of `--registry-mirror`.
    pub fn add_mirror(&mut self, text: &str) -> Result<(), RegistryError> {
        let Some((host, url)) = text.split_once('=').filter(|(host, _)| !host.is_empty()) else {
            return Err(RegistryError::Setting {
                setting: redacted(text),
                why: "a mirror is `HOST=URL`, such as `docker.io=http://127.0.0.1:5000`".to_owned(),
            });
        };
        mirror_url(url)?;
        self.mirrors.push((host.to_owned(), url.to_owned()));
        Ok(())
    }

    /// The credential files that `env` leads to, as Docker and podman look for them: `REGISTRY_AUTH_FILE`,
    /// `$DOCKER_CONFIG/config.json`, `$HOME/.docker/config.json`, `$XDG_RUNTIME_DIR/containers/auth.json`; and
    /// `SSL_CERT_FILE`.
    pub fn read_environment(&mut self, env: impl Fn(&str) -> Option<std::ffi::OsString>) {
        let set = |name| {
            env(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let docker = set("DOCKER_CONFIG").or_else(|| Some(set("HOME")?.join(".docker")));
        let files = [
            set("REGISTRY_AUTH_FILE"),
            docker.map(|folder| folder.join("config.json")),
            set("XDG_RUNTIME_DIR").map(|folder| folder.join("containers/auth.json")),
        ];
        self.credential_files.extend(files.into_iter().flatten());
        if let Some(file) = set("SSL_CERT_FILE") {
            self.ca_file = Some(file);
        }
    }
}

/// Where base images come from.
pub trait ImageSource: Send + Sync {
    /// Manifest and config of `reference` for `linux/<architecture>` (`amd64`, `arm64`).
    fn manifest(
        &self,
        reference: &Reference,
        architecture: &str,
    ) -> Result<BaseImage, RegistryError>;

    /// Fetches what is missing of the image's config and layers into `into`, each checked before it gets its name.
    /// `arrivals` hears of them as they come, if the source can tell.
    fn blobs(
        &self,
        image: &BaseImage,
        into: &BlobDir,
        arrivals: &Arrivals,
        events: &dyn EventSink,
    ) -> Result<(), RegistryError>;
}
