//! The pipeline with its real services, and the bp binary.
pub mod sandbox;

pub mod http;
pub mod registry;
pub mod rootfs;
pub mod tls;
