//! A network namespace for each builder, joined by a bridge on which the test world can be reached.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};

use fs_err as fs;

use super::relay;
use crate::debian;
use crate::world::{Failure, World};

/// The network of the bridge; the last part of an address is the builder's number.
const NETWORK: [u8; 3] = [10, 213, 77];

/// The bridge's own address: the first of its network.
const GATEWAY: Ipv4Addr = Ipv4Addr::new(NETWORK[0], NETWORK[1], NETWORK[2], 1);

/// The most builders that a network is made for.
pub(super) const MOST: usize = 64;

/// Bridge and namespaces; gone when dropped.
pub(super) struct Network {
    /// Makes the names of two runs at once different.
    id: u32,
    builders: usize,
}

/// Bytes over a builder's interface.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Moved {
    /// That it got.
    pub(super) got: u64,
    /// That it sent.
    pub(super) sent: u64,
}

impl Network {
    /// Makes `builders` namespaces, of which each reaches the world and nothing else.
    ///
    /// # Errors
    ///
    /// If this is not root, or another run has the network.
    pub(super) fn make(builders: usize, world: &World) -> Result<Self, Failure> {
        only_root()?;
        debian::need(&[("ip", "iproute2"), ("nsenter", "util-linux")])?;
        sweep()?;
        let network = Self {
            id: std::process::id(),
            builders,
        };
        let bridge = network.bridge();
        ip(&["link", "add", &bridge, "type", "bridge"])?;
        ip(&["addr", "add", &format!("{GATEWAY}/24"), "dev", &bridge])?;
        ip(&["link", "set", &bridge, "up"])?;
        for builder in 0..builders {
            network.join(builder)?;
        }
        for port in relay::ports(world.settings()) {
            relay::start(GATEWAY, port)?;
        }
        Ok(network)
    }

    /// A namespace with an end of a cable whose other end is in the bridge.
    fn join(&self, builder: usize) -> Result<(), Failure> {
        let (space, cable, bridge) = (self.space(builder), self.cable(builder), self.bridge());
        let [a, b, c] = NETWORK;
        let address = format!("{a}.{b}.{c}.{}/24", builder + 2);
        ip(&["netns", "add", &space])?;
        ip(&[
            "link", "add", &cable, "type", "veth", "peer", "name", "eth0", "netns", &space,
        ])?;
        ip(&["link", "set", &cable, "master", &bridge, "up"])?;
        ip(&["-n", &space, "addr", "add", &address, "dev", "eth0"])?;
        ip(&["-n", &space, "link", "set", "eth0", "up"])?;
        ip(&["-n", &space, "link", "set", "lo", "up"])
    }

    /// A command that runs `program` in a builder's namespace, and ends with this process.
    pub(super) fn command(&self, builder: usize, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/run/netns/{}", self.space(builder)))
            .args(["--", "setpriv", "--pdeathsig", "KILL", "--"])
            .arg(program)
            .stdin(Stdio::null());
        command
    }

    /// What went over a builder's cable so far.
    pub(super) fn moved(&self, builder: usize) -> Moved {
        let read = |name: &str| {
            let cable = self.cable(builder);
            let path = format!("/sys/class/net/{cable}/statistics/{name}");
            let text = fs::read_to_string(path).unwrap_or_default();
            text.trim().parse().unwrap_or_default()
        };
        // Counted at the bridge's end: what that sent, the builder got.
        Moved {
            got: read("tx_bytes"),
            sent: read("rx_bytes"),
        }
    }

    /// The world's settings as they are for builders.
    pub(super) fn settings(world: &World) -> Vec<(&'static str, String)> {
        let here = format!("//{}:", Ipv4Addr::LOCALHOST);
        let there = format!("//{GATEWAY}:");
        let settings = world.settings().iter();
        settings
            .map(|(name, value)| (*name, value.replace(&here, &there)))
            .collect()
    }

    fn bridge(&self) -> String {
        format!("bpf{}", self.id)
    }

    fn cable(&self, builder: usize) -> String {
        format!("bpf{}-{builder}", self.id)
    }

    fn space(&self, builder: usize) -> String {
        format!("bp-fleet-{}-{builder}", self.id)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // A cable goes with its namespace. What was not made can't be removed.
        for builder in 0..self.builders {
            ip(&["link", "delete", &self.cable(builder)]).ok();
            ip(&["netns", "delete", &self.space(builder)]).ok();
        }
        ip(&["link", "delete", &self.bridge()]).ok();
    }
}

/// Says so to anybody else, before anything is built.
pub(super) fn only_root() -> Result<(), Failure> {
    use std::os::unix::fs::MetadataExt;
    if fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
        return Ok(());
    }
    Err(Failure::say(
        "only root may make network namespaces: run `cargo xtask fleet` as root",
    ))
}

/// Removes what runs left that were killed: their bridges have our address.
fn sweep() -> Result<(), Failure> {
    let runs = names("/run/netns")
        .into_iter()
        .chain(names("/sys/class/net"))
        .filter_map(|name| run_of(&name));
    for id in runs.collect::<BTreeSet<u32>>() {
        if Path::new("/proc").join(id.to_string()).exists() {
            return Err(Failure::say(format!(
                "process {id} has the builders' network: one fleet at a time"
            )));
        }
        let builders = MOST;
        drop(Network { id, builders });
    }
    Ok(())
}

/// The process that made a namespace or an interface of this name.
fn run_of(name: &str) -> Option<u32> {
    let rest = name
        .strip_prefix("bp-fleet-")
        .or_else(|| name.strip_prefix("bpf"))?;
    rest.split('-').next()?.parse().ok()
}

/// The names in a folder; none where there is no such folder.
fn names(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

fn ip(arguments: &[&str]) -> Result<(), Failure> {
    let ended = Command::new("ip")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|cause| Failure::new("cannot start `ip`", cause))?;
    if ended.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
    Err(Failure::new(format!("`ip {}`", arguments.join(" ")), said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_whose_they_are() {
        let network = Network {
            id: 4_194_304,
            builders: 0,
        };
        let last = MOST - 1;
        for name in [network.bridge(), network.cable(last), network.space(last)] {
            assert_eq!(run_of(&name), Some(network.id), "{name}");
        }
        // What the kernel takes for an interface's name.
        assert!(network.cable(last).len() <= 15);
        for foreign in ["bpfilter", "eth0", "bp-fleet-", "docker0"] {
            assert_eq!(run_of(foreign), None, "{foreign}");
        }
    }
}
