//! How the programs of a build reach the network: as `bp` itself does.

use std::collections::BTreeMap;
use std::path::PathBuf;

use buildpack_core::sandbox::{Access, Mount};

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

/// Variables that name a proxy, or what none is used for.
pub const NAMES_PROXIES: [&str; 8] = [
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "all_proxy",
    "https_proxy",
    "http_proxy",
    "no_proxy",
];

/// What stands between this machine and the net. It never changes what is built, so that it is no part of any identity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// A PEM file of authorities that are trusted in place of the system's.
    pub authorities: Option<PathBuf>,
    /// Those of [`NAMES_PROXIES`] that are set to something.
    pub proxies: BTreeMap<String, String>,
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

    /// The variables that tell programs.
    pub(super) fn env(&self) -> BTreeMap<String, String> {
        let mut env = self.proxies.clone();
        // yarn from 2 on looks at no other.
        for (name, ours) in [
            ("HTTPS_PROXY", "YARN_HTTPS_PROXY"),
            ("HTTP_PROXY", "YARN_HTTP_PROXY"),
        ] {
            let proxy = [name.to_owned(), name.to_ascii_lowercase()]
                .iter()
                .find_map(|name| self.proxies.get(name));
            env.extend(proxy.map(|proxy| (ours.to_owned(), proxy.clone())));
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

    #[test]
    fn nothing_is_said_where_nothing_stands_between() {
        let none = Network::default();
        assert!(none.mounts().is_empty() && none.env().is_empty());
    }

    #[test]
    fn every_program_is_told() {
        let network = Network {
            authorities: Some("/etc/ours.pem".into()),
            proxies: BTreeMap::from([("https_proxy".to_owned(), "http://p:1".to_owned())]),
        };
        assert_eq!(network.mounts()[0].source, PathBuf::from("/etc/ours.pem"));
        let env = network.env();
        assert_eq!(env["NODE_EXTRA_CA_CERTS"], AUTHORITIES);
        assert_eq!(env["https_proxy"], "http://p:1");
        assert_eq!(env["YARN_HTTPS_PROXY"], "http://p:1");
        assert!(!env.contains_key("YARN_HTTP_PROXY"));
    }
}
