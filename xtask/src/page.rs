//! A page of an app on loopback.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use crate::world::Failure;

/// An answer.
pub(crate) struct Page {
    /// `200` of `HTTP/1.1 200 OK`.
    pub(crate) status: u16,
    /// The body.
    pub(crate) text: String,
}

/// A port that nobody listens on now.
pub(crate) fn free_port() -> Result<u16, Failure> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|cause| Failure::new("no free port on 127.0.0.1", cause))
}

/// Asks `program` for a page; while it starts, nobody answers.
pub(crate) fn get(port: u16, path: &str, program: &mut Child) -> Result<Page, Failure> {
    let begin = Instant::now();
    loop {
        match ask(port, path) {
            Ok(page) => return Ok(page),
            Err(cause) if begin.elapsed() > Duration::from_mins(1) => {
                return Err(Failure::new(
                    format!("no page from port {port} within a minute"),
                    cause,
                ));
            }
            Err(_) => {}
        }
        if let Some(status) = program.try_wait()? {
            return Err(Failure::say(format!(
                "the app ended before it answered ({status})"
            )));
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn ask(port: u16, path: &str) -> std::io::Result<Page> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    read(&String::from_utf8_lossy(&answer))
        .ok_or_else(|| std::io::Error::other("the answer is not HTTP"))
}

fn read(answer: &str) -> Option<Page> {
    let (head, text) = answer.split_once("\r\n\r\n")?;
    let status = head
        .strip_prefix("HTTP/1.")?
        .split(' ')
        .nth(1)?
        .parse()
        .ok()?;
    Some(Page {
        status,
        text: text.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn an_answer_has_a_status_and_a_body() {
        let page = read("HTTP/1.1 404 Not Found\r\nA: b\r\n\r\nline\r\n\r\nline").unwrap();
        assert_eq!((page.status, page.text.as_str()), (404, "line\r\n\r\nline"));
        for wrong in ["", "HTTP/1.1 200 OK\r\n", "SSH-2.0-x\r\n\r\n"] {
            assert!(read(wrong).is_none(), "{wrong}");
        }
    }
}
