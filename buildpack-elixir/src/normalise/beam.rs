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

/// The file as it goes into the image, or `None` if it is no BEAM file. With `keep_debug_info` the code of a protocol
/// stays consolidatable.
pub(super) fn rewrite(file: &[u8], keep_debug_info: bool) -> Option<Vec<u8>> {
    let plain = plain(file)?;
    let mut chunks = parse(&plain)?;
    let debug_info = keep_debug_info && is_protocol(&chunks);
    chunks.retain(|chunk| match chunk.name {
        // What the type checker of Elixir's compiler knows of the module; it does without.
        b"ExCk" => false,
        // The abstract code. Releases leave it out too; only consolidating a protocol needs it.
        b"Dbgi" => debug_info,
        _ => true,
    });
    for chunk in &mut chunks {
        if chunk.name == b"Dbgi"
            && let Some(term) = etf::decode(&chunk.content)
        {
            chunk.content = term.encode().into();
        }
    }
    write(&chunks)
}

/// The literals of the file, unpacked: the code's strings are nowhere else.
pub(super) fn unpacked_literals(file: &[u8]) -> Option<Vec<u8>> {
    let plain = plain(file)?;
    let chunks = parse(&plain)?;
    let literals = chunks.iter().find(|chunk| chunk.name == b"LitT")?;
    // Unpacked size, then what zlib packed; since OTP 28 a size of zero says that nothing is packed.
    let (size, packed) = literals.content.split_first_chunk()?;
    match u32::from_be_bytes(*size) {
        0 => None,
        size => etf::inflate(packed, size),
    }
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
