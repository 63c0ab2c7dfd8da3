//! What builders who trust each other know: from it follow the key that config vars are hashed under, and the one that
//! entries are signed with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use buildpack_core::diagnostic::{Class, Diagnostic, Explain};
use buildpack_core::digest::Digest;
use ring::hmac;

/// Shorter ones can be guessed by trying.
const SHORTEST: usize = 16;

/// A secret of builders who share a cache. There is no way to print it.
#[derive(Clone)]
pub struct SharedSecret(hmac::Key);

/// A text that is no secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret of the remote cache has {0} characters, and {SHORTEST} are the least")]
pub struct BadSecret(usize);

impl Explain for BadSecret {
    fn diagnostic(&self) -> Diagnostic {
        Diagnostic::error("cache-secret", Class::Usage, self.to_string())
            .help("make one, the same for all builders: `openssl rand -hex 32`")
    }
}

impl SharedSecret {
    /// The secret of this text, without white space around it.
    pub fn new(text: &str) -> Result<Self, BadSecret> {
        let text = text.trim();
        if text.len() < SHORTEST {
            return Err(BadSecret(text.len()));
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes())))
    }

    /// The key that config vars are hashed under.
    pub fn key_of_config_vars(&self) -> [u8; 32] {
        let derived = hmac::sign(&self.0, b"bp: key of config var hashes");
        let mut key = [0; 32];
        key.copy_from_slice(derived.as_ref());
        key
    }

    /// What vouches for the content of an entry.
    pub(super) fn sign(&self, bucket: &str, key: &str, content: &Digest) -> String {
        STANDARD.encode(hmac::sign(
            &self.entries(),
            &statement(bucket, key, content),
        ))
    }

    /// Whether a signature is that of this entry.
    pub(super) fn vouches(
        &self,
        signature: &str,
        bucket: &str,
        key: &str,
        content: &Digest,
    ) -> bool {
        let Ok(signature) = STANDARD.decode(signature) else {
            return false;
        };
        hmac::verify(
            &self.entries(),
            &statement(bucket, key, content),
            &signature,
        )
        .is_ok()
    }

    fn entries(&self) -> hmac::Key {
        let derived = hmac::sign(&self.0, b"bp: key of cache entries");
        hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref())
    }
}

/// What is signed: each part with its length before it.
fn statement(bucket: &str, key: &str, content: &Digest) -> Vec<u8> {
    let content = content.hex();
    let mut all = Vec::new();
    for part in [bucket, key, &content] {
        all.extend_from_slice(&(part.len() as u64).to_le_bytes());
        all.extend_from_slice(part.as_bytes());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_good_for_one_entry_and_one_secret() {
        let secret = SharedSecret::new("0123456789abcdef\n").unwrap();
        let other = SharedSecret::new("0123456789abcdeg").unwrap();
        let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
        let signature = secret.sign("tools-v1", "aa", &one);
        assert!(secret.vouches(&signature, "tools-v1", "aa", &one));
        assert!(!secret.vouches(&signature, "tools-v1", "aa", &two));
        assert!(!secret.vouches(&signature, "tools-v1a", "a", &one));
        assert!(!secret.vouches(&signature, "layers-v1", "aa", &one));
        assert!(!other.vouches(&signature, "tools-v1", "aa", &one));
        assert!(!secret.vouches("no signature", "tools-v1", "aa", &one));
        assert_ne!(secret.key_of_config_vars(), other.key_of_config_vars());
    }

    #[test]
    fn what_can_be_guessed_is_no_secret() {
        assert_eq!(SharedSecret::new(" short ").err(), Some(BadSecret(5)));
    }
}
