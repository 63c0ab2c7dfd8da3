use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::lists::ListOrigin;
use crate::version::Tool;

const SHA: &str = "19d80df49510d24079baf670e9675cba2c005b65ede2086d70db03a9e52b8ad3";

fn read(text: &str) -> Result<BuildList, String> {
    let info = ListInfo {
        tool: Tool::Erlang,
        provider: "builds.example".to_owned(),
        path: "builds/otp/builds.txt".to_owned(),
        dated: date(2026, 6, 1),
        origin: ListOrigin::Live,
        current: true,
    };
    BuildList::read(text, info)
}

fn lines(count: usize) -> String {
    let lines = (0..count).map(|n| format!("OTP-26.{n} abc 2024-05-11T09:35:09Z"));
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

fn names(text: &str) -> Vec<String> {
    let list = read(text).unwrap();
    list.builds()
        .iter()
        .map(|build| build.reference.clone())
        .collect()
}

#[test]
fn reads_lines_with_and_without_a_digest() {
    let list = read(&format!(
        "OTP-27.3 3d7f4d 2024-05-11T09:35:09Z {SHA} \n\nmaint-26 abc 2024-05-11T09:35:09Z\n"
    ))
    .unwrap();
    assert_eq!(list.find("OTP-27.3").unwrap().sha256.unwrap().hex(), SHA);
    assert_eq!(list.find("maint-26").unwrap().sha256, None);
    assert_eq!(list.find("OTP-27"), None);
    assert_eq!(list.folder(), "builds/otp");
}

#[test]
fn reads_other_line_ends_blanks_missing_columns_and_no_order() {
    assert_eq!(
        names(
            "\u{feff}OTP-27.3\tabc  2024-05-11T09:35:09Z \t\r\n\r\n   \r\nOTP-26.0\r\n OTP-27.1 abc\r\n"
        ),
        ["OTP-27.3", "OTP-26.0", "OTP-27.1"]
    );
    assert_eq!(
        names("v1.18.3-otp-27 abc 2024-05-11T09:35:09Z"),
        ["v1.18.3-otp-27"]
    );
}

#[test]
fn the_last_line_of_a_name_counts() {
    let list = read(&format!(
        "OTP-27.3 aaa 2024-01-01T00:00:00Z\nOTP-27.2 b 2024-01-01T00:00:00Z\nOTP-27.3 ccc 2024-05-11T09:35:09Z {SHA}\n"
    ))
    .unwrap();
    assert_eq!(list.builds().len(), 2);
    let build = list.find("OTP-27.3").unwrap();
    assert_eq!(
        (build.commit.as_str(), build.sha256.is_some()),
        ("ccc", true)
    );
}

#[test]
fn a_text_that_was_cut_off_names_no_build_that_is_not_there() {
    let all = "OTP-27.3.4 abc 2024-05-11T09:35:09Z\n".to_owned() + &lines(30);
    // Of `OTP-27.3.4.12`.
    assert!(!names(&format!("{all}OTP-27.3.4.1")).contains(&"OTP-27.3.4.1".to_owned()));
    // A digest that was cut off.
    assert!(
        !names(&format!("{all}OTP-25.3 abc 2024-05-11T09:35:09Z 19d8"))
            .contains(&"OTP-25.3".to_owned())
    );
}

#[test]
fn a_few_odd_lines_are_passed_over() {
    let good = lines(39);
    assert_eq!(names(&format!("# a remark\n{good}")).len(), 39);
    assert_eq!(names(&format!("# a remark\n# one more\n{good}")).len(), 39);
    let error = read(&format!("# a remark\n# one\n# two more\n{good}")).unwrap_err();
    assert_eq!(error, "`# a remark` is no line of a list");
}

#[test]
fn refuses_what_is_no_list() {
    for text in [
        "",
        "\n \n",
        "\u{feff}",
        "<html><body>502 Bad Gateway</body></html>",
        "{\"error\": \"not found\"}",
        "Service unavailable",
        "no\n",
        "\u{1f}\u{8b}\u{8}\0\0\n\0",
        "OTP-27.3 3d7f4d 2024-05-11T09:35:09Z 19d8",
        "main\n",
        "main 3d7f4d\n",
        "../x 3d7f4d 2024-05-11T09:35:09Z",
        ".. 3d7f4d 2024-05-11T09:35:09Z",
    ] {
        assert!(read(text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC*") {
        let _ = read(&text);
    }

    #[test]
    fn what_is_read_is_a_plain_name_of_the_text(text in "(OTP-|v|\\.\\.|/|main)?[0-9./<-]{0,6}( [0-9a-f]{1,4}( 2024[-0-9]{0,3})?)?\r?\n{0,2}") {
        if let Ok(list) = read(&text) {
            for build in list.builds() {
                prop_assert!(text.contains(&build.reference));
                prop_assert!(!build.reference.contains('/') && !build.reference.starts_with('.'));
            }
        }
    }
}
