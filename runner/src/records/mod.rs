//! What is told of a build, green or red, in one JSON document: what went in, what was done, what came out.
//! docs/records.md describes it.
//!
//! A record is a value: [`Record`] is made by who builds, [`mod@file`] reads and writes it, [`mod@compare`] says what is different
//! between two.

pub mod compare;
mod document;
pub mod file;
mod held;

pub use document::{
    Asked, Facts, Image, Layer, Outcome, Pack, Record, SCHEMA, Said, Source, StackImage, Stage,
    Step, Tool, VarHashes,
};
pub use held::Held;
