//! Searches what goes into the image for the values of config vars.

use std::collections::BTreeSet;
use std::io::{self, Read};

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use flate2::read::MultiGzDecoder;

/// More of a gzip file is not searched.
const LARGEST_UNPACKED: u64 = 64 << 20;

/// Knows the values that must not be in the image, as they are and as base64 would write them at any place in a
/// longer text.
///
/// Values shorter than [`SecretGate::SHORTEST`] bytes (without white space around them) are not searched for: they
/// would be found everywhere. Gzip files are searched unpacked, and so is what a [`super::Normalise`] reveals; a value
/// that a program encrypted, hashed or compressed otherwise is not found.
pub struct SecretGate {
    search: Option<AhoCorasick>,
    /// The name to each pattern.
    names: Vec<String>,
    longest: usize,
}

impl SecretGate {
    /// Shorter values are not searched for.
    pub const SHORTEST: usize = 8;

    /// A gate for these config vars: name and value.
    pub fn new<N: Into<String>, V: AsRef<[u8]>>(vars: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut patterns = Vec::new();
        let mut names = Vec::new();
        for (name, value) in vars {
            let value = value.as_ref().trim_ascii();
            if value.len() < Self::SHORTEST {
                continue;
            }
            let name = name.into();
            for pattern in forms(value) {
                patterns.push(pattern);
                names.push(name.clone());
            }
        }
        Self {
            longest: patterns.iter().map(Vec::len).max().unwrap_or(0),
            // Building fails only beyond billions of states; the values of one app's config vars are kilobytes.
            search: (!patterns.is_empty())
                .then(|| AhoCorasick::new(&patterns).ok())
                .flatten(),
            names,
        }
    }

    /// Whether there is nothing to search for.
    pub fn is_open(&self) -> bool {
        self.search.is_none()
    }

    /// Whether one of the values is in `content`, or in what it holds where it is a gzip file.
    pub fn finds(&self, content: &[u8]) -> bool {
        let hit = |bytes: &[u8]| {
            let search = self.search.as_ref();
            search.is_some_and(|search| search.is_match(bytes))
        };
        if hit(content) {
            return true;
        }
        let mut plain = Vec::new();
        let packed = content.starts_with(&[0x1f, 0x8b]);
        // What cannot be unpacked holds what could be.
        packed && {
            let _ = MultiGzDecoder::new(content)
                .take(LARGEST_UNPACKED)
                .read_to_end(&mut plain);
            hit(&plain)
        }
    }

    /// Whether one of the values is in a stream, as it comes. It is read to its end where it is not.
    pub fn is_in(&self, mut stream: impl Read) -> io::Result<bool> {
        let mut scan = Scan::new(Some(self));
        if scan.gate.is_none() {
            return Ok(false);
        }
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = match stream.read(&mut buffer) {
                Ok(0) => return Ok(false),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            scan.feed(&buffer[..read]);
            if !scan.found.is_empty() {
                return Ok(true);
            }
        }
    }

    /// Adds the names whose values are in `bytes` to `found`.
    fn find<'g>(&'g self, bytes: &[u8], found: &mut BTreeSet<&'g str>) {
        let Some(search) = &self.search else { return };
        // Nearly always there is nothing: the slower search of all that overlaps is for the bad case.
        if search.is_match(bytes) {
            for hit in search.find_overlapping_iter(bytes) {
                found.insert(&self.names[hit.pattern().as_usize()]);
            }
        }
    }
}

/// The value, and what its base64 looks like at each of the three places it can stand at in a longer text.
fn forms(value: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut forms = BTreeSet::from([value.to_vec()]);
    for before in 0..3 {
        let padded = [&[0; 2][..before], value].concat();
        // Characters that also hold bits of what stands before or after the value say nothing certain.
        let first = (before * 8).div_ceil(6);
        let last = padded.len() * 8 / 6;
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            forms.insert(engine.encode(&padded).as_bytes()[first..last].to_vec());
        }
    }
    forms
}

/// A search through one file, piece by piece.
pub(super) struct Scan<'g> {
    gate: Option<&'g SecretGate>,
    /// The end of what came before, too short to hold a whole value.
    carry: Vec<u8>,
    found: BTreeSet<&'g str>,
}

impl<'g> Scan<'g> {
    pub(super) fn new(gate: Option<&'g SecretGate>) -> Self {
        Self {
            gate: gate.filter(|gate| gate.search.is_some()),
            carry: Vec::new(),
            found: BTreeSet::new(),
        }
    }

    /// Searches the next piece.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        let Some(gate) = self.gate else { return };
        let overlap = gate.longest - 1;
        let border = bytes.len().min(overlap);
        self.carry.extend_from_slice(&bytes[..border]);
        gate.find(&self.carry, &mut self.found);
        gate.find(bytes, &mut self.found);
        if border < bytes.len() {
            self.carry.clear();
            self.carry
                .extend_from_slice(&bytes[bytes.len() - overlap..]);
        } else {
            let surplus = self.carry.len().saturating_sub(overlap);
            self.carry.drain(..surplus);
        }
    }

    /// The names found since the last call; what follows is another text.
    pub(super) fn finish(&mut self) -> BTreeSet<&'g str> {
        self.carry.clear();
        std::mem::take(&mut self.found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn search(gate: &SecretGate, pieces: &[&[u8]]) -> Vec<String> {
        let mut scan = Scan::new(Some(gate));
        for piece in pieces {
            scan.feed(piece);
        }
        scan.finish().into_iter().map(str::to_owned).collect()
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
        assert!(search(&gate, &[b"4000 1234567"]).is_empty());
    }

    #[test]
    fn whole_contents_are_searched_unpacked_too() {
        let gate = SecretGate::new([("KEY", "0123456789")]);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut gzip, b"x0123456789").unwrap();
        assert!(gate.finds(&gzip.finish().unwrap()));
        assert!(gate.finds(b"x0123456789") && !gate.finds(b"x012345678"));
        assert!(!gate.is_open() && SecretGate::new([("PORT", "4000")]).is_open());
    }

    #[test]
    fn a_text_ends_where_the_next_begins() {
        let gate = SecretGate::new([("KEY", "0123456789")]);
        let mut scan = Scan::new(Some(&gate));
        scan.feed(b"01234");
        assert!(scan.finish().is_empty());
        scan.feed(b"56789");
        assert!(scan.finish().is_empty());
    }

    #[test]
    fn values_inside_each_other_are_all_found() {
        let gate = SecretGate::new([("LONG", "abcdefghijkl"), ("INNER", "cdefghij")]);
        assert_eq!(search(&gate, &[b"xxabcdefghijklxx"]), ["INNER", "LONG"]);
    }

    proptest! {
        #[test]
        fn found_wherever_it_stands_however_it_comes(
            value in prop::collection::vec(33_u8..=126, 8..60),
            before in prop::collection::vec(any::<u8>(), 0..100),
            after in prop::collection::vec(any::<u8>(), 0..100),
            cuts in prop::collection::vec(1_usize..40, 1..20),
            encoded in any::<bool>(),
            safe in any::<bool>(),
        ) {
            let gate = SecretGate::new([("KEY", &value)]);
            let mut text = [before, value, after].concat();
            if encoded {
                let engine = if safe { URL_SAFE_NO_PAD } else { STANDARD_NO_PAD };
                text = engine.encode(&text).into_bytes();
            }
            let mut pieces = Vec::new();
            let mut rest = &text[..];
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break }
                let (piece, next) = rest.split_at(rest.len().min(*cut));
                pieces.push(piece);
                rest = next;
            }
            prop_assert_eq!(search(&gate, &pieces), ["KEY"]);
        }
    }
}
