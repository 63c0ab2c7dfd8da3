//! The packs of Elixir and Phoenix that are known, by their addresses in whatever form.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::reference::{Name, PackReference, Place};

/// The pack behind an address; host, owner and repository in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Such as `github.com`.
    pub host: String,
    /// Such as `hashnuke`.
    pub owner: String,
    /// Such as `heroku-buildpack-elixir`, without `.git`.
    pub repo: String,
    /// How it is fetched.
    pub form: Form,
    /// What stands behind `#`, if anything.
    pub reference: Option<String>,
}

/// How a pack is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A git repository: only this form takes a `#reference`.
    Git,
    /// An archive.
    Archive,
    /// A name that the platform looks up: `owner/name`, `urn:buildpack:owner/name`.
    Name,
}

/// Where Heroku keeps the packs of its registry.
const REGISTRY: &str = "buildpack-registry.s3.amazonaws.com";

impl Address {
    /// Reads an address: an URL of any scheme, git's `user@host:path`, or a name. None where it leads to no host, such
    /// as a folder, and where it is no address at all.
    pub fn parse(text: &str) -> Option<Self> {
        PackReference::parse(text).ok()?.address()
    }

    pub(super) fn of(reference: &PackReference) -> Option<Self> {
        let (text, form) = match &reference.place {
            Place::Git(url) => (url, Form::Git),
            Place::Archive(url) => (url, Form::Archive),
            Place::Registry(name) | Place::Name(name) => {
                return Some(Self::named(name, reference.reference.clone()));
            }
            Place::Path(_) | Place::Native(_) => return None,
        };
        let text = text.to_ascii_lowercase();
        let (host, path) = match text.split_once("://") {
            Some((_, rest)) => rest.split_once('/')?,
            None => text.split_once(':')?,
        };
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        let host = host.split_once(':').map_or(host, |(host, _)| host);
        let host = host.strip_prefix("www.").unwrap_or(host);
        let (file, _) = path.split_once('?').unwrap_or((path, ""));
        if host == REGISTRY {
            let name = file.trim_matches('/').strip_prefix("buildpacks/")?;
            let (owner, name) = name.strip_suffix(".tgz")?.split_once('/')?;
            let (owner, name) = (owner.to_owned(), name.to_owned());
            return Some(Self::named(&Name { owner, name }, None));
        }
        let mut parts = file.split('/').filter(|part| !part.is_empty());
        let (owner, repo) = (parts.next()?, parts.next()?);
        let repo = repo.strip_suffix(".git").unwrap_or(repo);
        (!host.is_empty() && !repo.is_empty()).then(|| Self {
            host: host.to_owned(),
            owner: owner.to_owned(),
            repo: repo.to_owned(),
            form,
            reference: reference.reference.clone(),
        })
    }

    /// `owner/name`, as Dokku expands it; Heroku's registry has the same packs under the same names.
    fn named(name: &Name, reference: Option<String>) -> Self {
        Self {
            host: "github.com".to_owned(),
            owner: name.github_owner().to_ascii_lowercase(),
            repo: name.repository().to_ascii_lowercase(),
            form: Form::Name,
            reference,
        }
    }

    /// What the pack does, where its repository's name tells: forks keep the name.
    pub fn kind(&self) -> Option<NativeName> {
        match self.repo.as_str() {
            "heroku-buildpack-elixir" | "gigalixir-buildpack-elixir" | "elixir-buildpack" => {
                Some(NativeName::Elixir)
            }
            "heroku-buildpack-phoenix-static"
            | "gigalixir-buildpack-phoenix-static"
            | "phoenix-static-buildpack" => Some(NativeName::PhoenixStatic),
            _ => None,
        }
    }

    /// The pack that is built in its place. Forks of others may do something else, so they are run as they are.
    pub fn native(&self) -> Option<NativeName> {
        let owners: &[&str] = match self.kind()? {
            NativeName::Elixir => &["hashnuke", "gigalixir"],
            NativeName::PhoenixStatic => &["gjaldon", "gigalixir"],
        };
        let known = self.host == "github.com" && owners.contains(&self.owner.as_str());
        self.kind().filter(|_| known)
    }

    /// Whether it is the pack that fetches those of `.buildpacks` and runs them, which nobody needs any more.
    pub fn is_multi(&self) -> bool {
        self.host == "github.com"
            && matches!(self.owner.as_str(), "heroku" | "ddollar")
            && self.repo == "heroku-buildpack-multi"
    }

    /// What is known of a pack that nobody looks after any more.
    pub fn abandoned(&self) -> Option<&'static Abandoned> {
        ABANDONED.iter().find(|pack| {
            let (owner, repo) = pack.name.split_once('/').unwrap_or_default();
            self.host == "github.com"
                && owner.eq_ignore_ascii_case(&self.owner)
                && repo.eq_ignore_ascii_case(&self.repo)
        })
    }
}

/// A pack that is built in, by what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NativeName {
    /// Installs Erlang/OTP and Elixir, and compiles the app.
    Elixir,
    /// Installs Node, and makes a Phoenix app's assets.
    PhoenixStatic,
}

impl NativeName {
    /// All of them, in the order in which they are asked.
    pub const ALL: [Self; 2] = [Self::Elixir, Self::PhoenixStatic];

    /// The pack that this word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.word() == word)
    }

    /// The word for it: `elixir`, `phoenix-static`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Elixir => "elixir",
            Self::PhoenixStatic => "phoenix-static",
        }
    }
}

impl fmt::Display for NativeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A pack that nobody looks after.
#[derive(Debug, PartialEq, Eq)]
pub struct Abandoned {
    /// Its name on GitHub, as its owner writes it.
    pub name: &'static str,
    /// What came of it.
    pub what: &'static str,
    /// The day or month of its last change, and what else is known.
    pub facts: &'static str,
    /// The pack that goes on, on GitHub.
    pub successor: &'static str,
}

const ABANDONED: [Abandoned; 2] = [
    Abandoned {
        name: "HashNuke/heroku-buildpack-elixir",
        what: "refuses every current Erlang/OTP from heroku-24 on",
        facts: "its last commit is of 2023-06, before heroku-24",
        successor: "gigalixir/gigalixir-buildpack-elixir",
    },
    Abandoned {
        name: "gjaldon/heroku-buildpack-phoenix-static",
        what: "takes Node from `nodebin.herokai.com`, which is gone since 2023-07",
        facts: "its last commit is of 2021-09, and it takes Node 6.9.2 unless told otherwise",
        successor: "gigalixir/gigalixir-buildpack-phoenix-static",
    },
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pack_is_known_however_it_is_written() {
        for text in [
            "https://github.com/HashNuke/heroku-buildpack-elixir",
            "https://github.com/HashNuke/heroku-buildpack-elixir.git#v1",
            "HTTPS://www.github.com/hashnuke/Heroku-Buildpack-Elixir/",
            "https://user:token@github.com:443/HashNuke/heroku-buildpack-elixir",
            "git://github.com/HashNuke/heroku-buildpack-elixir.git",
            "ssh://git@github.com/HashNuke/heroku-buildpack-elixir.git",
            "git+ssh://git@github.com:22/HashNuke/heroku-buildpack-elixir",
            "git@github.com:HashNuke/heroku-buildpack-elixir.git#main",
            "github.com:HashNuke/heroku-buildpack-elixir",
            "github.com/HashNuke/heroku-buildpack-elixir",
            "https://github.com/HashNuke/heroku-buildpack-elixir/archive/main.tar.gz",
            "hashnuke/elixir",
            "urn:buildpack:hashnuke/elixir",
            "https://buildpack-registry.s3.amazonaws.com/buildpacks/hashnuke/elixir.tgz",
        ] {
            let address = Address::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(address.kind(), Some(NativeName::Elixir), "{text}");
            let abandoned = address.abandoned().unwrap_or_else(|| panic!("{text}"));
            assert_eq!(abandoned.name, "HashNuke/heroku-buildpack-elixir");
        }
    }

    #[test]
    fn other_hosts_owners_and_packs_are_told_apart() {
        let kind = |text| Address::parse(text).unwrap().kind();
        let fork = "https://github.com/gigalixir/gigalixir-buildpack-phoenix-static";
        assert_eq!(kind(fork), Some(NativeName::PhoenixStatic));
        assert_eq!(kind("heroku/nodejs"), None);
        for text in [
            fork,
            "https://gitlab.com/HashNuke/heroku-buildpack-elixir",
            "https://github.com/me/heroku-buildpack-elixir",
            "https://github.com.example.org/HashNuke/heroku-buildpack-elixir",
            "https://github.com@example.org/HashNuke/heroku-buildpack-elixir",
        ] {
            assert_eq!(Address::parse(text).unwrap().abandoned(), None, "{text}");
        }
        for text in [
            "",
            "#v1",
            "/srv/pack",
            "./pack",
            "../pack",
            "file:///srv",
            "elixir",
        ] {
            assert_eq!(Address::parse(text), None, "{text}");
        }
    }

    #[test]
    fn only_a_repository_takes_a_reference() {
        let read = |text| {
            let address = Address::parse(text).unwrap();
            (address.form, address.reference)
        };
        let git = "https://github.com/a/b.git#";
        assert_eq!(read(git), (Form::Git, None));
        assert_eq!(
            read("git@github.com:a/b#V1"),
            (Form::Git, Some("V1".to_owned()))
        );
        assert_eq!(
            read("https://example.com/a/b.tgz?x=1"),
            (Form::Archive, None)
        );
        assert_eq!(read("heroku-community/apt").0, Form::Name);
    }

    #[test]
    fn successors_are_known_packs_of_the_same_kind() {
        for pack in &ABANDONED {
            let kind = |name: &str| {
                let address = Address::parse(&format!("https://github.com/{name}")).unwrap();
                assert!(address.kind().is_some(), "{name}");
                address.kind()
            };
            assert_eq!(kind(pack.name), kind(pack.successor));
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(\\PC|[:/@#?. \n]|git|https){0,30}") {
            if let Some(address) = Address::parse(&text) {
                prop_assert!(!address.host.is_empty() && !address.repo.is_empty());
            }
        }
    }
}
