//! Pushed images onto another run image, in a real registry.

use std::io::{Read as _, Write as _};

use buildpack_core::digest::Digest;
use runner::registry::{Access, Reference, Registries, RegistrySettings, Repository};
use serde_json::{Value, json};
use stacks::Arch;

use crate::judges::got_by_podman;
use crate::pushed::{pushed, registry};
use crate::workspace;

fn repository(name: &str) -> Repository {
    let name: Reference = name.parse().unwrap();
    let registries = Registries::new(RegistrySettings::default());
    registries.repository(&name, Access::Push).unwrap()
}

/// Puts an image with this file in a layer of its own there, on the layers of the run image that is there under `24`; on
/// none of them where it is `bare`.
fn put_stack(name: &str, tag: &str, file: (&str, &str), bare: bool) {
    let at = repository(name);
    let get = |name: &str| -> Value {
        let manifest = at.get_manifest(name).unwrap();
        serde_json::from_slice(&manifest.bytes).unwrap()
    };
    let mut manifest = get("24");
    if let Some(platforms) = manifest["manifests"].as_array() {
        let of_this = |it: &&Value| it["platform"]["architecture"] == Arch::host().unwrap().oci();
        let platform = platforms.iter().find(of_this).unwrap();
        manifest = get(platform["digest"].as_str().unwrap());
    }
    let config: Digest = manifest["config"]["digest"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let size = manifest["config"]["size"].as_u64().unwrap();
    let mut bytes = Vec::new();
    at.get_blob(&config, size).read_to_end(&mut bytes).unwrap();
    let mut config: Value = serde_json::from_slice(&bytes).unwrap();
    if bare {
        manifest["layers"] = json!([]);
        config["rootfs"]["diff_ids"] = json!([]);
    }
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(file.1.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, file.0, file.1.as_bytes())
        .unwrap();
    let tar = tar.into_inner().unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&tar).unwrap();
    let layer = gzip.finish().unwrap();
    let ids = config["rootfs"]["diff_ids"].as_array_mut().unwrap();
    ids.push(json!(Digest::of(&tar)));
    config.as_object_mut().unwrap().remove("history");
    let config = config.to_string();
    manifest["layers"].as_array_mut().unwrap().push(json!({
        "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
        "digest": at.put_bytes(&layer).unwrap(),
        "size": layer.len(),
    }));
    manifest["config"]["digest"] = json!(at.put_bytes(config.as_bytes()).unwrap());
    manifest["config"]["size"] = json!(config.len());
    let kind = manifest["mediaType"].as_str().unwrap().to_owned();
    at.put_manifest(tag, &kind, manifest.to_string().as_bytes())
        .unwrap();
}

#[test]
fn an_app_stands_on_a_newer_stack_without_being_moved() {
    let Some(place) = workspace() else { return };
    let stack = format!("{}/heroku/heroku", registry());
    put_stack(&stack, "newer", ("usr/share/newer", "yes\n"), false);
    put_stack(
        &stack,
        "bare",
        ("etc/os-release", "ID=other\nVERSION_ID=1\n"),
        true,
    );
    let app = place.app("tiny", "rebased").unwrap();
    let name = format!("{}/team/rebased:1", registry());
    let built = pushed(
        &place
            .build(&app, &["-t", &name, "--push", "--format", "json"])
            .ok(),
    );

    let newer = format!("{stack}:newer");
    let json = ["--format", "json"];
    let rebase = ["rebase", &name, "--stack-image", &newer];
    let moved = pushed(&place.bp(&[&rebase[..], &json].concat()).ok());
    assert_ne!(moved["digest"], built["digest"]);
    assert_eq!(
        (&moved["uploaded"], &moved["mounted"]),
        (&json!(1), &json!(1)),
        "{moved}"
    );
    assert!(moved["bytes"].as_u64().unwrap() < 40 << 10, "{moved}");
    let get = ["pull", "--quiet", "--tls-verify=false", &name];
    if let Some((answer, logs)) = got_by_podman(place.path(), &get, "/") {
        assert!(answer.contains("tiny"), "{answer}");
        logs.never_says("Compiling").never_says("Generated");
    }
    place
        .bp(&rebase)
        .ok()
        .says("stands on")
        .never_says("Pushed");
    // And back, to another tag, as if it had been built there.
    let back = format!("{}/team/rebased:back", registry());
    let old = format!("{stack}:24");
    let back = ["rebase", &name, "--stack-image", &old, "-t", &back];
    place.bp(&back).ok().says("Rebased onto");

    let bare = format!("{stack}:bare");
    place
        .bp(&["rebase", &name, "--stack-image", &bare])
        .fails(3, "rebase-unfit")
        .says("and this is other 1")
        .says("needs libc.so.6, which it lacks");
    let there = repository(&name).has_manifest("1").unwrap().unwrap();
    assert_eq!(moved["digest"], there.to_string());
    place.bp(&["rebase", &newer]).fails(2, "rebase-foreign");
    place.bp(&["rebase", "rebased"]).fails(2, "push-target");
}
