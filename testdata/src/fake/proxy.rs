//! A forward proxy: it passes plain requests on, opens tunnels for TLS, knows names that no resolver knows, and remembers
//! what it was asked for.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::origin::Seen;

struct State {
    /// Names that only the proxy can resolve.
    names: BTreeMap<String, String>,
    /// What `Proxy-Authorization` must say; anything where it is none.
    authorization: Option<String>,
    seen: Mutex<Vec<Seen>>,
    stopped: AtomicBool,
}

/// The proxy; dropped, it stops.
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
}

impl Proxy {
    /// Starts on a free port of the loopback. Each of `names` is another name for an address of this machine;
    /// `authorization` is what `Proxy-Authorization` of every request has to be, if anything.
    pub fn start(names: &[(&str, &str)], authorization: Option<&str>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let names = names.iter();
        let state = Arc::new(State {
            names: names
                .map(|(name, address)| ((*name).to_owned(), (*address).to_owned()))
                .collect(),
            authorization: authorization.map(str::to_owned),
            seen: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&shared);
                // A client that goes away early is part of the game.
                std::thread::spawn(move || drop(serve(stream, &shared)));
            }
        });
        Ok(Self { address, state })
    }

    /// Host and port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All requests so far: `CONNECT registry.npmjs.org:443 HTTP/1.1`, `GET http://hex.invalid/names HTTP/1.1`.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.state.seen).clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        let _ = TcpStream::connect(self.address);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One request a connection: a client that wants more opens another.
fn serve(mut client: TcpStream, state: &State) -> io::Result<()> {
    let Some(seen) = read_head(&mut client)? else {
        return Ok(());
    };
    lock(&state.seen).push(seen.clone());
    if state.authorization.is_some()
        && seen.headers.get("proxy-authorization") != state.authorization.as_ref()
    {
        return client.write_all(
            b"HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm=\"proxy\"\r\n\
              content-length: 0\r\nconnection: close\r\n\r\n",
        );
    }
    let mut words = seen.line.split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Ok(());
    };
    if method == "CONNECT" {
        let Ok(server) = state.connect(target) else {
            return client.write_all(b"HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\n\r\n");
        };
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
        return pass_on(client, server);
    }
    let Some((authority, path)) = split(target) else {
        return client.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
    };
    let Ok(mut server) = state.connect(&with_port(authority)) else {
        return client.write_all(b"HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\n\r\n");
    };
    write!(server, "{method} {path} HTTP/1.1\r\n")?;
    for (name, value) in &seen.headers {
        if !matches!(
            name.as_str(),
            "proxy-authorization" | "proxy-connection" | "connection"
        ) {
            write!(server, "{name}: {value}\r\n")?;
        }
    }
    write!(server, "connection: close\r\n\r\n")?;
    // The client must not think that the connection stays.
    let Some(answer) = read_head(&mut server)? else {
        return Ok(());
    };
    write!(client, "{}\r\n", answer.line)?;
    for (name, value) in answer
        .headers
        .iter()
        .filter(|(name, _)| *name != "connection")
    {
        write!(client, "{name}: {value}\r\n")?;
    }
    write!(client, "connection: close\r\n\r\n")?;
    pass_on(client, server)
}

impl State {
    fn connect(&self, authority: &str) -> io::Result<TcpStream> {
        let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "443"));
        let host = self.names.get(host).map_or(host, String::as_str);
        TcpStream::connect(format!("{host}:{port}"))
    }
}

/// `http://host:1/path` as its host with port and the rest.
fn split(target: &str) -> Option<(&str, &str)> {
    let rest = target.strip_prefix("http://")?;
    let at = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(at);
    Some((authority, if path.is_empty() { "/" } else { path }))
}

fn with_port(authority: &str) -> String {
    if authority.contains(':') {
        authority.to_owned()
    } else {
        format!("{authority}:80")
    }
}

fn read_head(stream: &mut TcpStream) -> io::Result<Option<Seen>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    Ok(Some(Seen::read(&String::from_utf8_lossy(&head))))
}

/// Carries bytes both ways until one side is done.
fn pass_on(client: TcpStream, server: TcpStream) -> io::Result<()> {
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    let up = std::thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let (mut from_server, mut to_client) = (server, client);
    let _ = io::copy(&mut from_server, &mut to_client);
    let _ = to_client.shutdown(Shutdown::Both);
    let _ = up.join();
    Ok(())
}
