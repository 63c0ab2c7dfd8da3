//! Packs that are fetched: builds follow a branch, hold to a lock, and go on without the network.

use testdata::fake::git::{GitHost, Repository};

use crate::workspace;

#[test]
fn a_build_follows_a_branch_and_holds_to_a_lock() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "followed").unwrap();
    let repos = place.path().join("repos");
    let repo = Repository::pack(&repos.join("followed"), "one").unwrap();
    let host = GitHost::start(&repos).unwrap();
    // me:hunter2-hunter2
    host.only_for("bWU6aHVudGVyMi1odW50ZXIy");
    let address = host.url_with("me:hunter2-hunter2", "followed");
    app.write(".buildpacks", format!("# ours\r\n{address}\r\n"))
        .unwrap();
    let first = place.build(&app, &["--lock"]).ok();
    let first = first
        .says("-----> Fetching buildpack")
        .says("version one")
        .never_says("hunter2");
    // The other side is asked where the branch is, and for nothing more.
    let again = place.build(&app, &[]).ok().never_says("Fetching");
    assert_eq!(again.digest(), first.digest());
    let commit = repo.release("two").unwrap();
    let second = place.build(&app, &[]).ok().says("version two");
    assert_ne!(second.digest(), first.digest());
    let held = place.build(&app, &["--locked"]).ok();
    assert_eq!(held.digest(), first.digest());
    drop(host);
    place.build(&app, &[]).fails(4, "pack-unreachable");
    let offline = place.build(&app, &["--offline"]).ok();
    assert_eq!(offline.digest(), second.digest());
    // What an image was built with stands in its label.
    place
        .bp(&["inspect", "followed", "--format", "json"])
        .ok()
        .says(&commit)
        .never_says("hunter2");
}

#[test]
fn a_fork_of_a_pack_that_is_built_in_is_run() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "forked").unwrap();
    let repos = place.path().join("forks");
    let repo = Repository::pack(&repos.join("me/heroku-buildpack-elixir"), "mine").unwrap();
    let host = GitHost::start(&repos).unwrap();
    let url = format!(
        "BUILDPACK_URL={}",
        host.url("me/heroku-buildpack-elixir#main")
    );
    place
        .build(&app, &["-e", &url])
        .ok()
        .says("-----> Fake app detected")
        .says("version mine");
    fs_err::remove_file(repo.folder().join("bin/compile")).unwrap();
    repo.commit("less").unwrap();
    place.build(&app, &["-e", &url]).fails(3, "pack-incomplete");
}
