use serde_json::Value;

use super::*;
use crate::image::{BaseImage, Document, ImageSettings, LayerRecord, ManifestDocument, MediaType};

const CONFIG: &str = r#"{
    "architecture": "amd64", "os": "linux", "author": "somebody@host", "created": "2026-01-02T03:04:05Z",
    "container_config": {"Hostname": "buildhost"},
    "config": {
        "Env": ["PATH=/usr/bin:/bin", "STACK=heroku-24"], "Cmd": ["bash"], "User": "heroku",
        "ExposedPorts": {"9/tcp": {}, "8/tcp": {}, "7/tcp": {}},
        "Labels": {"io.buildpacks.stack.id": "heroku-24", "io.buildpacks.base.distro.name": "ubuntu", "kept": "yes", "z": "1", "a": "2"}
    },
    "rootfs": {"type": "layers", "diff_ids": ["DIFF"]},
    "history": [{"created_by": "ADD rootfs"}, {"created_by": "CMD bash", "empty_layer": true}]
}"#;

pub(crate) fn base() -> BaseImage {
    let config = CONFIG.replace("DIFF", &Digest::of(b"base tar").to_string());
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": Digest::of(config.as_bytes()), "size": config.len()},
        "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "digest": Digest::of(b"base blob"), "size": 9}],
    })
    .to_string();
    let Document::Manifest(document) = Document::parse("it", manifest.as_bytes()).unwrap() else {
        panic!("an index");
    };
    BaseImage::from_documents(
        "docker.io/heroku/heroku:24",
        Digest::of(manifest.as_bytes()),
        &document,
        config.as_bytes(),
    )
    .unwrap()
}

pub(crate) fn layer(purpose: &str) -> LayerRecord {
    LayerRecord {
        purpose: purpose.to_owned(),
        digest: Digest::of(purpose.as_bytes()),
        diff_id: Digest::of(purpose.to_uppercase().as_bytes()),
        size: purpose.len() as u64,
        unpacked_size: 1024,
        media_type: MediaType::OciGzip,
        libraries: <_>::default(),
    }
}

pub(crate) fn settings() -> ImageSettings {
    ImageSettings {
        created: "2026-11-21T07:00:00Z".parse().unwrap(),
        architecture: "amd64".to_owned(),
        labels: [("app".to_owned(), "demo".to_owned())].into(),
        env: vec![
            ("STACK".to_owned(), "mine".to_owned()),
            ("HOME".to_owned(), "/app".to_owned()),
        ],
        entrypoint: vec!["/bin/entry".to_owned()],
        cmd: Vec::new(),
        user: "1000:1000".to_owned(),
        working_dir: "/app".to_owned(),
        exposed_ports: vec!["5000/tcp".to_owned()],
        stop_signal: None,
    }
}

#[test]
fn says_what_it_was_told_and_keeps_what_the_base_says() {
    let image = assemble(&base(), &[layer("erlang"), layer("app")], &settings());
    let config: Value = serde_json::from_slice(&image.config).unwrap();
    assert_eq!(
        config["config"],
        json!({
            "Env": ["PATH=/usr/bin:/bin", "STACK=mine", "HOME=/app"],
            "Entrypoint": ["/bin/entry"],
            "User": "1000:1000",
            "WorkingDir": "/app",
            "ExposedPorts": {"5000/tcp": {}, "7/tcp": {}, "8/tcp": {}, "9/tcp": {}},
            "Labels": {"a": "2", "app": "demo", "kept": "yes", "z": "1"},
        })
    );
    assert_eq!(
        config["history"],
        json!([
            {"created_by": "ADD rootfs"},
            {"created_by": "CMD bash", "empty_layer": true},
            {"created": "2026-11-21T07:00:00Z", "created_by": "bp layer: erlang"},
            {"created": "2026-11-21T07:00:00Z", "created_by": "bp layer: app"},
        ])
    );
    assert_eq!(config["rootfs"]["diff_ids"].as_array().unwrap().len(), 3);
    assert_eq!(config["created"], "2026-11-21T07:00:00Z");
    let text = String::from_utf8(image.config.clone()).unwrap();
    assert!(
        !text.contains("buildhost") && !text.contains("somebody"),
        "{text}"
    );
    let manifest: Value = serde_json::from_slice(&image.manifest).unwrap();
    for layer in manifest["layers"].as_array().unwrap() {
        assert_eq!(
            layer["mediaType"],
            "application/vnd.oci.image.layer.v1.tar+gzip"
        );
    }
}

#[test]
fn the_bytes_follow_from_the_arguments() {
    let first = assemble(&base(), &[layer("app")], &settings());
    // Each base is read anew, so that hash maps get other seeds.
    for _ in 0..20 {
        assert_eq!(assemble(&base(), &[layer("app")], &settings()), first);
    }
    assert_eq!(
        first.manifest_digest.to_string(),
        "sha256:5836e7b7eb72da4d01e43574acb9db6e1b0cb97c7620d3180aff6011b7a056ed"
    );
}

#[test]
fn another_layer_or_setting_is_another_image() {
    let first = assemble(&base(), &[layer("app")], &settings());
    let mut later = settings();
    later.created = "2026-11-21T07:00:01Z".parse().unwrap();
    assert_ne!(
        first.manifest_digest,
        assemble(&base(), &[layer("app")], &later).manifest_digest
    );
    assert_ne!(
        first.manifest_digest,
        assemble(&base(), &[layer("apq")], &settings()).manifest_digest
    );
    assert_ne!(
        first.manifest_digest,
        assemble(&base(), &[], &settings()).manifest_digest
    );
}

#[test]
fn reads_back_as_it_was_made_also_as_a_record() {
    let image = assemble(&base(), &[layer("erlang"), layer("app")], &settings());
    assert_eq!(
        Image::from_documents(image.manifest.clone(), image.config.clone()).unwrap(),
        image
    );
    let record = serde_json::to_string(&image).unwrap();
    assert_eq!(serde_json::from_str::<Image>(&record).unwrap(), image);
    let record = serde_json::to_string(&base()).unwrap();
    for _ in 0..20 {
        assert_eq!(serde_json::to_string(&base()).unwrap(), record);
    }
    assert_eq!(serde_json::from_str::<BaseImage>(&record).unwrap(), base());
}

#[test]
fn a_base_without_history_gets_one_entry_a_layer() {
    let mut base = base();
    base.config.set_history(None);
    let image = assemble(&base, &[layer("app")], &settings());
    let config: Value = serde_json::from_slice(&image.config).unwrap();
    assert_eq!(config["history"].as_array().unwrap().len(), 2);
    assert_eq!(
        config["history"][0]["created_by"],
        "docker.io/heroku/heroku:24"
    );
}

#[test]
fn refuses_documents_that_cannot_be() {
    let digest = Digest::of(b"").to_string();
    for bytes in [
        "",
        "<!DOCTYPE html>",
        "[]",
        "{}",
        r#"{"schemaVersion": 1, "fsLayers": []}"#,
        r#"{"manifests": [], "layers": []}"#,
        r#"{"mediaType": "application/vnd.oci.image.manifest.v1+json"}"#,
        r#"{"mediaType": "text/html", "layers": []}"#,
        &format!(
            r#"{{"layers": [], "config": {{"mediaType": "x", "digest": "{digest}", "size": -1}}}}"#
        ),
        r#"{"layers": [], "config": {"mediaType": "x", "digest": "sha256:../../etc/passwd", "size": 1}}"#,
    ] {
        assert!(Document::parse("it", bytes.as_bytes()).is_err(), "{bytes}");
    }
    let odd = format!(
        r#"{{"layers": [{{"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "digest": "{digest}", "size": 1}}], "config": {{"mediaType": "x", "digest": "{digest}", "size": 1}}}}"#
    );
    let Document::Manifest(odd) = Document::parse("it", odd.as_bytes()).unwrap() else {
        panic!("an index");
    };
    let config = CONFIG.replace("DIFF", &digest);
    assert!(BaseImage::from_documents("x", Digest::of(b""), &odd, config.as_bytes()).is_err());
    // More layers than diff ids.
    let none = ManifestDocument {
        config: odd.config.clone(),
        layers: Vec::new(),
    };
    assert!(BaseImage::from_documents("x", Digest::of(b""), &none, config.as_bytes()).is_err());
}
