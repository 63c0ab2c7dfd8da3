//! Credentials as Docker and podman keep them: `config.json`, `auth.json`, credential helpers.

use std::io::BufReader;
use std::path::PathBuf;

use docker_credential::{CredentialRetrievalError, DockerCredential};

use super::Credentials;
use super::reference::DOCKER_HUB;

/// What the files say.
#[derive(Default)]
pub(super) struct Found {
    /// The credentials, where there are any.
    pub(super) credentials: Option<Credentials>,
    /// Why a file or a helper could not be asked: told where access is denied.
    pub(super) trouble: Option<String>,
}

/// Looks for the credentials of `host` in `files`, in this order.
pub(super) fn find(files: &[PathBuf], host: &str) -> Found {
    let mut found = Found::default();
    for file in files {
        for server in names(host) {
            // A missing file is the usual case.
            let Ok(open) = fs_err::File::open(file) else {
                continue;
            };
            match docker_credential::get_credential_from_reader(BufReader::new(open), server) {
                Ok(DockerCredential::UsernamePassword(user, password)) => {
                    // A helper says so where the password is a token.
                    found.credentials = Some(if user == "<token>" {
                        Credentials::IdentityToken(password)
                    } else {
                        Credentials::Basic(user, password)
                    });
                    return found;
                }
                Ok(DockerCredential::IdentityToken(token)) => {
                    found.credentials = Some(Credentials::IdentityToken(token));
                    return found;
                }
                Err(CredentialRetrievalError::NoCredentialConfigured) => {}
                // A helper that knows nothing of this host fails like one that is broken.
                Err(error) => {
                    found.trouble = Some(format!("`{}`: {}", file.display(), explain(&error)));
                }
            }
        }
    }
    found
}

/// The names under which a host's credentials are kept.
fn names(host: &str) -> Vec<&str> {
    match host {
        DOCKER_HUB => vec!["https://index.docker.io/v1/", "index.docker.io", DOCKER_HUB],
        other => vec![other],
    }
}

/// Says what went wrong without what a helper printed, which may hold a secret.
fn explain(error: &CredentialRetrievalError) -> &'static str {
    match error {
        CredentialRetrievalError::HelperCommunicationError => {
            "its credential helper could not be run"
        }
        CredentialRetrievalError::MalformedHelperResponse
        | CredentialRetrievalError::HelperFailure { .. } => {
            "its credential helper gave no credentials"
        }
        CredentialRetrievalError::CredentialDecodingError => {
            "an entry `auth` is not base64 of `user:password`"
        }
        _ => "it could not be read as Docker's `config.json`",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_the_files_hold() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("config.json");
        fs_err::write(
            &file,
            // base64 of `user:pa:ss`.
            r#"{"auths": {"https://index.docker.io/v1/": {"auth": "dXNlcjpwYTpzcw=="}, "r.example:5000": {"identitytoken": "idt"},
                "bad.example": {"auth": "%%%"}}, "credHelpers": {"h.example": "bp-test-that-does-not-exist"}}"#,
        )
        .unwrap();
        let files = [temp.path().join("missing.json"), file];
        assert!(
            matches!(find(&files, "docker.io").credentials, Some(Credentials::Basic(u, p)) if u == "user" && p == "pa:ss")
        );
        assert!(
            matches!(find(&files, "r.example:5000").credentials, Some(Credentials::IdentityToken(t)) if t == "idt")
        );
        assert!(find(&files, "other.example").credentials.is_none());
        assert!(find(&files, "other.example").trouble.is_none());
        assert!(find(&files, "bad.example").trouble.is_some());
        assert!(find(&files, "h.example").trouble.is_some());
    }
}
