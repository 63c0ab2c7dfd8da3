//! Fakes and fixtures for the tests.

pub mod fake;
pub mod fuzz;
pub mod paper;
pub mod schema;
pub mod tree;
pub mod workspace;
