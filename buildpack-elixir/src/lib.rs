//! The Elixir pack.

pub mod atom_order;
pub mod config;
pub mod detect;
pub mod environment;
pub mod hex_installs;
pub mod layers;
pub mod normalise;
mod pack;
pub mod pairs;
pub mod resolve;
pub mod steps;
pub mod tools;

pub use pack::ElixirPack;
