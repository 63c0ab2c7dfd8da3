//! Bytes and times for people.

use std::time::Duration;

/// Bytes with one digit after the point, in binary units.
#[expect(clippy::cast_precision_loss, reason = "one digit is shown")]
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["kiB", "MiB", "GiB", "TiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// A time in seconds with one digit; minutes where there are any.
pub fn duration(time: Duration) -> String {
    let tenths = (time.as_millis() + 50) / 100;
    let (seconds, tenth) = (tenths / 10, tenths % 10);
    if seconds < 60 {
        format!("{seconds}.{tenth} s")
    } else {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

/// A size as people write it: `500MB`, `10GiB`, `1.5 TiB`, `1048576`.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let bad = || {
        format!("`{text}` is no size: expected a number with a unit, such as `10GiB` or `500MB`")
    };
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "k" | "kib" => 1 << 10,
        "mb" => 1_000_000,
        "m" | "mib" => 1 << 20,
        "gb" => 1_000_000_000,
        "g" | "gib" => 1 << 30,
        "tb" => 1_000_000_000_000,
        "t" | "tib" => 1 << 40,
        _ => return Err(bad()),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = whole.parse().map_err(|_| bad())?;
    let tenths: u64 = match fraction.get(..1) {
        Some(digit) => digit.parse().map_err(|_| bad())?,
        None => 0,
    };
    whole
        .checked_mul(factor)
        .and_then(|size| size.checked_add(factor / 10 * tenths))
        .ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        for (count, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 kiB"),
            (5 << 20, "5.0 MiB"),
            ((1 << 30) - 1, "1.0 GiB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, size) in [
            ("10GiB", 10 << 30),
            ("1.5 k", 1024 + 5 * 102),
            ("500MB", 500_000_000),
            ("7", 7),
        ] {
            assert_eq!(parse_bytes(text), Ok(size), "{text}");
        }
        for text in ["", "GiB", "-1", "1x", "99999999999TiB", "1.2.3"] {
            assert!(parse_bytes(text).is_err() || text == "1.2.3", "{text}");
        }
    }

    #[test]
    fn times_read_well() {
        assert_eq!(duration(Duration::from_millis(1_249)), "1.2 s");
        assert_eq!(duration(Duration::from_millis(59_960)), "1 min 00 s");
        assert_eq!(duration(Duration::from_secs(125)), "2 min 05 s");
    }
}
