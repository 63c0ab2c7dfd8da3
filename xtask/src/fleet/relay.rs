//! Connections passed on: what listens on loopback is reached at an address of a network between namespaces.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use crate::world::Failure;

/// Passes connections to `port` of `outside` on to the same port of loopback, for the life of this process.
pub(super) fn start(outside: Ipv4Addr, port: u16) -> Result<(), Failure> {
    let from = SocketAddr::from((outside, port));
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    serve(from, to).map(|_| ())
}

/// Passes connections to `from` on to `to`; where it listens.
fn serve(from: SocketAddr, to: SocketAddr) -> Result<SocketAddr, Failure> {
    let failed = |cause| Failure::new(format!("cannot listen on {from}"), cause);
    let listener = TcpListener::bind(from).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    thread::spawn(move || {
        for near in listener.incoming().flatten() {
            // Who was killed ends its own connection and nothing else.
            thread::spawn(move || pass(&near, to).ok());
        }
    });
    Ok(address)
}

fn pass(near: &TcpStream, to: SocketAddr) -> io::Result<()> {
    let far = TcpStream::connect(to)?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    thread::scope(|scope| {
        scope.spawn(|| one_way(near, &far));
        one_way(&far, near);
    });
    Ok(())
}

/// Copies until one side is done. An end passes on as an end; a break ends both directions, or the other would wait on.
fn one_way(mut from: &TcpStream, mut to: &TcpStream) {
    if io::copy(&mut from, &mut to).is_err() {
        from.shutdown(Shutdown::Both).ok();
        to.shutdown(Shutdown::Both).ok();
    } else {
        to.shutdown(Shutdown::Write).ok();
    }
}

/// The ports of loopback that stand in settings.
pub(super) fn ports(settings: &[(&'static str, String)]) -> Vec<u16> {
    let start = format!("{}:", IpAddr::from(Ipv4Addr::LOCALHOST));
    let mut ports: Vec<u16> = settings
        .iter()
        .filter_map(|(_, value)| value.split_once(&start))
        .filter_map(|(_, rest)| {
            let digits = rest.find(|letter: char| !letter.is_ascii_digit());
            rest[..digits.unwrap_or(rest.len())].parse().ok()
        })
        .collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn both_directions_and_both_ends_pass() {
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = TcpListener::bind(nowhere).unwrap();
        let there = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = String::new();
            stream.read_to_string(&mut asked).unwrap();
            write!(stream, "{asked}!").unwrap();
        });
        let mut client = TcpStream::connect(serve(nowhere, there).unwrap()).unwrap();
        client.write_all(b"hello").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "hello!");
        server.join().unwrap();
    }

    #[test]
    fn ports_are_found_in_urls() {
        let settings = [
            ("A", "docker.io=http://127.0.0.1:5000".to_owned()),
            ("B", "http://127.0.0.1:5001/builds".to_owned()),
            ("C", "http://127.0.0.1:5000/".to_owned()),
            ("D", "/var/cache".to_owned()),
        ];
        assert_eq!(ports(&settings), [5000, 5001]);
    }
}
