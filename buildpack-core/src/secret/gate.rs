//! Values that must not be in what is kept, and the places where they may stand all the same.

use std::collections::BTreeSet;
use std::io::{self, Cursor, Read};
use std::ops::ControlFlow;

use super::forms::patterns;
use super::{Scan, Search};

/// Knows the values that must not be in what is kept, in all their [forms](super::forms()).
///
/// Values shorter than [`SecretGate::SHORTEST`] bytes (without white space around them) are not searched for: they
/// would be found everywhere. Gzip, zip, zstd, bzip2 and tar files are searched unpacked, and so is what a
/// [`Normalise`](crate::layer::Normalise) reveals; a value that a program encrypted, hashed or compressed otherwise is not
/// found.
#[derive(Default)]
pub struct SecretGate {
    pub(super) search: Option<Search>,
    /// The names by the numbers that the search knows.
    names: Vec<String>,
    /// Absolute paths, without a slash at their end.
    allowed: Vec<String>,
}

impl SecretGate {
    /// Shorter values are not searched for.
    pub const SHORTEST: usize = 8;

    /// A gate for these secrets: name and value.
    pub fn new<N: Into<String>, V: AsRef<[u8]>>(secrets: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut names = Vec::new();
        let mut all = Vec::new();
        for (name, value) in secrets {
            let value = value.as_ref().trim_ascii();
            if value.len() < Self::SHORTEST {
                continue;
            }
            let owner = names.len();
            names.push(name.into());
            all.extend(patterns(value).into_iter().map(|pattern| (pattern, owner)));
        }
        Self {
            search: Search::new(all),
            names,
            allowed: Vec::new(),
        }
    }

    /// The same, with these files and folders let through: absolute paths in the image.
    #[must_use]
    pub fn allow_in(mut self, paths: impl IntoIterator<Item = String>) -> Self {
        let paths = paths.into_iter();
        let paths = paths.map(|path| path.trim_end_matches('/').to_owned());
        self.allowed.extend(paths);
        self
    }

    /// Whether values may stand at `path`.
    pub fn allows(&self, path: &str) -> bool {
        let below = |allowed: &String| {
            let rest = path.strip_prefix(allowed.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.allowed.iter().any(below)
    }

    /// Whether there is nothing to search for.
    pub fn is_open(&self) -> bool {
        self.search.is_none()
    }

    /// The names whose values are in `content`, or in what is packed in it.
    pub fn names_in(&self, content: &[u8]) -> BTreeSet<&str> {
        let mut scan = Scan::new(Some(self));
        scan.feed(content);
        scan.packed(&mut Cursor::new(content));
        scan.finish()
    }

    /// Whether one of the values is in `content`, or in what is packed in it.
    pub fn finds(&self, content: &[u8]) -> bool {
        !self.names_in(content).is_empty()
    }

    /// Whether one of the values is in a stream, as it comes. It is read to its end where it is not.
    pub fn is_in(&self, mut stream: impl Read) -> io::Result<bool> {
        if self.is_open() {
            return Ok(false);
        }
        let mut scan = Scan::new(Some(self));
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = match stream.read(&mut buffer) {
                Ok(0) => return Ok(false),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            scan.feed(&buffer[..read]);
            if scan.has_found() {
                return Ok(true);
            }
        }
    }

    /// Adds the names whose values are in `bytes` to `found`.
    pub(super) fn find<'g>(&'g self, bytes: &[u8], found: &mut BTreeSet<&'g str>) {
        let Some(search) = &self.search else { return };
        search.each(bytes, |hit| {
            found.insert(&self.names[hit.owner]);
            ControlFlow::Continue(())
        });
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(content).unwrap();
        gzip.finish().unwrap()
    }

    #[test]
    fn a_stream_is_searched_across_its_pieces() {
        let gate = SecretGate::new([("KEY", "0123456789")]);
        let halves = |end: &'static [u8]| b"xx01234".as_slice().chain(end);
        assert!(gate.is_in(halves(b"56789yy")).unwrap());
        assert!(!gate.is_in(halves(b"5678yy")).unwrap());
        let none = SecretGate::new([("PORT", "4000")]);
        assert!(!none.is_in(b"4000".as_slice()).unwrap());
    }

    #[test]
    fn short_values_and_none_at_all_find_nothing() {
        let gate = SecretGate::new([("PORT", "4000"), ("SPACE", "  1234567  "), ("EMPTY", "")]);
        assert!(gate.is_open());
        assert!(!gate.finds(b"4000 1234567"));
    }

    #[test]
    fn whole_contents_are_searched_unpacked_too() {
        let gate = SecretGate::new([("KEY", "0123456789")]);
        assert!(gate.finds(&gzip(b"x0123456789")));
        assert!(gate.finds(b"x0123456789") && !gate.finds(b"x012345678"));
        assert!(!gate.is_open());
    }

    #[test]
    fn archives_within_archives_are_searched() {
        let gate = SecretGate::new([("KEY", "0123456789")]);
        let mut inner = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        let packed = gzip(b"a file with 0123456789 in it");
        header.set_size(packed.len() as u64);
        inner
            .append_data(&mut header, "contents.gz", &packed[..])
            .unwrap();
        let tar = inner.into_inner().unwrap();
        assert!(gate.finds(&tar));
        assert!(gate.finds(&gzip(&tar)));
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file("a/b", options).unwrap();
        zip.write_all(b"a member with 0123456789 in it").unwrap();
        let zip = zip.finish().unwrap().into_inner();
        assert!(gate.finds(&zip));
        assert!(gate.finds(&[b"#!/usr/bin/env escript\n", &zip[..]].concat()));
        assert!(gate.finds(&zstd::encode_all(&b"a frame with 0123456789"[..], 3).unwrap()));
        assert!(!gate.finds(&gzip(&gzip(b"nothing"))));
    }

    #[test]
    fn a_key_is_found_by_its_lines_and_in_other_writing() {
        let key = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEAxyzzy+plugh/frobozz==\n-----END KEY-----\n";
        let gate = SecretGate::new([("PEM", key)]);
        assert!(gate.finds(b"  MIIEpAIBAAKCAQEAxyzzy+plugh/frobozz==  "));
        assert!(gate.finds(b"MIIEpAIBAAKCAQEAxyzzy%2Bplugh%2Ffrobozz%3D%3D"));
        assert!(gate.finds(
            br#"{\"key\": \"-----BEGIN KEY-----\\nMIIEpAIBAAKCAQEAxyzzy+plugh\/frobozz==\"}"#
        ));
        assert!(!gate.finds(b"-----BEGIN KEY-----"));
    }

    #[test]
    fn what_is_allowed_is_a_file_or_all_of_a_folder() {
        let gate = SecretGate::default()
            .allow_in(["/app/priv/keys/".to_owned(), "/app/.npmrc".to_owned()]);
        for path in ["/app/priv/keys", "/app/priv/keys/a", "/app/.npmrc"] {
            assert!(gate.allows(path), "{path}");
        }
        for path in ["/app", "/app/priv/keyset", "/app/.npmrc~"] {
            assert!(!gate.allows(path), "{path}");
        }
    }
}
