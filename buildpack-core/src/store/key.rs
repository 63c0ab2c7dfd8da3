//! Keys made of all that went into a thing, and why a thing was not there.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::{Digest, Hasher};

/// How values begin that were made with the secret of this store alone: a key that has one means nothing to other stores.
pub const OWN: &str = "own:";

/// What an entry is kept under.
pub trait Key {
    /// The entry's file name: 64 lower-case hex digits.
    fn entry_name(&self) -> String;

    /// The key as it is written down beside the entry, where there is more to it than its name.
    fn parts(&self) -> Option<&CacheKey> {
        None
    }
}

impl Key for Digest {
    fn entry_name(&self) -> String {
        self.hex()
    }
}

impl Key for CacheKey {
    fn entry_name(&self) -> String {
        self.digest().hex()
    }

    fn parts(&self) -> Option<&CacheKey> {
        Some(self)
    }
}

/// Named parts in order, of which the digest is made. It can be written down and compared with another one.
///
/// Values are written to disk as they are: a secret must come as a keyed hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheKey {
    kind: String,
    parts: Vec<(String, String)>,
}

impl CacheKey {
    /// The key of a thing of this kind, such as `toolchain`, without parts yet.
    pub fn new(kind: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            parts: Vec::new(),
        }
    }

    /// With one more part.
    pub fn part(mut self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        self.parts.push((name.into(), value.to_string()));
        self
    }

    /// The kind of thing.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The value of the first part of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parts
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether it means nothing to other stores.
    pub fn is_own(&self) -> bool {
        self.parts.iter().any(|(_, value)| value.starts_with(OWN))
    }

    /// The digest of kind, names and values, each with its length before it.
    pub fn digest(&self) -> Digest {
        let mut hasher = Hasher::new();
        hasher.field(self.kind.as_bytes());
        for (name, value) in &self.parts {
            hasher.field(name.as_bytes());
            hasher.field(value.as_bytes());
        }
        hasher.finish()
    }

    /// The first part in which `self` differs from the key of the time before; absent if they are equal.
    pub fn difference(&self, before: &Self) -> Option<MissReason> {
        let value = |key: &Self, name: &str| key.get(name).map(str::to_owned);
        if self.kind != before.kind {
            return Some(MissReason::Changed {
                part: "kind".to_owned(),
                old: Some(before.kind.clone()),
                new: Some(self.kind.clone()),
            });
        }
        let names = self.parts.iter().chain(&before.parts).map(|(name, _)| name);
        for name in names {
            let (old, new) = (value(before, name), value(self, name));
            if old != new {
                return Some(MissReason::Changed {
                    part: name.clone(),
                    old,
                    new,
                });
            }
        }
        (self != before).then(|| MissReason::Changed {
            part: "order of parts".to_owned(),
            old: None,
            new: None,
        })
    }
}

/// Why a kept thing could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum MissReason {
    /// There never was one.
    Absent,
    /// Something that went into it is different now.
    Changed {
        /// The part's name.
        part: String,
        /// Its value at that time; absent if the key had no such part.
        old: Option<String>,
        /// Its value now; absent if the key has no such part any more.
        new: Option<String>,
    },
    /// It is there, but not what it was.
    Damaged,
    /// It was there, and was removed to save room or at the user's wish.
    Cleared,
}

impl fmt::Display for MissReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("not kept yet"),
            Self::Damaged => f.write_str("the kept one is damaged"),
            Self::Cleared => f.write_str("the kept one was removed"),
            Self::Changed { part, old, new } => match (old, new) {
                (Some(old), Some(new)) => {
                    write!(
                        f,
                        "{part} changed from `{}` to `{}`",
                        brief(old),
                        brief(new)
                    )
                }
                (None, Some(new)) => write!(f, "{part} `{}` is new", brief(new)),
                (Some(old), None) => write!(f, "{part} `{}` is gone", brief(old)),
                (None, None) => write!(f, "{part} changed"),
            },
        }
    }
}

/// A value as people read it: digests by their first digits, long texts cut.
fn brief(value: &str) -> String {
    if let Ok(digest) = value.parse::<Digest>() {
        return digest.short();
    }
    let mut cut: String = value.chars().take(60).collect();
    if cut.len() < value.len() {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(otp: &str) -> CacheKey {
        CacheKey::new("build")
            .part("stack", "heroku-24")
            .part("otp", otp)
    }

    #[test]
    fn says_what_changed() {
        let reason = key("27.3").difference(&key("26.2")).unwrap();
        assert_eq!(reason.to_string(), "otp changed from `26.2` to `27.3`");
        let longer = key("27.3").part("hooks", "x");
        assert_eq!(
            longer.difference(&key("27.3")).unwrap().to_string(),
            "hooks `x` is new"
        );
        assert_eq!(
            key("27.3").difference(&longer).unwrap().to_string(),
            "hooks `x` is gone"
        );
        assert_eq!(key("27.3").difference(&key("27.3")), None);
    }

    #[test]
    fn differing_keys_say_so_even_when_every_name_agrees() {
        let twice = CacheKey::new("k").part("a", 1).part("a", 2);
        let other = CacheKey::new("k").part("a", 1).part("a", 3);
        assert_ne!(twice.digest(), other.digest());
        assert!(twice.difference(&other).is_some());
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let one = CacheKey::new("k").part("ab", "c");
        let two = CacheKey::new("k").part("a", "bc");
        assert_ne!(one.digest(), two.digest());
    }

    #[test]
    fn reads_back_what_it_wrote() {
        let text = serde_json::to_string(&key("27")).unwrap();
        assert_eq!(serde_json::from_str::<CacheKey>(&text).unwrap(), key("27"));
    }
}
