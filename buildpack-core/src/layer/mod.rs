//! Layers by purpose: one pass over the files yields tar, both digests and the compressed blob.
//!
//! A [`Selection`] says what goes into a layer, [`write()`] makes the blob, and [`tree_digest`] says quickly whether
//! it would be the same blob as last time. What a layer holds depends on the content of the files, their names and
//! the owner's executable bit; never on the clock, on owners, umask, folder order or the count of threads.
//! What a language must rewrite to keep that promise comes in through [`Normalise`].

mod blocks;
mod compression;
mod dense;
mod error;
mod gzip;
mod header;
mod normalise;
mod purpose;
mod search;
mod selection;
mod signature;
mod stat_cache;
mod tar;
mod walk;
mod write;
mod zstd;

pub use compression::Compression;
pub use error::{Finding, LayerError};
pub use gzip::gzip;
pub use normalise::Normalise;
pub use purpose::Purpose;
pub use search::FileSearch;
pub use selection::{Selection, Synthetic, Tree};
pub use signature::tree_digest;
pub use stat_cache::StatCache;
pub use write::{FLOOR, Options, WrittenLayer, write};
pub use zstd::zstd;
