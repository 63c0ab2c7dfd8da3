//! Archives of strangers, unpacked into a folder of our own: whatever they say, nothing outside it is touched.

mod error;
mod tar;
#[cfg(test)]
mod tests;
mod tree;
mod zip;

pub use error::UnpackError;
pub use tar::{unpack_slug, unpack_tar, unpack_tar_gz, unpack_tar_zst};
pub use zip::unpack_zip;

/// What an archive may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnpackLimits {
    /// Entries.
    pub entries: u64,
    /// Unpacked bytes in all.
    pub bytes: u64,
}

impl Default for UnpackLimits {
    /// Ten times what the largest tool here has: 200,000 entries and 4 GiB.
    fn default() -> Self {
        Self {
            entries: 200_000,
            bytes: 4 << 30,
        }
    }
}
