//! Servers and walls that do as they are told.

pub mod origin;
pub mod registry;
