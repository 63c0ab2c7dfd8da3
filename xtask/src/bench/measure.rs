//! Times, memory, and the machine on which they were taken.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use fs_err as fs;

use crate::world::Failure;

/// How often each figure is taken.
pub(super) const TIMES: usize = 5;

/// How often a figure of milliseconds is taken.
pub(super) const MANY: usize = 25;

/// Runs a program that has to succeed; what it printed. Its errors are shown when it fails.
pub(super) fn output(command: &mut Command) -> Result<String, Failure> {
    let program = command.get_program().display().to_string();
    let name = format!("{program} {:?}", command.get_args());
    let done = command
        .stdin(Stdio::null())
        .output()
        .map_err(|cause| Failure::new(format!("cannot start {name}"), cause))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if done.status.success() {
        return Ok(text(&done.stdout));
    }
    Err(Failure::say(format!(
        "{name}\nfailed ({}):\n{}{}",
        done.status,
        text(&done.stdout),
        text(&done.stderr)
    )))
}

/// How long a program runs that has to succeed and to say so: what it did is what was to be measured.
pub(super) fn time(command: &mut Command, says: &str) -> Result<Duration, Failure> {
    let begin = Instant::now();
    let said = output(command)?;
    let took = begin.elapsed();
    has_said(says, &said)?;
    Ok(took)
}

/// Whether a program did what was to be measured.
pub(super) fn has_said(expected: &str, said: &str) -> Result<(), Failure> {
    if said.contains(expected) {
        return Ok(());
    }
    Err(Failure::say(format!(
        "expected `{expected}`, or something else was measured; it said:\n{said}"
    )))
}

/// The middle one.
pub(super) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// The most memory that a program itself held at once, in bytes; programs that it started count for themselves.
///
/// The kernel's mark only rises, so it is read until the program has gone.
pub(super) fn peak(command: &mut Command) -> Result<u64, Failure> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .map_err(|cause| Failure::new("cannot start a program to measure", cause))?;
    let (status, mark) = watch(&mut child)?;
    if !status.success() {
        return Err(Failure::say(format!(
            "{:?} failed ({status})",
            command.get_args()
        )));
    }
    mark.ok_or_else(|| Failure::say("the kernel does not say how much memory a program holds"))
}

fn watch(child: &mut Child) -> Result<(std::process::ExitStatus, Option<u64>), Failure> {
    let place = format!("/proc/{}/status", child.id());
    let mut mark = None;
    loop {
        let status = fs::read_to_string(&place).unwrap_or_default();
        mark = field(&status, "VmHWM:").or(mark);
        if let Some(status) = child.try_wait()? {
            return Ok((status, mark));
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// The same of a program that is over before it can be watched, as GNU time has it from the kernel; the largest of
/// several runs.
pub(super) fn peak_of_short(command: &Command) -> Result<u64, Failure> {
    let mut most = 0;
    for _ in 0..TIMES {
        let mut time = Command::new("time");
        time.args(["-f", "%M"]).arg(command.get_program());
        time.args(command.get_args());
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                time.env(name, value);
            }
        }
        let done = time.stdin(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&done.stderr);
        let kibibytes: Option<u64> = said
            .lines()
            .last()
            .and_then(|line| line.trim().parse().ok());
        match kibibytes {
            Some(kibibytes) if done.status.success() => most = most.max(kibibytes * 1024),
            _ => return Err(Failure::say(format!("`time` did not measure:\n{said}"))),
        }
    }
    Ok(most)
}

/// A field of a file of `/proc` that counts kibibytes, in bytes.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(number * 1024)
}

/// What the figures depend on.
pub(crate) fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let memory = field(&read("/proc/meminfo"), "MemTotal:").unwrap_or_default() >> 30;
    let cpu = read("/proc/cpuinfo");
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |line| {
            line.trim_start_matches([' ', '\t', ':'])
        });
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or_default();
    let kernel = read("/proc/sys/kernel/osrelease");
    format!(
        "{cores} cores of {model}, {memory} GiB, Linux {}, load {load} at the start",
        kernel.trim()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        let times = [9, 1, 5, 2, 8].map(Duration::from_secs).to_vec();
        assert_eq!(median(times), Duration::from_secs(5));
        assert_eq!(median(Vec::new()), Duration::ZERO);
    }

    #[test]
    fn fields_of_proc_count_kibibytes() {
        let text = "Name:\tbp\nVmPeak:\t  99 kB\nVmHWM:\t    1024 kB\n";
        assert_eq!(field(text, "VmHWM:"), Some(1 << 20));
        assert_eq!(field(text, "VmRSS:"), None);
    }

    #[test]
    fn what_did_something_else_is_not_measured() {
        let program = || {
            let mut program = Command::new("echo");
            program.arg("Compiling 2 files");
            program
        };
        assert!(time(&mut program(), "Compiling 2").is_ok());
        assert!(time(&mut program(), "Compiling 1").is_err());
    }

    #[test]
    fn memory_is_seen() {
        let held = peak(Command::new("sh").args(["-c", "sleep 0.1"])).unwrap();
        assert!((100 << 10..100 << 20).contains(&held), "{held}");
    }
}
