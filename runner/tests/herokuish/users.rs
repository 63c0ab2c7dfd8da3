//! Whom a process runs as, and whose the app's files stay.

use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt as _;

use crate::desk::Desk;

const APP: &str = "id -u; id -g; id -G";

/// Only root can become somebody else.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn who_is_not_root_stays_who_it_is() {
    let desk = Desk::new(&[("Procfile", "web: id -u")]);
    let own = rustix::process::geteuid();
    let mut command = desk.called("start");
    let command = command
        .arg("web")
        .env("USER", "nobody")
        .env("HEROKUISH_SETUIDGUID", "false");
    assert_eq!(desk.ran(command).fine(), format!("{own}\n"));
    if !own.is_root() {
        let mut command = desk.called("start");
        let out = desk.ran(command.arg("web").env("USER", "nobody")).fine();
        assert_eq!(out, format!("{own}\n"));
    }
}

#[test]
fn root_becomes_the_user_of_the_variable_or_the_folders_owner() {
    if !is_root() {
        return;
    }
    let desk = Desk::new(&[("Procfile", &format!("web: {APP}"))]);
    let started = |variables: &[(&str, &str)]| {
        let mut command = desk.called("start");
        desk.ran(command.arg("web").envs(variables.iter().copied()))
    };
    let nobody = "65534\n65534\n65534\n";
    assert_eq!(started(&[("USER", "nobody")]).fine(), nobody);
    assert_eq!(started(&[("USER", "4242:50")]).fine(), "4242\n50\n50\n");
    assert_eq!(
        started(&[("USER", "nobody"), ("HEROKUISH_WITH_TTY", "true")]).fine(),
        "65534\n65534\n65534 5\n"
    );
    assert_eq!(started(&[]).fine(), "0\n0\n0\n");
    chown(desk.path("app"), Some(65534), Some(7)).unwrap();
    assert_eq!(started(&[]).fine(), nobody);
    chown(desk.path("app"), Some(4243), Some(7)).unwrap();
    assert_eq!(started(&[("USER", "")]).fine(), "4243\n7\n7\n");
    started(&[("USER", "herokuish-nobody")]).told(2, &["user-unknown", "`herokuish-nobody`"]);
}

#[test]
fn profile_and_command_run_as_the_apps_user_and_no_file_changes_hands() {
    if !is_root() {
        return;
    }
    let desk = Desk::new(&[
        ("Procfile", "web: cat who"),
        (".profile.d/a.sh", "id -un > who"),
    ]);
    chown(desk.path("app"), Some(65534), Some(65534)).unwrap();
    desk.env("SECRET", "closed to others");
    let out = desk.run("start", &["web"]).fine();
    assert_eq!(out, "nobody\n");
    let owner = |name: &str| desk.path(name).metadata().unwrap().uid();
    assert_eq!(owner("app/Procfile"), 0);

    let started = |disable: &str| {
        let mut command = desk.called("start");
        let command = command.arg("web").env("BP_HEROKUISH_COMPAT", "chown-app");
        desk.ran(command.env("HEROKUISH_DISABLE_CHOWN", disable))
            .fine()
    };
    started("true");
    assert_eq!(owner("app/Procfile"), 0);
    started("");
    assert_eq!(owner("app/Procfile"), 65534);
    assert_eq!(owner("env/SECRET"), 0);
}

#[test]
fn who_may_not_write_to_the_app_is_told_the_way_out() {
    if !is_root() {
        return;
    }
    let desk = Desk::new(&[]);
    for name in ["build", "cache", "buildpacks"] {
        fs_err::create_dir(desk.path(name)).unwrap();
        chown(desk.path(name), Some(1000), Some(1000)).unwrap();
    }
    desk.put("import/source", "");
    let mut command = desk.called("build");
    command.uid(1000).gid(1000).env("STACK", "heroku-24");
    desk.ran(&mut command).told(
        4,
        &["herokuish-not-writable", "start the container as root"],
    );
}
