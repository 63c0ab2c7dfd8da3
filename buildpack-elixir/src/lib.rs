//! The Elixir pack.

pub mod asked;
pub mod atom_order;
mod check;
pub mod config;
pub mod detect;
pub mod documented;
pub mod edit;
pub mod environment;
#[cfg(test)]
mod fixture;
pub mod hex_installs;
mod inspect;
pub mod layers;
mod loaded;
pub mod mix_test;
pub mod normalise;
mod pack;
pub mod packages;
pub mod request;
pub mod resolve;
pub mod rules;
pub mod steps;
pub mod tools;

pub use check::check;
pub use pack::ElixirPack;
pub use rules::otp_known_bad::{KnownBad, known_bad};
pub use steps::DEPS;
