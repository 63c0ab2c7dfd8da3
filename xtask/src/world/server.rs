//! A file server on loopback: a thread for each connection, the standard library only.
//!
//! GET and HEAD, keep-alive, one byte range, `ETag` and `If-None-Match`: what downloaders rely on and no more.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::UNIX_EPOCH;

use fs_err::File;

use super::Failure;

/// Tried first, so that addresses stay the same from run to run.
const USUAL_PORT: u16 = 24_800;
const LONGEST_LINE: u64 = 16 * 1024;

/// Serves the folder for the life of this process; gives the address.
pub(crate) fn serve(root: PathBuf) -> Result<SocketAddr, Failure> {
    let listener = TcpListener::bind(("127.0.0.1", USUAL_PORT))
        .or_else(|_| TcpListener::bind(("127.0.0.1", 0)))
        .map_err(|cause| Failure::new("cannot listen on 127.0.0.1", cause))?;
    let address = listener
        .local_addr()
        .map_err(|cause| Failure::new("cannot tell the address of the file server", cause))?;
    let root = Arc::new(root);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let root = Arc::clone(&root);
            // A client that goes away ends its own connection and nothing else.
            thread::spawn(move || converse(&stream, &root).ok());
        }
    });
    Ok(address)
}

/// What a request asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Request {
    method: String,
    target: String,
    close: bool,
    range: Option<String>,
    if_none_match: Option<String>,
}

fn converse(stream: &TcpStream, root: &Path) -> io::Result<()> {
    // Head and body are written apart: without this, the body waits for the head's acknowledgement.
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut out = stream;
    while let Some(request) = read_request(&mut reader)? {
        answer(&request, root, &mut out)?;
        if request.close {
            break;
        }
    }
    Ok(())
}

/// Reads one request's head; none when the client is done. Bodies are not expected.
fn read_request(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let first = read_line(reader)?;
    let mut words = first.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Ok(None);
    };
    let mut request = Request {
        method: method.to_owned(),
        target: target.to_owned(),
        close: words.next() == Some("HTTP/1.0"),
        ..Request::default()
    };
    loop {
        let line = read_line(reader)?;
        let Some((name, value)) = line.split_once(':') else {
            return Ok(Some(request));
        };
        let value = value.trim().to_owned();
        match name.to_ascii_lowercase().as_str() {
            "connection" => request.close |= value.eq_ignore_ascii_case("close"),
            "range" => request.range = Some(value),
            "if-none-match" => request.if_none_match = Some(value),
            _ => {}
        }
    }
}

fn read_line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    reader.take(LONGEST_LINE).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

fn answer(request: &Request, root: &Path, out: &mut impl Write) -> io::Result<()> {
    let with_body = match request.method.as_str() {
        "GET" => true,
        "HEAD" => false,
        _ => return plain(out, "405 Method Not Allowed", "only GET and HEAD\n", true),
    };
    let Some(mut file) = locate(root, &request.target) else {
        return plain(out, "404 Not Found", "no such file\n", with_body);
    };
    let meta = file.metadata()?;
    let stamp = meta
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .map_or(0, |age| age.as_secs());
    let tag = format!("\"{stamp:x}-{:x}\"", meta.len());
    if request.if_none_match.as_deref() == Some(tag.as_str()) {
        return write!(
            out,
            "HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\nContent-Length: 0\r\n\r\n"
        );
    }
    let (status, start, length, content_range) = match span(request.range.as_deref(), meta.len()) {
        Span::Whole => ("200 OK", 0, meta.len(), String::new()),
        Span::Part(from, to) => (
            "206 Partial Content",
            from,
            to - from + 1,
            format!("Content-Range: bytes {from}-{to}/{}\r\n", meta.len()),
        ),
        Span::Outside => {
            return write!(
                out,
                "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */{}\r\nContent-Length: 0\r\n\r\n",
                meta.len()
            );
        }
    };
    write!(
        out,
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nContent-Type: {}\r\nAccept-Ranges: bytes\r\nETag: {tag}\r\n{content_range}\r\n",
        content_type(&request.target)
    )?;
    if with_body {
        file.seek(SeekFrom::Start(start))?;
        io::copy(&mut file.take(length), out)?;
    }
    out.flush()
}

fn plain(out: &mut impl Write, status: &str, body: &str, with_body: bool) -> io::Result<()> {
    let shown = if with_body { body } else { "" };
    write!(
        out,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nContent-Type: text/plain\r\n\r\n{shown}",
        body.len()
    )
}

/// The regular file that a request target names, never one outside the root.
fn locate(root: &Path, target: &str) -> Option<File> {
    let path = decode(target.split(['?', '#']).next()?)?;
    let relative = Path::new(path.trim_start_matches('/'));
    let inside = relative
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let path = root.join(relative);
    (inside && path.is_file())
        .then(|| File::open(path).ok())
        .flatten()
}

/// Undoes percent encoding; none when it is broken.
fn decode(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            let code = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(code, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

#[derive(Debug, PartialEq, Eq)]
enum Span {
    Whole,
    Part(u64, u64),
    Outside,
}

/// What a `Range` header asks of a file of this length; what is not one range of bytes is not heeded.
fn span(range: Option<&str>, length: u64) -> Span {
    let Some((from, to)) = range
        .and_then(|range| range.strip_prefix("bytes="))
        .and_then(|range| range.split_once('-'))
    else {
        return Span::Whole;
    };
    let last = length.saturating_sub(1);
    match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(from), _) if from >= length => Span::Outside,
        (Ok(from), Ok(to)) if from <= to => Span::Part(from, to.min(last)),
        (Ok(from), Err(_)) if to.is_empty() => Span::Part(from, last),
        (Err(_), Ok(tail)) if from.is_empty() && tail > 0 && length > 0 => {
            Span::Part(length.saturating_sub(tail), last)
        }
        _ => Span::Whole,
    }
}

fn content_type(target: &str) -> &'static str {
    match target.rsplit('.').next() {
        Some("txt" | "csv") => "text/plain",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(root: &Path, request: &str) -> String {
        let mut stream = TcpStream::connect(serve(root.to_owned()).unwrap()).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn folder() -> tempfile::TempDir {
        let outer = tempfile::tempdir().unwrap();
        fs_err::create_dir(outer.path().join("root")).unwrap();
        fs_err::write(outer.path().join("root/a b.txt"), "0123456789").unwrap();
        fs_err::write(outer.path().join("secret"), "secret").unwrap();
        outer
    }

    #[test]
    fn one_connection_carries_several_requests() {
        let folder = folder();
        let answer = ask(
            &folder.path().join("root"),
            "GET /a%20b.txt HTTP/1.1\r\nRange: bytes=2-3\r\n\r\n\
             HEAD /a%20b.txt HTTP/1.1\r\n\r\n\
             GET /none HTTP/1.1\r\n\r\n\
             PUT /a%20b.txt HTTP/1.1\r\nConnection: close\r\n\r\n",
        );
        let statuses: Vec<&str> = answer
            .match_indices("HTTP/1.1 ")
            .map(|(at, _)| &answer[at + 9..at + 12])
            .collect();
        assert_eq!(statuses, ["206", "200", "404", "405"]);
        assert!(answer.contains("Content-Range: bytes 2-3/10\r\n"));
        assert!(answer.contains("\r\n\r\n23HTTP/1.1 200 OK\r\nContent-Length: 10\r\n"));
    }

    #[test]
    fn a_known_tag_is_answered_without_a_body() {
        let folder = folder();
        let root = folder.path().join("root");
        let first = ask(&root, "GET /a%20b.txt HTTP/1.0\r\n\r\n");
        let tag = first
            .lines()
            .find_map(|line| line.strip_prefix("ETag: "))
            .unwrap();
        let again = ask(
            &root,
            &format!("GET /a%20b.txt HTTP/1.0\r\nIf-None-Match: {tag}\r\n\r\n"),
        );
        assert!(again.starts_with("HTTP/1.1 304 "));
    }

    #[test]
    fn nothing_outside_the_root_is_served() {
        let folder = folder();
        let root = folder.path().join("root");
        for target in [
            "/../secret",
            "/%2e%2e/secret",
            "/%2E%2e%2fsecret",
            "/%zz",
            "//",
            "/",
        ] {
            let answer = ask(&root, &format!("GET {target} HTTP/1.0\r\n\r\n"));
            assert!(answer.starts_with("HTTP/1.1 404 "), "{target}: {answer}");
        }
    }

    #[test]
    fn ranges_are_clamped_or_refused() {
        assert_eq!(span(Some("bytes=0-"), 10), Span::Part(0, 9));
        assert_eq!(span(Some("bytes=-4"), 10), Span::Part(6, 9));
        assert_eq!(span(Some("bytes=5-99"), 10), Span::Part(5, 9));
        assert_eq!(span(Some("bytes=10-"), 10), Span::Outside);
        assert_eq!(span(Some("bytes=4-2"), 10), Span::Whole);
        assert_eq!(span(Some("items=1-2"), 10), Span::Whole);
    }
}
