//! The buildpack protocol, and all that no language owns and no operating system is needed for.
//!
//! The rooms, bottom to top; a module imports only what stands above it in this list:
//!
//! 1. [`digest`], [`diagnostic`], [`clean`], [`secret`], [`causes`], [`event`]: values that every other room speaks in, and
//!    those that nobody is to see.
//! 2. [`version`]: OTP, Elixir and Node versions and how they compare.
//! 3. [`syntax`] and [`app`]: what the app says, read once, each value with its place.
//! 4. [`wanted`], [`lists`], [`check`], [`rules`]: packs that are asked for, published builds, a verdict for a version,
//!    and what else can be wrong.
//! 5. [`store`] and [`toolchain`]: what is kept, fetched, verified and unpacked.
//! 6. [`libraries`], [`layer`]: what ELF files need of each other; files by purpose, as reproducible archives.
//! 7. [`sandbox`], [`plan`] and [`pack`]: what will be done, and the contract with a language.
//! 8. [`image`]: what comes out.

pub mod app;
pub mod causes;
pub mod check;
pub mod clean;
pub mod diagnostic;
pub mod digest;
pub mod event;
pub mod image;
pub mod layer;
pub mod libraries;
pub mod lists;
pub mod pack;
pub mod plan;
pub mod rules;
pub mod sandbox;
pub mod secret;
pub mod store;
pub mod syntax;
pub mod toolchain;
pub mod version;
pub mod wanted;
