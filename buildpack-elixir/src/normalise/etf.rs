//! The external term format ("External Term Format", Erlang's ERTS user's guide): read, change, write in one form.
//!
//! A map is written with its pairs in the order in which the virtual machine happens to hold them, which differs from
//! run to run; here they are sorted by the bytes of their keys. Everything else comes out as it went in, except that
//! the compressed form is written plain.

use std::io::Read as _;

use flate2::read::ZlibDecoder;

const VERSION: u8 = 131;
const COMPRESSED: u8 = 80;
/// Far deeper than what compilers write; deeper terms are refused, so that no stack runs over.
const DEEPEST: usize = 256;
/// A term that says it is larger than this, unpacked, is refused.
const LARGEST: u32 = 256 << 20;

/// A term. What has no need to be understood is kept as its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Term {
    /// An integer of up to 32 bits.
    Int(i64),
    /// Its text, with the tag it was written with.
    Atom(u8, Vec<u8>),
    Binary(Vec<u8>),
    Tuple(Vec<Term>),
    /// The elements, and the tail where it is not the empty list.
    List(Vec<Term>, Option<Box<Term>>),
    /// In the order of reading.
    Map(Vec<(Term, Term)>),
    /// `fun M:F/A`.
    Export(Box<[Term; 3]>),
    /// Tag and all.
    Other(Vec<u8>),
}

impl Term {
    /// The text of an atom.
    pub(super) fn atom(&self) -> Option<&[u8]> {
        match self {
            Self::Atom(_, text) => Some(text),
            _ => None,
        }
    }

    /// The bytes of the term with the leading version.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        self.write(&mut out);
        out
    }

    /// Appends the bytes of the term, without the version.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(number) => {
                if let Ok(small) = u8::try_from(*number) {
                    out.extend([97, small]);
                } else {
                    out.push(98);
                    // Read from four bytes, so it fits into four.
                    out.extend(&number.to_be_bytes()[4..]);
                }
            }
            Self::Atom(tag @ (100 | 118), text) => {
                out.push(*tag);
                out.extend(&length(text.len())[2..]);
                out.extend(text);
            }
            Self::Atom(tag, text) => {
                out.extend([*tag, length(text.len())[3]]);
                out.extend(text);
            }
            Self::Binary(bytes) => {
                out.push(109);
                out.extend(length(bytes.len()));
                out.extend(bytes);
            }
            Self::Tuple(elements) => {
                if let Ok(few) = u8::try_from(elements.len()) {
                    out.extend([104, few]);
                } else {
                    out.push(105);
                    out.extend(length(elements.len()));
                }
                for element in elements {
                    element.write(out);
                }
            }
            Self::List(elements, None) if elements.is_empty() => out.push(106),
            Self::List(elements, tail) => {
                out.push(108);
                out.extend(length(elements.len()));
                for element in elements {
                    element.write(out);
                }
                match tail {
                    Some(tail) => tail.write(out),
                    None => out.push(106),
                }
            }
            Self::Map(pairs) => {
                let mut sorted: Vec<(Vec<u8>, &Term)> = pairs
                    .iter()
                    .map(|(key, value)| {
                        let mut bytes = Vec::new();
                        key.write(&mut bytes);
                        (bytes, value)
                    })
                    .collect();
                sorted.sort_by(|a, b| a.0.cmp(&b.0));
                out.push(116);
                out.extend(length(pairs.len()));
                for (key, value) in sorted {
                    out.extend(key);
                    value.write(out);
                }
            }
            Self::Export(parts) => {
                out.push(113);
                for part in parts.iter() {
                    part.write(out);
                }
            }
            Self::Other(bytes) => out.extend(bytes),
        }
    }
}

/// Lengths here come from terms that were read with a length of four bytes.
fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

/// The term in `bytes`, which must begin with the version; compressed or not. `None` if it is no term, has something
/// after it, or has parts that nothing is known of.
pub(super) fn decode(bytes: &[u8]) -> Option<Term> {
    let body = bytes.strip_prefix(&[VERSION])?;
    match body.strip_prefix(&[COMPRESSED]) {
        None => whole(body),
        Some(packed) => {
            let (size, packed) = packed.split_first_chunk()?;
            whole(&inflate(packed, u32::from_be_bytes(*size))?)
        }
    }
}

/// What zlib packed, if it is exactly `size` bytes.
pub(super) fn inflate(packed: &[u8], size: u32) -> Option<Vec<u8>> {
    if size > LARGEST {
        return None;
    }
    let mut plain = Vec::new();
    ZlibDecoder::new(packed)
        .take(u64::from(size) + 1)
        .read_to_end(&mut plain)
        .ok()?;
    (plain.len() == size as usize).then_some(plain)
}

fn whole(body: &[u8]) -> Option<Term> {
    let mut reader = Reader { rest: body };
    let term = reader.term(0)?;
    reader.rest.is_empty().then_some(term)
}

struct Reader<'r> {
    rest: &'r [u8],
}

impl<'r> Reader<'r> {
    fn take(&mut self, count: usize) -> Option<&'r [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    fn short(&mut self) -> Option<usize> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?).into())
    }

    fn long(&mut self) -> Option<usize> {
        usize::try_from(u32::from_be_bytes(self.take(4)?.try_into().ok()?)).ok()
    }

    /// A count of things of at least `least` bytes each: one that the rest can't hold is refused before memory is
    /// asked for.
    fn count(&mut self, least: usize) -> Option<usize> {
        let count = self.long()?;
        (count.checked_mul(least)? <= self.rest.len()).then_some(count)
    }

    fn terms(&mut self, count: usize, depth: usize) -> Option<Vec<Term>> {
        (0..count).map(|_| self.term(depth)).collect()
    }

    fn term(&mut self, depth: usize) -> Option<Term> {
        if depth > DEEPEST {
            return None;
        }
        let start = self.rest;
        let depth = depth + 1;
        let other = match self.byte()? {
            97 => return Some(Term::Int(self.byte()?.into())),
            98 => {
                let number = i32::from_be_bytes(self.take(4)?.try_into().ok()?);
                return Some(Term::Int(number.into()));
            }
            tag @ (100 | 118) => {
                let length = self.short()?;
                return Some(Term::Atom(tag, self.take(length)?.to_vec()));
            }
            tag @ (115 | 119) => {
                let length = self.byte()?.into();
                return Some(Term::Atom(tag, self.take(length)?.to_vec()));
            }
            109 => {
                let length = self.long()?;
                return Some(Term::Binary(self.take(length)?.to_vec()));
            }
            104 => {
                let count = self.byte()?.into();
                return Some(Term::Tuple(self.terms(count, depth)?));
            }
            105 => {
                let count = self.count(1)?;
                return Some(Term::Tuple(self.terms(count, depth)?));
            }
            106 => return Some(Term::List(Vec::new(), None)),
            108 => {
                let count = self.count(1)?;
                let elements = self.terms(count, depth)?;
                let tail = match self.term(depth)? {
                    Term::List(elements, None) if elements.is_empty() => None,
                    tail => Some(Box::new(tail)),
                };
                return Some(Term::List(elements, tail));
            }
            116 => {
                let count = self.count(2)?;
                let pairs = (0..count).map(|_| Some((self.term(depth)?, self.term(depth)?)));
                return Some(Term::Map(pairs.collect::<Option<_>>()?));
            }
            113 => {
                let parts = [self.term(depth)?, self.term(depth)?, self.term(depth)?];
                return Some(Term::Export(Box::new(parts)));
            }
            // NEW_FLOAT, FLOAT.
            70 => self.take(8),
            99 => self.take(31),
            // STRING.
            107 => {
                let length = self.short()?;
                self.take(length)
            }
            // BIT_BINARY, LARGE_BIG: the count of bits in the last byte, or the sign, stands between length and bytes.
            77 | 111 => {
                let length = self.long()?;
                self.take(length.checked_add(1)?)
            }
            // SMALL_BIG, with its sign.
            110 => {
                let length = usize::from(self.byte()?);
                self.take(length + 1)
            }
            // Processes, ports, references and closures name a running machine: nothing here can make them the same.
            _ => None,
        };
        other?;
        Some(Term::Other(start[..start.len() - self.rest.len()].to_vec()))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use proptest::prelude::*;

    use super::*;

    /// A term as it could be read: lists of lists, maps with any keys, odd atoms.
    pub(in super::super) fn any_term() -> impl Strategy<Value = Term> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..20);
        let leaf = prop_oneof![
            any::<i32>().prop_map(|number| Term::Int(number.into())),
            (prop::sample::select(vec![100, 115, 118, 119]), bytes())
                .prop_map(|(tag, text)| Term::Atom(tag, text)),
            bytes().prop_map(Term::Binary),
            any::<[u8; 8]>().prop_map(|float| Term::Other([&[70][..], &float].concat())),
            any::<[u8; 9]>().prop_map(|big| Term::Other([&[110, 8][..], &big].concat())),
            any::<[u8; 3]>().prop_map(|text| Term::Other([&[107, 0, 3][..], &text].concat())),
            any::<[u8; 2]>().prop_map(|bits| Term::Other([&[77, 0, 0, 0, 1][..], &bits].concat())),
        ];
        leaf.prop_recursive(5, 64, 8, move |inner| {
            let many = || prop::collection::vec(inner.clone(), 0..8);
            prop_oneof![
                many().prop_map(Term::Tuple),
                many().prop_map(|elements| Term::List(elements, None)),
                (prop::collection::vec(inner.clone(), 1..4), bytes()).prop_map(
                    |(elements, tail)| Term::List(elements, Some(Box::new(Term::Binary(tail))))
                ),
                prop::collection::vec((inner.clone(), inner.clone()), 0..6).prop_map(Term::Map),
                [inner.clone(), inner.clone(), inner.clone()]
                    .prop_map(|parts| Term::Export(Box::new(parts))),
            ]
        })
    }

    fn sorted(term: &Term) -> Term {
        decode(&term.encode()).unwrap()
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(term in any_term()) {
            // Reading what was written gives the pairs of maps in their one order; from there on nothing changes.
            let once = sorted(&term);
            prop_assert_eq!(&sorted(&once), &once);
        }

        #[test]
        fn the_order_of_pairs_does_not_show(pairs in prop::collection::vec((any_term(), any_term()), 0..6)) {
            let mut unique: Vec<(Term, Term)> = Vec::new();
            for (key, value) in pairs {
                if !unique.iter().any(|(known, _)| known.encode() == key.encode()) {
                    unique.push((key, value));
                }
            }
            let turned = unique.iter().rev().cloned().collect();
            prop_assert_eq!(Term::Map(turned).encode(), Term::Map(unique).encode());
        }

        #[test]
        fn compressed_is_the_same_term(term in any_term()) {
            let plain = term.encode();
            let mut packed = vec![131, 80];
            packed.extend(u32::try_from(plain.len() - 1).unwrap().to_be_bytes());
            let mut encoder = ZlibEncoder::new(&mut packed, Compression::new(6));
            encoder.write_all(&plain[1..]).unwrap();
            encoder.finish().unwrap();
            prop_assert_eq!(decode(&packed).unwrap().encode(), plain);
        }

        #[test]
        fn no_bytes_make_it_fall_over(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some(term) = decode(&[&[131][..], &bytes].concat()) {
                prop_assert!(decode(&term.encode()).is_some());
            }
        }

        #[test]
        fn a_term_cut_short_is_none(term in any_term(), cut in any::<prop::sample::Index>()) {
            let bytes = term.encode();
            prop_assert_eq!(decode(&bytes[..cut.index(bytes.len())]), None);
        }
    }

    #[test]
    fn lies_about_size_and_depth_are_refused() {
        let huge_list = [131, 108, 255, 255, 255, 255, 106];
        assert_eq!(decode(&huge_list), None);
        let huge_packed = [131, 80, 255, 255, 255, 255, 0];
        assert_eq!(decode(&huge_packed), None);
        let deep = [&[131][..], &[104, 1].repeat(1_000_000), &[106]].concat();
        assert_eq!(decode(&deep), None);
        let a_process = [131, 88, 119, 1, b'n', 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(decode(&a_process), None);
    }
}
