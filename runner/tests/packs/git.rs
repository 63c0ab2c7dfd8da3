//! Repositories: which version is meant, and what is asked of the other side.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt};

use buildpack_core::diagnostic::Class;
use testdata::fake::git::{Manner, Repository};

use super::{Desk, SHORT, script, version};

#[test]
fn a_branch_a_tag_and_a_commit_are_found() {
    let desk = Desk::new();
    let repo = desk.pack("pack", "one");
    let first = repo.git(&["rev-parse", "HEAD"]).unwrap();
    repo.git(&["tag", "light"]).unwrap();
    repo.git(&["tag", "-a", "full", "-m", "full"]).unwrap();
    let second = repo.release("two").unwrap();
    repo.git(&["checkout", "--quiet", "-b", "feature/x"])
        .unwrap();
    repo.release("three").unwrap();
    repo.git(&["checkout", "--quiet", "main"]).unwrap();
    repo.release("four").unwrap();
    let host = desk.host();
    for url in [
        host.url("pack"),
        format!("file://{}", repo.folder().display()),
    ] {
        for (reference, is) in [
            ("", "four"),
            ("#main", "four"),
            ("#HEAD", "four"),
            ("#feature/x", "three"),
            ("#light", "one"),
            ("#full", "one"),
            ("#refs/tags/full", "one"),
            (&format!("#{second}"), "two"),
            (&format!("#{}", second.to_uppercase()), "two"),
            (&format!("#{}", &second[..9]), "two"),
        ] {
            let pack = desk.get(&format!("{url}{reference}"));
            assert_eq!(version(&pack), is, "{url}{reference}");
        }
    }
    let pack = desk.get(&host.url("pack#full"));
    assert_eq!(pack.identity, format!("git:{first}"));
    assert_eq!(pack.id, "pack");
    assert_eq!(pack.shown, host.url("pack#full"));
    assert_eq!(pack.wanted.value, pack.shown);
}

#[test]
fn a_branch_comes_before_a_tag_and_a_whole_commit_before_both() {
    let desk = Desk::new();
    let repo = desk.pack("pack", "one");
    let first = repo.git(&["rev-parse", "HEAD"]).unwrap();
    repo.git(&["tag", "v1"]).unwrap();
    repo.release("two").unwrap();
    repo.git(&["branch", "v1"]).unwrap();
    // A stranger's branch must not be what somebody pinned.
    let id = format!("refs/heads/{first}");
    repo.git(&["update-ref", &id, "HEAD"]).unwrap();
    let url = desk.host().url("pack");
    let host = desk.host();
    assert_ne!(url, host.url("pack"));
    assert_eq!(version(&desk.get(&host.url("pack#v1"))), "two");
    assert_eq!(
        version(&desk.get(&host.url(&format!("pack#{first}")))),
        "one"
    );
}

#[test]
fn what_is_kept_is_not_fetched_again() {
    let mut desk = Desk::new();
    let repo = desk.pack("pack", "one");
    let commit = repo.git(&["rev-parse", "HEAD"]).unwrap();
    let host = desk.host();
    let pack = desk.get(&host.url("pack"));
    assert!(desk.take_said().contains("-----> Fetching buildpack"));
    host.take_seen();
    // A branch is asked for, its files are not.
    assert_eq!(desk.get(&host.url("pack")), pack);
    assert!(!host.take_seen().is_empty());
    assert!(!desk.take_said().contains("Fetching"));
    // A commit is what it is.
    desk.get(&host.url(&format!("pack#{commit}")));
    assert_eq!(host.take_seen(), [""; 0]);
    // A pack is the same from wherever it comes.
    let local = desk.get(&format!("file://{}#main", repo.folder().display()));
    assert_eq!(local.folder, pack.folder);
}

#[test]
fn a_server_that_gives_only_what_has_a_name_gives_all() {
    for manner in [Manner::Old, Manner::Dumb] {
        let desk = Desk::new();
        let repo = desk.pack("pack", "one");
        let old = repo.git(&["rev-parse", "HEAD"]).unwrap();
        repo.release("two").unwrap();
        repo.git(&["tag", "-a", "v2", "-m", "two"]).unwrap();
        repo.release("three").unwrap();
        repo.git(&["update-server-info"]).unwrap();
        let host = desk.host();
        host.manner(manner);
        let path = if manner == Manner::Dumb {
            "pack/.git"
        } else {
            "pack"
        };
        for (reference, is) in [(old.as_str(), "one"), ("v2", "two"), ("main", "three")] {
            let pack = desk.get(&host.url(&format!("{path}#{reference}")));
            assert_eq!(version(&pack), is, "{manner:?}");
        }
    }
}

#[test]
fn little_is_fetched_where_that_can_be() {
    let desk = Desk::new();
    let repo = desk.pack("pack", "one");
    let old = repo.git(&["rev-parse", "HEAD"]).unwrap();
    repo.write("large", &"x".repeat(100)).unwrap();
    repo.release("two").unwrap();
    let host = desk.host();
    let pack = desk.get(&host.url(&format!("pack#{old}")));
    // The commit that is not a branch's last was had by its id alone.
    let asked = host.take_seen();
    let fetched = asked.iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!((version(&pack).as_str(), fetched), ("one", 1), "{asked:?}");
}

#[test]
fn a_pack_is_a_plain_folder() {
    let desk = Desk::new();
    let repo = desk.pack("pack", "one");
    repo.write("lib/common.sh", "x=1\r\n").unwrap();
    repo.write("lib/tool", "#!/bin/sh\n").unwrap();
    repo.write(".gitattributes", "* text eol=crlf\n").unwrap();
    std::os::unix::fs::symlink("tool", repo.folder().join("lib/link")).unwrap();
    let tool = repo.folder().join("lib/tool");
    fs_err::set_permissions(&tool, PermissionsExt::from_mode(0o700)).unwrap();
    repo.commit("more").unwrap();
    let pack = desk.get(&format!("file://{}#main", repo.folder().display()));
    assert!(!pack.folder.join(".git").exists());
    for (name, mode) in [
        ("bin", 0o755),
        ("bin/detect", 0o755),
        ("bin/compile", 0o755),
        ("lib/common.sh", 0o644),
        ("lib/tool", 0o755),
    ] {
        let metadata = fs_err::metadata(pack.folder.join(name)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, mode, "{name}");
        assert_eq!(metadata.mtime(), 946_684_800, "{name}");
    }
    let link = fs_err::read_link(pack.folder.join("lib/link")).unwrap();
    assert_eq!(link.to_str(), Some("tool"));
}

#[test]
fn submodules_come_along() {
    let desk = Desk::new();
    let inner = desk.pack("inner", "inner");
    let middle = Repository::new(&desk.path("repos/middle")).unwrap();
    middle.write("middle.txt", "").unwrap();
    middle
        .git(&["submodule", "--quiet", "add", "../inner", "in"])
        .unwrap();
    middle.commit("middle").unwrap();
    let outer = desk.pack("outer", "outer");
    outer
        .git(&["submodule", "--quiet", "add", "../middle", "lib/mid"])
        .unwrap();
    outer.commit("outer").unwrap();
    // What the outer one names is not what the inner one is by now.
    inner.release("later").unwrap();
    let host = desk.host();
    for url in [
        host.url("outer"),
        format!("file://{}#main", outer.folder().display()),
    ] {
        let desk = Desk::new();
        let pack = desk.get(&url);
        let deep = pack.folder.join("lib/mid/in/bin/compile");
        let text = fs_err::read_to_string(deep).unwrap();
        assert!(text.contains("version inner"), "{url}: {text}");
        assert!(!super::holds(&pack.folder, "gitdir:"), "{url}");
        assert!(!pack.folder.join("lib/mid/.git").exists());
    }
}

#[test]
fn a_branch_that_moves_is_followed_unless_a_lock_holds_it() {
    let mut desk = Desk::new();
    let repo = desk.pack("pack", "one");
    let host = desk.host();
    let url = host.url("pack#main");
    let lock = desk.lock_of(&url);
    repo.git(&["commit", "--quiet", "--amend", "-m", "other"])
        .unwrap();
    repo.release("two").unwrap();
    assert_eq!(version(&desk.get(&url)), "two");
    let held = script(desk.try_all(&[&url], Some(&lock)).unwrap());
    assert_eq!(version(&held), "one");
    // From another machine, which never had it, and though no branch has it any more.
    let other = Desk::new();
    let held = script(other.try_all(&[&url], Some(&lock)).unwrap());
    assert_eq!(version(&held), "one");
    // What the lock says is no news of the branch.
    desk.offline = true;
    assert_eq!(version(&desk.get(&url)), "two");
}

#[test]
fn offline_the_last_answer_counts() {
    let mut desk = Desk::new();
    let repo = desk.pack("pack", "one");
    let commit = repo.git(&["rev-parse", "HEAD"]).unwrap();
    let host = desk.host();
    let (url, pinned) = (host.url("pack"), host.url(&format!("pack#{commit}")));
    desk.offline = true;
    let never = desk.fails(&url);
    assert_eq!(
        (never.code.0, never.class),
        ("pack-offline", Class::Surroundings)
    );
    assert!(never.message.contains("it was never fetched"));
    desk.offline = false;
    desk.get(&url);
    let lock = desk.lock_of(&url);
    repo.release("two").unwrap();
    host.take_seen();
    desk.offline = true;
    desk.take_said();
    assert_eq!(version(&desk.get(&url)), "one");
    assert!(desk.take_said().contains("what it was on 2026-10-10"));
    assert_eq!(version(&desk.get(&pinned)), "one");
    let held = script(desk.try_all(&[&url], Some(&lock)).unwrap());
    assert_eq!(version(&held), "one");
    assert_eq!(host.take_seen(), [""; 0]);
    desk.offline = false;
    assert_eq!(version(&desk.get(&url)), "two");
}

#[test]
fn a_version_that_is_not_there_is_told_with_one_that_is() {
    let desk = Desk::new();
    let repo = desk.pack("pack", "one");
    repo.git(&["tag", "v1.2"]).unwrap();
    let host = desk.host();
    let gone = desk.fails(&host.url("pack#v1.3"));
    assert_eq!((gone.code.0, gone.class), ("pack-version", Class::Config));
    assert_eq!(gone.helps[0].text, "did you mean `#v1.2`?");
    for reference in ["deadbee", &"0".repeat(40), "elsewhere"] {
        let gone = desk.fails(&host.url(&format!("pack#{reference}")));
        assert_eq!(gone.code.0, "pack-version", "{reference}: {}", gone.message);
        assert!(gone.message.contains(reference), "{}", gone.message);
    }
    let empty = Repository::new(&desk.path("repos/empty")).unwrap();
    assert_eq!(empty.git(&["tag"]).unwrap(), "");
    assert_eq!(desk.fails(&host.url("empty")).code.0, "pack-version");
}

#[test]
fn what_is_no_pack_is_refused_and_not_kept() {
    let desk = Desk::new();
    let repo = desk.pack("pack", "one");
    fs_err::remove_file(repo.folder().join("bin/detect")).unwrap();
    repo.commit("less").unwrap();
    let host = desk.host();
    for _ in 0..2 {
        let problem = desk.fails(&host.url("pack"));
        assert_eq!(
            (problem.code.0, problem.class),
            ("pack-incomplete", Class::Config)
        );
        assert!(problem.message.contains("`bin/detect`"));
    }
}

#[test]
fn no_repository_and_no_host_are_two_problems() {
    let desk = Desk::new();
    let host = desk.host();
    let none = desk.fails(&host.url("nowhere"));
    assert_eq!((none.code.0, none.class), ("pack-not-found", Class::Config));
    // Of a whole commit no name is asked for before.
    let commit = "0a".repeat(20);
    let none = desk.fails(&host.url(&format!("nowhere#{commit}")));
    assert_eq!(none.code.0, "pack-not-found", "{none:?}");
    let address = host.url("pack");
    drop(host);
    let unreachable = desk.fails(&address);
    assert_eq!(
        (unreachable.code.0, unreachable.class),
        ("pack-unreachable", Class::Surroundings)
    );
}

#[test]
fn a_host_that_never_answers_is_left() {
    let mut desk = Desk::new();
    desk.pack("pack", "one");
    let host = desk.host();
    host.manner(Manner::Silent);
    desk.patience = SHORT;
    let late = desk.fails(&host.url("pack"));
    assert_eq!(
        (late.code.0, late.class),
        ("pack-timeout", Class::Surroundings)
    );
    assert!(
        late.message.contains("ask for branches and tags"),
        "{}",
        late.message
    );
    // Nor does a program that git started wait on.
    host.wait_until_nobody_waits();
}

#[test]
fn two_packs_of_one_name_have_two_words() {
    let desk = Desk::new();
    desk.pack("a/pack", "one");
    desk.pack("b/pack", "two");
    let host = desk.host();
    let texts = [
        host.url("a/pack"),
        "elixir".to_owned(),
        host.url("b/pack.git"),
    ];
    std::os::unix::fs::symlink("pack", desk.path("repos/b/pack.git")).unwrap();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut all = desk.try_all(&texts, None).unwrap();
    assert_eq!(all.lock.packs.len(), 3);
    all.chosen.remove(1);
    let ids: Vec<_> = all
        .chosen
        .into_iter()
        .map(|pack| match pack {
            runner::packs::Chosen::Script(pack) => pack.id,
            native @ runner::packs::Chosen::Native { .. } => panic!("{native:?}"),
        })
        .collect();
    assert_eq!(ids, ["pack", "pack-2"]);
}
