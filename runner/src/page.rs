//! Waits for a port and asks it for a page.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// What a page's answer was.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Where the server sends who asks, if it does so.
    pub location: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// A port that nobody listens on at this moment.
pub(crate) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

/// Whether nobody listens on `port` at this moment.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
}

/// Asks `port` for `path` as soon as it answers. `gone` is asked meanwhile whether waiting still makes sense.
pub(crate) fn page(
    port: u16,
    path: &str,
    patience: Duration,
    gone: &mut dyn FnMut() -> bool,
) -> io::Result<Answer> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let deadline = Instant::now() + patience;
    loop {
        match TcpStream::connect_timeout(&address, Duration::from_secs(1)) {
            Ok(stream) if !to_itself(&stream) => return ask(stream, port, path, deadline),
            Ok(_) => {}
            Err(_) if gone() => return Err(io::ErrorKind::ConnectionAborted.into()),
            Err(_) if Instant::now() >= deadline => return Err(io::ErrorKind::TimedOut.into()),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// Redirects beyond this count are not followed.
const MOST_REDIRECTS: usize = 5;

/// Asks as [`page`] does, and goes where redirects lead as long as that is the same server. Gives the last path, too.
pub(crate) fn visit(
    port: u16,
    path: &str,
    patience: Duration,
    gone: &mut dyn FnMut() -> bool,
) -> io::Result<(String, Answer)> {
    let mut path = path.to_owned();
    let mut answer = page(port, &path, patience, gone)?;
    for _ in 0..MOST_REDIRECTS {
        let redirects = (300..400).contains(&answer.status);
        let to = answer.location.as_deref().filter(|_| redirects);
        let Some(next) = to.and_then(|to| same_server(to, port)) else {
            break;
        };
        answer = page(port, &next, patience, gone)?;
        path = next;
    }
    Ok((path, answer))
}

/// The path that a redirect leads to, where that is on the server at `port` of this machine.
fn same_server(location: &str, port: u16) -> Option<String> {
    let whole = format!("http://localhost:{port}");
    let path = location.strip_prefix(&whole).unwrap_or(location);
    let path = path.split('#').next().unwrap_or_default();
    // `//host/` is another server's.
    (path.starts_with('/') && !path.starts_with("//")).then(|| path.to_owned())
}

/// Whether somebody listens on `port` at this moment.
pub(crate) fn listens(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5));
    stream.is_ok_and(|stream| !to_itself(&stream))
}

/// Whether the kernel gave this end the very port that nobody listens on, so that it talks to itself.
fn to_itself(stream: &TcpStream) -> bool {
    match (stream.local_addr(), stream.peer_addr()) {
        (Ok(here), Ok(there)) => here == there,
        _ => true,
    }
}

fn ask(mut stream: TcpStream, port: u16, path: &str, deadline: Instant) -> io::Result<Answer> {
    let left = deadline
        .saturating_duration_since(Instant::now())
        .max(Duration::from_secs(5));
    stream.set_read_timeout(Some(left))?;
    let request = format!(
        "GET {path} HTTP/1.0\r\nHost: localhost:{port}\r\nUser-Agent: bp\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    // A server that resets after its answer has still answered.
    if let Err(error) = stream.take(64 << 20).read_to_end(&mut answer)
        && answer.is_empty()
    {
        return Err(error);
    }
    parse(&answer).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "this is not HTTP"))
}

fn parse(answer: &[u8]) -> Option<Answer> {
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let text = String::from_utf8_lossy(&answer[..head]);
    let mut lines = text.lines();
    let mut words = lines.next()?.split(' ');
    words.next().filter(|word| word.starts_with("HTTP/"))?;
    let mut fields = lines.filter_map(|line| line.split_once(':'));
    let location = fields.find(|(name, _)| name.eq_ignore_ascii_case("location"));
    Some(Answer {
        status: words.next()?.parse().ok()?,
        location: location.map(|(_, value)| value.trim().to_owned()),
        body: answer[head + 4..].to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn served(text: &'static str) -> io::Result<Answer> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let _ = stream.read(&mut request).unwrap();
            stream.write_all(text.as_bytes()).unwrap();
        });
        let answer = page(port, "/", Duration::from_secs(5), &mut || false);
        server.join().unwrap();
        answer
    }

    #[test]
    fn reads_the_status_and_refuses_what_is_no_http() {
        let answer = served("HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\nmoved").unwrap();
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (302, &b"moved"[..])
        );
        assert_eq!(answer.location.as_deref(), Some("/x"));
        assert_eq!(
            served("220 mail.example ready\r\n\r\n").unwrap_err().kind(),
            io::ErrorKind::InvalidData
        );
    }

    #[test]
    fn a_redirect_is_followed_on_the_same_server_alone() {
        for (location, path) in [
            ("/login?to=%2F#top", Some("/login?to=%2F")),
            ("http://localhost:4000/x", Some("/x")),
            ("https://localhost:4000/x", None),
            ("http://localhost:40001/x", None),
            ("//example.org/", None),
            ("https://example.org/", None),
            ("next", None),
        ] {
            assert_eq!(same_server(location, 4000).as_deref(), path, "{location}");
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let answers = [
                "HTTP/1.1 302 Found\r\nlocation: /login\r\n\r\n",
                "HTTP/1.1 303 See Other\r\nLocation: https://example.org/\r\n\r\n",
            ];
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 512]).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        let (path, answer) = visit(port, "/", Duration::from_secs(5), &mut || false).unwrap();
        assert_eq!((path.as_str(), answer.status), ("/login", 303));
        server.join().unwrap();
    }

    #[test]
    fn gives_up_when_the_program_is_gone() {
        let port = free_port().unwrap();
        let error = page(port, "/", Duration::from_mins(1), &mut || true).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    }
}
