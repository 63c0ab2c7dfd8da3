//! A record as it travels: its value, and what it is.

use buildpack_core::store::{Bucket, CacheKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Serialize, Deserialize)]
struct Told {
    bucket: String,
    key: CacheKey,
    value: Value,
}

/// The record's bytes.
pub(super) fn write(bucket: Bucket, key: &CacheKey, value: Value) -> Vec<u8> {
    let told = Told {
        bucket: bucket.folder().to_owned(),
        key: key.clone(),
        value,
    };
    serde_json::to_vec(&told).unwrap_or_default()
}

/// The value, if it is the record that was asked for.
pub(super) fn read(bytes: &[u8], bucket: Bucket, key: &CacheKey) -> Result<Value, String> {
    let told: Told = serde_json::from_slice(bytes)
        .map_err(|error| format!("it does not say what it is: {error}"))?;
    if told.bucket != bucket.folder() || told.key != *key {
        return Err("it is the record of another key".to_owned());
    }
    Ok(told.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_believed_for_its_own_key_alone() {
        let key = CacheKey::new("layer").part("content", "x");
        let bytes = write(Bucket::Layers, &key, 7.into());
        assert_eq!(read(&bytes, Bucket::Layers, &key), Ok(7.into()));
        assert!(read(&bytes, Bucket::Images, &key).is_err());
        assert!(read(&bytes, Bucket::Layers, &key.part("more", 1)).is_err());
        assert!(read(&bytes[1..], Bucket::Layers, &CacheKey::new("layer")).is_err());
    }
}
