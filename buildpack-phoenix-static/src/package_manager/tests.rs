use std::collections::BTreeMap;

use buildpack_core::check::Evaluated;

use buildpack_core::toolchain::Algorithm;

use super::*;
use crate::config::FILE;

fn chosen(files: &[(&str, &str)]) -> Outcome<PackageManager> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        testdata::tree::write(folder.path(), name, text);
    }
    let app = App::read(folder.path()).value.unwrap();
    let config = StaticConfig::read(&app, &Evaluated::new()).value.unwrap();
    let package = app.package_jsons.first().cloned().unwrap_or_default();
    choose(&app, "assets", &package, &config)
}

/// The program, its version, and the code of what is said.
fn told(files: &[(&str, &str)]) -> String {
    let outcome = chosen(files);
    let mut all: Vec<String> = Vec::new();
    if let Some(found) = &outcome.value {
        all.push(format!("{:?}", found.manager));
        all.push(match &found.program {
            Program::OfNode => "of Node".to_owned(),
            Program::OfApp(path) => path.clone(),
            Program::Fetched { version, .. } => version.to_string(),
        });
    }
    all.extend(outcome.diagnostics.iter().map(|d| d.code.0.to_owned()));
    all.join(" ")
}

const PLAIN: (&str, &str) = ("assets/package.json", "{}");

#[test]
fn packages_of_others_should_be_locked() {
    let with = |package: &str, more: &[(&str, &str)]| {
        let mut files = vec![("assets/package.json", package)];
        files.extend(more);
        told(&files)
    };
    let foreign = r#"{"dependencies": {"phoenix": "file:../deps/phoenix", "topbar": "^3"}}"#;
    assert_eq!(with(foreign, &[]), "Npm of Node lock-file-missing");
    assert_eq!(
        with(foreign, &[("assets/package-lock.json", "{}")]),
        "Npm of Node"
    );
    let local = r#"{"dependencies": {"phoenix": "file:../deps/phoenix"}}"#;
    assert_eq!(with(local, &[]), "Npm of Node");
    // A workspace has one lock for all that is in it.
    let above = ("yarn.lock", "__metadata:\n  version: 8\n");
    assert_eq!(with(foreign, &[above]), "Npm of Node lock-file-missing");
    let workspace = ("package.json", r#"{"workspaces": ["assets"]}"#);
    assert_eq!(with(foreign, &[above, workspace]), "YarnBerry 4.9.2");
    let pnpm = [
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n"),
        ("pnpm-workspace.yaml", ""),
    ];
    assert_eq!(with(foreign, &pnpm), "Pnpm 9.15.9");
    let top = r#"{"workspaces": ["assets"], "packageManager": "pnpm@9.15.0"}"#;
    let named = [pnpm[0], ("package.json", top)];
    assert_eq!(with(foreign, &named), "Pnpm 9.15.0");
    let own = r#"{"dependencies": {"topbar": "^3"}, "packageManager": "npm@10.9.2"}"#;
    assert_eq!(with(own, &named), "Npm 10.9.2 lock-files lock-file-missing");
}

#[test]
fn the_lock_file_says_which() {
    for (lock, text, expected) in [
        ("package-lock.json", "{}", "Npm of Node"),
        ("npm-shrinkwrap.json", "{}", "Npm of Node"),
        ("yarn.lock", "# yarn lockfile v1\n", "YarnClassic 1.22.22"),
        (
            "yarn.lock",
            "__metadata:\n  version: 6\n",
            "YarnBerry 3.8.7",
        ),
        (
            "yarn.lock",
            "__metadata:\n  version: 8\n",
            "YarnBerry 4.9.2",
        ),
        ("pnpm-lock.yaml", "lockfileVersion: 5.4\n", "Pnpm 7.33.7"),
        ("pnpm-lock.yaml", "lockfileVersion: '6.0'\n", "Pnpm 8.15.9"),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n", "Pnpm 9.15.9"),
        ("bun.lockb", "", "package-manager-unsupported"),
        ("deno.lock", "{}", "package-manager-unsupported"),
        ("other", "", "Npm of Node"),
    ] {
        let path = format!("assets/{lock}");
        assert_eq!(told(&[PLAIN, (&path, text)]), expected, "{lock} {text}");
    }
}

#[test]
fn the_package_says_it_before_the_lock_file() {
    for (field, expected) in [
        ("pnpm@9.15.0", "Pnpm 9.15.0"),
        ("yarn@1.22.19", "YarnClassic 1.22.19"),
        ("yarn@4.1.0", "YarnBerry 4.1.0"),
        ("npm@10.9.2", "Npm 10.9.2"),
        ("bun@1.1.0", "package-manager-unsupported"),
        ("pnpm@9", "package-manager-malformed"),
        ("pnpm", "package-manager-malformed"),
        (
            "pnpm@https://example.org/pnpm.tgz",
            "package-manager-malformed",
        ),
        ("", "package-manager-malformed"),
    ] {
        let package = format!("{{\"packageManager\": {field:?}}}");
        assert_eq!(
            told(&[("assets/package.json", &package)]),
            expected,
            "{field}"
        );
    }
}

#[test]
fn a_digest_of_the_field_counts_and_one_that_is_none_is_told() {
    for (field, algorithm, digits, file) in [
        ("pnpm@9.15.0+sha512", Algorithm::Sha512, 128, None),
        ("npm@10.9.2+sha1", Algorithm::Sha1, 40, None),
        ("yarn@1.22.22+sha256", Algorithm::Sha256, 64, None),
        (
            "yarn@4.9.2+sha224",
            Algorithm::Sha224,
            56,
            Some("bin/yarn.js"),
        ),
    ] {
        let hex = "Ab".repeat(digits / 2);
        let package = format!("{{\"packageManager\": \"{field}.{hex}\"}}");
        let found = chosen(&[("assets/package.json", &package)]).value.unwrap();
        let Program::Fetched { pin: Some(pin), .. } = found.program else {
            panic!("{:?}", found.program);
        };
        assert_eq!(pin.algorithm, algorithm, "{field}");
        assert_eq!(pin.hex, hex.to_lowercase(), "{field}");
        assert_eq!(pin.file.as_deref(), file, "{field}");
        for digest in ["dead".to_owned(), "x".repeat(digits), String::new()] {
            let package = format!("{{\"packageManager\": \"{field}.{digest}\"}}");
            let told = told(&[("assets/package.json", &package)]);
            assert_eq!(told, "package-manager-digest", "{field}.{digest}");
        }
    }
    let package = (
        "assets/package.json",
        "{\"packageManager\": \"pnpm@9.15.0+md5.00\"}",
    );
    assert_eq!(told(&[package]), "package-manager-digest");
}

#[test]
fn the_config_says_which_classic_yarn() {
    let lock = ("assets/yarn.lock", "");
    let with = |config: &str| told(&[PLAIN, lock, (FILE, config)]);
    assert_eq!(with("yarn_version=1.22.4"), "YarnClassic 1.22.4");
    assert_eq!(with("yarn_version="), "YarnClassic 1.22.22");
    assert_eq!(with("yarn_version=latest"), "yarn-version");
    assert_eq!(with("yarn_version=4.0.0"), "yarn-version");
    assert_eq!(with("yarn_version=$(cat x)"), "yarn-version");
}

#[test]
fn a_yarn_of_the_app_is_taken_if_it_is_there() {
    let lock = ("assets/yarn.lock", "__metadata:\n  version: 8\n");
    let names = (
        "assets/.yarnrc.yml",
        "nodeLinker: node-modules\nyarnPath: .yarn/y.cjs\n",
    );
    assert_eq!(told(&[PLAIN, lock, names]), "YarnBerry 4.9.2");
    let own = ("assets/.yarn/y.cjs", "");
    assert_eq!(told(&[PLAIN, lock, names, own]), "YarnBerry .yarn/y.cjs");
}

#[test]
fn of_several_lock_files_it_is_said_which_counts() {
    let (yarn, npm) = (("assets/yarn.lock", ""), ("assets/package-lock.json", "{}"));
    let outcome = chosen(&[PLAIN, yarn, npm]);
    assert_eq!(
        outcome.value.unwrap().lock.unwrap().path,
        "assets/yarn.lock"
    );
    let said: BTreeMap<&str, &str> = outcome
        .diagnostics
        .iter()
        .map(|problem| (problem.code.0, problem.message.as_str()))
        .collect();
    assert_eq!(
        said["lock-files"],
        "`assets/yarn.lock` is read and `assets/package-lock.json` is not: packages are installed by yarn"
    );
    let package = (
        "assets/package.json",
        "{\"packageManager\": \"npm@10.9.2\"}",
    );
    assert_eq!(told(&[package, yarn]), "Npm 10.9.2 lock-files");
    let shrinkwrap = ("assets/npm-shrinkwrap.json", "{}");
    assert_eq!(told(&[PLAIN, shrinkwrap, npm]), "Npm of Node");
    assert_eq!(
        told(&[PLAIN, npm, ("assets/bun.lock", "")]),
        "Npm of Node lock-files"
    );
}
