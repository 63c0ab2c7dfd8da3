//! How a layer's blob is packed.

use std::fmt;
use std::io::Write;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::blocks::{self, Failure, Input, Written};
use super::gzip::Gzip;
use super::zstd::Zstd;

/// How a layer's blob is packed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// What every runtime and registry takes.
    #[default]
    Gzip,
    /// Smaller and several times as fast both ways; runtimes since 2020 or so take it.
    Zstd,
}

impl Compression {
    /// Name and version of the compressor: belongs into every key under which compressed bytes are kept.
    pub fn compressor(self) -> &'static str {
        match self {
            Self::Gzip => "zlib-rs-0.6-l6-2",
            Self::Zstd => "zstd-1.5-l3-1",
        }
    }

    /// Packs what `fill` writes into `out`, on `threads` threads besides the caller's.
    pub(super) fn pack<W: Write + Send, T, E>(
        self,
        threads: usize,
        out: W,
        fill: impl FnOnce(&mut Input) -> Result<T, E>,
    ) -> Result<Written<W, T>, Failure<E>> {
        match self {
            Self::Gzip => blocks::pack(&Gzip, threads, out, fill),
            Self::Zstd => blocks::pack(&Zstd, threads, out, fill),
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

impl FromStr for Compression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Gzip, Self::Zstd]
            .into_iter()
            .find(|known| known.to_string() == text)
            .ok_or_else(|| format!("`{text}` is no compression: expected `gzip` or `zstd`"))
    }
}
