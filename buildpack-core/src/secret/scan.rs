//! A search through one text after the other, each in pieces.

use std::collections::BTreeSet;
use std::io::{Read, Seek};

use super::{SecretGate, packed};

/// A search through one file, piece by piece, then through the next.
pub struct Scan<'g> {
    gate: Option<&'g SecretGate>,
    /// The end of what came before, too short to hold a whole value.
    carry: Vec<u8>,
    found: BTreeSet<&'g str>,
}

impl<'g> Scan<'g> {
    /// A search for what `gate` knows.
    pub fn new(gate: Option<&'g SecretGate>) -> Self {
        Self {
            gate: gate.filter(|gate| !gate.is_open()),
            carry: Vec::new(),
            found: BTreeSet::new(),
        }
    }

    /// Searches the next piece.
    pub fn feed(&mut self, bytes: &[u8]) {
        let Some((gate, search)) = self
            .gate
            .and_then(|gate| Some((gate, gate.search.as_ref()?)))
        else {
            return;
        };
        let overlap = search.longest() - 1;
        let border = bytes.len().min(overlap);
        if !self.carry.is_empty() {
            self.carry.extend_from_slice(&bytes[..border]);
            gate.find(&self.carry, &mut self.found);
        }
        gate.find(bytes, &mut self.found);
        if border < bytes.len() || self.carry.is_empty() {
            self.carry.clear();
            self.carry.extend_from_slice(&bytes[bytes.len() - border..]);
        } else {
            let surplus = self.carry.len().saturating_sub(overlap);
            self.carry.drain(..surplus);
        }
    }

    /// Searches what is packed in `file`, whose bytes as they are have been fed. What cannot be unpacked, and what lies behind
    /// the first 256 MiB of it, is not searched.
    pub fn packed(&mut self, file: &mut (impl Read + Seek)) {
        if self.gate.is_some() {
            self.carry.clear();
            packed::look(file, &mut |piece| self.feed_or_end(piece));
            self.carry.clear();
        }
    }

    fn feed_or_end(&mut self, piece: Option<&[u8]>) {
        match piece {
            Some(bytes) => self.feed(bytes),
            None => self.carry.clear(),
        }
    }

    /// Whether something was found since the last [`finish`](Self::finish).
    pub fn has_found(&self) -> bool {
        !self.found.is_empty()
    }

    /// The names found since the last call; what follows is another text.
    pub fn finish(&mut self) -> BTreeSet<&'g str> {
        self.carry.clear();
        std::mem::take(&mut self.found)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    fn search(gate: &SecretGate, pieces: &[&[u8]]) -> Vec<String> {
        let mut scan = Scan::new(Some(gate));
        for piece in pieces {
            scan.feed(piece);
        }
        scan.finish().into_iter().map(str::to_owned).collect()
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
