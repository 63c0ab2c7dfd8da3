//! What other people's tools say to our images: skopeo, umoci and a real registry, where they are installed.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use buildpack_core::event::Silent;
use buildpack_core::image::{BlobDir, Image, archive, layout, validate};
use buildpack_core::store::Store;

use super::store::tests::{built, request};
use super::{PullRequest, StackStore};
use crate::registry::{Registries, RegistrySettings};

/// Whether a program is installed; says so where it is not.
#[expect(clippy::print_stderr, reason = "a skipped test has to say so")]
pub(crate) fn have(programs: &[&str]) -> bool {
    let missing = |program: &&&str| {
        let said = Command::new(program).arg("--version").output();
        said.is_err()
    };
    let missing: Vec<_> = programs.iter().filter(missing).collect();
    if !missing.is_empty() {
        eprintln!("skipped: {missing:?} not installed");
    }
    missing.is_empty()
}

/// Runs a program that has to succeed; what it prints.
fn run(program: &str, arguments: &[&str]) -> String {
    let done = Command::new(program).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{program} {arguments:?}: {errors}");
    String::from_utf8(done.stdout).unwrap()
}

fn written(folder: &Path) -> (Image, BlobDir, String) {
    let (image, blobs) = built(&folder.join("made"), "judged");
    let target = folder.join("layout");
    layout::write(&target, &image, Some("it"), &blobs, &Silent).unwrap();
    (image, blobs, target.display().to_string())
}

#[test]
fn skopeo_reads_layouts_and_archives() {
    if !have(&["skopeo"]) {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let (image, blobs, oci) = written(temp.path());
    let raw = run("skopeo", &["inspect", "--raw", &format!("oci:{oci}:it")]);
    assert_eq!(raw.as_bytes(), image.manifest);

    let tar = |name: &str, bytes: Vec<u8>| {
        let file = temp.path().join(name);
        fs_err::write(&file, bytes).unwrap();
        file.display().to_string()
    };
    let bytes = archive::write_oci(Vec::new(), &image, Some("it"), &blobs, &Silent).unwrap();
    let file = tar("oci.tar", bytes);
    let raw = run(
        "skopeo",
        &["inspect", "--raw", &format!("oci-archive:{file}:it")],
    );
    assert_eq!(raw.as_bytes(), image.manifest);

    let names = ["judged:latest".to_owned()];
    let bytes = archive::write_docker(Vec::new(), &image, &names, &blobs, &Silent).unwrap();
    let file = tar("docker.tar", bytes);
    // Copying makes skopeo unpack and compare what a mere look leaves alone.
    let copy = temp.path().join("copy").display().to_string();
    let from = format!("docker-archive:{file}:judged:latest");
    run(
        "skopeo",
        &["copy", "--quiet", &from, &format!("oci:{copy}:it")],
    );
    let copied = layout::read(Path::new(&copy), Some("it")).unwrap();
    let diff_ids = |image: &Image| image.layers.iter().map(|it| it.diff_id).collect::<Vec<_>>();
    assert_eq!(diff_ids(&copied), diff_ids(&image));
    let their_blobs = BlobDir::new(Path::new(&copy).join("blobs"));
    assert_eq!(validate(&copied, &their_blobs).unwrap(), []);
}

#[test]
fn umoci_unpacks_what_we_unpack() {
    if !have(&["umoci"]) {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let (_, _, oci) = written(temp.path());
    let bundle = temp.path().join("bundle").display().to_string();
    run(
        "umoci",
        &[
            "unpack",
            "--rootless",
            "--image",
            &format!("{oci}:it"),
            &bundle,
        ],
    );
    let stacks = StackStore::new(Store::open(temp.path().join("store")).unwrap());
    let name = request().reference;
    let image = stacks
        .import(Path::new(&oci), &name, "amd64", request().now, &Silent)
        .unwrap();
    let ours = stacks.rootfs(&image.base, &Silent).unwrap();
    let listing = |root: &Path| {
        let mut all: Vec<_> = walkdir::WalkDir::new(root)
            .into_iter()
            .map(|entry| {
                let entry = entry.unwrap();
                let name = entry.path().strip_prefix(root).unwrap().to_owned();
                let content = fs_err::read(entry.path()).unwrap_or_default();
                (name, entry.file_type().is_dir(), content)
            })
            .collect();
        all.sort();
        all
    };
    assert_eq!(listing(&ours), listing(&Path::new(&bundle).join("rootfs")));
}

/// A registry that ends with the test.
pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn registry(folder: &Path) -> (Running, String) {
    let host = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let config = folder.join("registry.yml");
    let data = folder.join("registry-data").display().to_string();
    let text = format!(
        "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {data}}}}}\nhttp: {{addr: \"{host}\"}}\nlog: {{level: error}}\n"
    );
    fs_err::write(&config, text).unwrap();
    let child = Command::new("docker-registry")
        .arg("serve")
        .arg(config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    (Running(child), host)
}

#[test]
fn a_real_registry_gives_back_what_was_pushed() {
    if !have(&["docker-registry", "skopeo"]) {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let (image, _, oci) = written(temp.path());
    let (_running, host) = registry(temp.path());
    let to = format!("docker://{host}/heroku/heroku:24-build");
    // skopeo tries again by itself while the registry is starting.
    run(
        "skopeo",
        &[
            "copy",
            "--quiet",
            "--retry-times",
            "6",
            "--dest-tls-verify=false",
            &format!("oci:{oci}:it"),
            &to,
        ],
    );
    let registry = Registries::new(RegistrySettings {
        mirrors: vec![("docker.io".to_owned(), format!("http://{host}"))],
        patience: Duration::from_secs(20),
        ..RegistrySettings::default()
    });
    let stacks = StackStore::new(Store::open(temp.path().join("store")).unwrap());
    let pulled = stacks.pull(&registry, &request(), &Silent).unwrap();
    assert_eq!(pulled.base.digest, image.manifest_digest);
    let file = pulled.rootfs.unwrap().join("etc/a");
    assert_eq!(fs_err::read_to_string(file).unwrap(), "judged");

    let pinned = PullRequest {
        reference: format!("{host}/heroku/heroku@{}", image.manifest_digest)
            .parse()
            .unwrap(),
        unpack: false,
        ..request()
    };
    let pinned = stacks.pull(&registry, &pinned, &Silent).unwrap();
    assert_eq!(pinned.base.layers, pulled.base.layers);
}
