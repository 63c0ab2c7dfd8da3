//! The report of a run, as tables of Markdown.

use std::fmt::Write as _;
use std::time::Duration;

use super::builder::Life;
use super::median;
use super::network::Moved;
use super::tally::Tally;

/// Draws what became of the builders, and what went over their networks.
pub(super) fn draw(lives: &[Life], moved: &[Moved], took: Duration) -> String {
    let mut sum = Tally::default();
    for life in lives {
        sum.add(&life.tally);
    }
    let builds: usize = lives.iter().map(|life| life.built.len()).sum();
    let killed: u64 = lives.iter().map(|life| life.killed).sum();
    let times: Vec<_> = lives.iter().flat_map(|life| life.times.clone()).collect();
    let longest = times.iter().max().copied().unwrap_or_default();
    let mut text = format!(
        "{builds} builds by {} builders in {:.0} s; {killed} killed; a build took {:.1} s in the middle, {:.1} s at most\n\n",
        lives.len(),
        took.as_secs_f64(),
        median(times).as_secs_f64(),
        longest.as_secs_f64(),
    );
    line(&mut text, "| what | there | not there |");
    line(&mut text, "| --- | --- | --- |");
    for (kind, looked) in &sum.kinds {
        line(
            &mut text,
            &format!("| {kind} | {} | {} |", looked.hits, looked.misses),
        );
    }
    let [sent, mounted, there] = sum.blobs;
    line(&mut text, "");
    line(
        &mut text,
        &format!(
            "Remote cache: {} entries taken ({}), {} sent. Pushes: {sent} blobs sent, {mounted} mounted, {there} there already.",
            sum.taken,
            mib(sum.taken_bytes),
            sum.sent
        ),
    );
    if !sum.codes.is_empty() {
        let codes = sum.codes.iter();
        let codes: Vec<_> = codes
            .map(|(code, count)| format!("{code} {count}"))
            .collect();
        line(&mut text, &format!("Told: {}.", codes.join(", ")));
    }
    line(&mut text, "");
    line(&mut text, "| builder | builds | killed | got | sent |");
    line(&mut text, "| --- | --- | --- | --- | --- |");
    for (number, (life, moved)) in lives.iter().zip(moved).enumerate() {
        let (builds, killed) = (life.built.len(), life.killed);
        let (got, sent) = (mib(moved.got), mib(moved.sent));
        let row = format!("| {} | {builds} | {killed} | {got} | {sent} |", number + 1);
        line(&mut text, &row);
    }
    let got = moved.iter().map(|moved| moved.got).sum();
    let sent = moved.iter().map(|moved| moved.sent).sum();
    let row = format!(
        "| all | {builds} | {killed} | {} | {} |",
        mib(got),
        mib(sent)
    );
    line(&mut text, &row);
    line(&mut text, "");
    text
}

fn line(text: &mut String, line: &str) {
    // Writing to a string does not fail.
    writeln!(text, "{line}").ok();
}

/// Bytes in MiB, to one digit.
fn mib(bytes: u64) -> String {
    let tenths = (bytes * 10) >> 20;
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_adds_up() {
        let mut life = Life {
            killed: 2,
            times: vec![Duration::from_secs(3)],
            ..Life::default()
        };
        life.tally.take("{\"event\":\"layer\",\"reused\":true}\n");
        let moved = Moved {
            got: 3 << 20,
            sent: 1 << 19,
        };
        let text = draw(&[life], &[moved], Duration::from_secs(9));
        assert!(text.contains("| layers | 1 | 0 |"), "{text}");
        assert!(
            text.contains("| all | 0 | 2 | 3.0 MiB | 0.5 MiB |"),
            "{text}"
        );
    }
}
