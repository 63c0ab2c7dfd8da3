//! The pipeline with its real services, and the bp binary.
pub mod sandbox;
