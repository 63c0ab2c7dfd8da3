//! Base images in the store: pulled or imported once, unpacked once, found again by name.
//!
//! All layers of an image are unpacked into one folder, whiteouts applied on the way: a plain tree that any overlay
//! takes as its lower layer, as root or not, on every kernel that has unprivileged overlays at all.

mod error;
mod fault;
mod import;
#[cfg(test)]
pub(crate) mod judges;
mod pipe;
mod request;
mod store;
mod system;
mod tree;
mod unpack;
mod whiteout;

pub use error::StackError;
pub use request::PullRequest;
pub use store::{StackImage, StackStore};
pub use system::{PROGRAMS, System};
