//! `buildpacks.lock`, as it is written, read and held to.

use std::sync::Arc;

use proptest::prelude::*;

use super::super::lock::{self, Identity, Lock, LockedPack};
use super::super::*;
use super::Case;
use crate::diagnostic::Source;

fn lock(text: &str) -> Result<Lock, String> {
    let source = Arc::new(Source {
        path: lock::FILE.into(),
        text: text.to_owned(),
    });
    Lock::parse(&source)
        .map_err(|problem| format!("{} {}", problem.labels[0].span, problem.labels[0].text))
}

fn locked(wanted: &str, was: Identity) -> LockedPack {
    let wanted = wanted.to_owned();
    LockedPack { wanted, was }
}

#[test]
fn a_lock_reads_what_it_wrote() {
    let all = Lock {
        packs: vec![
            locked("https://h.org/a\"b#v1", Identity::Git("0a".repeat(20))),
            locked("./mine", Identity::Content("1b".repeat(32))),
            locked("https://h.org/p.tgz", Identity::Sha256("2c".repeat(32))),
            locked("elixir", Identity::Native(NativeName::Elixir)),
        ],
    };
    assert_eq!(lock(&all.text()), Ok(all.clone()));
    insta::assert_snapshot!(all.text());
    assert_eq!(lock("version = 1"), Ok(Lock::default()));
}

#[test]
fn a_lock_that_lies_is_refused_with_its_place() {
    let entry = |fields: &str| {
        lock(&format!(
            "version = 1\n[[pack]]\nwanted = \"a\"\n{fields}\n"
        ))
    };
    for fields in [
        "",
        "git = \"main\"",
        "git = \"0A0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a\"",
        "native = \"ruby\"",
        "sha256 = \"12\"",
        "native = \"elixir\"\nsha256 = \"12\"",
    ] {
        let said = entry(fields).unwrap_err();
        assert!(said.starts_with("buildpacks.lock:2:1"), "{said}");
    }
    assert!(entry("commit = 1").unwrap_err().contains("commit"));
    assert!(
        lock("version = 2")
            .unwrap_err()
            .starts_with("buildpacks.lock:1:11")
    );
    assert!(lock("").is_err());
    assert!(lock("version").is_err());
}

#[test]
fn drift_is_told_pack_by_pack() {
    let is = Identity::Native(NativeName::Elixir);
    let git = Identity::Git("0a".repeat(20));
    let all = Lock {
        packs: vec![locked("elixir", is), locked("b/b", git.clone())],
    };
    let check = |text: &'static str, native: bool| {
        let mut case = Case::new(&[(".buildpacks", text)]);
        case.native = native;
        let problem = all.check(&case.wanted()).err()?;
        assert_eq!(problem.code.0, "packs-locked");
        let labels = problem
            .labels
            .iter()
            .map(|label| format!("{} {}", label.span, label.text));
        Some(
            labels
                .chain(problem.notes.clone())
                .collect::<Vec<_>>()
                .join("; "),
        )
    };
    assert_eq!(check("elixir\nb/b\n", true), None);
    let said = check("elixir\nc/c\n", true).unwrap();
    assert_eq!(
        said,
        ".buildpacks:2:1 is not in the lock; `b/b` is in the lock, and nobody asks for it"
    );
    assert_eq!(
        check("b/b\nelixir\n", true).unwrap(),
        "they stand in another order"
    );
    let hashnuke = "https://github.com/hashnuke/heroku-buildpack-elixir";
    let native = Lock {
        packs: vec![locked(hashnuke, Identity::Native(NativeName::Elixir))],
    };
    let script = Lock {
        packs: vec![locked(hashnuke, git)],
    };
    let mut case = Case::new(&[]).flag(hashnuke);
    assert!(native.check(&case.wanted()).is_ok());
    assert!(script.check(&case.wanted()).is_err());
    case.native = false;
    assert!(native.check(&case.wanted()).is_err());
    assert!(script.check(&case.wanted()).is_ok());
}

proptest! {
    #[test]
    fn no_lock_makes_it_panic(text in "(version = 1\n|\\[\\[pack\\]\\]\n|wanted = \"a\"\n|git = \"\"\n|\\PC|\n){0,8}") {
        let _ = lock(&text);
    }
}
