//! `bp`: builds Heroku-style apps into OCI images.

use std::process::ExitCode;

fn main() -> ExitCode {
    runner::sandbox::entry();
    runner::cli::main(std::env::args_os())
}
