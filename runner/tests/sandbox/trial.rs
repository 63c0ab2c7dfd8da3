//! Whether rooms can be built here, and what is said where they can't.

use runner::sandbox::NamespaceSandbox;

use crate::rooms::{self, House, sh};

#[test]
fn a_helper_that_is_none_is_told_apart() {
    let house = House::new();
    let run = |helper: &str| {
        let sandbox = NamespaceSandbox::with_helper(helper);
        rooms::run_in(&sandbox, &house.room, &sh("true"))
            .unwrap_err()
            .diagnostic()
            .code
            .0
    };
    assert_eq!(run("/bin/true"), "sandbox-helper-failed");
    assert_eq!(run("/no/such/helper"), "sandbox-helper-failed");
}

#[test]
fn the_helper_serves_nobody_but_us() {
    for stage in ["room", "init", "here", "other"] {
        let helper = std::process::Command::new(rooms::helper())
            .args(["__sandbox", stage])
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        assert_eq!(helper.status.code(), Some(2));
        assert!(helper.stdout.is_empty() && helper.stderr.is_empty());
    }
}

#[test]
fn a_trial_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let probe = rooms::sandbox().probe(&folder.path().join("store"));
    assert!(probe.works(), "{:?}", probe.failure);
    assert_eq!(
        std::fs::read_dir(folder.path().join("store"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn a_trial_names_what_stands_in_the_way() {
    for (spoil, code, word) in [
        (
            "echo 0 > /proc/sys/user/max_user_namespaces",
            "sandbox-unavailable",
            "sysctl user.max_user_namespaces",
        ),
        (
            "echo 1 > /proc/sys/user/max_user_namespaces",
            "sandbox-unavailable",
            "sysctl user.max_user_namespaces",
        ),
        (
            "mount -t tmpfs none /proc/sys",
            "sandbox-unavailable",
            "systempaths=unconfined",
        ),
        (
            "mount -t tmpfs none /proc",
            "sandbox-unavailable",
            "mount /proc",
        ),
    ] {
        let house = House::new();
        let output = std::process::Command::new("unshare")
            .args([
                "-Urm",
                "sh",
                "-c",
                &format!("{spoil} && exec \"$0\" --exact --nocapture a_caller_elsewhere"),
            ])
            .arg(std::env::current_exe().unwrap())
            .env("BP_TEST_HOW", "probe")
            .env("BP_TEST_SCRIPT", "")
            .env("BP_TEST_SCRATCH", &house.room.scratch)
            .output()
            .unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(
            shown.contains(code) && shown.contains(word),
            "{spoil}: {output:?}"
        );
    }
}
