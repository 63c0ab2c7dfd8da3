//! Versions as people write them, beside what the bash packs make of them (compatibility facts 3.2): the same, or
//! better and documented.

use testdata::fake::lists::Lists;

use super::Desk;

/// What is taken for Erlang/OTP and Elixir with this config, and the codes of what is worse than a note.
fn taken(desk: &Desk, config: &[u8], more: &[(&str, &str)]) -> (String, String, Vec<String>) {
    let app = desk.app(more);
    app.write("elixir_buildpack.config", config).unwrap();
    let allowed = ["otp-eol", "elixir-eol"]
        .map(|code| ["--allow", code])
        .concat();
    let report = desk.json(&app, &allowed);
    let version = |tool: &str| {
        let tool = &report["versions"][tool];
        let text = tool["resolved"].as_str().or(tool["verdict"].as_str());
        text.unwrap_or("none").to_owned()
    };
    let codes = desk.codes(&app, &allowed);
    let worse = codes.into_iter().filter(|code| !code.starts_with("note"));
    (version("erlang"), version("elixir"), worse.collect())
}

#[test]
fn short_and_long_versions_mean_what_the_packs_make_of_them() {
    let desk = Desk::usual();
    for (erlang, elixir, otp, taken_elixir, codes) in [
        // As the pack that normalises; the other one refuses `27`.
        ("27", "1.18.3", "27.0", "1.18.3", &[][..]),
        ("27.0", "1.18.3", "27.0", "1.18.3", &[]),
        ("26.0.0", "1.18.3", "26.0", "1.18.3", &[]),
        ("OTP-26.2.5", "1.18.3", "26.2.5", "1.18.3", &[]),
        ("27.0-rc1", "1.18.3", "27.0-rc1", "1.18.3", &[]),
        ("27.3.4.1", "1.18.0-rc.0", "27.3.4.1", "1.18.0-rc.0", &[]),
        ("27.3.4.1", "v1.18.1", "27.3.4.1", "1.18.1", &[]),
        // Better than a build of the branch, which the packs take.
        ("27.3.4.1", "1.18", "27.3.4.1", "1.18.4", &[]),
        // Never built for heroku-24, and said so instead of `isn't supported yet or isn't formatted correctly`.
        (
            "25.0.0",
            "1.18.3",
            "not-built",
            "1.18.3",
            &["error[otp-not-built]"],
        ),
        // The packs drop the ending in silence.
        (
            "26.2.5",
            "1.18.1-otp-27",
            "26.2.5",
            "1.18.1",
            &["warning[elixir-otp-mismatch]"],
        ),
        // Both packs let this pass, and it fails when Elixir starts.
        (
            "27.3.4.1",
            "1.16.3",
            "27.3.4.1",
            "not-built",
            &["error[elixir-otp-mismatch]"],
        ),
        (
            "27.x",
            "1.18.3",
            "malformed",
            "unknown",
            &["error[otp-malformed]"],
        ),
    ] {
        let config = format!("erlang_version={erlang}\nelixir_version={elixir}\n");
        let (found_otp, found_elixir, found) = taken(&desk, config.as_bytes(), &[]);
        assert_eq!(found, codes, "{erlang} {elixir}");
        assert_eq!(found_otp, otp, "{erlang} {elixir}");
        if otp != "malformed" {
            assert_eq!(found_elixir, taken_elixir, "{erlang} {elixir}");
        }
    }
}

#[test]
fn a_branch_is_taken_where_it_is_built() {
    let mut lists = Lists::usual();
    lists.elixir.push("main-otp-27".to_owned());
    let desk = Desk::new(Some(&lists));
    let config = |branch| format!("erlang_version=27.3.4.1\nelixir_version=(branch {branch})\n");
    // The fake host writes a `v` before each name.
    let (_, elixir, codes) = taken(&desk, config("vmain").as_bytes(), &[]);
    assert_eq!((elixir.as_str(), codes.len()), ("vmain", 0), "{codes:?}");
    let (_, elixir, codes) = taken(&desk, config("nowhere").as_bytes(), &[]);
    assert_eq!(codes, ["error[elixir-not-built]"], "{elixir}");
}

#[test]
fn a_config_in_utf_16_is_read_and_said() {
    let desk = Desk::usual();
    let text = "erlang_version=27.3.4.1\r\nelixir_version=1.18.3\r\n";
    let units = text.encode_utf16().flat_map(u16::to_le_bytes);
    let bytes: Vec<u8> = [0xff, 0xfe].into_iter().chain(units).collect();
    let (erlang, elixir, codes) = taken(&desk, &bytes, &[]);
    assert_eq!((erlang.as_str(), elixir.as_str()), ("27.3.4.1", "1.18.3"));
    assert_eq!(
        codes,
        ["warning[config-encoding]", "warning[config-encoding]"]
    );
}

#[test]
fn half_a_tool_versions_counts_for_its_half() {
    let desk = Desk::usual();
    let only = [(".tool-versions", "erlang 27.3.4.1\n")];
    // The packs pass over the whole file, and fail.
    let (erlang, elixir, codes) = taken(&desk, b"elixir_version=1.18.3\n", &only);
    assert_eq!((erlang.as_str(), elixir.as_str()), ("27.3.4.1", "1.18.3"));
    assert_eq!(codes, [""; 0]);
    let (_, _, codes) = taken(&desk, b"", &only);
    assert_eq!(codes, ["error[version-missing]"]);
    // The config counts key by key, as in the packs, and that the files disagree is said.
    let both = [(".tool-versions", "erlang 26.2.5\nelixir 1.18.3-otp-26\n")];
    let (erlang, elixir, codes) = taken(&desk, b"erlang_version=27.3.4.1\n", &both);
    assert_eq!((erlang.as_str(), elixir.as_str()), ("27.3.4.1", "1.18.3"));
    assert!(
        codes.contains(&"warning[version-conflict]".to_owned()),
        "{codes:?}"
    );
}
