//! How people write where a buildpack is, read in one place (compatibility facts 1.5).

use std::fmt;

use super::bad_reference::BadReference;
use super::credentials::without_credentials;
use super::known::{Address, NativeName};

/// Where a buildpack is, as somebody wrote it. Its `Debug` and [`PackReference::shown`] hold no credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct PackReference {
    /// Where it is.
    pub place: Place,
    /// Branch, tag or commit: what stands behind `#`.
    pub reference: Option<String>,
    /// The words, without credentials and without a query.
    written: String,
}

/// Where a buildpack is.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// A git repository, by an address that git takes; it may hold credentials.
    Git(String),
    /// An archive of the web; its address may hold credentials.
    Archive(String),
    /// A folder, an archive or a repository on this machine; relative paths start at the app's folder.
    Path(String),
    /// `urn:buildpack:owner/name`: an archive of Heroku's registry.
    Registry(Name),
    /// `owner/name`: the repository that Dokku takes it for, else the archive of Heroku's registry.
    Name(Name),
    /// A pack that is built in.
    Native(NativeName),
}

/// `owner/name`, as platforms look packs up. Both parts are plain: letters, digits, `-`, `_` and `.`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Such as `heroku`.
    pub owner: String,
    /// Such as `nodejs`.
    pub name: String,
}

/// Endings by which platforms tell an archive from a repository.
pub const ARCHIVES: [&str; 5] = [".tgz", ".tar.gz", ".tbz", ".tar.bz", ".tar"];

/// Schemes that git is asked with, and what git calls them.
const GIT_SCHEMES: [(&str, &str); 6] = [
    ("git", "git"),
    ("ssh", "ssh"),
    ("git+ssh", "ssh"),
    ("ssh+git", "ssh"),
    ("git+https", "https"),
    ("git+http", "http"),
];

impl PackReference {
    /// Reads what somebody wrote; spaces around it say nothing.
    pub fn parse(text: &str) -> Result<Self, BadReference> {
        let text = text.trim();
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(BadReference::Space);
        }
        let (words, reference) = match text.split_once('#') {
            Some((words, "")) => (words, None),
            Some((words, reference)) => (words, Some(reference)),
            None => (text, None),
        };
        let place = read_place(words)?;
        if let Some(reference) = reference {
            if !is_reference(reference) {
                return Err(BadReference::Reference(reference.to_owned()));
            }
            if matches!(place, Place::Registry(_) | Place::Native(_)) {
                return Err(BadReference::NoVersions);
            }
        }
        let reference = reference.map(str::to_owned);
        Ok(Self {
            written: with_reference(without_credentials(words), reference.as_deref()),
            place,
            reference,
        })
    }

    /// The pack's place on a host, if it has one.
    pub fn address(&self) -> Option<Address> {
        Address::of(self)
    }

    /// What the reference means where packs are built in; none where the pack itself has to be run.
    pub fn native(&self) -> Option<NativeName> {
        match self.place {
            Place::Native(name) => Some(name),
            _ => self.address()?.native(),
        }
    }

    /// Whether it names one version of the pack. What the address means by itself, such as `#main`, is none.
    pub fn is_pinned(&self) -> bool {
        const NEWEST: [&str; 3] = ["main", "master", "HEAD"];
        match (&self.place, &self.reference) {
            (Place::Archive(url), _) => {
                let path = url.split(['?', '#']).next().unwrap_or_default();
                let registry = self
                    .address()
                    .is_some_and(|at| at.form == super::Form::Name);
                let file = path.rsplit('/').next().unwrap_or_default();
                !registry && !NEWEST.contains(&stem(file))
            }
            (_, Some(reference)) => !NEWEST.contains(&reference.as_str()),
            (_, None) => false,
        }
    }

    /// The words as somebody wrote them, without credentials and without a query: for the lock.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// For people: `owner/repo[#ref]` where GitHub is meant (compatibility facts 2.4), else as [`Self::written`].
    pub fn shown(&self) -> String {
        match &self.place {
            Place::Git(text) => match on_github(text) {
                Some(repository) => with_reference(repository, self.reference.as_deref()),
                None => self.written.clone(),
            },
            _ => self.written.clone(),
        }
    }

    /// One word for it, fit for a folder's name: `heroku-buildpack-python`.
    pub fn word(&self) -> String {
        let last = match &self.place {
            Place::Git(text) | Place::Archive(text) | Place::Path(text) => {
                let path = text.split('?').next().unwrap_or_default();
                let path = path.trim_end_matches('/');
                stem(path.rsplit(['/', ':']).next().unwrap_or_default()).to_owned()
            }
            Place::Registry(name) | Place::Name(name) => name.repository(),
            Place::Native(name) => name.to_string(),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let word: String = last
            .chars()
            .map(|c| if plain(c) { c } else { '-' })
            .collect();
        match word.trim_matches(['.', '-']) {
            "" => "pack".to_owned(),
            word => word.to_owned(),
        }
    }
}

fn with_reference(place: String, reference: Option<&str>) -> String {
    match reference {
        Some(reference) => format!("{place}#{reference}"),
        None => place,
    }
}

impl Name {
    fn parse(text: &str) -> Option<Self> {
        let (owner, name) = text.split_once('/')?;
        let plain = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        (plain(owner) && plain(name)).then(|| Self {
            owner: owner.to_owned(),
            name: name.to_owned(),
        })
    }

    /// The owner on GitHub, as Dokku has it.
    pub fn github_owner(&self) -> &str {
        match self.owner.as_str() {
            "heroku-community" => "heroku",
            owner => owner,
        }
    }

    /// The repository on GitHub, as Dokku has it: `heroku-buildpack-name`.
    pub fn repository(&self) -> String {
        format!("heroku-buildpack-{}", self.name)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

impl fmt::Debug for PackReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = match self.place {
            Place::Git(_) => "git",
            Place::Archive(_) => "archive",
            Place::Path(_) => "path",
            Place::Registry(_) => "registry",
            Place::Name(_) => "name",
            Place::Native(_) => "native",
        };
        write!(f, "{form} `{}`", self.written)
    }
}

fn read_place(text: &str) -> Result<Place, BadReference> {
    if text.is_empty() {
        return Err(BadReference::Empty);
    }
    if text.starts_with(['/', '.']) {
        return Ok(Place::Path(text.to_owned()));
    }
    if text.starts_with('~') {
        return Err(BadReference::Home);
    }
    if let Some(name) = text.strip_prefix("urn:buildpack:") {
        return Name::parse(name)
            .map(Place::Registry)
            .ok_or(BadReference::Name);
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        return read_url(scheme, rest);
    }
    match (text.find(':'), text.find('/')) {
        (Some(colon), slash) if slash.is_none_or(|slash| colon < slash) => read_scp(text, colon),
        (_, None) => match NativeName::from_word(text) {
            Some(name) => Ok(Place::Native(name)),
            None => Err(BadReference::Word(text.to_owned())),
        },
        (_, Some(slash)) => {
            let (host, path) = (&text[..slash], &text[slash + 1..]);
            // As people type what they read in the browser's address bar.
            if path.contains('/') && host.contains('.') {
                return read_url("https", text);
            }
            Name::parse(text).map(Place::Name).ok_or(BadReference::Name)
        }
    }
}

fn read_url(scheme: &str, rest: &str) -> Result<Place, BadReference> {
    let scheme = scheme.to_ascii_lowercase();
    let (authority, path) = rest.split_once('/').ok_or(BadReference::Nowhere)?;
    if scheme == "file" {
        return match authority {
            "" | "localhost" => Ok(Place::Path(format!("/{}", percent_decoded(path)?))),
            _ => Err(BadReference::Nowhere),
        };
    }
    let host = authority.rsplit('@').next().unwrap_or_default();
    let plain = |c: char| c.is_alphanumeric() || "-_.:[]".contains(c);
    let fits = host.starts_with(|c: char| c.is_alphanumeric() || c == '[')
        && host.chars().all(plain)
        && !authority.contains('?');
    if !fits || path.trim_matches('/').is_empty() {
        return Err(BadReference::Nowhere);
    }
    if matches!(scheme.as_str(), "http" | "https") {
        let url = format!("{scheme}://{rest}");
        return Ok(if is_archive(path) {
            Place::Archive(url)
        } else {
            Place::Git(url)
        });
    }
    match GIT_SCHEMES.iter().find(|(name, _)| *name == scheme) {
        Some((_, scheme)) => Ok(Place::Git(format!("{scheme}://{rest}"))),
        None => Err(BadReference::Scheme(format!("{scheme}://"))),
    }
}

/// Git's `user@host:path`.
fn read_scp(text: &str, colon: usize) -> Result<Place, BadReference> {
    let (login, path) = (&text[..colon], &text[colon + 1..]);
    if path.starts_with(':') {
        return Err(BadReference::Scheme(format!("{login}::")));
    }
    let host = login.rsplit('@').next().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let fits = !host.is_empty()
        && !text.starts_with('-')
        && !host.starts_with('-')
        && host.chars().all(plain)
        && !path.trim_matches('/').is_empty()
        && !path.starts_with('-');
    // Without a user, a name of ssh's own settings is told from a word by the path.
    if fits && (login.contains('@') || host.contains('.') || path.contains('/')) {
        return Ok(Place::Git(text.to_owned()));
    }
    Err(BadReference::Nowhere)
}

/// Whether the path of an address is an archive's, its query included.
fn is_archive(path: &str) -> bool {
    let (file, query) = path.split_once('?').unwrap_or((path, ""));
    let ends = |text: &str| {
        ARCHIVES
            .iter()
            .any(|ending| text.to_ascii_lowercase().ends_with(ending))
    };
    ends(file) || ends(query)
}

/// A file name without the endings of archives and of repositories.
fn stem(file: &str) -> &str {
    [".git"]
        .iter()
        .chain(&ARCHIVES)
        .find_map(|ending| file.strip_suffix(ending))
        .unwrap_or(file)
}

/// Whether git could take it for a branch, a tag or a commit (git-check-ref-format(1)).
fn is_reference(text: &str) -> bool {
    let bad = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    !text.starts_with(['-', '/', '.'])
        && !text.ends_with(['/', '.'])
        && text.strip_suffix(".lock").is_none()
        && !text.contains(bad)
        && !["..", "@{", "//", "/."]
            .iter()
            .any(|part| text.contains(part))
        && text != "@"
}

/// `owner/repo` where an address of git is one of GitHub.
fn on_github(url: &str) -> Option<String> {
    let (authority, path) = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?,
        None => url.split_once(':')?,
    };
    let host = authority.rsplit('@').next()?.split(':').next()?;
    if !matches!(
        host.to_ascii_lowercase().as_str(),
        "github.com" | "www.github.com"
    ) {
        return None;
    }
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    (path.matches('/').count() == 1 && !path.contains('?')).then(|| path.to_owned())
}

/// The path of a `file:` address.
fn percent_decoded(path: &str) -> Result<String, BadReference> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = (first == b'%')
            .then(|| std::str::from_utf8(after.get(..2)?).ok())
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(hex.unwrap_or(first));
        rest = hex.map_or(after, |_| &after[2..]);
    }
    String::from_utf8(bytes)
        .ok()
        .filter(|path| !path.contains(char::is_control))
        .ok_or(BadReference::Nowhere)
}
