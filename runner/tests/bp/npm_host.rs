//! Packages as a registry of npm hands them out: a document for each, and its tarball.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use testdata::fake::origin::Origin;

/// Below which path of a host packages are.
pub(crate) const REGISTRY: &str = "/npm/";

/// Lets `origin` hand out the package of this `package.json` with these files; gives its entry in a lock file.
pub(crate) fn npm_package(origin: &Origin, manifest: &Value, files: &[(&str, &str)]) -> Value {
    let said = |key: &str| manifest[key].as_str().unwrap();
    let (name, version) = (said("name"), said("version"));
    let short = name.rsplit('/').next().unwrap();
    let path = format!("{REGISTRY}{name}/-/{short}-{version}.tgz");
    let packed = tarball(manifest, files);
    let digest = ring::digest::digest(&ring::digest::SHA512, &packed);
    let dist = json!({
        "tarball": origin.url(&path),
        "integrity": format!("sha512-{}", STANDARD.encode(digest)),
    });
    origin.file(&path, &packed);
    let mut entry = json!({
        "version": version,
        "resolved": dist["tarball"],
        "integrity": dist["integrity"],
        "hasInstallScript": manifest["scripts"].is_object(),
    });
    if manifest["engines"].is_object() {
        entry["engines"] = manifest["engines"].clone();
    }
    let mut published = manifest.clone();
    published["dist"] = dist;
    let document = json!({
        "name": name,
        "dist-tags": {"latest": version},
        "versions": {version: published},
    });
    let path = format!("{REGISTRY}{}", name.replace('/', "%2f"));
    origin.file(&path, document.to_string().as_bytes());
    entry
}

fn tarball(manifest: &Value, files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let manifest = manifest.to_string();
    let all = std::iter::once(("package.json", manifest.as_str())).chain(files.iter().copied());
    for (name, content) in all {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        let name = format!("package/{name}");
        tar.append_data(&mut header, name, content.as_bytes())
            .unwrap();
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&tar.into_inner().unwrap()).unwrap();
    packed.finish().unwrap()
}

/// A lock file of these direct dependencies: what `package.json` asked for when it was written, and the entries.
pub(crate) fn lock(wanted: &Value, entries: &[(&str, Value)]) -> String {
    let mut packages = json!({"": {"dependencies": wanted}});
    for (name, entry) in entries {
        packages[format!("node_modules/{name}")] = entry.clone();
    }
    json!({"name": "assets", "lockfileVersion": 3, "requires": true, "packages": packages})
        .to_string()
}
