//! Others judge what was built: skopeo and umoci read it, podman runs it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use testdata::workspace::{Ran, run};

use crate::{is_root, page, workspace};

pub(crate) fn installed(program: &str) -> bool {
    let there = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !there {
        println!("skipped: {program} is not installed");
    }
    there
}

fn judge(program: &str, arguments: &[&str], folder: &Path) -> Ran {
    run(Command::new(program).args(arguments).current_dir(folder))
}

#[test]
fn skopeo_and_umoci_read_the_layout_and_both_archives() {
    let Some(place) = workspace() else { return };
    if !installed("skopeo") || !installed("umoci") {
        return;
    }
    let app = place.app("tiny", "exported").unwrap();
    let outputs = [
        "oci:layout",
        "oci-archive:image.tar",
        "docker-archive:docker.tar",
    ];
    let mut arguments = Vec::new();
    for output in outputs {
        arguments.extend(["--output", output]);
    }
    let digest = place.build(&app, &arguments).ok().digest();
    let policy = ["--insecure-policy"];
    let skopeo = |rest: &[&str]| judge("skopeo", &[&policy[..], rest].concat(), place.path()).ok();
    // skopeo recomputes every digest while it copies.
    for (number, output) in outputs.iter().enumerate() {
        skopeo(&["copy", output, &format!("dir:copy{number}")]);
        skopeo(&["inspect", output]).never_says("io.buildpacks.stack.id");
    }
    for output in &outputs[..2] {
        skopeo(&["inspect", output]).says(&digest);
    }
    judge(
        "umoci",
        &["unpack", "--rootless", "--image", "layout:latest", "bundle"],
        place.path(),
    )
    .ok();
    assert!(place.path().join("bundle/rootfs/app/mix.exs").is_file());
}

/// Runs `image.tar` under podman until its page answers, and looks at what it said.
pub(crate) fn starts_silently(folder: &Path, otp: &str) {
    let Some((answer, logs)) = under_podman(folder, "image.tar", "/data.json") else {
        return;
    };
    assert!(
        answer.contains("200 OK") && answer.contains("Ahoy"),
        "{answer}"
    );
    assert!(answer.contains(&format!("\"otp\":\"{otp}\"")), "{answer}");
    logs.says("Listening")
        .never_says("Compiling")
        .never_says("Generated");
}

/// Runs an archive of `folder` under podman, greeting with `Ahoy`, until `path` is answered; the answer, and what the app
/// said.
pub(crate) fn under_podman(folder: &Path, archive: &str, path: &str) -> Option<(String, Ran)> {
    got_by_podman(folder, &["load", "--quiet", "--input", archive], path)
}

/// As [`under_podman`], of an image that podman gets so.
pub(crate) fn got_by_podman(folder: &Path, get: &[&str], path: &str) -> Option<(String, Ran)> {
    if !installed("podman") {
        return None;
    }
    if !is_root() {
        println!("skipped: podman as an ordinary user needs subordinate ids");
        return None;
    }
    let port = page::free_port();
    let storage = folder.join("podman");
    let podman = |arguments: &[&str]| {
        let mut command = Command::new("podman");
        command
            .arg("--root")
            .arg(storage.join("root"))
            .arg("--runroot")
            .arg(storage.join("run"))
            .args(["--runtime", "runc", "--storage-driver", "vfs"])
            .args(arguments)
            .current_dir(folder);
        run(&mut command)
    };
    let loaded = podman(get).ok();
    let image = loaded.text.trim().rsplit(' ').next().unwrap().to_owned();
    let name = format!("bp-test-{port}");
    let started = podman(&[
        "run",
        "--detach",
        "--name",
        &name,
        "--network=host",
        "--ulimit",
        "nofile=1024:4096",
        "--ulimit",
        "nproc=1024:1024",
        "--env",
        &format!("PORT={port}"),
        "--env",
        "GREETING=Ahoy",
        &image,
    ]);
    let answer = page::get(port, path, Instant::now() + Duration::from_mins(1));
    let logs = podman(&["logs", &name]);
    podman(&["rm", "--force", "--time", "1", &name]);
    podman(&["rmi", "--force", &image]);
    started.ok();
    let answer = answer.unwrap_or_else(|error| panic!("{error}: {}", logs.text));
    Some((answer, logs))
}
