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

fn check(lock: &Lock, wanted: &[Wanted]) -> Result<(), Box<Diagnostic>> {
    lock.check(wanted, wanted)
}

#[test]
fn drift_is_told_pack_by_pack() {
    let is = Identity::Native(NativeName::Elixir);
    let git = Identity::Git("0a".repeat(20));
    let all = Lock {
        packs: vec![locked("elixir", is), locked("b/b", git.clone())],
    };
    let said = |text: &'static str, native: bool| {
        let mut case = Case::new(&[(".buildpacks", text)]);
        case.native = native;
        let problem = check(&all, &case.wanted()).err()?;
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
    assert_eq!(said("elixir\nb/b\n", true), None);
    assert_eq!(
        said("elixir\nc/c\n", true).unwrap(),
        ".buildpacks:2:1 is not in the lock; `b/b` is in the lock, and nobody asks for it"
    );
    assert_eq!(
        said("b/b\nelixir\n", true).unwrap(),
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
    assert!(check(&native, &case.wanted()).is_ok());
    assert!(check(&script, &case.wanted()).is_err());
    case.native = false;
    assert!(check(&native, &case.wanted()).is_err());
    assert!(check(&script, &case.wanted()).is_ok());
}

/// Packs that only tests have stand behind those of builds, and are missed by nobody but tests.
#[test]
fn one_lock_holds_the_packs_of_builds_and_of_tests() {
    let git = |digits: &str| Identity::Git(digits.repeat(20));
    let mut lock = Lock {
        packs: vec![locked("a/a", git("0a")), locked("b/b", git("0b"))],
    };
    let packs = |text| Case::new(&[(".buildpacks", text)]).wanted();
    let (build, tests) = (packs("a/a\nb/b\n"), packs("c/c\nb/b\n"));
    let all = together(&build, &tests);
    let written: Vec<&str> = all.iter().map(|one| one.written.value.as_str()).collect();
    assert_eq!(written, ["a/a", "b/b", "c/c"]);
    assert!(lock.check(&build, &all).is_ok());
    assert!(lock.check(&tests, &all).is_err());
    lock.packs.push(locked("c/c", git("0c")));
    assert!(lock.check(&tests, &all).is_ok() && lock.check(&build, &all).is_ok());
    assert!(lock.check(&build, &build).is_err());
    lock.packs.swap(0, 1);
    assert!(lock.check(&tests, &all).is_err());
}

proptest! {
    #[test]
    fn no_lock_makes_it_panic(text in "(version = 1\n|\\[\\[pack\\]\\]\n|wanted = \"a\"\n|git = \"\"\n|\\PC|\n){0,8}") {
        let _ = lock(&text);
    }
}
