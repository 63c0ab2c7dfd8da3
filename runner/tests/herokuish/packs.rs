//! `buildpack install` and `buildpack list`, and what is said to addresses that lead to no pack.

use std::process::Command;

use testdata::fake::origin::Origin;

use crate::desk::Desk;

/// A repository with a pack that calls itself by `name`; gives its address.
fn repository(desk: &Desk, name: &str) -> String {
    let at = format!("repositories/{name}");
    desk.pack(&at, &format!("echo {name}"), "true");
    let folder = desk.path(&at);
    for words in [
        &["init", "--quiet", "--initial-branch=main"][..],
        &["add", "--all"],
        &[
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@t",
            "commit",
            "--quiet",
            "--message=one",
        ],
        &["tag", "v1"],
    ] {
        let mut git = Command::new("git");
        assert!(
            git.args(words)
                .current_dir(&folder)
                .status()
                .unwrap()
                .success()
        );
    }
    format!("file://{}", folder.display())
}

#[test]
fn a_pack_is_installed_under_its_name_and_listed() {
    let desk = Desk::new(&[]);
    assert_eq!(desk.run("herokuish", &["buildpack", "list"]).fine(), "");
    let url = repository(&desk, "mine");
    desk.run("herokuish", &["buildpack", "install", &url, "v1"])
        .told(
            0,
            &["Installed file://[desk]/repositories/mine#v1 into [desk]/buildpacks/mine"],
        );
    assert!(desk.path("buildpacks/mine/bin/detect").is_file());
    assert!(!desk.path("buildpacks/mine/.git").exists());
    // Anew in its place.
    desk.put("buildpacks/mine/stale", "");
    desk.run("herokuish", &["buildpack", "install", &url])
        .told(0, &["Installed"]);
    assert!(!desk.path("buildpacks/mine/stale").exists());
    desk.pack("buildpacks/01_buildpack-ruby", "true", "true");
    assert_eq!(
        desk.run("herokuish", &["buildpack", "list"]).fine(),
        "01_buildpack-ruby\nmine\n"
    );
    desk.run("herokuish", &["version"])
        .told(0, &["herokuish: ", "buildpacks:\n  ruby\n  mine\n"]);
    // Nothing else is kept.
    assert!(!desk.path("cache").exists());
}

#[test]
fn an_address_that_is_none_or_leads_to_no_pack_is_said_in_herokuishs_words() {
    let desk = Desk::new(&[]);
    let url = repository(&desk, "mine");
    let origin = Origin::start().unwrap();
    let page = origin.url("/not-an-archive");
    let archive = origin.url("/gone.tar.gz");
    for (words, said) in [
        (&["ruby"][..], "Invalid buildpack URL: 'ruby'"),
        (
            &[page.as_str()],
            "not a reachable git remote or a recognised archive: '",
        ),
        (&[archive.as_str()], "Failed to download buildpack from '"),
        (
            &[&url, "v9"],
            "Failed to checkout 'v9' from 'file://[desk]/repositories/mine'",
        ),
    ] {
        let ran = desk.run("herokuish", &[&["buildpack", "install"], words].concat());
        ran.told(1, &[said]);
        assert_eq!(desk.run("herokuish", &["buildpack", "list"]).fine(), "");
    }
}
