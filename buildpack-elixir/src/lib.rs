//! The Elixir pack.

pub mod config;
pub mod detect;
pub mod normalise;
pub mod resolve;
