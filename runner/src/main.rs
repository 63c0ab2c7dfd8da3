//! The `bp` binary.

fn main() {}
