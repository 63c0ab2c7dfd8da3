//! How long the search for secrets takes: `cargo run --release -p buildpack-core --example search -- FOLDER SECRETS`.
//!
//! All files of the folder are read first; what is printed are the bytes and the nanoseconds of searching them once, on one
//! core, in pieces as they go into a layer.
#![allow(clippy::print_stdout, reason = "the figures are the answer")]

use std::error::Error;
use std::time::Instant;

use buildpack_core::secret::{Scan, SecretGate};
use walkdir::WalkDir;

/// A layer is read in pieces of this many bytes.
const PIECE: usize = 128 << 10;

/// More is not read.
const MOST: usize = 1 << 30;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: search FOLDER SECRETS";
    let folder = arguments.next().ok_or(usage)?;
    let secrets: usize = arguments.next().ok_or(usage)?.parse()?;
    let mut files = Vec::new();
    let mut bytes = 0;
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = entry?;
        if entry.file_type().is_file() && bytes < MOST {
            let content = fs_err::read(entry.path())?;
            bytes += content.len();
            files.push(content);
        }
    }
    let value = |number: usize| {
        let letters = "s3cr3t/of+a \"kind\" that nobody guesses";
        (format!("S{number}"), format!("{}-{letters}", number * 7919))
    };
    let gate = SecretGate::new((0..secrets).map(value));
    let mut scan = Scan::new(Some(&gate));
    let mut found = 0;
    let begin = Instant::now();
    for file in &files {
        for piece in file.chunks(PIECE) {
            scan.feed(piece);
        }
        found += scan.finish().len();
    }
    let took = begin.elapsed().as_nanos();
    println!("{bytes} {took} {found}");
    Ok(())
}
