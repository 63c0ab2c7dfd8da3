//! The pipeline with its real services, and the bp binary.
