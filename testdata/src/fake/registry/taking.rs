//! The side of the registry that takes things in: mounts, uploads whole and in pieces, manifests.

use std::collections::BTreeMap;

use buildpack_core::digest::Digest;

use super::Content;
use super::message::{Reply, Seen, values};

/// How the registry takes things.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taking {
    /// Whether it mounts nothing, and opens an upload instead.
    pub no_mounts: bool,
    /// Whether it takes no pieces: the answer to one is 405.
    pub no_pieces: bool,
    /// The longest body it takes; the answer to a longer one is 413.
    pub most: Option<usize>,
    /// The shortest piece that it takes, which it says in `OCI-Chunk-Min-Length`.
    pub least: Option<usize>,
    /// Whether the addresses of uploads hold the host.
    pub absolute: bool,
}

/// An upload that is not finished.
#[derive(Default)]
pub(super) struct Session {
    repository: String,
    bytes: Vec<u8>,
}

pub(super) type Sessions = BTreeMap<String, Session>;

/// Answers what writes, and questions about uploads.
pub(super) fn taken(request: &Seen, body: Vec<u8>, content: &mut Content) -> Reply {
    let (path, query) = request.target();
    let path = path.trim_start_matches("/v2/").to_owned();
    if content.taking.most.is_some_and(|most| body.len() > most) {
        return Reply::error(413, "SIZE_INVALID");
    }
    if let Some((repository, name)) = path.split_once("/manifests/") {
        return manifest(request, repository, name, &body, content);
    }
    let Some((repository, id)) = path.split_once("/blobs/uploads/") else {
        return Reply::error(405, "UNSUPPORTED");
    };
    match request.method() {
        "POST" => begun(repository, query, content),
        "GET" => match content.sessions.get(id) {
            Some(session) => at(
                Reply::new(204, "text/plain", ""),
                repository,
                id,
                session.bytes.len(),
                content,
            ),
            None => Reply::error(404, "BLOB_UPLOAD_UNKNOWN"),
        },
        "PATCH" => piece(request, repository, id, body, content),
        "PUT" => finished(repository, id, query, &body, content),
        _ => Reply::error(405, "UNSUPPORTED"),
    }
}

/// The head of an answer about an upload.
fn at(reply: Reply, repository: &str, id: &str, length: usize, content: &Content) -> Reply {
    let path = format!("/v2/{repository}/blobs/uploads/{id}?state=a%2Fb&at={length}");
    let host = match content.elsewhere {
        Some(address) => format!("http://{address}"),
        None if content.taking.absolute => format!("http://{}", content.address),
        None => String::new(),
    };
    let mut reply = reply
        .with("Location", format!("{host}{path}"))
        .with("Range", format!("0-{}", length.saturating_sub(1)));
    if let Some(least) = content.taking.least {
        reply = reply.with("OCI-Chunk-Min-Length", least.to_string());
    }
    reply
}

fn begun(repository: &str, query: &str, content: &mut Content) -> Reply {
    let mount = values(query, "mount").pop();
    let from = values(query, "from").pop();
    if let (Some(digest), Some(from), false) = (mount, from, content.taking.no_mounts)
        && content.held.contains(&(from, digest.clone()))
    {
        content.held.insert((repository.to_owned(), digest.clone()));
        return Reply::new(201, "text/plain", "").with("Docker-Content-Digest", digest);
    }
    content.begun += 1;
    let id = format!("upload-{}", content.begun);
    let session = Session {
        repository: repository.to_owned(),
        bytes: Vec::new(),
    };
    content.sessions.insert(id.clone(), session);
    at(
        Reply::new(202, "text/plain", ""),
        repository,
        &id,
        0,
        content,
    )
}

fn piece(
    request: &Seen,
    repository: &str,
    id: &str,
    body: Vec<u8>,
    content: &mut Content,
) -> Reply {
    if content.taking.no_pieces {
        return Reply::error(405, "UNSUPPORTED");
    }
    let range = request.headers.get("content-range").cloned();
    let Some(session) = content.sessions.get_mut(id) else {
        return Reply::error(404, "BLOB_UPLOAD_UNKNOWN");
    };
    let there = session.bytes.len();
    let expected = format!("{there}-{}", there + body.len() - 1);
    if range.as_ref() != Some(&expected) {
        return Reply::error(416, "RANGE_INVALID");
    }
    session.bytes.extend(body);
    let length = session.bytes.len();
    at(
        Reply::new(202, "text/plain", ""),
        repository,
        id,
        length,
        content,
    )
}

fn finished(repository: &str, id: &str, query: &str, body: &[u8], content: &mut Content) -> Reply {
    // What was in the address has to come back as it was.
    if !query.starts_with("state=a%2Fb&at=") {
        return Reply::error(400, "BLOB_UPLOAD_INVALID");
    }
    let Some(mut session) = content.sessions.remove(id) else {
        return Reply::error(404, "BLOB_UPLOAD_UNKNOWN");
    };
    session.bytes.extend(body);
    let digest = Digest::of(&session.bytes).to_string();
    if values(query, "digest") != [digest.clone()] || session.repository != repository {
        return Reply::error(400, "DIGEST_INVALID");
    }
    content.held.insert((repository.to_owned(), digest.clone()));
    content.blobs.insert(digest.clone(), session.bytes);
    Reply::new(201, "text/plain", "").with("Docker-Content-Digest", digest)
}

/// Keeps what came of a piece before the connection broke.
pub(super) fn cut(request: &Seen, body: Vec<u8>, content: &mut Content) {
    let id = request.target().0.rsplit('/').next().unwrap_or_default();
    if let Some(session) = content.sessions.get_mut(id) {
        session.bytes.extend(body);
    }
}

fn manifest(
    request: &Seen,
    repository: &str,
    name: &str,
    body: &[u8],
    content: &mut Content,
) -> Reply {
    let text = String::from_utf8_lossy(body);
    let named = text.split('"').filter(|word| word.starts_with("sha256:"));
    let mut unknown = named.filter(|digest| {
        let held = (repository.to_owned(), (*digest).to_owned());
        !content.everywhere.contains(*digest) && !content.held.contains(&held)
    });
    if unknown.next().is_some() {
        return Reply::error(400, "MANIFEST_BLOB_UNKNOWN");
    }
    let kind = request.headers.get("content-type").cloned();
    let kind = kind.unwrap_or_default();
    let digest = Digest::of(body).to_string();
    for name in [name, digest.as_str()] {
        content.manifests.insert(
            format!("{repository}/manifests/{name}"),
            (kind.clone(), body.to_owned()),
        );
    }
    Reply::new(201, "text/plain", "").with("Docker-Content-Digest", digest)
}
