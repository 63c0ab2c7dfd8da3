use super::*;

fn load(env: &[(&str, &str)], flags: &Flags) -> Outcome<Settings> {
    let lookup = |name: &str| {
        let found = env.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| OsString::from(value))
    };
    Settings::load(&lookup, flags)
}

fn with_file(text: &str, env: &[(&str, &str)], flags: &Flags) -> Outcome<Settings> {
    let folder = tempfile::tempdir().unwrap();
    fs_err::create_dir(folder.path().join("bp")).unwrap();
    fs_err::write(folder.path().join("bp/bp.toml"), text).unwrap();
    let config = folder.path().to_str().unwrap();
    let mut all = vec![("XDG_CONFIG_HOME", config), ("HOME", "/home/me")];
    all.extend(env);
    load(&all, flags)
}

fn codes(outcome: &Outcome<Settings>) -> Vec<&'static str> {
    outcome.diagnostics.iter().map(|d| d.code.0).collect()
}

#[test]
fn nobody_said_anything() {
    let settings = load(&[("HOME", "/home/me")], &Flags::default())
        .value
        .unwrap();
    assert_eq!(settings.cache_dir.value, Path::new("/home/me/.cache/bp"));
    assert_eq!(settings.cache_cap.value, 10 << 30);
    assert_eq!(settings.hex_builds_url.value, "https://builds.hex.pm");
    assert_eq!(settings.stack, None);
    assert!(!settings.offline.value);
    assert!(matches!(settings.offline.origin, Origin::Default(_)));
}

#[test]
fn flags_win_over_variables_and_variables_over_the_file() {
    let file =
        "stack = 'file'\nsandbox = 'none'\ncache_cap = 1000\noffline = true\ncache_dir = 'kept'\n";
    let env = [
        ("BP_STACK", "env"),
        ("BP_SANDBOX", "namespace"),
        ("BP_OFFLINE", ""),
        ("STACK", "cedar"),
    ];
    let flags = Flags {
        stack: Some("flag".to_owned()),
        ..Flags::default()
    };
    let outcome = with_file(file, &env, &flags);
    assert_eq!(outcome.diagnostics, []);
    let settings = outcome.value.unwrap();
    let stack = settings.stack.unwrap();
    assert_eq!(
        (stack.value.as_str(), stack.origin),
        ("flag", Origin::Flag("--stack".to_owned()))
    );
    assert_eq!(settings.sandbox.value, Mode::Namespace);
    assert_eq!(settings.cache_cap.value, 1000);
    assert!(settings.offline.value, "an empty variable is unset");
    let Origin::File(span) = settings.offline.origin else {
        panic!("not from the file")
    };
    assert_eq!(span.line_column(), (4, 11));
    assert!(settings.cache_dir.value.ends_with("bp/kept"));
}

#[test]
fn versions_of_assets_are_a_number() {
    let kept = |value: &str| {
        let outcome = with_file(&format!("keep_assets = {value}"), &[], &Flags::default());
        let codes = codes(&outcome);
        (
            outcome.value.map(|settings| settings.keep_assets.value),
            codes,
        )
    };
    assert_eq!(kept("2"), (Some(2), vec![]));
    assert_eq!(kept("'2'"), (Some(2), vec![]));
    for wrong in ["-1", "100", "'two'", "''"] {
        assert_eq!(kept(wrong), (None, vec!["settings-value"]), "{wrong}");
    }
    let flags = Flags {
        keep_assets: Some("3".to_owned()),
        ..Flags::default()
    };
    let env = [("BP_KEEP_ASSETS", "1")];
    let with = |flags| with_file("", &env, flags).value.unwrap().keep_assets.value;
    assert_eq!((with(&Flags::default()), with(&flags)), (1, 3));
}

#[test]
fn limits_are_read_as_people_write_them() {
    let file = "memory = '2GiB'\ncpus = 1.5\ntimeout = 90\n";
    let settings = with_file(file, &[], &Flags::default()).value.unwrap();
    assert_eq!(settings.memory.unwrap().value, 2 << 30);
    assert_eq!(settings.cpus.unwrap().value.hundredths(), 150);
    assert_eq!(settings.timeout.unwrap().value, Duration::from_secs(90));
    let time = |text: &str| {
        let outcome = load(&[("BP_TIMEOUT", text), ("HOME", "/h")], &Flags::default());
        outcome
            .value
            .map(|settings| settings.timeout.unwrap().value)
    };
    assert_eq!(time("15m"), Some(Duration::from_mins(15)));
    assert_eq!(time("1h30m"), Some(Duration::from_mins(90)));
    for (name, wrong) in [
        ("BP_TIMEOUT", "0"),
        ("BP_TIMEOUT", "-5m"),
        ("BP_TIMEOUT", "soon"),
        ("BP_TIMEOUT", "10ms"),
        ("BP_MEMORY", "1k"),
        ("BP_MEMORY", "much"),
        ("BP_CPUS", "0"),
        ("BP_CPUS", "-1"),
    ] {
        let outcome = load(&[(name, wrong), ("HOME", "/h")], &Flags::default());
        assert_eq!(codes(&outcome), ["settings-value"], "{name}={wrong}");
    }
}

#[test]
fn mirrors_of_flags_stand_first() {
    let flags = Flags {
        registry_mirrors: vec!["a=http://one/".to_owned()],
        ..Flags::default()
    };
    let outcome = with_file("registry_mirror = ['c=http://three']", &[], &flags);
    let hosts = |outcome: Outcome<Settings>| -> Vec<(String, String)> {
        outcome
            .value
            .unwrap()
            .registry_mirrors
            .into_iter()
            .map(|mirror| mirror.value)
            .collect()
    };
    let pair = |host: &str, url: &str| (host.to_owned(), url.to_owned());
    assert_eq!(
        hosts(outcome),
        [pair("a", "http://one"), pair("c", "http://three")]
    );
    let env = [
        ("BP_REGISTRY_MIRROR", "a=http://one, b=https://two/x/"),
        ("HOME", "/h"),
    ];
    assert_eq!(
        hosts(load(&env, &Flags::default())),
        [pair("a", "http://one"), pair("b", "https://two/x")]
    );
}

#[test]
fn registries_without_tls_are_those_of_all_places() {
    let flags = Flags {
        insecure_registries: vec!["one:5000".to_owned()],
        ..Flags::default()
    };
    let hosts = |outcome: Outcome<Settings>| outcome.value.unwrap().insecure_registries.value;
    let env = [("BP_INSECURE_REGISTRY", "two, three:80"), ("HOME", "/h")];
    assert_eq!(hosts(load(&env, &flags)), ["one:5000", "two", "three:80"]);
    assert_eq!(hosts(load(&env, &Flags::default())), ["two", "three:80"]);
}

#[test]
fn every_mistake_of_the_file_is_told_with_its_place() {
    let text = "stak = 'x'\noffline = 'perhaps'\nregistry_mirror = [['a']]\nzzzzzzzzzzzz = 1\n";
    let outcome = with_file(text, &[], &Flags::default());
    assert_eq!(outcome.value, None);
    let mut codes = codes(&outcome);
    codes.sort_unstable();
    assert_eq!(
        codes,
        [
            "settings-type",
            "settings-unknown",
            "settings-unknown",
            "settings-value"
        ]
    );
    let stak = outcome
        .diagnostics
        .iter()
        .find(|d| d.message.contains("`stak`"))
        .unwrap();
    assert_eq!(stak.labels[0].span.line_column(), (1, 1));
    assert_eq!(stak.helps[0].edits[0].new_text, "stack");
    let broken = with_file("stack = \n= 3", &[], &Flags::default());
    assert!(broken.value.is_none() && codes_are(&broken, "settings-syntax"));
}

fn codes_are(outcome: &Outcome<Settings>, code: &str) -> bool {
    codes(outcome).iter().all(|found| *found == code)
}

#[test]
fn without_home_it_says_what_to_set() {
    let outcome = load(&[], &Flags::default());
    assert_eq!(codes(&outcome), ["no-cache-folder"]);
    assert!(
        outcome.diagnostics[0].helps[0]
            .text
            .contains("BP_CACHE_DIR")
    );
    assert!(
        load(&[("BP_CACHE_DIR", "/kept")], &Flags::default())
            .value
            .is_some()
    );
}

#[test]
fn a_named_file_must_exist() {
    let env = [("BP_CONFIG", "/nowhere/bp.toml"), ("HOME", "/h")];
    assert_eq!(
        codes(&load(&env, &Flags::default())),
        ["settings-unreadable"]
    );
}

#[test]
fn a_bad_url_is_refused_without_repeating_it() {
    for url in [
        "ftp://me:hunter2@x",
        "hunter2",
        "http://me:hunter2@",
        "https://x/?key=hunter2",
        "https://x:hunter2/",
    ] {
        let outcome = load(
            &[("BP_HEX_BUILDS_URL", url), ("HOME", "/h")],
            &Flags::default(),
        );
        assert_eq!(codes(&outcome), ["settings-value"], "{url}");
        assert!(
            !format!("{:?}", outcome.diagnostics).contains("hunter2"),
            "{url}"
        );
    }
}
