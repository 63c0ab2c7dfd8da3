//! `herokuish buildpack detect`: which packs take the app.

use std::ffi::OsString;

use buildpack_core::event::EventSink as _;

use super::selection::{announce, none, refused, unable};
use super::setup::{Ready, setup};
use crate::herokuish::Ended;
use crate::herokuish::face::Face;
use crate::pipeline;

pub(in crate::herokuish) fn exec(face: &Face, _: &[OsString]) -> Ended {
    let Ready { request, workshop } = setup(face)?;
    announce(&request, &workshop.ui);
    let answers = match pipeline::detected(&request, &workshop.services) {
        Ok(answers) => answers,
        Err(failure) => return refused(failure, face, &workshop.ui),
    };
    for detection in answers.all.iter().filter(|detection| detection.applies) {
        workshop
            .ui
            .heading(&format!("{} app detected", detection.name));
    }
    for problem in &answers.problems {
        workshop.ui.diagnostic(problem);
    }
    Ok(match answers.problems.as_slice() {
        _ if answers.take_the_app() => 0,
        [] => none(face, &workshop.ui),
        _ => unable(&workshop.ui),
    })
}
