//! Credentials as Docker and podman keep them: `config.json`, `auth.json`, credential helpers.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use serde::Deserialize;

use super::reference::DOCKER_HUB;
use super::{Credentials, helper};

/// What the files say.
#[derive(Default)]
pub(super) struct Found {
    /// The credentials, where there are any.
    pub(super) credentials: Option<Credentials>,
    /// Why a file or a helper could not be asked: told where access is denied.
    pub(super) trouble: Option<String>,
}

/// A file, as far as it says who somebody is.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct File {
    auths: BTreeMap<String, Entry>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
}

/// Looks for the credentials of a repository of `host` in `files`, in this order. A helper has `patience` to answer.
pub(super) fn find(files: &[PathBuf], host: &str, repository: &str, patience: Duration) -> Found {
    let mut found = Found::default();
    for path in files {
        match in_file(path, host, repository, patience) {
            Ok(None) => {}
            Ok(credentials) => {
                found.credentials = credentials;
                return found;
            }
            Err(why) => found.trouble = Some(format!("`{}`: {why}", path.display())),
        }
    }
    found
}

fn in_file(
    path: &Path,
    host: &str,
    repository: &str,
    patience: Duration,
) -> Result<Option<Credentials>, String> {
    let text = match fs_err::read(path) {
        Ok(text) => text,
        // A missing file is the usual case.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let file: File = serde_json::from_slice(&text)
        .map_err(|_| "it could not be read as Docker's `config.json`".to_owned())?;
    let own = |names: &BTreeMap<String, String>| {
        let (server, name) = names.iter().find(|(server, _)| is(server, host))?;
        Some((server.clone(), name.clone()))
    };
    if let Some((server, name)) = own(&file.cred_helpers) {
        return helper::ask(&name, &server, patience);
    }
    if let Some(entry) = entry(&file, host, repository)
        && let Some(credentials) = entry.credentials()?
    {
        return Ok(Some(credentials));
    }
    match &file.creds_store {
        // Docker asks its store by this name.
        Some(name) if host == DOCKER_HUB => {
            helper::ask(name, "https://index.docker.io/v1/", patience)
        }
        Some(name) => helper::ask(name, host, patience),
        None => Ok(None),
    }
}

/// The entry for a repository: podman has entries for parts of a host, the longest of which counts.
fn entry<'f>(file: &'f File, host: &str, repository: &str) -> Option<&'f Entry> {
    let full = format!("{host}/{repository}");
    let mut places = std::iter::successors(Some(full.as_str()), |place| {
        Some(place.rsplit_once('/')?.0).filter(|rest| rest.contains('/'))
    });
    let of_part = places.find_map(|place| file.auths.get(place));
    of_part.or_else(|| {
        let mut all = file.auths.iter();
        let (_, entry) = all.find(|(server, _)| is(server, host))?;
        Some(entry)
    })
}

/// Whether an entry's name is that of `host`: Docker writes some as addresses.
fn is(server: &str, host: &str) -> bool {
    let name = server
        .trim_start_matches("https://")
        .trim_start_matches("http://");
    let (name, rest) = name.split_once('/').unwrap_or((name, ""));
    let is_root = matches!(rest.trim_end_matches('/'), "" | "v1" | "v2");
    is_root
        && (name == host
            || host == DOCKER_HUB && matches!(name, "index.docker.io" | "registry-1.docker.io"))
}

impl Entry {
    fn credentials(&self) -> Result<Option<Credentials>, String> {
        let said = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if let Some(token) = said(&self.identitytoken) {
            return Ok(Some(Credentials::IdentityToken(token)));
        }
        if let Some(auth) = said(&self.auth) {
            let engine = base64::engine::GeneralPurpose::new(
                &base64::alphabet::STANDARD,
                base64::engine::GeneralPurposeConfig::new()
                    .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
            );
            let both = engine.decode(auth).ok();
            let both = both.and_then(|both| String::from_utf8(both).ok());
            let both = both
                .as_deref()
                .and_then(|both| both.trim_end_matches('\0').split_once(':'));
            let (user, password) =
                both.ok_or("an entry `auth` is not base64 of `user:password`")?;
            return Ok(Some(Credentials::Basic(
                user.to_owned(),
                password.to_owned(),
            )));
        }
        let both = said(&self.username).zip(said(&self.password));
        Ok(both.map(|(user, password)| Credentials::Basic(user, password)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[test]
    fn finds_what_the_files_hold() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("config.json");
        fs_err::write(
            &file,
            // base64 of `user:pa:ss`, and of `team:pw`.
            r#"{"auths": {"https://index.docker.io/v1/": {"auth": "dXNlcjpwYTpzcw=="}, "r.example:5000": {"identitytoken": "idt"},
                "bad.example": {"auth": "%%%"}, "p.example": {"auth": "dXNlcjpwYTpzcw"}, "p.example/team": {"auth": "dGVhbTpwdw=="},
                "plain.example": {"username": "u", "password": "p"}},
                "credHelpers": {"h.example": "bp-test-that-does-not-exist"}, "other": 1}"#,
        )
        .unwrap();
        let files = [temp.path().join("missing.json"), file];
        let find = |host: &str, repository: &str| find(&files, host, repository, PATIENCE);
        let user = |host: &str, repository: &str| match find(host, repository).credentials {
            Some(Credentials::Basic(user, password)) => format!("{user}/{password}"),
            Some(Credentials::IdentityToken(token)) => token,
            None => String::new(),
        };
        assert_eq!(user("docker.io", "a/b"), "user/pa:ss");
        assert_eq!(user("r.example:5000", "a"), "idt");
        assert_eq!(user("p.example", "other/app"), "user/pa:ss");
        assert_eq!(user("p.example", "team/app"), "team/pw");
        assert_eq!(user("plain.example", "a"), "u/p");
        assert_eq!(user("other.example", "a"), "");
        assert!(find("other.example", "a").trouble.is_none());
        assert!(find("bad.example", "a").trouble.is_some());
        assert!(find("h.example", "a").trouble.is_some());
    }

    #[test]
    fn what_is_no_such_file_is_said_and_not_repeated() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("config.json");
        for text in ["hunter22", "[1]", r#"{"auths": "hunter22"}"#] {
            fs_err::write(&file, text).unwrap();
            let found = find(std::slice::from_ref(&file), "a.example", "a", PATIENCE);
            let trouble = found.trouble.unwrap_or_else(|| panic!("{text} is taken"));
            assert!(!trouble.contains("hunter22"), "{trouble}");
        }
    }
}
