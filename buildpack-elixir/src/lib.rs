//! The Elixir pack.

pub mod config;
pub mod detect;
pub mod resolve;
