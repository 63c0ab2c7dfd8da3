//! Servers and walls that do as they are told.

pub mod fault_proxy;
pub mod git;
pub mod lists;
pub mod origin;
pub mod proxy;
pub mod registry;
