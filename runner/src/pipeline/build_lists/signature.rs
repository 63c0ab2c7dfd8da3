//! Signatures of the lists under `installs/`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Whether the PEM public `key` signed `text` so (RSA PKCS#1 with SHA-512, as Hex does); what is wrong with the key, if it
/// is none.
pub(super) fn check(key: &str, text: &str, signature: &[u8]) -> Result<bool, String> {
    let key = rsa_key(key)?;
    let key =
        ring::signature::UnparsedPublicKey::new(&ring::signature::RSA_PKCS1_2048_8192_SHA512, key);
    Ok(key.verify(text.as_bytes(), signature).is_ok())
}

/// The RSA public key (PKCS#1, as ring wants it) of a PEM `PUBLIC KEY` (`SubjectPublicKeyInfo`, RFC 5280).
fn rsa_key(pem: &str) -> Result<Vec<u8>, String> {
    let body: String = pem
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("-----"))
        .collect();
    let der = STANDARD
        .decode(body)
        .map_err(|_| "it is not PEM".to_owned())?;
    // SEQUENCE { SEQUENCE { algorithm }, BIT STRING { 0, key } }
    let (outer, _) = element(&der, 0x30)?;
    let (_, rest) = element(outer, 0x30)?;
    let (bits, _) = element(rest, 0x03)?;
    match bits.split_first() {
        Some((0, key)) => Ok(key.to_vec()),
        _ => Err("it holds no RSA public key".to_owned()),
    }
}

/// The content of a DER element with this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Result<(&[u8], &[u8]), String> {
    let bad = || "it holds no RSA public key".to_owned();
    let (&[found, first], rest) = der.split_first_chunk::<2>().ok_or_else(bad)?;
    if found != tag {
        return Err(bad());
    }
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        if count > 4 || rest.len() < count {
            return Err(bad());
        }
        let length = rest[..count]
            .iter()
            .fold(0, |length, &byte| length << 8 | usize::from(byte));
        (length, &rest[count..])
    };
    rest.split_at_checked(length).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hex_key_and_refuses_what_is_none() {
        assert!(rsa_key(buildpack_elixir::hex_installs::HEX_BUILDS_KEY).is_ok());
        for text in ["", "-----BEGIN PUBLIC KEY-----\nMIIB\n", "é", "MAMCAQE="] {
            assert!(rsa_key(text).is_err(), "{text}");
        }
    }
}
