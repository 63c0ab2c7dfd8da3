//! How the programs of a build reach the network: as `bp` itself does.

use std::collections::BTreeMap;
use std::path::PathBuf;

use buildpack_core::sandbox::{Access, Mount};

use crate::http::Proxies;

/// Where programs see the file of authorities.
const AUTHORITIES: &str = "/tmp/bp-authorities.pem";

/// Variables that name such a file: those of OpenSSL, curl, git, Node and Hex.
const NAMES_AUTHORITIES: [&str; 5] = [
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
    "HEX_CACERTS_PATH",
];

/// What stands between this machine and the net. It never changes what is built, so that it is no part of any identity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// A PEM file of authorities that are trusted in place of the system's.
    pub authorities: Option<PathBuf>,
    /// The proxies.
    pub proxies: Proxies,
}

impl Network {
    /// What the room of a build shows of it.
    pub(super) fn mounts(&self) -> Vec<Mount> {
        let mount = self.authorities.as_ref().map(|source| Mount {
            source: source.clone(),
            target: PathBuf::from(AUTHORITIES),
            access: Access::ReadOnly,
        });
        mount.into_iter().collect()
    }

    /// The variables that tell programs; npm packages come from `npm_registry`.
    pub(super) fn env(&self, npm_registry: &str) -> BTreeMap<String, String> {
        let said = self.proxies.variables();
        let mut env: BTreeMap<_, _> = said
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        // yarn from 2 on looks at no others, and knows of no exceptions.
        if !self.proxies.is_direct(npm_registry) {
            for (name, ours) in [
                ("HTTPS_PROXY", "YARN_HTTPS_PROXY"),
                ("HTTP_PROXY", "YARN_HTTP_PROXY"),
            ] {
                let proxy = self.proxies.get(name);
                env.extend(proxy.map(|proxy| (ours.to_owned(), proxy.to_owned())));
            }
        }
        if self.authorities.is_some() {
            env.extend(NAMES_AUTHORITIES.map(|name| (name.to_owned(), AUTHORITIES.to_owned())));
        }
        env
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NPM: &str = "https://registry.npmjs.org";

    #[test]
    fn nothing_is_said_where_nothing_stands_between() {
        let none = Network::default();
        assert!(none.mounts().is_empty() && none.env(NPM).is_empty());
    }

    #[test]
    fn every_program_is_told() {
        let set = |name: &str| match name {
            "https_proxy" => Some("http://p:1".to_owned()),
            "NO_PROXY" => Some(".example.com".to_owned()),
            _ => None,
        };
        let network = Network {
            authorities: Some("/etc/ours.pem".into()),
            proxies: Proxies::read(set),
        };
        assert_eq!(network.mounts()[0].source, PathBuf::from("/etc/ours.pem"));
        let env = network.env(NPM);
        assert_eq!(env["NODE_EXTRA_CA_CERTS"], AUTHORITIES);
        assert_eq!(env["https_proxy"], "http://p:1");
        assert_eq!(env["YARN_HTTPS_PROXY"], "http://p:1");
        assert!(!env.contains_key("YARN_HTTP_PROXY"));
        let direct = network.env("https://npm.example.com");
        assert!(!direct.contains_key("YARN_HTTPS_PROXY"));
    }
}
