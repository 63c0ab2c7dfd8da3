//! A wire that fails: it carries bytes to a server and back, and does to each connection what it is told.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What happens to one connection. Bytes are counted from its beginning, heads of messages among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It ends when so many bytes went to the server.
    CutRequest(usize),
    /// It ends when so many bytes came back.
    CutAnswer(usize),
    /// Nothing more comes back after so many bytes.
    StallAnswer(usize),
    /// This byte is another one when it reaches the server.
    AlterRequest(usize),
    /// This byte is another one when it comes back.
    AlterAnswer(usize),
}

/// First lines of requests.
type Requests = Arc<Mutex<Vec<String>>>;

/// The wire; dropped, it takes no more connections.
pub struct FaultProxy {
    address: SocketAddr,
    faults: Arc<Mutex<VecDeque<Fault>>>,
    requests: Requests,
    stopped: Arc<AtomicBool>,
}

impl FaultProxy {
    /// Starts on a free port of the loopback, before the server at `to` (`host:port`).
    pub fn start(to: &str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let proxy = Self {
            address: listener.local_addr()?,
            faults: Arc::default(),
            requests: Requests::default(),
            stopped: Arc::new(AtomicBool::new(false)),
        };
        let (to, faults) = (to.to_owned(), Arc::clone(&proxy.faults));
        let (stopped, requests) = (Arc::clone(&proxy.stopped), Arc::clone(&proxy.requests));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let fault = lock(&faults).pop_front();
                if let Ok(server) = TcpStream::connect(&to) {
                    carry(client, server, fault, &requests);
                }
            }
        });
        Ok(proxy)
    }

    /// Host and port.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Has the next connections fail so, one after another; those after them are well.
    pub fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        lock(&self.faults).extend(faults);
    }

    /// The first lines of all requests that passed since this was asked last: `GET /v2/`. One is seen where it begins what
    /// comes at once, as clients send them.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.requests))
    }

    /// How many of the faults no connection has met yet.
    pub fn left(&self) -> usize {
        lock(&self.faults).len()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener up to see it.
        let _ = TcpStream::connect(self.address);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Carries both ways, each in a thread of its own. Whoever goes away ends it for both.
fn carry(client: TcpStream, server: TcpStream, fault: Option<Fault>, requests: &Requests) {
    let (mut cut, mut alter) = ([None; 2], [None; 2]);
    let mut stall = None;
    match fault {
        Some(Fault::CutRequest(at)) => cut[0] = Some(at),
        Some(Fault::CutAnswer(at)) => cut[1] = Some(at),
        Some(Fault::StallAnswer(at)) => stall = Some(at),
        Some(Fault::AlterRequest(at)) => alter[0] = Some(at),
        Some(Fault::AlterAnswer(at)) => alter[1] = Some(at),
        None => {}
    }
    let ways = [
        client.try_clone().ok().zip(server.try_clone().ok()),
        Some((server, client)),
    ];
    for (way, streams) in ways.into_iter().enumerate() {
        let Some((from, to)) = streams else { continue };
        let (cut, alter) = (cut[way], alter[way]);
        let stall = stall.filter(|_| way == 1);
        let requests = (way == 0).then(|| Arc::clone(requests));
        std::thread::spawn(move || {
            let seen = |bytes: &[u8]| {
                if let (Some(requests), Some(line)) = (&requests, first_line(bytes)) {
                    lock(requests).push(line);
                }
            };
            let _ = one_way(&from, &to, cut.or(stall), alter, &seen);
            if stall.is_some() {
                // Until the other side gives up.
                let _ = (&to).read(&mut [0]);
            }
            for stream in [&from, &to] {
                let _ = stream.shutdown(Shutdown::Both);
            }
        });
    }
}

/// Method and path, where a request begins here.
fn first_line(bytes: &[u8]) -> Option<String> {
    let line = bytes.split(|byte| *byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?.strip_suffix(" HTTP/1.1")?;
    Some(line.to_owned())
}

fn one_way(
    mut from: &TcpStream,
    mut to: &TcpStream,
    most: Option<usize>,
    alter: Option<usize>,
    seen: &dyn Fn(&[u8]),
) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    let mut done = 0;
    loop {
        let left = most.map_or(buffer.len(), |most| most.saturating_sub(done));
        if left == 0 {
            return Ok(());
        }
        let length = left.min(buffer.len());
        let read = from.read(&mut buffer[..length])?;
        if read == 0 {
            return Ok(());
        }
        seen(&buffer[..read]);
        if let Some(at) = alter.filter(|at| (done..done + read).contains(at)) {
            buffer[at - done] ^= 1;
        }
        to.write_all(&buffer[..read])?;
        done += read;
    }
}
