//! What people write for one pack.

use proptest::prelude::*;

use super::super::*;

fn read(text: &str) -> PackReference {
    PackReference::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: &str) -> String {
    let origin = Origin::Env(BUILDPACK_URL.to_owned());
    let error = PackReference::parse(text).expect_err(text);
    let problem = error.diagnostic(text, &origin);
    assert_eq!(problem.code.0, "pack-reference");
    let helps = problem.helps.iter().map(|help| format!("\n{}", help.text));
    format!("{}{}", problem.message, helps.collect::<String>())
}

#[test]
fn every_form_is_told_from_the_others() {
    let git = |url: &str| Place::Git(url.to_owned());
    let path = |path: &str| Place::Path(path.to_owned());
    let name = |owner: &str, name: &str| Name {
        owner: owner.to_owned(),
        name: name.to_owned(),
    };
    for (text, place) in [
        ("https://h.org/a/b", git("https://h.org/a/b")),
        (" https://h.org/a/b.git\r\n", git("https://h.org/a/b.git")),
        ("HTTPS://h.org/a", git("https://h.org/a")),
        ("http://h.org:8080/a/b/c", git("http://h.org:8080/a/b/c")),
        ("github.com/a/b", git("https://github.com/a/b")),
        ("git://h.org/a", git("git://h.org/a")),
        ("ssh://git@h.org:22/a", git("ssh://git@h.org:22/a")),
        ("git+ssh://git@h.org/a", git("ssh://git@h.org/a")),
        ("git+https://h.org/a", git("https://h.org/a")),
        ("git@h.org:a/b.git", git("git@h.org:a/b.git")),
        ("git@alias:b", git("git@alias:b")),
        ("alias:a/b", git("alias:a/b")),
        ("h.org:b.git", git("h.org:b.git")),
        ("file:///srv/pack", path("/srv/pack")),
        ("file://localhost/srv/a%20b", path("/srv/a b")),
        ("/srv/pack.git", path("/srv/pack.git")),
        ("./packs/mine", path("./packs/mine")),
        ("../mine", path("../mine")),
        (".", path(".")),
        (
            "urn:buildpack:heroku/nodejs",
            Place::Registry(name("heroku", "nodejs")),
        ),
        ("heroku/nodejs", Place::Name(name("heroku", "nodejs"))),
        (
            "heroku-community/apt",
            Place::Name(name("heroku-community", "apt")),
        ),
        ("elixir", Place::Native(NativeName::Elixir)),
        ("phoenix-static", Place::Native(NativeName::PhoenixStatic)),
    ] {
        assert!(read(text).place == place, "{text}");
        assert_eq!(read(text).reference, None, "{text}");
    }
    for text in [
        "https://h.org/p.tgz",
        "https://h.org/p.tar.gz?raw=true",
        "https://h.org/get?file=p.tbz",
        "http://h.org/p.tar.bz",
        "https://h.org/P.TAR",
    ] {
        let archive = Place::Archive(text.to_owned());
        assert!(read(text).place == archive, "{text}");
    }
}

#[test]
fn what_stands_behind_the_hash_is_a_name_of_git() {
    for reference in [
        "v1",
        "main",
        "feature/x",
        "1.2",
        "0a1b2c3",
        "HEAD",
        "refs/tags/v1",
    ] {
        let read = read(&format!("https://h.org/a#{reference}"));
        assert_eq!(read.reference.as_deref(), Some(reference));
    }
    assert_eq!(read("https://h.org/a#").reference, None);
    assert_eq!(
        read("heroku/nodejs#v250").reference.as_deref(),
        Some("v250")
    );
    for reference in [
        "--upload-pack=x",
        "a..b",
        "a^{}",
        "x:y",
        "a.lock",
        "a//b",
        "@{1}",
        "/x",
    ] {
        let text = format!("https://h.org/a#{reference}");
        assert!(PackReference::parse(&text).is_err(), "{text}");
    }
    assert!(refused("urn:buildpack:heroku/go#v1").contains("nothing but git takes a `#`"));
}

#[test]
fn bad_input_is_told_with_what_there_is() {
    assert!(refused("ruby").contains("Heroku's pack of that name is `heroku/ruby`"));
    assert!(refused("rubby").contains("one word names no pack"));
    assert!(refused("").contains("is empty"));
    assert!(refused("https://h.org/a https://h.org/b").contains("one pack a line"));
    assert!(refused("ext::sh -c id").contains("space"));
    assert!(refused("ext::sh").contains("`ext::` is no way to fetch a pack"));
    assert!(refused("s3://bucket/p.tgz").contains("`s3://`"));
    assert!(refused("~/packs/mine").contains("from `/` on"));
    for text in [
        "https://h.org",
        "https://h.org/",
        "https:///a/b",
        "https://user@/a",
        "ssh://-oProxyCommand=x/a",
        "-oProxyCommand=x:a/b",
        "git@-oProxyCommand=x:a",
        "file://elsewhere/srv/pack",
        "h.org:",
        "host:-x/y",
        "ruby:2",
        "a b/c",
        "ä/ö",
        "-a/b",
        "a/b/c",
        "urn:buildpack:nodejs",
        "#v1",
    ] {
        assert!(refused(text).contains("https://host/owner/repo"), "{text}");
    }
}

#[test]
fn credentials_are_in_no_word_about_a_pack() {
    for text in [
        "https://user:s3cret@github.com/a/b#v1",
        "https://s3cret@h.org/a/b",
        "https://h.org/p.tgz?token=s3cret",
        "ssh://git:s3cret@h.org/a",
        "HTTPS://user:s3@cret@h.org/a",
    ] {
        let reference = read(text);
        for said in [
            reference.shown(),
            reference.written().to_owned(),
            reference.word(),
            format!("{reference:?}"),
            without_credentials(text),
        ] {
            assert!(!said.contains("cret"), "{text}: {said}");
        }
    }
    assert!(!refused("https://user:s3cret@h.org").contains("s3cret"));
    assert!(!refused("x3://user:s3cret@h.org/a").contains("s3cret"));
}

#[test]
fn names_for_people_and_for_folders() {
    for (text, shown, word) in [
        ("https://github.com/Heroku/a.git#v1", "Heroku/a#v1", "a"),
        ("https://u:p@github.com/o/r", "o/r", "r"),
        ("git@github.com:o/r.git#main", "o/r#main", "r"),
        ("ssh://git@github.com/o/r", "o/r", "r"),
        ("https://h.org/o/r.git", "https://h.org/o/r.git", "r"),
        ("git@h.org:r.git", "git@h.org:r.git", "r"),
        ("https://h.org/p.tgz?t=1", "https://h.org/p.tgz?…", "p"),
        ("heroku/nodejs", "heroku/nodejs", "heroku-buildpack-nodejs"),
        (
            "urn:buildpack:a/b",
            "urn:buildpack:a/b",
            "heroku-buildpack-b",
        ),
        ("./packs/mine/", "./packs/mine/", "mine"),
        ("./pä-ck", "./pä-ck", "p--ck"),
        ("..", "..", "pack"),
    ] {
        let reference = read(text);
        assert_eq!(reference.shown(), shown, "{text}");
        assert_eq!(reference.word(), word, "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_no_word_holds_the_password(
        text in "(\\PC|[:/@#?.~%-]|git|https://|ssh://|urn:buildpack:|\\.tgz){0,12}"
    ) {
        if let Ok(reference) = PackReference::parse(&text) {
            let word = reference.word();
            prop_assert!(!word.is_empty() && !word.contains('/') && !word.starts_with('.'));
            prop_assert_eq!(PackReference::parse(reference.written()).map(|it| it.written().to_owned()), Ok(reference.written().to_owned()));
            if let Place::Git(url) = &reference.place {
                let scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
                let helper = url.split_once("::").is_some_and(|(name, _)| name.chars().all(scheme));
                prop_assert!(!url.starts_with('-') && !helper, "{}", url);
            }
        }
    }

    #[test]
    fn the_password_of_any_address_is_hidden(
        scheme in "https?|ssh|git", user in "[a-z]{1,5}", host in "[a-z]{1,8}\\.org", path in "[a-z]{1,5}/[a-z]{1,5}(\\.git|\\.tgz)?"
    ) {
        let text = format!("{scheme}://{user}:PASSWORD@{host}/{path}#v1");
        let reference = PackReference::parse(&text);
        let reference = reference.unwrap();
        for said in [reference.shown(), reference.written().to_owned(), reference.word(), format!("{reference:?}")] {
            prop_assert!(!said.contains("PASSWORD"), "{}", said);
        }
    }
}
