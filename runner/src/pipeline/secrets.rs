//! The secrets of a build: who may see them, and what is searched for them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use buildpack_core::digest::Digest;
use buildpack_core::secret::SecretGate;
use buildpack_core::store::{Bucket, Record};

use super::failure::Failure;
use super::request::{ConfigVars, Request};
use super::services::Services;

/// What single steps of a build are lent. There is no way to print it.
#[derive(Clone, Default)]
pub struct BuildSecrets {
    /// Secrets by name: steps see those that the app's `bp.toml` names for them.
    pub given: BTreeMap<String, String>,
    /// Config vars that steps see only where it names them, too.
    pub withheld: ConfigVars,
    /// The socket of an SSH agent, for steps that fetch packages.
    pub agent: Option<PathBuf>,
    /// The file of hosts that are known to SSH.
    pub known_hosts: Option<PathBuf>,
    /// Logins of git's, for the same steps.
    pub git_logins: Vec<GitLogin>,
    /// Keys of Hex organisations by name, for the step that fetches Hex packages.
    pub hex_organizations: BTreeMap<String, String>,
    /// Where secrets may stand all the same: files and folders of the image, below the app's folder where they don't begin
    /// with a slash.
    pub allowed_in: Vec<String>,
}

/// User and password that git is to show to one web server.
#[derive(Clone, PartialEq, Eq)]
pub struct GitLogin {
    /// The server: `https://github.com`.
    pub origin: String,
    /// The user.
    pub user: String,
    /// The password, or token.
    pub password: String,
}

impl BuildSecrets {
    /// All values by what they are called, but for those of config vars.
    pub fn values(&self) -> impl Iterator<Item = (String, &str)> {
        let given = self.given.iter();
        let given = given.map(|(name, value)| (name.clone(), value.as_str()));
        let logins = self.git_logins.iter();
        let logins = logins.map(|login| {
            (
                format!("git login of {}", login.origin),
                login.password.as_str(),
            )
        });
        let keys = self.hex_organizations.iter();
        let keys =
            keys.map(|(name, key)| (format!("key of Hex organization {name}"), key.as_str()));
        given.chain(logins).chain(keys)
    }
}

/// What must not be in what is kept, with a name for just these values and the places where they are let through.
pub(super) struct SecretGuard {
    /// Finds them.
    pub(super) gate: SecretGate,
    /// A keyed hash.
    identity: String,
}

impl SecretGuard {
    /// For the image of this request, whose app lives in `app_dir`.
    pub(super) fn of(
        request: &Request,
        app_dir: &str,
        services: &Services,
    ) -> Result<Self, Failure> {
        let allowed: Vec<String> = (request.secrets.allowed_in.iter())
            .map(|path| {
                let below = path.trim_start_matches("./");
                let absolute = path.starts_with('/');
                if absolute {
                    path.clone()
                } else {
                    format!("{app_dir}/{below}")
                }
            })
            .collect();
        let values = values(request, services, &request.public_vars);
        let mut named: BTreeMap<String, String> = (values.iter().enumerate())
            .map(|(number, (name, value))| (format!("{number} {name}"), value.clone()))
            .collect();
        named.insert("allowed".to_owned(), allowed.join("\n"));
        Ok(Self {
            gate: SecretGate::new(values).allow_in(allowed),
            identity: ConfigVars(named).keyed_hash(&services.store)?,
        })
    }

    /// Remembers that a blob was searched for just these values, and that nothing was found.
    pub(super) fn searched(&self, blob: &Digest, services: &Services) -> Record<bool> {
        let name = format!("searched {blob} for {}", self.identity);
        services.store.record(Bucket::Layers, &name)
    }

    /// The name of just these values.
    pub(super) fn identity(&self) -> &str {
        &self.identity
    }
}

/// Finds values that must be in nothing that other apps or machines are given.
pub(super) fn gate_of_all(request: &Request, services: &Services) -> SecretGate {
    SecretGate::new(values(request, services, &[]))
}

/// Values that must not be in what is kept: secrets, those of config vars and of proxies, but for these names.
fn values(request: &Request, services: &Services, public: &[String]) -> Vec<(String, String)> {
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let vars = request.config_vars.secrets(public).map(owned);
    let withheld = request.secrets.withheld.secrets(public).map(owned);
    let given = request.secrets.values();
    let given = given.map(|(name, value)| (name, value.to_owned()));
    let proxies = services.network.proxies.secrets();
    let proxies = proxies.map(|(name, value)| (name.to_owned(), value));
    (given.chain(proxies))
        .filter(|(name, _)| !public.contains(name))
        .chain(vars)
        .chain(withheld)
        .collect()
}
