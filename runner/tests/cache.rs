//! `bp cache verify` as its users see it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use testdata::workspace::Workspace;

const BP: &str = env!("CARGO_BIN_EXE_bp");

/// SHA-256 of nothing.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn damage_is_told_with_its_code_and_taken_away_where_that_is_wanted() {
    let place = Workspace::new(BP).unwrap();
    place
        .bp(&["cache", "verify"])
        .ok()
        .says("nothing is damaged");
    let blob = place.store().join("blobs-v1/sha256").join(EMPTY);
    fs_err::write(&blob, "").unwrap();
    let record = place.store().join("layers-v1/some.json");
    fs_err::write(&record, r#"{"name": "some", "value": 1}"#).unwrap();
    place
        .bp(&["cache", "verify"])
        .ok()
        .says("Looked at 2 kept things");

    fs_err::write(&blob, "not nothing").unwrap();
    fs_err::write(&record, "half a rec").unwrap();
    let told = place.bp(&["cache", "verify"]).fails(4, "cache-verify");
    for (path, code) in [
        (&blob, "cache-blob-damaged"),
        (&record, "cache-record-damaged"),
    ] {
        let path = path.to_str().unwrap();
        let line = told.stdout.lines().find(|line| line.contains(path));
        let line = line.unwrap_or_else(|| panic!("{}", told.text));
        assert!(line.starts_with(&format!("[{code}] ")), "{line}");
        assert!(line.contains("--remove"), "{line}");
    }
    let json = place
        .bp(&["cache", "verify", "--format", "json"])
        .exits(4)
        .stdout;
    assert_eq!(json.matches(r#""code":"cache-"#).count(), 3, "{json}");

    place
        .bp(&["cache", "verify", "--remove"])
        .ok()
        .says("2 damaged ones removed");
    assert!(!blob.exists() && !record.exists());
    place.bp(&["cache", "verify"]).ok();
}
