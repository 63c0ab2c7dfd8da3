//! The processes below this one, and what they listen on, as Linux tells it (proc(5)).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rustix::process::{Pid, Signal, kill_process};

/// A process below this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Below {
    /// How far below: 1 for a child.
    pub depth: usize,
    /// Its number.
    pub pid: i32,
}

impl Below {
    /// Sends it a signal; one that has ended meanwhile gets none.
    pub(crate) fn signal(self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.pid) {
            let _ = kill_process(pid, signal);
        }
    }
}

/// All processes below this one, in namespaces too, the nearest first.
pub(crate) fn below() -> Vec<Below> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let parent = pid.and_then(parent);
        if let (Some(pid), Some(parent)) = (pid, parent) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let mut found = Vec::new();
    let mut generation = vec![own];
    let mut depth = 0;
    while !generation.is_empty() {
        depth += 1;
        let next = generation.iter().filter_map(|pid| children.remove(pid));
        generation = next.flatten().collect();
        found.extend(generation.iter().map(|&pid| Below { depth, pid }));
    }
    found
}

fn parent(pid: i32) -> Option<i32> {
    // Behind the name of the program, in which anything may stand: state, then parent.
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat).into_owned();
    stat.rsplit_once(')')?
        .1
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()
}

/// The addresses of this network namespace that one of the processes listens on, for TCP. What cannot be looked at is
/// left out.
pub(crate) fn listening(processes: &[Below]) -> BTreeSet<SocketAddr> {
    let sockets: BTreeSet<String> = processes.iter().flat_map(|it| sockets(it.pid)).collect();
    let tables = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];
    let tables = tables.map(|table| fs::read_to_string(table).unwrap_or_default());
    let lines = tables.iter().flat_map(|table| table.lines());
    lines
        .filter_map(listener)
        .filter(|(_, inode)| sockets.contains(*inode))
        .map(|(address, _)| address)
        .collect()
}

/// The inodes of a process's sockets.
fn sockets(pid: i32) -> Vec<String> {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd"));
    let links = descriptors.into_iter().flatten().flatten();
    links
        .filter_map(|entry| {
            let link = fs::read_link(entry.path()).ok()?;
            let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            Some(inode.to_owned())
        })
        .collect()
}

/// Address and inode of a line of `/proc/net/tcp` that is about a socket that listens.
fn listener(line: &str) -> Option<(SocketAddr, &str)> {
    const LISTENS: &str = "0A";
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (address, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
    if *state != LISTENS {
        return None;
    }
    let (ip, port) = address.split_once(':')?;
    let word = |at: usize| u32::from_str_radix(ip.get(at * 8..at * 8 + 8)?, 16).ok();
    let ip: IpAddr = match ip.len() {
        8 => Ipv4Addr::from(word(0)?.to_ne_bytes()).into(),
        32 => {
            let mut bytes = [0; 16];
            for (at, four) in bytes.chunks_exact_mut(4).enumerate() {
                four.copy_from_slice(&word(at)?.to_ne_bytes());
            }
            Ipv6Addr::from(bytes).into()
        }
        _ => return None,
    };
    let port = u16::from_str_radix(port, 16).ok()?;
    Some((SocketAddr::new(ip.to_canonical(), port), inode))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn our_own_listeners_are_found_and_nobody_elses() {
        let local = TcpListener::bind("127.0.0.1:0").unwrap();
        let all = TcpListener::bind("0.0.0.0:0").unwrap();
        let own = Below {
            depth: 0,
            pid: rustix::process::getpid().as_raw_nonzero().get(),
        };
        let found = listening(&[own]);
        for listener in [&local, &all] {
            assert!(found.contains(&listener.local_addr().unwrap()), "{found:?}");
        }
        let none = Below { depth: 1, pid: 1 };
        assert!(!listening(&[none]).contains(&local.local_addr().unwrap()));
    }

    #[test]
    fn children_and_their_children_are_below() {
        let mut child = Command::new("sh")
            .args(["-c", "sleep 60 & echo $!; wait"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let out = std::io::BufReader::new(child.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut { out }, &mut line).unwrap();
        let sleep: i32 = line.trim().parse().unwrap();
        let own = i32::try_from(child.id()).unwrap();
        let found = below();
        let of = |pid| found.iter().find(|it| it.pid == pid).copied();
        assert_eq!(of(own).unwrap().depth, 1);
        assert_eq!(of(sleep).unwrap().depth, 2);
        of(sleep).unwrap().signal(Signal::TERM);
        // The shell waits for it, and ends with it.
        child.wait().unwrap();
    }

    #[test]
    fn lines_of_the_kernel_are_read() {
        let line = "   1: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A \
                    00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0";
        let (address, inode) = listener(line).unwrap();
        assert_eq!((address.to_string().as_str(), inode), ("[::]:8080", "4711"));
        assert_eq!(listener(&line.replace(" 0A ", " 01 ")), None);
        assert_eq!(listener("sl  local_address rem_address   st"), None);
    }
}
