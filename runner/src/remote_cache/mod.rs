//! What builds keep, in a repository of a registry that any number of machines share.
//!
//! It is one OCI artifact (image-spec 1.1, artifacts with an empty config) under one tag: a layer for each entry, and the
//! blobs of image layers as they are, so that they are mounted where images are pushed to the same registry. Nobody locks
//! it: who writes reads the manifest anew, adds what it has, and puts it; the last manifest wins, and what a lost race
//! leaves out is made or sent again. Nothing of it is needed: whatever goes wrong is told once, and the build goes on
//! without.

mod artifact;
mod merge;
mod packed;
mod problem;
mod record;
mod remote;
mod secret;
#[cfg(test)]
mod tests;
mod upload;

pub use remote::{Places, RemoteCache};
pub use secret::{BadSecret, SharedSecret};
pub use upload::{Sending, Sent};
