//! The walls around foreign programs: namespaces on the stack's image, or the place where `bp` stands.
//!
//! Outside: [`NamespaceSandbox`] and [`InPlaceSandbox`] start this very binary again as a helper and hand it
//! the room over a socket, so that neither argument lists nor environments ever hold what is in it.
//! Inside: the helper builds the room, starts the program, waits, and reports back over the same socket.
//! A program that starts the engine as a library calls [`entry`] first thing in its `main`, or names a helper
//! binary that does.

mod bounds;
mod cgroup;
mod choose;
mod error;
mod helper;
mod in_place;
mod lines;
mod mountinfo;
mod namespace;
mod probe;
mod session;
mod terminal;
mod user;
mod wire;

pub use choose::{Mode, choose};
pub use error::{Cause, Failure, Step, Unavailable};
pub use in_place::InPlaceSandbox;
pub use namespace::{NamespaceSandbox, discard};
pub use probe::{Probe, probe};
pub(crate) use user::become_user;

/// The argument that makes this binary a helper.
const WORD: &str = "__sandbox";

/// The helper's way in: returns at once unless the process was started as a sandbox's helper
/// (`argv[1]` is `__sandbox`), else does its work and never returns.
///
/// To be called first in `main`, before any thread exists.
pub fn entry() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|word| word == WORD) {
        let stage = arguments.next().unwrap_or_default();
        helper::work(&stage.to_string_lossy());
    }
}
