//! The pipeline with its real services, and the bp binary.

pub mod cli;
pub mod doctor;
pub mod fix;
pub mod herokuish;
pub mod http;
pub mod packs;
mod page;
pub mod pipeline;
mod processes;
pub mod records;
pub mod registry;
pub mod remote_cache;
pub mod rootfs;
pub mod sandbox;
pub mod settings;
pub mod tls;
pub mod ui;
