//! Packages that npm cannot install: its own words stand in the log, and the block names the package.

use serde_json::{Value, json};
use testdata::fake::origin::Origin;
use testdata::workspace::{App, Workspace};

use crate::blocks::shows;
use crate::npm_host::{REGISTRY, lock, npm_package};
use crate::workspace;

/// What npm is asked to install, and how.
struct Wanted<'a> {
    registry: &'a str,
    npmrc: &'a str,
    dependencies: Value,
    lock: String,
}

/// The small app with assets that want these packages.
fn app(place: &Workspace, name: &str, wanted: &Wanted<'_>) -> App {
    let app = place.app("tiny", name).unwrap();
    let package = json!({
        "private": true,
        "scripts": {"deploy": "true"},
        "dependencies": wanted.dependencies,
    });
    let npmrc = format!(
        "registry={}\nfetch-retries=0\n{}\n",
        wanted.registry, wanted.npmrc
    );
    for (file, text) in [
        ("phoenix_static_buildpack.config", "node_version=22.14.0\n"),
        ("assets/package.json", &package.to_string()),
        ("assets/package-lock.json", &wanted.lock),
        ("assets/.npmrc", &npmrc),
    ] {
        app.write(file, text).unwrap();
    }
    app
}

/// Written for the V8 of Node 0.10.
const OLD_ADDON: &str = "#include <node.h>\n\n\
    void Init(v8::Handle<v8::Object> exports) { v8::String::NewSymbol(\"now\"); }\n\n\
    NODE_MODULE(clock, Init)\n";

/// What node-gyp makes before it starts the compiler: for that it needs more of Python than the world's images have.
const CONFIGURED: [(&str, &str); 2] = [
    (
        "build/config.gypi",
        "{\"target_defaults\": {\"default_configuration\": \"Release\"}, \"variables\": {\"python\": \"python3\"}}",
    ),
    (
        "build/Makefile",
        "clock.o:\n\tc++ -std=c++20 -I$(npm_config_nodedir)/include/node -c ../clock.cc\n",
    ),
];

#[test]
fn a_package_that_cannot_be_installed_is_named() {
    let Some(place) = workspace() else { return };
    let origin = Origin::start().unwrap();
    let registry = origin.url(REGISTRY);
    let package = |more: Value, files: &[(&str, &str)]| {
        let mut manifest = json!({"name": "acme-icons", "version": "1.0.0"});
        let more = more.as_object().unwrap().clone();
        manifest.as_object_mut().unwrap().extend(more);
        npm_package(&origin, &manifest, files)
    };
    let plain = package(json!({}), &[]);
    let mut other = plain.clone();
    let digest = plain["integrity"].as_str().unwrap();
    other["integrity"] = digest.replace(&digest[7..17], "AAAAAAAAAA").into();
    let scripts = |scripts: Value, files: &[(&str, &str)]| {
        package(json!({"version": "1.1.0", "scripts": scripts}), files)
    };
    let needs = json!({"version": "1.2.0", "engines": {"node": ">=99"}});
    let throws = ("build.js", "throw new Error('no icons for this Node')\n");
    let [config, makefile] = CONFIGURED;
    let addon = [config, makefile, ("clock.cc", OLD_ADDON)];
    let nowhere = "http://127.0.0.1:1/";
    for (code, entry, npmrc, registry, words, quote) in [
        (
            "package-integrity",
            other,
            "",
            registry.as_str(),
            "`acme-icons` is not the package that the lock file names",
            "npm error sha512-AAAAAAAAAA",
        ),
        (
            "npm-unreachable",
            // Of no host: that of the registry.
            json!({"version": "1.0.0", "integrity": digest}),
            "",
            nowhere,
            "127.0.0.1:1, where packages come from, could not be reached",
            "npm error FetchError: request to ",
        ),
        (
            "node-not-supported",
            package(needs, &[]),
            "engine-strict=true",
            &registry,
            "`acme-icons@1.2.0` wants Node `>=99`, and 22.14.0 runs it",
            "npm error engine ",
        ),
        (
            "package-script",
            scripts(json!({"postinstall": "node build.js"}), &[throws]),
            "",
            &registry,
            "the script `node build.js` of the package `acme-icons` failed",
            "npm error Error: no icons for this Node",
        ),
        (
            "native-addon",
            package(
                json!({"version": "1.3.0", "scripts": {"install": "node-gyp build"}}),
                &addon,
            ),
            "",
            &registry,
            "`acme-icons` has a part in C or C++ that could not be compiled for Node 22.14.0",
            "npm error ../clock.cc:3:.* error: ",
        ),
    ] {
        let version = entry["version"].as_str().unwrap();
        let dependencies = json!({"acme-icons": version});
        let wanted = Wanted {
            registry,
            npmrc,
            lock: lock(&dependencies, &[("acme-icons", entry)]),
            dependencies,
        };
        let app = app(&place, code, &wanted);
        let ran = place.build(&app, &[]).fails(1, code).says(words);
        let ran = ran.says("step `assets-install` failed: `npm ci --include=dev`");
        let quoted = regex::Regex::new(&format!("= log line [0-9]+: {quote}")).unwrap();
        assert!(quoted.is_match(&ran.text), "{}", ran.text);
        shows(code, &ran, &app);
    }
}

#[test]
fn a_lock_file_that_lacks_what_is_wanted_is_told_with_what() {
    let Some(place) = workspace() else { return };
    let origin = Origin::start().unwrap();
    let version = |version: &str| {
        let manifest = json!({"name": "acme-icons", "version": version});
        npm_package(&origin, &manifest, &[])
    };
    let old = version("1.0.0");
    // What the registry knows is the newest alone.
    version("2.0.0");
    let wanted = Wanted {
        registry: &origin.url(REGISTRY),
        npmrc: "",
        lock: lock(&json!({"acme-icons": "1.0.0"}), &[("acme-icons", old)]),
        dependencies: json!({"acme-icons": "2.0.0"}),
    };
    let app = app(&place, "npm-lock", &wanted);
    let ran = place.build(&app, &[]).fails(1, "npm-lock");
    let ran = ran.says("has `acme-icons@1.0.0`, where `package.json` asks for `acme-icons@2.0.0`");
    shows("npm-lock", &ran, &app);
    app.replace("assets/package.json", "2.0.0", "3.0.0")
        .unwrap();
    place
        .build(&app, &[])
        .fails(1, "package-refused")
        .says("does not hand out `acme-icons@3.0.0`");
}

/// Packages of Mix that `package.json` names are there once Mix has fetched them, and this app depends on none. npm of
/// today makes a link that leads nowhere; yarn says so.
#[test]
fn a_package_of_mix_that_the_app_does_not_depend_on_is_named() {
    let Some(place) = workspace() else { return };
    let wanted = Wanted {
        registry: "https://registry.npmjs.org/",
        npmrc: "",
        dependencies: json!({"phoenix": "file:../deps/phoenix"}),
        lock: String::new(),
    };
    let app = app(&place, "npm-before-deps", &wanted);
    app.remove("assets/package-lock.json").unwrap();
    let locked = "# yarn lockfile v1\n\n\n\"phoenix@file:../deps/phoenix\":\n  version \"1.8.1\"\n";
    app.write("assets/yarn.lock", locked).unwrap();
    let ran = place.build(&app, &[]).fails(1, "npm-before-deps");
    let ran = ran.says("`package.json` points at `deps/phoenix`, which is not there");
    shows("npm-before-deps", &ran, &app);
}
