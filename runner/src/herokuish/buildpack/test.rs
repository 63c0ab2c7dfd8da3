//! `herokuish buildpack test`: the app compiled for its tests, then tested by its packs.

use std::ffi::OsString;
use std::io::IsTerminal as _;

use buildpack_core::plan::TestOptions;

use super::selection::{announce, refused};
use super::setup::{Ready, setup};
use crate::herokuish::Ended;
use crate::herokuish::face::Face;
use crate::pipeline::{self, Verdict};

pub(in crate::herokuish) fn exec(face: &Face, _: &[OsString]) -> Ended {
    let Ready { request, workshop } = setup(face)?;
    announce(&request, &workshop.ui);
    let options = TestOptions {
        colour: std::io::stdout().is_terminal(),
        command: None,
    };
    let tested = match pipeline::test(&request, &options, &workshop.services) {
        Ok(tested) => tested,
        Err(failure) => return refused(failure, face, &workshop.ui),
    };
    match tested.verdict {
        Verdict::Passed => Ok(0),
        Verdict::Failed { exit, .. } => Ok(u8::try_from(exit.shell_code()).unwrap_or(u8::MAX)),
    }
}
