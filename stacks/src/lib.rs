//! The Heroku stacks as data, and matching a request to one of them.
//!
//! A new stack is one block in `catalog.toml`.

mod catalog;
mod find;
mod support;
mod target;

pub use catalog::{Stack, User, all};
pub use find::{UnknownStack, find};
pub use support::Support;
pub use target::{Arch, Target, UnknownArch, UnsupportedArch};
