//! Fakes and fixtures for the tests.

pub mod fake;
pub mod fuzz;
pub mod schema;
pub mod workspace;
