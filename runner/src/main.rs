//! `bp`: builds Heroku-style apps into OCI images.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    runner::sandbox::entry();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    runner::herokuish::main(&arguments).unwrap_or_else(|| runner::cli::main(arguments))
}
