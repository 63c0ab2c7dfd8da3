//! The cookie of a release.

use buildpack_core::digest::Hasher;
use buildpack_core::layer::Normalise;

/// What `mix release` writes if the project names no cookie: 35 random bytes in base 32
/// (`tasks/release.ex` of Mix).
const RANDOM_LENGTH: usize = 56;

/// Replaces the random cookie of a release (`releases/COOKIE`) by one that follows from a seed, so that two builds
/// agree. A cookie that the project chose itself stays.
///
/// Whoever has the image knows its cookie, random or not; whoever knows the seed can tell it too. The seed should
/// therefore be something of the app that outsiders don't have, such as the digest of its source.
#[derive(Debug, Clone)]
pub struct ReleaseCookie {
    cookie: String,
}

impl ReleaseCookie {
    /// The cookie that follows from `seed`.
    pub fn new(seed: &[u8]) -> Self {
        let mut hasher = Hasher::new();
        hasher.field(b"release cookie");
        hasher.field(seed);
        let hex = hasher.finish().hex().to_ascii_uppercase();
        Self {
            cookie: hex[..RANDOM_LENGTH].to_owned(),
        }
    }
}

impl Normalise for ReleaseCookie {
    fn wants(&self, image_path: &str) -> bool {
        image_path.ends_with("/releases/COOKIE")
    }

    fn rewrite(&self, _: &str, content: Vec<u8>) -> Vec<u8> {
        let random = content.len() == RANDOM_LENGTH
            && content
                .iter()
                .all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7' | b'='));
        if random {
            self.cookie.clone().into_bytes()
        } else {
            content
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_random_cookie_is_replaced() {
        let one = ReleaseCookie::new(b"source");
        let path = "/app/releases/COOKIE";
        assert!(one.wants(path) && !one.wants("/app/COOKIE"));
        let random = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRSTUVWX".to_vec();
        let again = [b"Z", &random[1..]].concat();
        let made = one.rewrite(path, random.clone());
        assert_eq!(made, one.rewrite(path, again));
        assert_ne!(made, ReleaseCookie::new(b"other").rewrite(path, random));
        assert_eq!(one.rewrite(path, b"my-own".to_vec()), b"my-own");
    }
}
