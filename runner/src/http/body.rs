//! The body of an answer, whose failures have the kinds that the engine goes by.

use std::io::{self, ErrorKind, Read};

use reqwest::blocking::Response;

use super::failure;

pub(super) struct Body(Response);

impl Body {
    pub(super) fn new(response: Response) -> Self {
        Self(response)
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| {
            let Some(cause) = error
                .get_ref()
                .and_then(|cause| cause.downcast_ref::<reqwest::Error>())
            else {
                return error;
            };
            let kind = if cause.is_timeout() {
                ErrorKind::TimedOut
            } else {
                failure::io_kind(cause).unwrap_or(ErrorKind::UnexpectedEof)
            };
            io::Error::new(kind, failure::chain(cause))
        })
    }
}
