use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::lists::ListOrigin;
use crate::version::Tool;

fn read(text: &str) -> Result<NodeList, String> {
    let info = ListInfo {
        tool: Tool::Node,
        provider: "nodejs.example".to_owned(),
        path: "index.json".to_owned(),
        dated: date(2026, 6, 1),
        origin: ListOrigin::Live,
        current: true,
    };
    NodeList::read(text, info)
}

const ITEM: &str = r#"{"version":"v22.11.0","date":"2024-10-29","files":["aix-ppc64","linux-arm64",7,["linux-x64"],{"src":1}],"npm":"10.9.0","v8":"12.4","lts":"Jod","security":false}"#;

#[test]
fn reads_releases_in_any_order_with_what_they_say() {
    let list = read(&format!(
        r#"[{{"version":"v0.1.14","date":"2011-08-26","files":[],"lts":false}},{ITEM},{{"version":"v23.0.0"}}]"#
    ))
    .unwrap();
    let versions: Vec<String> = list
        .releases
        .iter()
        .map(|r| r.version.to_string())
        .collect();
    assert_eq!(versions, ["23.0.0", "22.11.0", "0.1.14"]);
    let release = list.find(&"22.11.0".parse().unwrap()).unwrap();
    assert_eq!(release.lts.as_deref(), Some("Jod"));
    assert_eq!(release.npm.as_deref(), Some("10.9.0"));
    assert_eq!(release.date, Some(date(2024, 10, 29)));
    assert_eq!(release.files, ["linux-arm64", "linux-x64"]);
    let bare = list.find(&"23.0.0".parse().unwrap()).unwrap();
    assert_eq!((&bare.lts, &bare.npm, bare.date), (&None, &None, None));
    assert_eq!(list.find(&"22.11.1".parse().unwrap()), None);
}

#[test]
fn the_last_of_a_version_counts_and_few_odd_items_are_passed_over() {
    let again = ITEM.replace("10.9.0", "10.9.9");
    let list = read(&format!("\u{feff}[{ITEM},\r\n{again}]\r\n")).unwrap();
    assert_eq!(list.releases.len(), 1);
    assert_eq!(list.releases[0].npm.as_deref(), Some("10.9.9"));
    let good: Vec<String> = (0..19)
        .map(|n| format!(r#"{{"version":"v22.{n}.0"}},"#))
        .collect();
    let good = good.concat();
    assert_eq!(read(&format!("[{good}7]")).unwrap().releases.len(), 19);
    assert!(read(&format!("[{good}7,\"x\"]")).is_err());
}

#[test]
fn refuses_what_is_no_list() {
    for text in [
        "",
        "[]",
        "{}",
        "null",
        "<html></html>",
        "[1]",
        "[{\"version\":\"latest\"}]",
        "[[[[[[",
        "\u{1f}\u{8b}\u{8}\0",
        ITEM,
    ] {
        assert!(read(text).is_err(), "{text}");
    }
    // Deeper than a reader should go.
    assert!(read(&"[".repeat(1_000_000)).is_err());
}

const SUM: &str = "19d80df49510d24079baf670e9675cba2c005b65ede2086d70db03a9e52b8ad3";

#[test]
fn reads_digests_and_refuses_what_is_no_file_of_them() {
    let sums = read_sums(&format!(
        "{SUM}  node-v22.1.0-linux-x64.tar.xz\r\n\r\n{SUM} *win-x64/node.exe\n"
    ))
    .unwrap();
    assert_eq!(sums["node-v22.1.0-linux-x64.tar.xz"].hex(), SUM);
    assert_eq!(sums["win-x64/node.exe"].hex(), SUM);
    let other = SUM.replace('1', "2");
    for text in [
        String::new(),
        "<html>no</html>".to_owned(),
        "404 not found".to_owned(),
        SUM.to_owned(),
        format!("{SUM}  "),
        format!("{}  a", &SUM[1..]),
        format!("{SUM}  a\n<html>"),
        format!("{SUM}  a\n{other}  a"),
        format!("{SUM}  a b"),
    ] {
        assert!(read_sums(&text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC*") {
        let _ = (read(&text), read_sums(&text));
    }

    #[test]
    fn no_json_makes_it_panic(
        version in "\\PC{0,12}", date in "[0-9-]{0,12}", lts in "false|true|\"Jod\"|3|null|\\[\\]", files in "\\[\\]|7|\\[1\\]|\\{\\}"
    ) {
        let version = serde_json::to_string(&version).unwrap();
        let _ = read(&format!(r#"[{{"version":{version},"date":"{date}","lts":{lts},"files":{files}}}]"#));
    }
}
