//! Where the repository of a name is really asked for.

use reqwest::Url;

use super::reference::DOCKER_HUB;
use super::{Credentials, Reference, RegistryError, RegistrySettings};

/// One repository at one place.
#[derive(Clone)]
pub(super) struct Endpoint {
    /// Scheme, host and port, without a slash at the end.
    pub(super) origin: String,
    /// The repository there: behind a mirror's own path, if it has one.
    pub(super) repository: String,
    /// The host whose credentials are shown, and that errors name.
    pub(super) host: String,
    /// Credentials that stood in the mirror's URL.
    pub(super) own_credentials: Option<Credentials>,
}

impl Endpoint {
    /// Where `reference` is asked for.
    pub(super) fn of(
        reference: &Reference,
        settings: &RegistrySettings,
    ) -> Result<Self, RegistryError> {
        let mirror = settings
            .mirrors
            .iter()
            .find(|(host, _)| host == reference.host());
        if let Some((_, url)) = mirror {
            return Self::mirror(url, reference);
        }
        Ok(Self::own(reference, settings))
    }

    /// `reference` at its own registry: a mirror gives, and takes nothing.
    pub(super) fn own(reference: &Reference, settings: &RegistrySettings) -> Self {
        let host = match reference.host() {
            DOCKER_HUB => "registry-1.docker.io",
            other => other,
        };
        let plain = is_loopback(host) || settings.insecure.iter().any(|it| it == reference.host());
        let scheme = if plain { "http" } else { "https" };
        Self {
            origin: format!("{scheme}://{host}"),
            repository: reference.repository().to_owned(),
            host: reference.host().to_owned(),
            own_credentials: None,
        }
    }

    fn mirror(url: &str, reference: &Reference) -> Result<Self, RegistryError> {
        let url = mirror_url(url)?;
        let host = match url.port() {
            Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
            None => url.host_str().unwrap_or_default().to_owned(),
        };
        let prefix = url.path().trim_matches('/');
        let repository = if prefix.is_empty() {
            reference.repository().to_owned()
        } else {
            format!("{prefix}/{}", reference.repository())
        };
        let own_credentials = (!url.username().is_empty()).then(|| {
            let password = url.password().unwrap_or_default();
            Credentials::Basic(url.username().to_owned(), password.to_owned())
        });
        Ok(Self {
            origin: format!("{}://{host}", url.scheme()),
            repository,
            host,
            own_credentials,
        })
    }

    /// The URL of a part of the repository: `manifests/24`, `blobs/sha256:…`.
    pub(super) fn url(&self, part: &str) -> String {
        format!("{}/v2/{}/{part}", self.origin, self.repository)
    }

    /// Where the registry says whether it is one, and whom it wants to see.
    pub(super) fn root(&self) -> Result<Url, RegistryError> {
        let text = format!("{}/v2/", self.origin);
        Url::parse(&text).map_err(|error| RegistryError::Unexpected {
            url: text,
            expected: "an address",
            why: error.to_string(),
        })
    }

    /// Whether `url` is at the same scheme, host and port: nobody else is shown who we are.
    pub(super) fn is_origin_of(&self, url: &Url) -> bool {
        Url::parse(&self.origin).is_ok_and(|own| own.origin() == url.origin())
    }

    /// Whether what is sent there can be read on the way.
    pub(super) fn is_plain(&self) -> bool {
        self.origin.starts_with("http:")
    }
}

/// Where a name is asked for, for who only wants to know whether anybody is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The host, with its port; of a mirror, the mirror's.
    pub host: String,
    /// Where a registry says whether it is one.
    pub url: String,
    /// Whether it is this machine, to which no proxy leads.
    pub is_loopback: bool,
}

/// Where `reference` is asked for.
pub fn address_of(
    reference: &Reference,
    settings: &RegistrySettings,
) -> Result<Address, RegistryError> {
    let endpoint = Endpoint::of(reference, settings)?;
    let url = endpoint.root()?.to_string();
    Ok(Address {
        is_loopback: is_loopback(&endpoint.host),
        host: endpoint.host,
        url,
    })
}

/// Reads the URL of a mirror. The error leaves out user and password.
pub(super) fn mirror_url(text: &str) -> Result<Url, RegistryError> {
    let refuse = |why: &str| RegistryError::Setting {
        setting: redacted(text),
        why: why.to_owned(),
    };
    let url =
        Url::parse(text).map_err(|_| refuse("it is no URL such as `http://127.0.0.1:5000`"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(refuse(
            "it does not start with `http://` or `https://` and a host",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("it has a `?` or `#` part"));
    }
    Ok(url)
}

/// A URL for people: without user, password and query, which may be signed.
pub(super) fn redacted(url: &str) -> String {
    let Some(mut url) = Url::parse(url).ok().filter(Url::has_host) else {
        // What is no URL may hold a password all the same.
        return url.rsplit('@').next().unwrap_or_default().to_owned();
    };
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.to_string()
}

/// Whether a host, with or without a port, is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => name,
        _ => host,
    };
    let address = name.trim_matches(['[', ']']);
    name == "localhost"
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(name: &str, settings: &RegistrySettings) -> String {
        Endpoint::of(&name.parse().unwrap(), settings)
            .unwrap()
            .url("tags/list")
    }

    #[test]
    fn says_where_a_name_is_asked_for() {
        let mut settings = RegistrySettings::default();
        assert_eq!(
            url("a/b", &settings),
            "https://registry-1.docker.io/v2/a/b/tags/list"
        );
        assert_eq!(
            url("127.0.0.1:5000/b", &settings),
            "http://127.0.0.1:5000/v2/b/tags/list"
        );
        assert_eq!(
            url("[::1]:5000/b", &settings),
            "http://[::1]:5000/v2/b/tags/list"
        );
        assert_eq!(
            url("r.example/b", &settings),
            "https://r.example/v2/b/tags/list"
        );
        settings.insecure.push("r.example".to_owned());
        assert_eq!(
            url("r.example/b", &settings),
            "http://r.example/v2/b/tags/list"
        );
        settings
            .add_mirror("docker.io=http://u:p@mirror:81/hub/")
            .unwrap();
        assert_eq!(
            url("a/b", &settings),
            "http://mirror:81/v2/hub/a/b/tags/list"
        );
    }

    #[test]
    fn a_mirror_that_is_none_is_refused_without_its_password() {
        for text in [
            "",
            "docker.io",
            "=http://a",
            "docker.io=",
            "docker.io=ftp://u:secret@h",
            "docker.io=u:secret@h",
            "docker.io=http://u:secret@",
            "docker.io=http://u:secret@h/?x",
        ] {
            let error = RegistrySettings::default().add_mirror(text).unwrap_err();
            assert!(
                !format!("{error:?} {error}").contains("secret"),
                "{error:?}"
            );
        }
    }
}
