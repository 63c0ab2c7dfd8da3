//! Versions of npm packages as a registry tells of them: where the archive is, and its SHA-512
//! (npm's registry documentation, `GET /{package}/{version}`; W3C Subresource Integrity).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use semver::Version;
use serde::{Deserialize, Serialize};

use super::ListError;
use crate::diagnostic::{Class, Diagnostic, Explain};

/// The public registry, without a slash at the end.
pub const NPM_REGISTRY: &str = "https://registry.npmjs.org";

/// The public registry's host: a mirror hands on its addresses as they are.
const PUBLIC_HOST: &str = "registry.npmjs.org";

/// Bytes of a SHA-512.
const SHA512: usize = 64;

/// Longest name that npm takes.
const LONGEST_NAME: usize = 214;

/// Tells of npm packages; the runner's part. Several threads may ask at once.
pub trait NpmRegistry: Send + Sync {
    /// The package `name`, such as `@esbuild/linux-x64`, at exactly this version. What a version is never changes, so
    /// that it is asked for once and kept.
    fn package(&self, name: &str, version: &str) -> Result<NpmPackage, Box<dyn ListError>>;
}

/// One version of an npm package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NpmPackage {
    /// The address of its archive, a gzipped tar with all files below one folder, mostly `package`.
    pub tarball: String,
    /// The archive's SHA-512, 128 lower-case hex digits.
    pub sha512: String,
}

impl NpmPackage {
    /// The package as it is had from `registry` (its address, without a slash at the end): an archive that is said to lie
    /// at the public registry is taken from this one, as npm does it (`replace-registry-host`).
    #[must_use]
    pub fn at(mut self, registry: &str) -> Self {
        let path = self
            .tarball
            .split_once("://")
            .and_then(|(_, rest)| rest.strip_prefix(PUBLIC_HOST))
            .filter(|path| path.starts_with('/'));
        if let Some(path) = path {
            self.tarball = format!("{registry}{path}");
        }
        self
    }
}

/// Why a registry's answer is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NpmError {
    /// No package can be called so.
    #[error("`{name}` with version `{version}` is no npm package: expected {expected}")]
    NoPackage {
        /// What was asked for.
        name: String,
        /// Its version.
        version: String,
        /// What was expected.
        expected: &'static str,
    },
    /// The registry has none.
    #[error("the registry `{registry}` has no `{name}` {version}")]
    Missing {
        /// The registry, without credentials.
        registry: String,
        /// What was asked for.
        name: String,
        /// Its version.
        version: String,
    },
    /// It sent something else.
    #[error("what the registry `{registry}` says of `{name}` {version} cannot be used: {why}")]
    NotAPackage {
        /// The registry, without credentials.
        registry: String,
        /// What was asked for.
        name: String,
        /// Its version.
        version: String,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing to verify the archive by.
    #[error("the registry `{registry}` publishes no SHA-512 for `{name}` {version}{instead}")]
    NoDigest {
        /// The registry, without credentials.
        registry: String,
        /// What was asked for.
        name: String,
        /// Its version.
        version: String,
        /// What it has instead, as the end of the sentence.
        instead: &'static str,
    },
}

impl Explain for NpmError {
    fn diagnostic(&self) -> Diagnostic {
        let said = self.to_string();
        match self {
            Self::NoPackage { .. } => Diagnostic::error("npm-package-name", Class::Config, said)
                .help("name an exact version, such as `0.25.0`"),
            Self::Missing { name, .. } => {
                Diagnostic::error("npm-package-missing", Class::Config, said).help(format!(
                    "name one of the versions that `npm view {name} versions` lists; if the registry is a mirror \
                     (`BP_NPM_REGISTRY_URL`), check that it has the package"
                ))
            }
            Self::NotAPackage { .. } => {
                Diagnostic::error("npm-registry-answer", Class::Surroundings, said).help(
                    "check `BP_NPM_REGISTRY_URL`, and whether a proxy answers in the registry's place",
                )
            }
            Self::NoDigest { .. } => Diagnostic::error("npm-no-digest", Class::Surroundings, said)
                .help("use a registry or mirror that hands on `dist.integrity`, such as the public one"),
        }
    }
}

impl ListError for NpmError {}

/// Where a registry tells of a version: the path below its address.
///
/// Fails where no package can be called so: what is asked for may come from the app's files.
pub fn npm_path(name: &str, version: &str) -> Result<String, NpmError> {
    let wrong = |expected| NpmError::NoPackage {
        name: name.to_owned(),
        version: version.to_owned(),
        expected,
    };
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    };
    let path = match name.strip_prefix('@').and_then(|name| name.split_once('/')) {
        Some((scope, bare)) if plain(scope) && plain(bare) => format!("@{scope}%2f{bare}"),
        None if plain(name) => name.to_owned(),
        _ => return Err(wrong("letters, digits and `-._~`, with or without a scope")),
    };
    if name.len() > LONGEST_NAME {
        return Err(wrong("at most 214 characters"));
    }
    if version.len() > LONGEST_NAME || Version::parse(version).is_err() {
        return Err(wrong("three numbers separated by dots"));
    }
    Ok(format!("{path}/{}", version.replace('+', "%2b")))
}

/// What a registry answers, as far as it matters here.
#[derive(Deserialize)]
struct Answer {
    name: String,
    version: String,
    dist: Dist,
}

#[derive(Deserialize)]
struct Dist {
    tarball: String,
    integrity: Option<String>,
    shasum: Option<String>,
}

/// Reads what `registry` (as shown to people) answered for `name` at `version`; the archive's address is as it says.
pub fn read_npm_package(
    text: &str,
    registry: &str,
    name: &str,
    version: &str,
) -> Result<NpmPackage, NpmError> {
    let wrong = |why: String| NpmError::NotAPackage {
        registry: registry.to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
        why,
    };
    let answer: Answer = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
    if answer.name != name || answer.version != version {
        return Err(wrong("it is about another package".to_owned()));
    }
    let sha512 = match answer.dist.integrity.as_deref() {
        Some(integrity) => sha512(integrity).map_err(|why| wrong(why.to_owned()))?,
        None => None,
    };
    let sha512 = sha512.ok_or_else(|| NpmError::NoDigest {
        registry: registry.to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
        instead: match (&answer.dist.integrity, &answer.dist.shasum) {
            (Some(_), _) => ", only weaker digests",
            (None, Some(_)) => ", only a SHA-1, which proves nothing any more",
            (None, None) => "",
        },
    })?;
    let tarball = answer.dist.tarball;
    if !is_address(&tarball) {
        return Err(wrong("its archive is at no HTTP address".to_owned()));
    }
    Ok(NpmPackage { tarball, sha512 })
}

/// The SHA-512 among the digests of an integrity text, such as `sha1-… sha512-…?opt`; none where all are weaker.
fn sha512(integrity: &str) -> Result<Option<String>, &'static str> {
    let Some(digest) = integrity
        .split_ascii_whitespace()
        .find_map(|digest| digest.strip_prefix("sha512-"))
    else {
        return Ok(None);
    };
    let digest = digest.split('?').next().unwrap_or_default();
    let bytes = STANDARD.decode(digest).unwrap_or_default();
    if bytes.len() != SHA512 {
        return Err("its SHA-512 is not one");
    }
    Ok(Some(hex(&bytes)))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn is_address(text: &str) -> bool {
    let rest = (text.strip_prefix("https://")).or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        let host = rest.split('/').next().unwrap_or_default();
        !host.is_empty() && host != rest
    }) && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The SHA-512 of nothing.
    const EMPTY: &str =
        "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==";

    fn answer(dist: &str) -> String {
        format!(r#"{{"name": "@esbuild/linux-x64", "version": "0.25.0", "dist": {dist}}}"#)
    }

    fn read(text: &str) -> Result<NpmPackage, NpmError> {
        read_npm_package(text, "https://npm.example", "@esbuild/linux-x64", "0.25.0")
    }

    fn code(found: Result<NpmPackage, NpmError>) -> &'static str {
        found.unwrap_err().diagnostic().code.0
    }

    #[test]
    fn the_path_holds_a_scope_as_one_part() {
        let path = |name, version| npm_path(name, version).unwrap();
        assert_eq!(
            path("@esbuild/linux-x64", "0.25.0"),
            "@esbuild%2flinux-x64/0.25.0"
        );
        assert_eq!(path("yarn", "1.22.22"), "yarn/1.22.22");
        assert_eq!(path("pnpm", "9.0.0-beta.1+x"), "pnpm/9.0.0-beta.1%2bx");
        for (name, version) in [
            ("yarn", "latest"),
            ("yarn", "../../etc/1.0.0"),
            ("../x", "1.0.0"),
            ("@a/b/c", "1.0.0"),
            ("@/b", "1.0.0"),
            ("@a", "1.0.0"),
            ("", "1.0.0"),
            ("a?b", "1.0.0"),
            ("..", "1.0.0"),
        ] {
            assert!(npm_path(name, version).is_err(), "{name} {version}");
        }
    }

    #[test]
    fn the_strongest_digest_counts_and_a_mirror_keeps_its_own_archives() {
        let public = "https://registry.npmjs.org/@esbuild/linux-x64/-/linux-x64-0.25.0.tgz";
        let text = answer(&format!(
            r#"{{"tarball": "{public}", "integrity": "sha1-qUiQTy8PR5uPgZdpSzAYSw0u0cE= sha512-{EMPTY}?x"}}"#
        ));
        let found = read(&text).unwrap().at(NPM_REGISTRY);
        assert_eq!(found.tarball, public);
        assert!(found.sha512.starts_with("cf83e1357eefb8bd"), "{found:?}");
        assert_eq!(found.sha512.len(), 128);
        assert_eq!(
            found.at("https://u:p@mirror.example/npm").tarball,
            "https://u:p@mirror.example/npm/@esbuild/linux-x64/-/linux-x64-0.25.0.tgz"
        );
        let own = text.replace(public, "http://files.example/x.tgz");
        assert_eq!(
            read(&own).unwrap().at("https://mirror.example").tarball,
            "http://files.example/x.tgz"
        );
    }

    #[test]
    fn what_cannot_be_verified_or_is_none_is_refused() {
        let dist = |rest: &str| answer(&format!(r#"{{"tarball": "http://h/x.tgz"{rest}}}"#));
        let weak = read(&dist(
            r#", "shasum": "08fcf60cb400ed2382e9f8e0f5590bac8810469a""#,
        ));
        assert!(weak.clone().unwrap_err().to_string().contains("SHA-1"));
        assert_eq!(code(weak), "npm-no-digest");
        assert_eq!(
            code(read(&dist(r#", "integrity": "sha384-abc""#))),
            "npm-no-digest"
        );
        assert_eq!(code(read(&dist(""))), "npm-no-digest");
        let good = format!(r#", "integrity": "sha512-{EMPTY}""#);
        assert!(read(&dist(&good)).is_ok());
        for text in [
            dist(r#", "integrity": "sha512-abc""#),
            dist(&good).replace("0.25.0", "0.25.1"),
            dist(&good).replace("http://h/x.tgz", "file:///etc/passwd"),
            dist(&good).replace("http://h/x.tgz", "http://h"),
            "{}".to_owned(),
            "<html>".to_owned(),
            String::new(),
        ] {
            let error = read(&text).unwrap_err();
            assert_eq!(error.diagnostic().code.0, "npm-registry-answer", "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(text in "\\PC{0,60}", integrity in "(sha512-|[a-zA-Z0-9+/=?\u{e9} ]){0,40}", tarball in "(https?|://|registry.npmjs.org|[/@:a\u{e9} ]){0,8}") {
            let _ = read(&text);
            let dist = serde_json::json!({"tarball": tarball, "integrity": integrity}).to_string();
            let _ = read(&answer(&dist)).map(|found| found.at(&text));
            let _ = npm_path(&text, &integrity);
        }
    }
}
