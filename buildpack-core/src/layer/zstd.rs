//! Zstandard (RFC 8878) by blocks, each a frame of its own: any reader takes frames that follow each other as one stream.

use std::io::{self, Write};

use flate2::Crc;
use zstd::bulk::Compressor;

use super::blocks::{self, Block, Codec, Failure, Packed};

/// Larger than the window of this level, so that little is lost at borders.
const BLOCK: usize = 2 << 20;
const LEVEL: i32 = 3;

/// The format.
pub(super) struct Zstd;

/// Compresses what `fill` writes into `out`, on `threads` threads besides the caller's; gives both back.
pub fn zstd<W: Write + Send, T>(
    threads: usize,
    out: W,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<T>,
) -> io::Result<(W, T)> {
    match blocks::pack(&Zstd, threads, out, |input| fill(input)) {
        Ok(written) => Ok((written.out, written.value)),
        Err(Failure::Fill(error) | Failure::Write(error)) => Err(error),
    }
}

impl Codec for Zstd {
    type Packer = Compressor<'static>;

    fn block(&self) -> usize {
        BLOCK
    }

    fn packer(&self) -> io::Result<Self::Packer> {
        Compressor::new(LEVEL)
    }

    fn head(&self) -> &'static [u8] {
        &[]
    }

    fn pack(
        &self,
        packer: &mut Self::Packer,
        _: Option<&Block>,
        block: &Block,
    ) -> io::Result<Packed> {
        Ok(Packed {
            bytes: packer.compress(&block.bytes)?,
            crc: Crc::new(),
        })
    }

    fn tail(&self, _: &Crc) -> Vec<u8> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::layer::blocks::pack;

    fn packed(threads: usize, bytes: &[u8]) -> Vec<u8> {
        match pack(&Zstd, threads, Vec::new(), |input| input.write_all(bytes)) {
            Ok(written) => written.out,
            Err(Failure::Fill(error) | Failure::Write(error)) => panic!("{error}"),
        }
    }

    fn sample(length: usize) -> Vec<u8> {
        let lines = (0_u64..).flat_map(|number| {
            let number = number.wrapping_mul(6_364_136_223_846_793_005) >> 51;
            format!("def f{number}, do: {}\n", number * 7).into_bytes()
        });
        lines.take(length).collect()
    }

    #[test]
    fn frames_come_back_as_one_stream_the_same_for_any_count_of_threads() {
        for length in [1, BLOCK, 3 * BLOCK + 77] {
            let plain = sample(length);
            let one = packed(1, &plain);
            assert!(zstd::decode_all(&one[..]).unwrap() == plain, "{length}");
            // One thread packs many blocks, another few: what it did before leaves no trace.
            for threads in [2, 5] {
                assert!(packed(threads, &plain) == one, "{length} {threads}");
            }
        }
    }

    /// As for gzip: when this fails after an update, the compressor's name has to change with it.
    #[test]
    fn golden_bytes() {
        let digest = Digest::of(&packed(2, &sample(2 * BLOCK + 99)));
        assert_eq!(
            digest.hex(),
            "29b101b960ec9dda9d1c123f39a7463d1dce44fcc96e3bcfefa8d826141a3fdd"
        );
    }
}
