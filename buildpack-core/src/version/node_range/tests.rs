use proptest::prelude::*;

use super::*;

/// Ranges with versions that npm's `semver` finds in them and out of them.
const TABLE: [(&str, &str, &str); 42] = [
    ("", "0.0.0 26.7.0", "22.0.0-rc.1"),
    ("*", "0.0.0 26.7.0", "22.0.0-rc.1"),
    ("x", "18.0.0", ""),
    (" X.x ", "18.0.0", ""),
    ("18 ||", "18.0.0 26.7.0", ""),
    ("22", "22.0.0 22.99.1", "21.9.9 23.0.0 23.0.0-0"),
    ("v22", "22.0.0", "23.0.0"),
    ("22.x", "22.1.0", "23.0.0"),
    ("22.*", "22.1.0", "23.0.0"),
    ("~22.x.3", "22.1.0", "23.0.0"),
    ("22.11", "22.11.0 22.11.9", "22.12.0 22.10.9"),
    ("=22.1.0", "22.1.0", "22.1.1"),
    ("= v22.1.0", "22.1.0", "22.1.1"),
    ("22.1.0+build.5", "22.1.0", "22.1.1"),
    ("^18", "18.0.0 18.20.8", "17.9.9 19.0.0"),
    ("^ 18.12.1", "18.12.1 18.20.8", "18.12.0 19.0.0"),
    ("^18.12", "18.12.0 18.20.8", "18.11.9 19.0.0"),
    ("^0.2.3", "0.2.3 0.2.9", "0.3.0"),
    ("^0.0.3", "0.0.3", "0.0.4"),
    ("^0.0", "0.0.9", "0.1.0"),
    ("^0", "0.9.9", "1.0.0"),
    ("~20.1", "20.1.0 20.1.9", "20.2.0"),
    ("~20.1.3", "20.1.3 20.1.9", "20.1.2 20.2.0"),
    ("~> 20.1", "20.1.0", "20.2.0"),
    ("~20", "20.9.0", "21.0.0"),
    ("~>=20.1", "20.1.0", "20.2.0"),
    (">=18 <21", "18.0.0 20.19.5", "17.0.0 21.0.0 21.0.0-rc.1"),
    (">= 18.0 < 21", "18.0.0 20.19.5", "17.0.0 21.0.0"),
    (">18", "19.0.0", "18.20.8"),
    (">18.12", "18.13.0", "18.12.9"),
    (">=18.x", "18.0.0", "17.9.9"),
    ("<=18", "18.20.8", "19.0.0"),
    ("<=18.12", "18.12.9", "18.13.0"),
    ("<18", "17.9.9", "18.0.0 18.0.0-rc.1"),
    (">*", "", "0.0.0 22.0.0"),
    (">=*", "22.0.0", ""),
    ("18 || 20", "18.1.0 20.1.0", "19.0.0 21.0.0"),
    (
        "^14.17.0||^16.13.0||>=18.0.0",
        "14.17.0 16.13.9 26.7.0",
        "15.0.0 17.0.0",
    ),
    ("1.2 - 2.3", "1.2.0 2.3.9", "1.1.9 2.4.0"),
    ("1.2.3 - 2", "1.2.3 2.9.9", "1.2.2 3.0.0"),
    ("18.0.0 - 18.12.1", "18.0.0 18.12.1", "18.12.2"),
    (
        ">=22.0.0-rc.1",
        "22.0.0-rc.1 22.0.0-rc.2 23.0.0",
        "22.0.0-alpha 23.0.0-rc.1",
    ),
];

fn words(text: &str) -> impl Iterator<Item = NodeVersion> {
    text.split_ascii_whitespace()
        .map(|word| word.parse().unwrap())
}

#[test]
fn contains_what_npm_finds_in_it() {
    for (text, inside, outside) in TABLE {
        let range: NodeRange = text.parse().unwrap();
        for version in words(inside) {
            assert!(range.contains(&version), "{version} in `{text}`");
        }
        for version in words(outside) {
            assert!(!range.contains(&version), "{version} not in `{text}`");
        }
    }
}

#[test]
fn refuses_what_npm_refuses() {
    for text in [
        "twenty",
        "018",
        "18.01",
        "18.0.0.1",
        "18,20",
        "18 20 foo",
        "foo 18.1.0",
        "18 -20",
        "- 20",
        "18 -",
        "18 - 20 - 22",
        ">18 - 20",
        "18 - >20",
        "18 && 20",
        "18 | 20",
        ">=18<21",
        "^^18",
        "!18",
        "18.",
        ".18",
        "18..1",
        "18.0.0-",
        "18.0.0-rc..1",
        "18.0.0-01",
        "18.0.0+",
        "9007199254740992.0.0",
        "99999999999999999999999",
        "٢٢",
    ] {
        assert!(text.parse::<NodeRange>().is_err(), "{text}");
    }
    assert!("1".repeat(257).parse::<NodeRange>().is_err());
}

#[test]
fn knows_a_range_of_all() {
    for (text, any) in [
        ("*", true),
        ("", true),
        ("18 || x", true),
        (">=0.0.0", false),
    ] {
        assert_eq!(text.parse::<NodeRange>().unwrap().is_any(), any, "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,30}|[-0-9x*.v=^~<>| rc+]{0,30}") {
        if let Ok(range) = text.parse::<NodeRange>() {
            range.contains(&"22.1.0".parse().unwrap());
        }
    }

    #[test]
    fn a_version_is_a_range_of_itself(major in 0..99u64, minor in 0..99u64, patch in 0..99u64) {
        let version = NodeVersion(Version::new(major, minor, patch));
        for operator in ["", "=", "^", "~", ">=", "<="] {
            let range: NodeRange = format!("{operator}{version}").parse().unwrap();
            prop_assert!(range.contains(&version));
        }
    }
}
