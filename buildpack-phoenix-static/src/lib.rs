//! The Phoenix static pack.

pub mod detect;
pub mod release;
