//! Names of images: `heroku/heroku:24` is `docker.io/heroku/heroku:24`.

use std::fmt;
use std::str::FromStr;

use buildpack_core::digest::Digest;
use serde::{Deserialize, Serialize};

/// The host of names that have none.
pub(super) const DOCKER_HUB: &str = "docker.io";

/// Longer than any name that a registry takes: a repository has at most 255 characters, a tag 128.
const LONGEST: usize = 600;

/// The name of an image, in full.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reference {
    host: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Why a text names no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no image name: {why}")]
pub struct ParseReferenceError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Reference {
    /// Reads a name that says its registry: where something is sent to, no default decides.
    pub fn in_full(text: &str) -> Result<Self, ParseReferenceError> {
        let name: Self = text.parse()?;
        match text.split_once('/') {
            Some((first, _)) if is_host(first) => Ok(name),
            _ => Err(ParseReferenceError {
                text: text.to_owned(),
                why: "it does not say at which registry",
            }),
        }
    }

    /// The registry, with its port if one was named: `docker.io`, `localhost:5000`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The repository: `heroku/heroku`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag; `latest` where neither tag nor digest was named.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The same name with this digest behind it.
    #[must_use]
    pub fn at(&self, digest: Digest) -> Self {
        Self {
            digest: Some(digest),
            ..self.clone()
        }
    }

    /// The digest, where one was named: it alone decides what is pulled.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }
}

impl FromStr for Reference {
    type Err = ParseReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = |why| ParseReferenceError {
            text: text.chars().take(200).collect(),
            why,
        };
        if text.len() > LONGEST {
            return Err(bad("it is too long"));
        }
        let (name, digest) = match text.split_once('@') {
            None => (text, None),
            Some((name, digest)) if digest.starts_with("sha256:") => {
                let digest = digest
                    .parse()
                    .map_err(|_| bad("what follows `@` is no sha256 digest"))?;
                (name, Some(digest))
            }
            Some(_) => return Err(bad("what follows `@` is no sha256 digest")),
        };
        // A colon before the last slash belongs to a port.
        let (name, tag) = match name.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (name, None),
        };
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(bad(
                "its tag is not one of letters, digits, `_`, `.` and `-`",
            ));
        }
        let (host, repository) = match name.split_once('/') {
            Some((first, rest)) if is_host(first) => (first, rest.to_owned()),
            _ => (DOCKER_HUB, name.to_owned()),
        };
        let (host, repository) = match host {
            DOCKER_HUB | "index.docker.io" | "registry-1.docker.io" => {
                let official = !repository.contains('/');
                let prefix = if official { "library/" } else { "" };
                (DOCKER_HUB, format!("{prefix}{repository}"))
            }
            other => (other, repository),
        };
        if !is_host_name(host) {
            return Err(bad("its host is no host name"));
        }
        if !repository.split('/').all(is_component) {
            return Err(bad(
                "a repository is of lower-case words of letters, digits, `.`, `_` and `-`, with `/` between them",
            ));
        }
        Ok(Self {
            host: host.to_owned(),
            repository,
            tag: match (tag, digest) {
                (None, None) => Some("latest".to_owned()),
                (tag, _) => tag.map(str::to_owned),
            },
            digest,
        })
    }
}

/// Whether the first part of a name is a host: as Docker decides it.
fn is_host(text: &str) -> bool {
    text.contains('.') || text.contains(':') || text == "localhost"
}

fn is_host_name(text: &str) -> bool {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (text, None),
    };
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok());
    let inner = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    let name_fits = match inner {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !name.is_empty()
                && !name.starts_with(['-', '.'])
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
        }
    };
    port_fits && name_fits
}

fn is_tag(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && !text.starts_with(['.', '-'])
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

/// Whether a part of a repository is one: `.` and `..` are none, so a name can't climb.
fn is_component(text: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    edge(text.as_bytes().first())
        && edge(text.as_bytes().last())
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte)
        })
}

impl TryFrom<String> for Reference {
    type Error = ParseReferenceError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> Self {
        reference.to_string()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn short_names_mean_docker_hub() {
        for (text, full) in [
            ("heroku/heroku:24", "docker.io/heroku/heroku:24"),
            ("heroku/heroku", "docker.io/heroku/heroku:latest"),
            ("debian", "docker.io/library/debian:latest"),
            ("index.docker.io/debian:x", "docker.io/library/debian:x"),
            ("localhost/a", "localhost/a:latest"),
            ("localhost:5000/a/b:c", "localhost:5000/a/b:c"),
            (
                "127.0.0.1:5000/heroku/heroku:22",
                "127.0.0.1:5000/heroku/heroku:22",
            ),
            ("[::1]:5000/a", "[::1]:5000/a:latest"),
            ("ghcr.io/a/b_c/d-e.f:v1.2_3", "ghcr.io/a/b_c/d-e.f:v1.2_3"),
        ] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), full);
        }
    }

    #[test]
    fn a_name_in_full_says_its_registry() {
        for text in ["docker.io/a/b", "localhost:5000/a:1", "r.example/a/b"] {
            assert!(Reference::in_full(text).is_ok(), "{text}");
        }
        for text in ["app", "app:1", "team/app:1", "r.example", "r.example/"] {
            assert!(Reference::in_full(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_digest_decides_and_a_tag_beside_it_stays() {
        let digest = Digest::of(b"x");
        let plain: Reference = format!("heroku/heroku@{digest}").parse().unwrap();
        assert_eq!((plain.tag(), plain.digest()), (None, Some(&digest)));
        let both: Reference = format!("heroku/heroku:24@{digest}").parse().unwrap();
        assert_eq!((both.tag(), both.digest()), (Some("24"), Some(&digest)));
    }

    #[test]
    fn refuses_what_names_nothing() {
        for text in [
            "",
            ":",
            "/",
            "a/",
            "/a",
            "a//b",
            "a:",
            "a:-x",
            "a: b",
            "A/b",
            "a/../b",
            "a/./b",
            "a@",
            "a@sha256:12",
            "a@sha512:00",
            "http://a/b",
            "a.b:99999/c",
            "-a.b/c",
            "a?b",
            "a b",
            "é",
            "a:b:c",
            "a.b:/c",
            "[::1/x",
            &"a".repeat(700),
            &format!("a:{}", "t".repeat(129)),
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused_and_what_is_parsed_reads_back(text in "[a-zA-Z0-9:/@._\\[\\]-]{0,40}|\\PC{0,20}") {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert_eq!(reference.to_string().parse::<Reference>().unwrap(), reference);
            }
        }
    }
}
