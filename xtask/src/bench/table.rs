//! The table of figures.

use std::fmt::Write;
use std::time::Duration;

/// One comparison.
pub(super) struct Row {
    /// What was measured.
    pub(super) what: String,
    /// Ours.
    pub(super) ours: Figure,
    /// The peer, by name.
    pub(super) peer: Option<(String, Figure)>,
    /// What has to hold; none where a figure is there for the picture.
    pub(super) limits: Vec<Limit>,
}

/// A figure.
#[derive(Clone, Copy)]
pub(super) enum Figure {
    /// A time.
    Time(Duration),
    /// Bytes.
    Bytes(u64),
    /// Things.
    Count(u64),
}

/// What has to hold.
pub(super) enum Limit {
    /// At most this.
    Most(Figure),
    /// At most this part of the peer.
    Part(f64),
    /// At most this beyond the peer.
    Beyond(Duration),
}

impl Figure {
    /// In seconds, or bytes, or things.
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    fn value(self) -> f64 {
        match self {
            Self::Time(time) => time.as_secs_f64(),
            Self::Bytes(number) | Self::Count(number) => number as f64,
        }
    }

    fn text(self) -> String {
        match self {
            Self::Time(time) => format!("{:.3} s", time.as_secs_f64()),
            Self::Bytes(bytes) if bytes < 1 << 20 => {
                format!("{:.1} KiB", self.value() / f64::from(1 << 10))
            }
            Self::Bytes(_) => format!("{:.1} MiB", self.value() / f64::from(1 << 20)),
            Self::Count(number) => number.to_string(),
        }
    }
}

impl Row {
    /// Whether all limits hold.
    pub(super) fn holds(&self) -> bool {
        self.limits.iter().all(|limit| self.keeps(limit))
    }

    fn keeps(&self, limit: &Limit) -> bool {
        let ours = self.ours.value();
        let peer = self
            .peer
            .as_ref()
            .map_or(f64::NAN, |(_, peer)| peer.value());
        match limit {
            Limit::Most(most) => ours <= most.value(),
            Limit::Part(part) => ours <= part * peer,
            Limit::Beyond(beyond) => ours <= peer + beyond.as_secs_f64(),
        }
    }

    /// What part of the peer's figure ours is, where there is a peer.
    pub(super) fn ratio(&self) -> Option<f64> {
        let (_, peer) = self.peer.as_ref()?;
        Some(self.ours.value() / peer.value()).filter(|ratio| ratio.is_finite())
    }

    /// The peer's name.
    pub(super) fn peer_name(&self) -> &str {
        self.peer.as_ref().map_or("", |(name, _)| name)
    }

    /// The limits as parts of the peer.
    pub(super) fn parts(&self) -> Vec<f64> {
        let Some((_, peer)) = &self.peer else {
            return Vec::new();
        };
        let peer = peer.value();
        let part = |limit: &Limit| match limit {
            Limit::Most(most) => most.value() / peer,
            Limit::Part(part) => *part,
            Limit::Beyond(beyond) => 1.0 + beyond.as_secs_f64() / peer,
        };
        self.limits.iter().map(part).collect()
    }

    pub(super) fn cells(&self) -> [String; 6] {
        let (name, peer, ratio) = match &self.peer {
            None => <_>::default(),
            Some((name, peer)) => (
                name.clone(),
                peer.text(),
                format!("{:.2}", self.ours.value() / peer.value()),
            ),
        };
        let limits: Vec<String> = self.limits.iter().map(|it| self.judged(it)).collect();
        [
            self.what.clone(),
            self.ours.text(),
            peer,
            ratio,
            name,
            limits.join(", "),
        ]
    }

    fn judged(&self, limit: &Limit) -> String {
        let said = match limit {
            Limit::Most(most) => format!("at most {}", most.text()),
            Limit::Part(part) => format!("at most {part} of it"),
            Limit::Beyond(beyond) => format!("at most {} s more", beyond.as_secs_f64()),
        };
        let verdict = if self.keeps(limit) { "holds" } else { "MISSED" };
        format!("{said}: {verdict}")
    }
}

/// Draws them below each other.
pub(super) fn draw(rows: &[Row]) -> String {
    let head = ["", "bp", "peer", "ratio", "the peer", "limit"].map(str::to_owned);
    let lines: Vec<[String; 6]> = std::iter::once(head)
        .chain(rows.iter().map(Row::cells))
        .collect();
    let width = |column: usize| {
        let widths = lines.iter().map(|line| line[column].chars().count());
        widths.max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..6).map(width).collect();
    let mut table = String::new();
    for line in &lines {
        let mut text = String::new();
        for (column, cell) in line.iter().enumerate() {
            let width = widths[column];
            // Writing to a string cannot fail.
            let _ = if (1..4).contains(&column) {
                write!(text, "{cell:>width$}  ")
            } else {
                write!(text, "{cell:<width$}  ")
            };
        }
        let _ = writeln!(table, "{}", text.trim_end());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ours: f64, peer: f64, limit: Limit) -> Row {
        Row {
            what: "it".to_owned(),
            ours: Figure::Time(Duration::from_secs_f64(ours)),
            peer: Some((
                "other".to_owned(),
                Figure::Time(Duration::from_secs_f64(peer)),
            )),
            limits: vec![limit],
        }
    }

    #[test]
    fn limits_hold_or_not() {
        assert!(row(1.0, 4.0, Limit::Part(0.25)).holds());
        assert!(!row(1.1, 4.0, Limit::Part(0.25)).holds());
        assert!(row(4.5, 4.0, Limit::Beyond(Duration::from_millis(500))).holds());
        assert!(!row(4.6, 4.0, Limit::Beyond(Duration::from_millis(500))).holds());
        assert!(
            !row(
                0.3,
                9.0,
                Limit::Most(Figure::Time(Duration::from_millis(200)))
            )
            .holds()
        );
        let alone = Row {
            peer: None,
            ..row(0.0, 0.0, Limit::Part(1.0))
        };
        assert!(!alone.holds(), "no peer, no ratio");
    }

    #[test]
    fn the_table_has_a_line_for_each_and_says_what_was_missed() {
        let table = draw(&[
            row(1.0, 2.0, Limit::Part(0.25)),
            row(1.0, 8.0, Limit::Part(0.25)),
        ]);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(
            lines[1].contains("0.50") && lines[1].ends_with("MISSED"),
            "{table}"
        );
        assert!(lines[2].ends_with("holds"), "{table}");
    }
}
