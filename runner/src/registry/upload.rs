//! One blob to a registry: mounted, sent whole, or in pieces that can be taken up again
//! (OCI distribution specification 1.1, pushing blobs).

use std::io::{self, Read};
use std::sync::Arc;

use buildpack_core::digest::Digest;
use reqwest::blocking::Response;
use reqwest::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderName, RANGE};
use reqwest::{Method, StatusCode, Url};

use super::checked::{Checked, Meter};
use super::endpoint::{Endpoint, redacted};
use super::patience::Patience;
use super::repository::{refuse_page, said_digest};
use super::request::{At, Body, Open, Request};
use super::wire::{Wire, location};
use super::{Access, RegistryError};

/// What is sent from memory, and the usual length of a piece. An early refusal is then read even if it comes before
/// all was sent, and a broken connection costs no more than this.
const PIECE: u64 = 4 << 20;
/// Shorter pieces for who takes no longer ones: the limit of web servers that nobody told otherwise, and less.
const SHORTER: [u64; 2] = [1 << 20, 256 << 10];
/// The longest piece that is held in memory because a registry insists on it.
const LONGEST: u64 = 64 << 20;
/// Repositories to mount from that are tried.
const MOUNTS: usize = 2;

const MIN_LENGTH: HeaderName = HeaderName::from_static("oci-chunk-min-length");

/// How a blob came to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// The registry had it in another repository.
    Mounted,
    /// It was sent.
    Uploaded,
}

/// One blob and where it goes.
pub(super) struct Upload<'a> {
    pub(super) wire: &'a Arc<Wire>,
    pub(super) to: &'a Endpoint,
    pub(super) digest: &'a Digest,
    pub(super) size: u64,
    pub(super) open: &'a Open<'a>,
    pub(super) meter: &'a Arc<Meter>,
}

/// How the bytes are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// In one request.
    Whole,
    /// In pieces of this length at most.
    Pieces(u64),
}

/// An upload that the registry has opened.
struct Session {
    url: Url,
    /// The shortest piece that it takes, but for the last.
    min_piece: u64,
}

enum Begun {
    Mounted,
    Session(Session),
}

/// Where an attempt failed decides how to go on.
struct Failed {
    error: RegistryError,
    /// The session, if it may still be good.
    session: Option<Session>,
    /// Whether the registry refused a piece as such.
    piece: bool,
}

impl Upload<'_> {
    pub(super) fn run(&self, from: &[String]) -> Result<Put, RegistryError> {
        let mut patience = Patience::new(self.wire.settings());
        let mut way = Way::Whole;
        let mut takes_pieces = true;
        let mut pieces_refused = 0;
        let mut kept: Option<Session> = None;
        loop {
            let Failed {
                error,
                session,
                piece,
            } = match self.attempt(way, kept.take(), from) {
                Ok(put) => return Ok(put),
                Err(failed) => *failed,
            };
            if let RegistryError::Full { status: 413, .. } = error {
                match self.shorter(way).filter(|_| takes_pieces) {
                    Some(shorter) => way = shorter,
                    None => return Err(error),
                }
                continue;
            }
            if piece && !error.is_worth_a_retry() && takes_pieces {
                pieces_refused += 1;
                // Once may be a session that was lost.
                if pieces_refused > 1 || !is_worth_it(&error) {
                    takes_pieces = false;
                    way = Way::Whole;
                    continue;
                }
            }
            if !is_worth_it(&error) || !patience.once_more(&error) {
                return Err(error);
            }
            if self.size > PIECE && takes_pieces {
                if way == Way::Whole {
                    way = Way::Pieces(PIECE);
                }
                kept = session;
            }
        }
    }

    /// The next shorter way.
    fn shorter(&self, way: Way) -> Option<Way> {
        let most = match way {
            Way::Whole => self.size,
            Way::Pieces(length) => length.min(self.size),
        };
        let lengths = [PIECE, SHORTER[0], SHORTER[1]];
        let next = lengths.into_iter().find(|length| *length < most)?;
        Some(Way::Pieces(next))
    }

    fn attempt(
        &self,
        way: Way,
        kept: Option<Session>,
        from: &[String],
    ) -> Result<Put, Box<Failed>> {
        let (session, offset) = match kept {
            Some(session) => self.taken_up(session).map_err(over)?,
            None => match self.begin(from).map_err(over)? {
                Begun::Mounted => return Ok(Put::Mounted),
                Begun::Session(session) => (session, 0),
            },
        };
        match way {
            Way::Pieces(length) => self.pieces(session, length, offset)?,
            Way::Whole => self.whole(session)?,
        }
        Ok(Put::Uploaded)
    }

    /// Opens an upload; the blob may be there at once, if another repository has it.
    fn begin(&self, from: &[String]) -> Result<Begun, RegistryError> {
        for repository in from.iter().take(MOUNTS) {
            let part = format!("blobs/uploads/?mount={}&from={repository}", self.digest);
            let mut request = Request::new(Method::POST, At::Part(&part), Access::Push);
            request.mount = Some(repository);
            match self.wire.send(self.to, &request) {
                Ok(response) if response.status() == StatusCode::CREATED => {
                    return Ok(Begun::Mounted);
                }
                // Refused: what was opened instead is as good as any.
                Ok(response) => return self.session(&response).map(Begun::Session),
                Err(error) if error.is_worth_a_retry() => return Err(error),
                // Not ours to read, or no mounts here: sending it is always allowed.
                Err(_) => {}
            }
        }
        let request = Request::new(Method::POST, At::Part("blobs/uploads/"), Access::Push);
        let response = self.wire.send(self.to, &request)?;
        self.session(&response).map(Begun::Session)
    }

    fn session(&self, response: &Response) -> Result<Session, RegistryError> {
        refuse_page(response.url().as_str(), response, "about an upload")?;
        let min = response.headers().get(&MIN_LENGTH);
        Ok(Session {
            url: location(self.to, response)?,
            min_piece: min
                .and_then(|value| value.to_str().ok()?.trim().parse().ok())
                .unwrap_or(0),
        })
    }

    /// Where a broken upload goes on; from the start in a new session, where the registry can't say.
    fn taken_up(&self, session: Session) -> Result<(Session, u64), RegistryError> {
        let request = request(Method::GET, &session.url);
        if let Ok(response) = self.wire.send(self.to, &request)
            && let Some(offset) = received(&response)
            && offset <= self.size
        {
            let url = location(self.to, &response).unwrap_or(session.url);
            return Ok((Session { url, ..session }, offset));
        }
        match self.begin(&[])? {
            Begun::Session(session) => Ok((session, 0)),
            Begun::Mounted => Err(RegistryError::Stopped),
        }
    }

    fn whole(&self, session: Session) -> Result<(), Box<Failed>> {
        let url = with_digest(&session.url, self.digest);
        let memory;
        let body = if self.size <= PIECE {
            memory = self.in_memory().map_err(over)?;
            Body::Bytes(&memory)
        } else {
            Body::Stream(&|| self.opened(), self.size)
        };
        let request = request(Method::PUT, &url)
            .with(CONTENT_TYPE, "application/octet-stream")
            .body(body);
        let sent = self
            .wire
            .send(self.to, &request)
            .and_then(|response| self.confirmed(&response));
        sent.map_err(|error| session.failed(error, false))
    }

    fn pieces(&self, session: Session, length: u64, offset: u64) -> Result<(), Box<Failed>> {
        let mut session = session;
        let length = length.max(session.min_piece);
        if length > LONGEST {
            return self.whole(session);
        }
        let mut offset = offset;
        let mut stream = self.from(offset).map_err(over)?;
        while offset < self.size {
            let mut piece = Vec::new();
            let read = (&mut stream).take(length).read_to_end(&mut piece);
            if let Err(error) = read {
                return Err(over(RegistryError::of_read(error)));
            }
            let end = offset + piece.len() as u64;
            if piece.is_empty() {
                return Err(over(RegistryError::Stopped));
            }
            let request = request(Method::PATCH, &session.url)
                .with(CONTENT_TYPE, "application/octet-stream")
                .with(CONTENT_RANGE, format!("{offset}-{}", end - 1))
                .body(Body::Bytes(&piece));
            let response = match self.wire.send(self.to, &request) {
                Ok(response) => response,
                Err(error) => return Err(session.failed(error, true)),
            };
            let next = location(self.to, &response);
            session.url = next.map_err(over)?;
            let there = received(&response).unwrap_or(end);
            if there != end {
                // It kept a part of the piece.
                if there <= offset || there > end {
                    let error = RegistryError::Unexpected {
                        url: redacted(session.url.as_str()),
                        expected: "what was sent",
                        why: format!("it says that it has {there} bytes of {end}"),
                    };
                    return Err(session.failed(error, true));
                }
                stream = self.from(there).map_err(over)?;
            }
            offset = there;
        }
        let url = with_digest(&session.url, self.digest);
        let sent = self
            .wire
            .send(self.to, &request(Method::PUT, &url))
            .and_then(|response| self.confirmed(&response));
        sent.map_err(|error| session.failed(error, false))
    }

    /// Whether the registry has what we have.
    fn confirmed(&self, response: &Response) -> Result<(), RegistryError> {
        refuse_page(response.url().as_str(), response, "about an upload")?;
        match said_digest(response) {
            Some(found) if found != *self.digest => Err(RegistryError::WrongDigest {
                url: redacted(response.url().as_str()),
                expected: *self.digest,
                found,
            }),
            _ => Ok(()),
        }
    }

    /// The blob's bytes, checked and counted as they pass.
    fn opened(&self) -> Result<Box<dyn Read + Send>, RegistryError> {
        let meter = Arc::clone(self.meter);
        let stream = Checked::new((self.open)()?, self.digest, self.size, meter);
        Ok(Box::new(stream))
    }

    fn in_memory(&self) -> Result<Vec<u8>, RegistryError> {
        let mut bytes = Vec::new();
        self.opened()?
            .read_to_end(&mut bytes)
            .map_err(RegistryError::of_read)?;
        Ok(bytes)
    }

    /// The blob's bytes from `offset`; those before are read too, for the digest.
    fn from(&self, offset: u64) -> Result<Box<dyn Read + Send>, RegistryError> {
        let mut stream = self.opened()?;
        io::copy(&mut (&mut stream).take(offset), &mut io::sink())
            .map_err(RegistryError::of_read)?;
        Ok(stream)
    }
}

fn request(method: Method, url: &Url) -> Request<'_> {
    Request::new(method, At::Session(url), Access::Push)
}

impl Session {
    fn failed(self, error: RegistryError, piece: bool) -> Box<Failed> {
        // What it refused in so many words it would refuse again.
        let good = error.is_worth_a_retry();
        Box::new(Failed {
            error,
            session: good.then_some(self),
            piece,
        })
    }
}

/// A failure after which there is nothing to be taken up.
fn over(error: RegistryError) -> Box<Failed> {
    Box::new(Failed {
        error,
        session: None,
        piece: false,
    })
}

/// Whether another attempt may succeed: also where a session is gone, or where bytes were altered on the way.
fn is_worth_it(error: &RegistryError) -> bool {
    let lost = matches!(
        error,
        RegistryError::Status {
            status: 400 | 404 | 409 | 416,
            ..
        } | RegistryError::WrongDigest { .. }
    );
    error.is_worth_a_retry() || lost
}

/// How many bytes an upload has, by its `Range: 0-123`. No upload of ours has one byte alone, so that `0-0` is none.
fn received(response: &Response) -> Option<u64> {
    let range = response.headers().get(RANGE)?.to_str().ok()?.trim();
    let range = range.strip_prefix("bytes=").unwrap_or(range);
    let (start, last) = range.split_once('-')?;
    let last: u64 = last.trim().parse().ok()?;
    (start.trim() == "0").then_some(if last == 0 { 0 } else { last + 1 })
}

/// The address that ends an upload. What stood in it stays as it was: it may be signed.
fn with_digest(url: &Url, digest: &Digest) -> Url {
    let mut url = url.clone();
    let query = match url.query() {
        Some(query) if !query.is_empty() => format!("{query}&digest={digest}"),
        _ => format!("digest={digest}"),
    };
    url.set_query(Some(&query));
    url
}
