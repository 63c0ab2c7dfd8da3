//! Users and passwords in addresses, whoever wrote them: an app's file, a program of a build, a message.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

/// What stands between a scheme and a login.
static MARK: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("://"));

/// `text` with every login of an address hidden, each byte by a star, so that what points at a column still does. None
/// where there is no login.
pub(super) fn hidden(text: &str) -> Option<String> {
    let mut hidden: Option<String> = None;
    for place in logins(text) {
        let stars = "*".repeat(place.len());
        hidden
            .get_or_insert_with(|| text.to_owned())
            .replace_range(place, &stars);
    }
    hidden
}

/// Whether there is one.
pub(super) fn any_in(text: &str) -> bool {
    logins(text).next().is_some()
}

/// Where logins stand: between `://` and the last `@` of an address's host. A user alone is a login where the web is
/// asked: it may be a token. Ssh's is none.
fn logins(text: &str) -> impl Iterator<Item = Range<usize>> {
    MARK.find_iter(text.as_bytes()).filter_map(|at| {
        let start = at + MARK.needle().len();
        let rest = &text[start..];
        let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '`' | '<' | '>');
        let host = &rest[..rest.find(ends).unwrap_or(rest.len())];
        let login = &host[..host.rfind('@')?];
        let ends = |scheme: &str| {
            let last = at
                .checked_sub(scheme.len())
                .and_then(|from| text.get(from..at));
            last.is_some_and(|last| last.eq_ignore_ascii_case(scheme))
        };
        let web = ends("http") || ends("https");
        (!login.is_empty() && (web || login.contains(':'))).then(|| start..start + login.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_hidden_and_nothing_moves() {
        for (text, shown) in [
            ("https://me:pw@h/a", "https://*****@h/a"),
            ("HTTPS://token@h", "HTTPS://*****@h"),
            ("a postgres://u:p@h/db, b", "a postgres://***@h/db, b"),
            (
                "http://a:b@c:d@h/x http://e:f@h",
                "http://*******@h/x http://***@h",
            ),
            ("\"https://u:ä@h\"", "\"https://****@h\""),
        ] {
            assert_eq!(hidden(text).as_deref(), Some(shown));
            assert!(any_in(text));
            assert_eq!(text.len(), shown.len());
        }
    }

    #[test]
    fn what_is_no_login_stays() {
        for text in [
            "ssh://git@h/a",
            "https://h/@scope/a",
            "https://h/a b@c",
            "git@h:a",
            "https://@h",
            "<https://h>, me@h",
            "://",
        ] {
            assert_eq!(hidden(text), None, "{text}");
        }
    }
}
