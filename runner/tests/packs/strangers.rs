//! Repositories that want more than to be read.

use testdata::fake::git::{GitHost, Repository};

use super::Desk;

#[test]
fn a_password_is_written_nowhere() {
    let mut desk = Desk::new();
    let repo = desk.pack("pack", "one");
    let host = desk.host();
    // me:hunter2-hunter2
    host.only_for("bWU6aHVudGVyMi1odW50ZXIy");
    let url = host.url_with("me:hunter2-hunter2", "pack");
    let gotten = desk.try_all(&[&url], None).unwrap();
    assert!(!format!("{gotten:?}").contains("hunter2"));
    assert!(!gotten.lock.text().contains("hunter2"));
    assert_eq!(gotten.lock.packs[0].wanted, host.url("pack"));
    for (login, code) in [
        ("me:hunter3-hunter3@", "pack-not-found"),
        ("", "pack-not-found"),
        ("me:hunter2-hunter2@", "pack-version"),
    ] {
        let url = host.url_with("", "pack#nowhere").replacen('@', login, 1);
        let problem = desk.fails(&url);
        assert_eq!(problem.code.0, code, "{problem:?}");
        let told = format!("{problem:?}");
        assert!(!told.contains("hunter"), "{told}");
    }
    assert!(!desk.take_said().contains("hunter2"));
    assert!(!super::holds(desk.store.root(), "hunter2"));
    assert!(!super::holds(desk.store.root(), "aHVudGVy"));
    assert!(repo.folder().exists());
}

#[test]
fn a_submodule_reaches_no_file_of_this_machine() {
    let desk = Desk::new();
    let secret = desk.pack("secret", "secret");
    let outer = desk.pack("outer", "outer");
    let url = format!("file://{}", secret.folder().display());
    outer
        .git(&["submodule", "--quiet", "add", &url, "lib"])
        .unwrap();
    outer.commit("outer").unwrap();
    let problem = desk.fails(&desk.host_url("outer"));
    assert_eq!(problem.code.0, "pack-git", "{problem:?}");
    assert!(
        problem.message.contains("submodules"),
        "{}",
        problem.message
    );
}

#[test]
fn a_submodule_names_no_program() {
    let desk = Desk::new();
    let mark = desk.path("mark");
    let outer = desk.pack("outer", "outer");
    let inner = desk.pack("inner", "inner");
    let commit = inner.git(&["rev-parse", "HEAD"]).unwrap();
    let touch = format!("touch {}", mark.display());
    for (url, update) in [
        (
            format!("ext::sh -c {}", touch.replace(' ', "% ")),
            "checkout".to_owned(),
        ),
        (format!("--upload-pack={touch}"), "checkout".to_owned()),
        ("../inner".to_owned(), format!("!{touch}")),
    ] {
        let modules =
            format!("[submodule \"a\"]\n\tpath = a\n\turl = \"{url}\"\n\tupdate = \"{update}\"\n");
        outer.write(".gitmodules", &modules).unwrap();
        let entry = format!("160000,{commit},a");
        outer
            .git(&["update-index", "--add", "--cacheinfo", &entry])
            .unwrap();
        outer.git(&["add", ".gitmodules"]).unwrap();
        outer.git(&["commit", "--quiet", "-m", "evil"]).unwrap();
        let problem = desk.fails(&desk.host_url("outer"));
        assert_eq!(problem.code.0, "pack-git", "{url}: {problem:?}");
        assert!(!mark.exists(), "{url}");
    }
}

#[test]
fn a_link_out_of_the_pack_is_no_script_and_gets_no_bit() {
    let desk = Desk::new();
    let outside = desk.path("outside");
    fs_err::write(&outside, "#!/bin/sh\n").unwrap();
    let before = fs_err::metadata(&outside).unwrap().permissions();
    let repo = Repository::pack(&desk.path("repos/pack"), "one").unwrap();
    let detect = repo.folder().join("bin/detect");
    fs_err::remove_file(&detect).unwrap();
    std::os::unix::fs::symlink(&outside, &detect).unwrap();
    repo.commit("evil").unwrap();
    assert_eq!(desk.fails(&desk.host_url("pack")).code.0, "pack-incomplete");
    // Beside scripts that are there, such a link does no harm.
    fs_err::remove_file(&detect).unwrap();
    repo.write("bin/real", "#!/bin/sh\n").unwrap();
    std::os::unix::fs::symlink("real", &detect).unwrap();
    std::os::unix::fs::symlink(&outside, repo.folder().join("bin/evil")).unwrap();
    repo.commit("better").unwrap();
    desk.get(&desk.host_url("pack"));
    assert_eq!(fs_err::metadata(&outside).unwrap().permissions(), before);
}

impl Desk {
    /// The address of a repository on a host that stays for the test's whole life.
    fn host_url(&self, path: &str) -> String {
        let host = Box::leak(Box::new(GitHost::start(&self.path("repos")).unwrap()));
        host.url(path)
    }
}
