//! Gzip on several threads, with the same bytes for any count of them.

/// Name and version of the compressor: belongs into every key under which compressed bytes are kept.
pub const COMPRESSOR: &str = "zlib-rs-0.6-l6-1";
