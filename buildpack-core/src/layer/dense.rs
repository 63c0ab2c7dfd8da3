//! Files that are compressed already: to compress them again costs much and gains nothing.

/// Smaller files gain less than the change between two ways of packing costs.
const SMALLEST: u64 = 4 << 10;

/// First bytes of formats whose content is compressed, with where they stand.
const MAGIC: [(usize, &[u8]); 13] = [
    // gzip with deflate: `.gz` of static files, BEAM files of stripped releases
    (0, &[0x1f, 0x8b, 8]),
    (0, b"\x89PNG\r\n\x1a\n"),
    (0, &[0xff, 0xd8, 0xff]),
    (0, b"GIF8"),
    (8, b"WEBP"),
    (0, b"wOFF"),
    (0, b"wOF2"),
    // zip: `.ez`, `.jar`
    (0, b"PK\x03\x04"),
    (0, b"\xfd7zXZ\0"),
    (0, b"BZh"),
    (0, &[0x28, 0xb5, 0x2f, 0xfd]),
    (4, b"ftyp"),
    (0, b"OggS"),
];

/// Whether a file of `size` bytes that begins with `head` is compressed already. It follows from the content alone, for
/// the layer's bytes depend on it.
pub(super) fn is_dense(head: &[u8], size: u64) -> bool {
    let begins = |(at, magic): &(usize, &[u8])| {
        let found = head.get(*at..at + magic.len());
        found == Some(*magic)
    };
    size >= SMALLEST && MAGIC.iter().any(begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_is_known_by_its_first_bytes() {
        assert!(is_dense(b"\x1f\x8b\x08\0\0\0", SMALLEST));
        assert!(is_dense(b"RIFF\0\0\0\0WEBPVP8 ", 1 << 20));
        assert!(is_dense(b"\0\0\0\x20ftypmp42", 1 << 20));
        for plain in [&b"FOR1\0\0\0\0BEAM"[..], b"", b"\x1f", b"PK", b"RIFF"] {
            assert!(!is_dense(plain, 1 << 20), "{plain:?}");
        }
        assert!(!is_dense(b"\x1f\x8b\x08\0\0\0", SMALLEST - 1));
    }
}
