//! The whole log of a Phoenix app's first build, as its developer reads it.

use crate::fresh;

/// What differs from run to run: its name, the pattern that finds it, what stands there instead.
const DIFFERS: [(&str, &str, &str); 4] = [
    ("time", r"\b(\d+ min )?\d+(\.\d+)? ?(ms|s|m)\b", "[TIME]"),
    ("digest", r"sha256:[0-9a-f]{64}", "[DIGEST]"),
    ("size", r" +\d+(\.\d+)? ([kMG]i)?B\b", " [SIZE]"),
    // Hex asks for news of itself while it works: whether and where it says so is chance.
    (
        "news of Hex",
        r"(?m)^ +(Failed to check for new Hex version|\{:failed_connect, .*)\n",
        "",
    ),
];

/// Tools are fetched side by side: each run of such lines in the order of the alphabet.
fn fetches_in_order(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let fetch = |line: &str| {
        let line = line.trim_start();
        line.starts_with("Fetched ") || line.starts_with("Pulling ")
    };
    for run in lines.chunk_by_mut(|one, next| fetch(one) && fetch(next)) {
        run.sort_unstable();
    }
    lines.join("\n") + "\n"
}

#[test]
fn a_first_build_says_what_it_chose_and_did() {
    let Some(place) = fresh() else { return };
    place.app("phoenix_npm", "phoenix_npm").unwrap();
    let said = place.bp(&["build", "phoenix_npm"]).ok().text;
    let here = place.path().to_str().unwrap();
    let mut said = fetches_in_order(&said.replace(here, "[HERE]"));
    for (name, pattern, instead) in DIFFERS {
        let pattern = regex::Regex::new(pattern).expect(name);
        said = pattern.replace_all(&said, instead).into_owned();
    }
    insta::assert_snapshot!(said);
}
