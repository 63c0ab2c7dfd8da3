//! Proxies as the environment names them: which one a request goes through, and what of them is secret.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Variables that name a proxy, or what none is used for.
pub const NAMES: [&str; 8] = [
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "all_proxy",
    "https_proxy",
    "http_proxy",
    "no_proxy",
];

/// Those of [`NAMES`] that are set to something, as all programs read them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies(BTreeMap<String, String>);

impl Proxies {
    /// What `lookup` finds.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let set = NAMES.iter().filter_map(|name| {
            let value = lookup(name).filter(|value| !value.is_empty())?;
            Some(((*name).to_owned(), value))
        });
        Self(set.collect())
    }

    /// The variables, by name.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.0.iter();
        all.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A variable by its name in upper case; in lower case it counts as well.
    pub fn get(&self, name: &str) -> Option<&str> {
        let lower = name.to_ascii_lowercase();
        let found = self.0.get(name).or_else(|| self.0.get(&lower));
        found.map(String::as_str)
    }

    /// The proxy that a request for `url` goes through.
    pub fn of(&self, url: &str) -> Option<&str> {
        let own = match url.split_once("://")? {
            ("https", _) => "HTTPS_PROXY",
            ("http", _) => "HTTP_PROXY",
            _ => return None,
        };
        let proxy = self.get(own).or_else(|| self.get("ALL_PROXY"));
        proxy.filter(|_| !self.is_direct(url))
    }

    /// Whether `NO_PROXY` has the host of this address: by its name, or by that of a domain that it is in.
    pub fn is_direct(&self, url: &str) -> bool {
        let authority = rest(url).split('/').next().unwrap_or_default();
        let authority = authority.rsplit('@').next().unwrap_or_default();
        let host = authority.split(':').next().unwrap_or_default();
        let mut exceptions = self.get("NO_PROXY").unwrap_or_default().split(',');
        exceptions.any(|exception| {
            let exception = exception.trim();
            let domain = exception.trim_start_matches("*.").trim_start_matches('.');
            let parent = host.strip_suffix(domain).filter(|_| !domain.is_empty());
            exception == "*"
                || exception == authority
                || parent.is_some_and(|parent| parent.is_empty() || parent.ends_with('.'))
        })
    }

    /// User and password of each, by the variable's name, in the forms that no image may hold.
    pub fn secrets(&self) -> impl Iterator<Item = (&str, String)> {
        self.variables()
            .flat_map(|(name, url)| credentials(url).into_iter().map(move |form| (name, form)))
    }
}

fn rest(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest)
}

/// The forms in which `user:password` of an address may be seen: as they are written, without percent signs, and as
/// HTTP sends them (RFC 7617). None where the address names no password.
pub fn credentials(url: &str) -> Vec<String> {
    let Some((user, password)) = user_and_password(url) else {
        return Vec::new();
    };
    let plain = format!("{}:{}", decoded(user), decoded(password));
    let mut forms = vec![format!("{user}:{password}"), STANDARD.encode(&plain), plain];
    forms.dedup();
    forms
}

/// The forms in which the password of an address may be seen without its user. They may be words that stand anywhere.
pub fn passwords(url: &str) -> Vec<String> {
    let Some((_, password)) = user_and_password(url) else {
        return Vec::new();
    };
    let mut forms = vec![password.to_owned(), decoded(password)];
    forms.dedup();
    forms
}

fn user_and_password(url: &str) -> Option<(&str, &str)> {
    // A password may hold what would end an authority, if it was not written as it should be.
    let (both, _) = rest(url).rsplit_once('@')?;
    both.split_once(':')
        .filter(|(_, password)| !password.is_empty())
}

/// `%40` as `@`; what is no such sequence stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|_| *first == b'%');
        let hex = hex.and_then(|hex| std::str::from_utf8(hex).ok());
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn proxies(set: &[(&str, &str)]) -> Proxies {
        Proxies::read(|name| {
            let found = set.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_request_goes_through_the_proxy_of_its_kind() {
        let both = proxies(&[("https_proxy", "http://s:1"), ("ALL_PROXY", "http://a:1")]);
        assert_eq!(both.of("https://example.com/x"), Some("http://s:1"));
        assert_eq!(both.of("http://example.com/x"), Some("http://a:1"));
        assert_eq!(both.of("file:///x"), None);
        assert_eq!(
            proxies(&[("HTTP_PROXY", "")]).of("http://example.com"),
            None
        );
    }

    #[test]
    fn exceptions_are_hosts_and_domains() {
        for (exceptions, direct) in [
            ("", false),
            (",", false),
            ("example.com, registry.npmjs.org", true),
            (".npmjs.org", true),
            ("*.npmjs.org", true),
            ("npmjs.org", true),
            ("npmjs.org:443", false),
            ("registry.npmjs.org:8443", true),
            ("mjs.org", false),
            ("*", true),
        ] {
            let set = proxies(&[("HTTPS_PROXY", "p"), ("no_proxy", exceptions)]);
            let url = "https://me@registry.npmjs.org:8443/x";
            assert_eq!(set.is_direct(url), direct, "{exceptions}");
            assert_eq!(set.of(url).is_none(), direct, "{exceptions}");
        }
    }

    #[test]
    fn a_password_is_known_in_every_form() {
        let url = "http://me:s3cr%40t@proxy:3128/";
        assert_eq!(
            credentials(url),
            ["me:s3cr%40t", "bWU6czNjckB0", "me:s3cr@t"]
        );
        assert_eq!(passwords(url), ["s3cr%40t", "s3cr@t"]);
        assert_eq!(passwords("me:pass@word@proxy:1"), ["pass@word"]);
        for none in [
            "",
            "http://proxy:3128",
            "http://me@proxy",
            "http://me:@proxy",
        ] {
            assert!(
                credentials(none).is_empty() && passwords(none).is_empty(),
                "{none}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_address_makes_it_panic(url in "(\\PC|[%@:/,.]|%4){0,20}") {
            credentials(&url);
            passwords(&url);
            proxies(&[("HTTP_PROXY", &url), ("NO_PROXY", &url)]).of(&format!("http://{url}"));
        }
    }
}
