//! What a stack is, and the catalogue of them all.

use std::sync::LazyLock;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::target::Arch;

/// One Heroku stack; there is exactly one value for each, so references can be kept.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stack {
    /// Its name, such as `heroku-24`: the value of `$STACK`.
    pub name: &'static str,
    /// The number alone, such as `24`: the tag of its image.
    pub number: &'static str,
    /// The Ubuntu release it is made of, such as `24.04`.
    pub ubuntu: &'static str,
    /// Reference of the image that an app runs on.
    pub run_image: &'static str,
    /// Reference of the image that an app is built on: the run image with compilers and headers.
    pub build_image: &'static str,
    /// Architectures that both images exist for.
    pub architectures: Vec<Arch>,
    /// The user that app files belong to and that processes run as.
    pub user: User,
    /// Version of its C library, which a binary built on it needs at least.
    pub glibc: &'static str,
    /// Since when Heroku advises to leave it.
    #[serde(default, deserialize_with = "optional_date")]
    pub deprecated: Option<Date>,
    /// The last day on which it gets updates.
    #[serde(deserialize_with = "date")]
    pub end_of_life: Date,
}

/// A user of a stack's image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Login name.
    pub name: &'static str,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'static"))]
struct Catalog {
    stack: Vec<Stack>,
}

fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    <&str>::deserialize(deserializer)?
        .parse()
        .map_err(D::Error::custom)
}

fn optional_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    date(deserializer).map(Some)
}

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    // The text is compiled in and read by a test, so it parses.
    toml::from_str(include_str!("catalog.toml")).expect("catalog.toml is part of the source")
});

/// All stacks, oldest first.
pub fn all() -> &'static [Stack] {
    &CATALOG.stack
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_whole_and_consistent() {
        assert_eq!(all().len(), 4);
        for stack in all() {
            assert_eq!(stack.name, format!("heroku-{}", stack.number));
            assert_eq!(stack.ubuntu, format!("{}.04", stack.number));
            assert!(stack.build_image.starts_with(stack.run_image));
            assert!(stack.architectures.contains(&Arch::Amd64));
            assert!(stack.deprecated.is_none_or(|day| day < stack.end_of_life));
        }
        assert!(all().is_sorted_by(|one, next| one.end_of_life < next.end_of_life));
    }
}
