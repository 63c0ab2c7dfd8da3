use std::path::Path;

use buildpack_core::check::Evaluated;
use buildpack_core::plan::{PackPlan, Phase, Run, Step};

use super::*;
use crate::hooks;

const ROOT: &str = "def project do [apps_path: \"apps\", deps: []] end";
const WEB: &str = "def project do [app: :web, deps: [{:phoenix, \"~> 1.8\"}]] end";
const ALIASED: &str = "def project do [app: :web, deps: [{:phoenix, \"~> 1.8\"}], aliases: [\"assets.deploy\": [\"esbuild web\", \"phx.digest\"]]] end";
const DEPLOY: &str = r#"{"scripts": {"deploy": "x"}, "dependencies": {"a": "1"}}"#;

/// Folder, builder, and whether the digest is ours, of each app; or codes of errors.
fn found(files: &[(&str, &str)], hook: Option<&str>) -> Result<Vec<String>, Vec<&'static str>> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        testdata::tree::write(folder.path(), name, text);
    }
    let app = App::read(folder.path()).value.unwrap();
    told(&app, hook)
}

fn told(app: &App, hook: Option<&str>) -> Result<Vec<String>, Vec<&'static str>> {
    let config = StaticConfig::read(app, &Evaluated::new()).value.unwrap();
    let mut before = PackPlan::empty("/app");
    before.steps.extend(hook.map(|script| {
        let script = script.to_owned();
        Step::new("hook", Phase::Compile, "", Run::Bash { script })
    }));
    let outcome = find(app, &config, hooks::in_plan(&before).as_deref());
    let codes = outcome.diagnostics.iter().map(|one| one.code.0).collect();
    let apps = outcome.value.ok_or::<Vec<_>>(codes)?;
    let tell = |app: &AssetsApp<'_>| {
        let digest = match app.digest {
            Digesting::Ours => "digested",
            Digesting::NotOurs(_) => "not digested",
        };
        format!("{:?} {:?} {digest}", app.phoenix_dir, app.builder.value)
    };
    Ok(apps.iter().map(tell).collect())
}

#[test]
fn every_application_with_assets_is_built() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../testdata/apps/phoenix_umbrella"
    );
    let app = App::read(Path::new(path)).value.unwrap();
    assert_eq!(
        told(&app, None).unwrap(),
        [
            "\"apps/admin_web\" Alias not digested",
            "\"apps/shop_web\" Deploy digested"
        ]
    );
}

#[test]
fn an_application_without_a_web_has_none() {
    let apps = found(
        &[
            ("mix.exs", ROOT),
            (
                "mix.lock",
                "%{\n  \"phoenix\": {:hex, :phoenix, \"1.8.1\", \"\"},\n}\n",
            ),
            ("apps/api/mix.exs", WEB),
            (
                "apps/shop/mix.exs",
                "def project do [app: :shop, deps: []] end",
            ),
            ("apps/shop/priv/static/x.txt", ""),
            ("apps/plain_web/mix.exs", WEB),
            ("apps/plain_web/priv/static/x.txt", ""),
        ],
        None,
    );
    assert_eq!(apps.unwrap(), ["\"apps/plain_web\" Nobody digested"]);
    let none = found(&[("mix.exs", ROOT), ("apps/api/mix.exs", WEB)], None);
    assert_eq!(none.unwrap(), ["\"\" Nobody not digested"]);
}

#[test]
fn the_application_that_the_config_names_is_the_only_one() {
    let files = [
        ("mix.exs", ROOT),
        (
            "phoenix_static_buildpack.config",
            "phoenix_relative_path=./apps/a/\n",
        ),
        ("apps/a/mix.exs", ALIASED),
        ("apps/b/mix.exs", ALIASED),
    ];
    assert_eq!(
        found(&files, None).unwrap(),
        ["\"apps/a\" Alias not digested"]
    );
}

#[test]
fn a_script_an_alias_or_a_hook_of_the_root_builds_them_all() {
    let mut files = vec![
        ("mix.exs", ROOT),
        ("apps/a/mix.exs", ALIASED),
        ("apps/b/mix.exs", WEB),
        ("apps/b/assets/package.json", DEPLOY),
    ];
    assert_eq!(
        found(&files, Some("mix assets.deploy")).unwrap(),
        ["\"apps/b\" Hook not digested"]
    );
    files[0].1 = "def project do [apps_path: \"apps\", aliases: [\"assets.deploy\": [\"cmd mix assets.deploy\"]]] end";
    assert_eq!(
        found(&files, None).unwrap(),
        ["\"apps/b\" Hook not digested", "\"\" Alias not digested"]
    );
    files.push(("compile", "true"));
    assert_eq!(
        found(&files, None).unwrap(),
        ["\"\" Script(\"compile\") not digested"]
    );
}

#[test]
fn two_versions_of_a_package_manager_are_one_too_many() {
    let with = |version: &str| {
        DEPLOY.replacen(
            '{',
            &format!("{{\"packageManager\": \"pnpm@{version}\", "),
            1,
        )
    };
    let asked = |one: &str, other: &str| {
        let (one, other) = (with(one), with(other));
        found(
            &[
                ("mix.exs", ROOT),
                ("apps/a/mix.exs", WEB),
                ("apps/a/assets/package.json", &one),
                ("apps/a/assets/pnpm-lock.yaml", ""),
                ("apps/b/mix.exs", WEB),
                ("apps/b/assets/package.json", &other),
                ("apps/b/assets/pnpm-lock.yaml", ""),
            ],
            None,
        )
        .map(|apps| apps.len())
    };
    assert_eq!(asked("9.15.0", "9.15.0"), Ok(2));
    assert_eq!(
        asked("9.15.0", "8.15.0"),
        Err(vec!["package-manager-conflict"])
    );
}
