//! TLS, set up in one place.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Once;

use buildpack_core::diagnostic::{Class, Diagnostic, Explain};
use reqwest::blocking::{Client, ClientBuilder};

/// Why no TLS connection can be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file of certificate authorities can't be read.
    #[error("could not read the certificate authorities in `{}`", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The file of certificate authorities holds none.
    #[error("`{}` holds no certificate in PEM form that can be used", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The system has no certificate authorities.
    #[error("this system has no certificate authorities, so no TLS server can be trusted")]
    NoAuthorities {
        /// What the TLS library says.
        why: String,
    },
}

impl Explain for TlsError {
    fn diagnostic(&self) -> Diagnostic {
        let message = self.to_string();
        match self {
            Self::CaFile { cause, .. } => {
                Diagnostic::error("tls-ca-file", Class::Surroundings, message)
                    .note(cause.to_string())
                    .help("set `SSL_CERT_FILE` to a readable PEM file, or unset it")
            }
            Self::NoCertificate { why, .. } => {
                Diagnostic::error("tls-ca-file", Class::Surroundings, message)
                    .note(why.clone())
                    .help("set `SSL_CERT_FILE` to a PEM file of certificates, or unset it")
            }
            Self::NoAuthorities { why } => {
                Diagnostic::error("tls-no-authorities", Class::Surroundings, message)
                    .note(why.clone())
                    .help("install the package `ca-certificates`, or set `SSL_CERT_FILE`")
            }
        }
    }
}

/// Chooses the cryptography of all TLS in this process; to be called before the first client is built, and any
/// number of times.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An embedder may have chosen before us; then its choice stands.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// Whom to trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust<'a> {
    /// Nobody: for plain HTTP only.
    Nobody,
    /// The system's authorities.
    System,
    /// The authorities in this PEM file only.
    File(&'a Path),
}

/// Builds a client from `settings`, which trusts whom `trust` says.
///
/// Where the system has no authorities, not even a client for plain HTTP can be built while it is to trust them:
/// that is [`TlsError::NoAuthorities`], and a caller who needs no TLS asks again with [`Trust::Nobody`].
pub fn client(settings: ClientBuilder, trust: Trust<'_>) -> Result<Client, TlsError> {
    install();
    let builder = match trust {
        Trust::System => settings,
        Trust::Nobody => settings.tls_certs_only([]),
        Trust::File(path) => settings.tls_certs_only(authorities(path)?),
    };
    builder.build().map_err(|error| {
        let why = chain(&error);
        match trust {
            Trust::File(path) => TlsError::NoCertificate {
                path: path.to_owned(),
                why,
            },
            Trust::System | Trust::Nobody => TlsError::NoAuthorities { why },
        }
    })
}

/// How many authorities stand in this PEM file; one in which none can be used is an error.
pub(crate) fn count_authorities(path: &Path) -> Result<usize, TlsError> {
    let all = authorities(path)?;
    let count = all.len();
    client(Client::builder(), Trust::File(path)).map(|_| count)
}

fn authorities(path: &Path) -> Result<Vec<reqwest::Certificate>, TlsError> {
    let pem = fs_err::read(path).map_err(|cause| TlsError::CaFile {
        path: path.to_owned(),
        cause,
    })?;
    let unusable = |why: String| TlsError::NoCertificate {
        path: path.to_owned(),
        why,
    };
    let all =
        reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| unusable(chain(&error)))?;
    if all.is_empty() {
        return Err(unusable("no `BEGIN CERTIFICATE` stands in it".to_owned()));
    }
    Ok(all)
}

/// An error with all its causes: the last is mostly the one that helps.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let next_text = next.to_string();
        if !text.contains(&next_text) {
            text = format!("{text}: {next_text}");
        }
        cause = next.source();
    }
    text
}

/// Whether TLS failed below: its errors are wrapped in I/O errors, which the chain of causes steps over.
pub(crate) fn is_about_tls(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| {
        let mut cause = Some(cause);
        while let Some(one) = cause {
            if one.is::<rustls::Error>() {
                return true;
            }
            let inner = one.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            cause = inner.map(|inner| inner as &(dyn Error + 'static));
        }
        false
    })
}

/// An error and what is below it.
pub(crate) fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let first: &(dyn Error + 'static) = error;
    std::iter::successors(Some(first), |cause| (*cause).source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_for_plain_http_needs_no_authorities() {
        client(ClientBuilder::new(), Trust::Nobody).unwrap();
    }

    #[test]
    fn a_file_without_certificates_is_refused_by_name() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("ca.pem");
        let missing = client(ClientBuilder::new(), Trust::File(&file)).unwrap_err();
        assert!(matches!(missing, TlsError::CaFile { .. }), "{missing:?}");
        for text in [
            "",
            "hello",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            fs_err::write(&file, text).unwrap();
            let error = client(ClientBuilder::new(), Trust::File(&file)).unwrap_err();
            assert!(matches!(error, TlsError::NoCertificate { .. }), "{error:?}");
            assert_eq!(error.diagnostic().code.0, "tls-ca-file");
        }
    }
}
