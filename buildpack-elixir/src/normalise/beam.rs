//! BEAM files: chunks that differ from build to build, which the running app does not need, are left out.
//!
//! A file is `FOR1`, a length, `BEAM`, then chunks: a name of four bytes, a length, the bytes, zeros up to a multiple
//! of four (`lib/stdlib/src/beam_lib.erl` of Erlang/OTP). The compilers write code, literals, attributes and
//! documentation the same way each time; only in `Dbgi` and `ExCk` does the order of a map's pairs vary.

use std::borrow::Cow;
use std::io::Read as _;

use flate2::read::GzDecoder;

use super::etf;

const LARGEST: u64 = 256 << 20;

struct Chunk<'c> {
    name: &'c [u8],
    content: Cow<'c, [u8]>,
}

/// What becomes of the chunks that the running app does without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notes {
    /// Left out, but for the debug information of protocols: only consolidating needs it.
    LeaveOut,
    /// Left out without exception: the module is a consolidated protocol.
    LeaveOutAll,
    /// Kept in one form: `mix release` has left out what the project wants to be without.
    Keep,
}

/// The file as it goes into the image, or `None` if it is no BEAM file or has nothing that varies.
pub(super) fn rewrite(file: &[u8], notes: Notes) -> Option<Vec<u8>> {
    let plain = plain(file)?;
    let mut chunks = parse(&plain)?;
    if !chunks.iter().any(|chunk| varies(chunk.name)) {
        return None;
    }
    match notes {
        Notes::Keep => {}
        Notes::LeaveOut if is_protocol(&chunks) => chunks.retain(|chunk| chunk.name != b"ExCk"),
        Notes::LeaveOut | Notes::LeaveOutAll => chunks.retain(|chunk| !varies(chunk.name)),
    }
    for chunk in &mut chunks {
        if varies(chunk.name)
            && let Some(term) = etf::decode(&chunk.content)
        {
            chunk.content = term.encode().into();
        }
    }
    write(&chunks)
}

/// `Dbgi` is the abstract code; `ExCk` what the type checker of Elixir's compiler knows, and does without.
fn varies(name: &[u8]) -> bool {
    matches!(name, b"Dbgi" | b"ExCk")
}

/// The literals of the file, where they are packed: the code's strings are nowhere else.
pub(super) fn unpacked_literals(file: &[u8]) -> Option<Vec<u8>> {
    match literals(file) {
        Literals::Some(table) => Some(table),
        Literals::None | Literals::Unreadable => None,
    }
}

/// A module's table of literals.
pub(super) enum Literals {
    /// It has none.
    None,
    /// The table, unpacked.
    Some(Vec<u8>),
    /// This is no module, or a damaged one.
    Unreadable,
}

pub(super) fn literals(file: &[u8]) -> Literals {
    let Some(plain) = plain(file) else {
        return Literals::Unreadable;
    };
    let Some(chunks) = parse(&plain) else {
        return Literals::Unreadable;
    };
    let Some(literals) = chunks.iter().find(|chunk| chunk.name == b"LitT") else {
        return Literals::None;
    };
    let Some((size, packed)) = literals.content.split_first_chunk() else {
        return Literals::Unreadable;
    };
    // Unpacked size, then what zlib packed; since OTP 28 a size of zero says that nothing is packed.
    let table = match u32::from_be_bytes(*size) {
        0 => Some(packed.to_vec()),
        size => etf::inflate(packed, size),
    };
    table.map_or(Literals::Unreadable, Literals::Some)
}

/// Undoes the compiler's option `compressed`, which packs the whole file.
fn plain(file: &[u8]) -> Option<Cow<'_, [u8]>> {
    if !file.starts_with(&[0x1f, 0x8b]) {
        return Some(file.into());
    }
    let mut plain = Vec::new();
    GzDecoder::new(file)
        .take(LARGEST)
        .read_to_end(&mut plain)
        .ok()?;
    Some(plain.into())
}

fn parse(file: &[u8]) -> Option<Vec<Chunk<'_>>> {
    let (size, rest) = file.strip_prefix(b"FOR1")?.split_first_chunk()?;
    if rest.len() != u32::from_be_bytes(*size) as usize {
        return None;
    }
    let mut rest = rest.strip_prefix(b"BEAM")?;
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        let (name, after) = rest.split_at_checked(4)?;
        let (size, after) = after.split_first_chunk()?;
        let size = u32::from_be_bytes(*size) as usize;
        let (content, after) = after.split_at_checked(size)?;
        rest = after.get(size.next_multiple_of(4) - size..)?;
        chunks.push(Chunk {
            name,
            content: content.into(),
        });
    }
    Some(chunks)
}

fn write(chunks: &[Chunk<'_>]) -> Option<Vec<u8>> {
    let mut file = b"FOR1....BEAM".to_vec();
    for chunk in chunks {
        file.extend(chunk.name);
        file.extend(u32::try_from(chunk.content.len()).ok()?.to_be_bytes());
        file.extend(&*chunk.content);
        file.resize(file.len().next_multiple_of(4), 0);
    }
    let size = u32::try_from(file.len() - 8).ok()?;
    file[4..8].copy_from_slice(&size.to_be_bytes());
    Some(file)
}

/// Protocols carry the attribute `__protocol__`.
fn is_protocol(chunks: &[Chunk<'_>]) -> bool {
    let attributes = chunks.iter().find(|chunk| chunk.name == b"Attr");
    attributes
        .and_then(|chunk| etf::decode(&chunk.content))
        .is_some_and(|attributes| match attributes {
            etf::Term::List(pairs, None) => pairs.iter().any(|pair| {
                matches!(pair, etf::Term::Tuple(pair)
                    if pair.first().and_then(etf::Term::atom) == Some(b"__protocol__"))
            }),
            _ => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module and a protocol of Elixir 1.18.3, each as two builds wrote it (testdata is made by
    /// `fixtures/README.md`).
    const MODULE: [&[u8]; 2] = [
        include_bytes!("fixtures/a/Elixir.Hello.M3.beam"),
        include_bytes!("fixtures/b/Elixir.Hello.M3.beam"),
    ];
    const PROTOCOL: &[u8] = include_bytes!("fixtures/a/Elixir.Hello.Shape.beam");

    fn names(file: &[u8]) -> String {
        let chunks = parse(file).unwrap();
        let names = chunks
            .iter()
            .map(|chunk| str::from_utf8(chunk.name).unwrap());
        names.collect::<Vec<_>>().join(" ")
    }

    const CODE: &str = "AtU8 Code StrT ImpT ExpT FunT LitT LocT Attr CInf Docs Line Type";

    #[test]
    fn two_builds_of_a_module_become_one() {
        assert_ne!(MODULE[0], MODULE[1]);
        for notes in [Notes::LeaveOut, Notes::LeaveOutAll, Notes::Keep] {
            let [one, other] = MODULE.map(|file| rewrite(file, notes).unwrap());
            assert!(one == other, "{notes:?}");
            assert_eq!(names(&one) == CODE, notes != Notes::Keep, "{notes:?}");
        }
    }

    #[test]
    fn code_is_not_touched() {
        let before = parse(MODULE[0]).unwrap();
        let written = rewrite(MODULE[0], Notes::LeaveOut).unwrap();
        for after in parse(&written).unwrap() {
            let same = before
                .iter()
                .find(|chunk| chunk.name == after.name)
                .unwrap();
            assert_eq!(after.content, same.content);
        }
        assert_eq!(rewrite(&written, Notes::LeaveOut), None);
    }

    #[test]
    fn a_protocol_stays_consolidatable() {
        let kept = rewrite(PROTOCOL, Notes::LeaveOut).unwrap();
        assert!(names(&kept).contains("Dbgi"));
        assert!(!names(&kept).contains("ExCk"));
        let consolidated = rewrite(PROTOCOL, Notes::LeaveOutAll).unwrap();
        assert!(!names(&consolidated).contains("Dbgi"));
    }

    #[test]
    fn a_packed_file_is_unpacked() {
        use std::io::Write as _;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(MODULE[0]).unwrap();
        let packed = gzip.finish().unwrap();
        assert_eq!(
            rewrite(&packed, Notes::LeaveOut),
            rewrite(MODULE[1], Notes::LeaveOut)
        );
    }

    #[test]
    fn literals_are_told_unpacked() {
        let literals = unpacked_literals(MODULE[0]).unwrap();
        let text = b"a long literal text 3";
        assert!(!MODULE[0].windows(text.len()).any(|part| part == text));
        assert!(literals.windows(text.len()).any(|part| part == text));
    }

    #[test]
    fn a_damaged_file_is_none_or_a_file() {
        for at in 0..MODULE[0].len() {
            assert_eq!(rewrite(&MODULE[0][..at], Notes::LeaveOut), None, "{at}");
        }
        for at in 0..400 {
            let mut damaged = MODULE[0].to_vec();
            damaged[at] ^= 0x55;
            if let Some(written) = rewrite(&damaged, Notes::Keep) {
                assert!(parse(&written).is_some(), "{at}");
            }
        }
    }
}
