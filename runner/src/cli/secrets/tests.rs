use super::*;

fn lookup(name: &str) -> Option<String> {
    match name {
        "HERE" => Some("from-here-123".to_owned()),
        "HEX_ORG_ACME_KEY" => Some("key-of-acme".to_owned()),
        "LOGIN" => Some("me:password-1".to_owned()),
        _ => None,
    }
}

fn read(flags: &Secrets) -> Result<Read, Failure> {
    let mut vars = ConfigVars::default();
    read_with(flags, &mut vars, &lookup, &|_| None)
}

fn secret(entry: &str) -> Secrets {
    Secrets {
        build_secret: vec![entry.to_owned()],
        ..Secrets::default()
    }
}

fn code(flags: &Secrets) -> &'static str {
    let failure = read(flags).err().unwrap();
    assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
    failure.diagnostics[0].code.0
}

#[test]
fn a_value_comes_from_here_from_a_file_or_from_the_flag() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs_err::write(&path, text).unwrap();
        format!("S@{}", path.display())
    };
    for (entry, name, value) in [
        ("HERE".to_owned(), "HERE", "from-here-123"),
        ("S=a=b@c---".to_owned(), "S", "a=b@c---"),
        (file("one", "one-line-1\r\n"), "S", "one-line-1"),
        (
            file("two", "line-one\nline-two\n"),
            "S",
            "line-one\nline-two\n",
        ),
    ] {
        let read = read(&secret(&entry)).ok().unwrap();
        assert_eq!(read.secrets.given[name], value, "{entry}");
        assert!(read.warnings.is_empty());
    }
}

#[test]
fn what_cannot_be_guarded_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let binary = folder.path().join("binary");
    fs_err::write(&binary, b"hunter2\xff\xfe").unwrap();
    let long = folder.path().join("long");
    fs_err::write(&long, "x".repeat(70_000)).unwrap();
    for (entry, expected) in [
        ("S=".to_owned(), "build-secret-empty"),
        ("S= \n ".to_owned(), "build-secret-empty"),
        ("S=hunter2".to_owned(), "build-secret-short"),
        (" hunter2".to_owned(), "build-secret-name"),
        ("1S=hunter2hunter2".to_owned(), "build-secret-name"),
        ("MISSING".to_owned(), "build-secret-unset"),
        ("S@/nowhere/at/all".to_owned(), "build-secret-unreadable"),
        ("S=hunter2hunter2\0".to_owned(), "build-secret-not-text"),
        (format!("S@{}", binary.display()), "build-secret-not-text"),
        (format!("S@{}", long.display()), "build-secret-long"),
    ] {
        assert_eq!(code(&secret(&entry)), expected, "{entry}");
    }
}

#[test]
fn a_common_word_gets_a_word() {
    let word = |entry: &str| read(&secret(entry)).ok().unwrap().warnings.len();
    assert_eq!(word("S=production"), 1);
    assert_eq!(word("S=production1"), 0);
    assert_eq!(word("S=abcdefghijklmnopqrstuvwx"), 0);
}

#[test]
fn keys_are_lent_and_seen_by_no_step() {
    let flags = Secrets {
        build_secret: vec![
            "TOKEN=t0ken-t0ken".to_owned(),
            "OTHER=another-one-1".to_owned(),
        ],
        git_credential: vec![
            "github.com=TOKEN".to_owned(),
            "http://localhost:1/=LOGIN".to_owned(),
        ],
        hex_org: vec!["acme".to_owned(), "my-org=HERE".to_owned()],
        ..Secrets::default()
    };
    let secrets = read(&flags).ok().unwrap().secrets;
    let logins = secrets.git_logins.iter();
    let logins: Vec<_> = logins
        .map(|login| format!("{} {} {}", login.origin, login.user, login.password))
        .collect();
    assert_eq!(
        logins,
        [
            "https://github.com oauth2 t0ken-t0ken",
            "http://localhost:1 me password-1"
        ]
    );
    assert_eq!(secrets.hex_organizations["acme"], "key-of-acme");
    assert_eq!(secrets.hex_organizations["my-org"], "from-here-123");
    assert_eq!(secrets.given.keys().collect::<Vec<_>>(), ["OTHER"]);
    assert_eq!(secrets.values().count(), 5);
}

#[test]
fn what_is_no_host_no_organization_and_no_agent_is_told() {
    let git = |host: &str| Secrets {
        git_credential: vec![host.to_owned()],
        ..Secrets::default()
    };
    assert_eq!(code(&git("github.com")), "git-login-none");
    for host in [
        "",
        "https://",
        "https://me:hunter2@h",
        "https://h/path",
        "ftp://h",
    ] {
        assert_eq!(code(&git(host)), "git-login-host", "{host}");
    }
    let hex = |name: &str| Secrets {
        hex_org: vec![name.to_owned()],
        ..Secrets::default()
    };
    assert_eq!(code(&hex("other")), "build-secret-unset");
    assert_eq!(code(&hex("A b")), "hex-org-name");
    let ssh = Secrets {
        ssh: Some("/nowhere/agent".to_owned()),
        ..Secrets::default()
    };
    assert_eq!(code(&ssh), "ssh-agent");
}

#[test]
fn steps_see_the_config_vars_that_are_allowed() {
    let flags = Secrets {
        env_allow: vec!["A".to_owned(), "C".to_owned()],
        ..Secrets::default()
    };
    let vars = ["A", "B"].map(|name| (name.to_owned(), name.to_lowercase()));
    let mut vars = ConfigVars(vars.into());
    let read = read_with(&flags, &mut vars, &lookup, &|_| None)
        .ok()
        .unwrap();
    assert_eq!(vars.0.keys().collect::<Vec<_>>(), ["A"]);
    assert_eq!(read.secrets.withheld.0["B"], "b");
}
