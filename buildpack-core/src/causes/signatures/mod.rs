//! What is known, by what it is about.

mod assets;
mod elixir;
pub(super) mod npm;
mod packages;
mod surroundings;
mod tools;

use super::Signature;

/// All of it.
pub(super) const ALL: [&[Signature]; 5] = [
    &tools::KNOWN,
    &elixir::KNOWN,
    &assets::KNOWN,
    &packages::KNOWN,
    &surroundings::KNOWN,
];

/// Lines that look like an error, whatever it is about: the first of them is quoted where nothing else is known.
pub(super) const ERRORS: [&str; 8] = [
    r"\*\* \([A-Za-z0-9_.]+\) ",
    "error: ",
    "Error: ",
    "ERROR: ",
    "fatal: ",
    r"✘ \[ERROR\] ",
    // yarn 1 and pnpm.
    "^[^A-Za-z]*error [A-Z]",
    "ERR_PNPM_",
];

/// Lines that say no more than that something failed: with them alone a log tells nothing.
pub(super) const SYMPTOMS: [&str; 7] = [
    "pre-receive hook declined",
    "failed to push some refs",
    "Push rejected, failed to compile",
    r"Job failed: exit (?:code|status) [0-9]",
    "exited with code 1$",
    "Process completed with exit code",
    "did not complete successfully: exit code",
];
