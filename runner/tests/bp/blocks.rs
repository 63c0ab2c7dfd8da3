//! The blocks that builds of these tests end with, kept in `testdata/blocks` for docs/failures.md.
//!
//! `UPDATE_DOCS=1` writes them anew; `UPDATE_DOCS=1 cargo test -p runner --test failures` then puts them into the page.

use std::path::Path;

use testdata::workspace::{App, Ran};

/// Holds the block of a failed build against the one that is kept, which the page shows as that of `code`. Of a build that
/// ended well it is the block of its warning.
#[track_caller]
pub(crate) fn shows(code: &str, ran: &Ran, app: &App) {
    // Warnings have blocks of their own before it.
    let level = if ran.code == 0 { "warning" } else { "error" };
    let head = ran.text.rfind(&format!(" !     {level}["));
    let Some(begin) = head.and_then(|head| ran.text[..head].rfind(" !\n")) else {
        panic!("no block in:\n{}", ran.text)
    };
    let name = app.path.file_name().unwrap().to_str().unwrap();
    let block = ran.text[begin..].replace(app.path.to_str().unwrap(), name);
    // They depend on what else the build has printed, and on where the test world listens.
    let block = replaced(&block, r"log line \d+", "log line …");
    let block = replaced(
        &block,
        r"http://(?:localhost|127\.0\.0\.1):\d+",
        "http://mirror.example",
    );
    let block = replaced(&block, r"\bport \d+", "port 5000");
    let block = replaced(&block, r"127\.0\.0\.1:\d+", "127.0.0.1:5001");
    let block = replaced(&block, r"\d\d:\d\d:\d\d\.\d{3}", "10:11:12.131");
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../testdata/blocks")
        .join(format!("{code}.txt"));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, &block).unwrap();
    }
    let kept = fs_err::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        block, kept,
        "write it anew: UPDATE_DOCS=1 cargo xtask world -- cargo test -p runner --test bp"
    );
}

fn replaced(text: &str, pattern: &str, with: &str) -> String {
    let pattern = regex::Regex::new(pattern).unwrap();
    pattern.replace_all(text, with).into_owned()
}
