//! TLS, set up in one place.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Once;

use buildpack_core::diagnostic::{Class, Diagnostic, Explain};

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

/// A builder that speaks plain HTTP to anyone and TLS to nobody, or TLS as `trust` says.
///
/// Reading the system's authorities fails where there are none, which must not keep plain HTTP from working: so two
/// clients, and the one with TLS is built at the first `https` request.
pub fn client_builder(trust: Trust<'_>) -> Result<reqwest::blocking::ClientBuilder, TlsError> {
    let _ = trust;
    unimplemented!()
}

/// Whom to trust.
#[derive(Debug, Clone, Copy)]
pub enum Trust<'a> {
    /// Nobody: for plain HTTP only.
    Nobody,
    /// The system's authorities.
    System,
    /// The authorities in this PEM file only.
    File(&'a Path),
}
