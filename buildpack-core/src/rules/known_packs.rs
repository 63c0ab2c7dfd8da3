//! Addresses of buildpacks, in whatever form they are written, and the packs of Elixir and Phoenix that are known.

/// The pack behind an address, in lower case.
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

/// Endings by which platforms tell an archive from a repository (compatibility facts 1.5).
const ARCHIVES: [&str; 5] = [".tgz", ".tar.gz", ".tbz", ".tar.bz", ".tar"];

/// Where Heroku keeps the packs of its registry.
const REGISTRY: &str = "buildpack-registry.s3.amazonaws.com";

impl Address {
    /// Reads an address: an URL of any scheme, git's `user@host:path`, or a name. None where it leads to no host, such
    /// as a folder, and where it is no address at all.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (place, reference) = match text.split_once('#') {
            Some((place, reference)) => (place, Some(reference.trim()).filter(|r| !r.is_empty())),
            None => (text, None),
        };
        let place = place.trim().to_ascii_lowercase();
        let reference = reference.map(str::to_owned);
        if let Some(name) = place.strip_prefix("urn:buildpack:") {
            return Self::name(name);
        }
        let (host, path) = if let Some((_, rest)) = place.split_once("://") {
            rest.split_once('/')?
        } else if let Some((host, path)) = place.split_once(':') {
            (host, path)
        } else {
            return match place.matches('/').count() {
                1 => Self::name(&place),
                // As people type what they read in the browser's address bar.
                2 => place
                    .split_once('/')
                    .filter(|(host, _)| host.contains('.') && !host.starts_with('.'))
                    .and_then(|(host, path)| Self::at(host, path, reference)),
                _ => None,
            };
        };
        Self::at(host, path, reference)
    }

    fn at(host: &str, path: &str, reference: Option<String>) -> Option<Self> {
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        let host = host.split_once(':').map_or(host, |(host, _)| host);
        let host = host.strip_prefix("www.").unwrap_or(host);
        let (file, query) = path.split_once('?').unwrap_or((path, ""));
        let archive = ARCHIVES.iter().any(|ending| file.ends_with(ending))
            || ARCHIVES.iter().any(|ending| query.ends_with(ending));
        let mut parts = file.split('/').filter(|part| !part.is_empty());
        if host == REGISTRY {
            let name = file.trim_matches('/').strip_prefix("buildpacks/")?;
            return Self::name(name.strip_suffix(".tgz")?);
        }
        let (owner, repo) = (parts.next()?, parts.next()?);
        let repo = repo.strip_suffix(".git").unwrap_or(repo);
        (!host.is_empty() && !repo.is_empty()).then(|| Self {
            host: host.to_owned(),
            owner: owner.to_owned(),
            repo: repo.to_owned(),
            form: if archive { Form::Archive } else { Form::Git },
            reference,
        })
    }

    /// `owner/name`, as Dokku expands it; Heroku's registry has the same packs under the same names.
    fn name(text: &str) -> Option<Self> {
        let (owner, name) = text.split_once('/')?;
        let plain = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        (plain(owner) && plain(name)).then(|| Self {
            host: "github.com".to_owned(),
            owner: match owner {
                "heroku-community" => "heroku".to_owned(),
                other => other.to_owned(),
            },
            repo: format!("heroku-buildpack-{name}"),
            form: Form::Name,
            reference: None,
        })
    }

    /// What the pack does, where its repository's name tells: forks keep the name.
    pub fn kind(&self) -> Option<Kind> {
        match self.repo.as_str() {
            "heroku-buildpack-elixir" | "gigalixir-buildpack-elixir" | "elixir-buildpack" => {
                Some(Kind::Elixir)
            }
            "heroku-buildpack-phoenix-static"
            | "gigalixir-buildpack-phoenix-static"
            | "phoenix-static-buildpack" => Some(Kind::PhoenixStatic),
            _ => None,
        }
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

/// What a pack does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Installs Erlang/OTP and Elixir, and compiles the app.
    Elixir,
    /// Installs Node, and makes a Phoenix app's assets.
    PhoenixStatic,
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
            assert_eq!(address.kind(), Some(Kind::Elixir), "{text}");
            let abandoned = address.abandoned().unwrap_or_else(|| panic!("{text}"));
            assert_eq!(abandoned.name, "HashNuke/heroku-buildpack-elixir");
        }
    }

    #[test]
    fn other_hosts_owners_and_packs_are_told_apart() {
        let kind = |text| Address::parse(text).unwrap().kind();
        let fork = "https://github.com/gigalixir/gigalixir-buildpack-phoenix-static";
        assert_eq!(kind(fork), Some(Kind::PhoenixStatic));
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
