//! How much of the machine a room's programs may use, and what holds them to it.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

/// How much of the machine a room's programs may use; what is absent has no limit but the machine's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory, all programs of a run together.
    pub memory: Option<u64>,
    /// Processors, all programs of a run together.
    pub cpus: Option<Cpus>,
    /// When a run is ended.
    pub deadline: Option<Deadline>,
}

/// A share of the machine's processors, from a hundredth of one. It reads as it prints: `2`, `1.5`, `0.25`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cpus(u32);

/// The end of the time that several runs have together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// When it is over.
    pub at: Instant,
    /// How long it was.
    pub allowed: Duration,
}

/// What holds programs to a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// A control group, version 2: all programs together.
    CgroupV2,
    /// A control group, version 1: all programs together.
    CgroupV1,
    /// A limit of each program for itself, on what it may write to (`RLIMIT_DATA`).
    Rlimit,
    /// A choice of whole processors that programs run on.
    Affinity,
}

/// What holds programs to each of the limits that there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// The limit of memory.
    pub memory: Option<Holder>,
    /// The limit of processors.
    pub cpus: Option<Holder>,
}

impl Cpus {
    /// Hundredths of a processor.
    pub fn hundredths(self) -> u32 {
        self.0
    }

    /// Processors that a share of them is spread over, at least one: what programs take for the count of processors.
    pub fn whole(self) -> usize {
        self.0.div_ceil(100) as usize
    }
}

impl FromStr for Cpus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad =
            || format!("`{text}` is no number of processors: expected `2`, `1.5` or the like");
        let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), "0"));
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !is_number(whole) || !is_number(fraction) {
            return Err(bad());
        }
        let hundredths = format!("{fraction:0<2}");
        let hundredths: u32 = hundredths[..2].parse().map_err(|_| bad())?;
        let whole: u32 = whole.parse().map_err(|_| bad())?;
        let all = whole
            .checked_mul(100)
            .and_then(|whole| whole.checked_add(hundredths));
        match all {
            Some(0) => Err(format!("`{text}` processors can run nothing")),
            Some(all) if all <= 1_000_000 => Ok(Self(all)),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for Cpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 100, self.0 % 100);
        match (rest, rest % 10) {
            (0, _) => write!(f, "{whole}"),
            (_, 0) => write!(f, "{whole}.{}", rest / 10),
            _ => write!(f, "{whole}.{rest:02}"),
        }
    }
}

impl Deadline {
    /// `allowed` from `begin` on; none where that is more than a clock can count.
    pub fn after(begin: Instant, allowed: Duration) -> Option<Self> {
        let at = begin.checked_add(allowed)?;
        Some(Self { at, allowed })
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CgroupV2 => "cgroup v2",
            Self::CgroupV1 => "cgroup v1",
            Self::Rlimit => "rlimit",
            Self::Affinity => "affinity",
        })
    }
}

/// Bytes for people, in whole units where nothing is lost by it: `512 MiB`, `1.5 GiB`.
pub fn amount(bytes: u64) -> String {
    const UNITS: [&str; 3] = ["KiB", "MiB", "GiB"];
    let tenths = |unit: usize| (bytes * 10) >> (10 * (unit + 1));
    // The largest unit of which there is one; tenths only below ten of it.
    let unit = (0..UNITS.len()).rev().find(|unit| tenths(*unit) >= 10);
    let unit = unit.unwrap_or(0);
    let (whole, tenth) = (tenths(unit) / 10, tenths(unit) % 10);
    if tenth == 0 || whole >= 10 {
        format!("{whole} {}", UNITS[unit])
    } else {
        format!("{whole}.{tenth} {}", UNITS[unit])
    }
}

/// A time for people, in the units that it was given in: `90 s`, `15 min`, `1 h 30 min`.
pub fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match (hours, minutes, seconds % 60) {
        (0, 0, _) if time.subsec_millis() > 0 => format!("{} ms", time.as_millis()),
        (0, 0..=1, 1..) | (0, 0, _) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, rest) => format!("{minutes} min {rest} s"),
        (hours, 0, 0) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_processors_reads_as_it_prints() {
        for (text, hundredths, whole) in [
            ("1", 100, 1),
            ("2", 200, 2),
            ("1.5", 150, 2),
            ("0.25", 25, 1),
            ("10.05", 1005, 11),
        ] {
            let cpus: Cpus = text.parse().unwrap();
            assert_eq!((cpus.hundredths(), cpus.whole()), (hundredths, whole));
            assert_eq!(cpus.to_string(), text);
        }
        assert_eq!("1.509".parse::<Cpus>().unwrap().hundredths(), 150);
        for text in [
            "", "0", "0.00", "0.001", "-1", "+1", "1,5", ".5", "1.", "all", "1e3", "99999", "NaN",
            "1.é",
        ] {
            assert!(text.parse::<Cpus>().is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_and_times_read_well() {
        for (bytes, text) in [
            (512 << 20, "512 MiB"),
            (1536 << 20, "1.5 GiB"),
            (24 << 30, "24 GiB"),
            (23_900 << 20, "23 GiB"),
            (100, "0 KiB"),
            (64 << 10, "64 KiB"),
        ] {
            assert_eq!(amount(bytes), text);
        }
        for (millis, text) in [
            (500, "500 ms"),
            (7_000, "7 s"),
            (90_000, "90 s"),
            (120_000, "2 min"),
            (150_000, "2 min 30 s"),
            (5_400_000, "1 h 30 min"),
            (7_200_000, "2 h"),
        ] {
            assert_eq!(span(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn a_time_beyond_the_clock_is_no_limit() {
        assert!(Deadline::after(Instant::now(), Duration::MAX).is_none());
    }
}
