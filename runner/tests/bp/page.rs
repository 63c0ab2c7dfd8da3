//! A page, asked for as a browser would.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// The answer with its head, as soon as somebody listens.
pub(crate) fn get(port: u16, path: &str, until: Instant) -> io::Result<String> {
    loop {
        match ask(port, path) {
            Ok(answer) if !answer.is_empty() => return Ok(answer),
            Err(error) if Instant::now() > until => return Err(error),
            Ok(_) if Instant::now() > until => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

fn ask(port: u16, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
