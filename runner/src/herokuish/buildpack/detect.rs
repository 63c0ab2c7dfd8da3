//! `herokuish buildpack detect`: which packs take the app.

use std::ffi::OsString;

use buildpack_core::event::EventSink as _;

use super::selection::{announce, none, refused};
use super::setup::{Ready, setup};
use crate::herokuish::Ended;
use crate::herokuish::face::Face;
use crate::pipeline;

pub(in crate::herokuish) fn exec(face: &Face, _: &[OsString]) -> Ended {
    let Ready { request, workshop } = setup(face)?;
    announce(&request, &workshop.ui);
    let mut found = match pipeline::detected(&request, &workshop.services) {
        Ok(found) => found,
        Err(failure) => return refused(failure, &workshop.ui),
    };
    found.retain(|detection| detection.applies);
    for detection in &found {
        workshop
            .ui
            .heading(&format!("{} app detected", detection.name));
    }
    Ok(match found.as_slice() {
        [] => none(&workshop.ui),
        _ => 0,
    })
}
