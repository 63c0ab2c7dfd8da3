//! The Phoenix static pack.

mod asked;
mod assets;
mod check;
mod config;
pub mod detect;
mod earlier;
mod environment;
#[cfg(test)]
mod fixture;
mod hooks;
mod layers;
mod lock_file;
mod manager_tool;
mod neighbours;
mod node;
mod offer;
mod pack;
mod package_manager;
mod plan;
pub mod release;
mod resolve;
mod rules;
mod standalone;
mod steps;
mod umbrella;

pub use check::check;
pub use config::{FILE, StaticConfig};
pub use pack::PhoenixStaticPack;
pub use standalone::TAILWIND_RELEASES;
pub use steps::INSTALL;
