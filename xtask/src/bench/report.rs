//! The figures as a page of the documentation, with a picture.

use std::fmt::Write as _;
use std::process::Command;

use fs_err as fs;

use super::measure::output;
use super::plot;
use super::table::Row;
use crate::world::Failure;

/// What the page says before the figures.
const HEAD: &str = "# Performance

Every figure beside its peer's, taken in one run on one machine. Seconds drift from machine to machine; what a figure is of
its peer's holds. `cargo xtask bench --write` makes this page and its picture anew, `cargo xtask bench` prints the table.

A limit is what the project holds itself to; `MISSED` stands where it did not.

";

/// Writes `docs/performance.md` and `docs/performance.png`.
pub(super) fn write(rows: &[Row], machine: &str) -> Result<(), Failure> {
    let docs = crate::bp::checkout().join("docs");
    let date = output(Command::new("date").args(["-u", "+%Y-%m-%d"]))?;
    let date = date.trim();
    plot::draw(
        rows,
        &format!("bp beside its peers, {date}: shorter is faster; the mark is the limit"),
        &docs.join("performance.png"),
    )?;
    let mut page = HEAD.to_owned();
    // Writing to a string cannot fail.
    let _ = writeln!(page, "Taken on {date}: {machine}.\n");
    page.push_str("![Each figure as a part of its peer's](performance.png)\n\n");
    page.push_str(
        "| what | bp | peer | ratio | the peer | limit |\n| --- | --: | --: | --: | --- | --- |\n",
    );
    for row in rows {
        let _ = writeln!(page, "| {} |", row.cells().join(" | "));
    }
    fs::write(docs.join("performance.md"), page)?;
    Ok(())
}
