use buildpack_core::check::Evaluated;

use super::*;
use crate::config::StaticConfig;

const WEB: &str = "def project do [app: :web, deps: [{:phoenix, \"~> 1.8\"}], aliases: [\"assets.deploy\": [\"esbuild web\", \"phx.digest\"]]] end";

/// For each web application its folder, and those that do not count for it.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let umbrella = [
        (
            "mix.exs",
            "def project do [apps_path: \"apps\", deps: []] end",
        ),
        (
            "apps/shop/mix.exs",
            "def project do [app: :shop, deps: []] end",
        ),
        ("apps/shop_web/mix.exs", WEB),
        ("apps/admin_web/mix.exs", WEB),
    ];
    for (name, text) in umbrella.iter().chain(files) {
        testdata::tree::write(folder.path(), name, text);
    }
    let app = App::read(folder.path()).value.unwrap();
    let config = StaticConfig::read(&app, &Evaluated::new()).value.unwrap();
    let apps = crate::umbrella::find(&app, &config, None).value.unwrap();
    let apps = apps.iter();
    apps.map(|one| format!("{} without {}", one.phoenix_dir, one.unrelated.join(", ")))
        .collect()
}

const APART: [&str; 2] = [
    "apps/admin_web without apps/shop_web",
    "apps/shop_web without apps/admin_web",
];

#[test]
fn neighbours_that_nothing_names_do_not_count() {
    assert_eq!(found(&[]), APART);
    // Each names itself, and the configuration says where each one's bundler runs.
    assert_eq!(
        found(&[
            (
                "config/config.exs",
                "config :admin_web, x: 1\n  admin_web: [\n    cd: Path.expand(\"../apps/admin_web/assets\", __DIR__),\n"
            ),
            (
                "apps/admin_web/assets/package.json",
                "{\"name\": \"admin_web\"}"
            ),
            ("apps/shop_web/README.md", "See ../admin_web."),
            ("apps/shop_web/test/x.exs", "AdminWeb; \"admin_web\""),
            ("apps/shop_web/assets/node_modules/x/index.js", "admin_web"),
            ("apps/shop/lib/x.js", "nothing"),
        ]),
        APART
    );
}

#[test]
fn a_neighbour_that_is_named_counts() {
    let one = [
        "apps/admin_web without apps/shop_web",
        "apps/shop_web without ",
    ];
    for (path, text) in [
        (
            "apps/shop_web/assets/css/app.css",
            "@import \"../../../admin_web/assets/css/x.css\";",
        ),
        (
            "apps/shop_web/assets/package.json",
            "{\"dependencies\": {\"a\": \"file:../../admin_web/assets\"}}",
        ),
        (
            "apps/shop_web/tailwind.config.js",
            "content: ['../admin_web/lib/**/*.ex']",
        ),
        (
            "apps/shop_web/mix.exs",
            &WEB.replace("]]]", "]], x: {:admin_web, in_umbrella: true}]"),
        ),
    ] {
        assert_eq!(found(&[(path, text)]), one, "{path}");
    }
    // What all of them share may mean each of them.
    let both = [
        "apps/admin_web without apps/shop_web",
        "apps/shop_web without ",
    ];
    assert_eq!(found(&[("build.mjs", "run('apps/admin_web')")]), both);
    let config = "args: ~w(--alias:@admin=../../admin_web/assets/js)\ncd: Path.expand(\"../apps/shop_web\", __DIR__)";
    assert_eq!(found(&[("config/config.exs", config)]), both);
}

#[test]
fn a_pattern_may_mean_any_neighbour() {
    for (path, text) in [
        (
            "apps/shop_web/assets/tailwind.config.js",
            "content: ['../../*/lib/**/*.heex']",
        ),
        ("vite.config.ts", "input: glob('apps/*/assets/js/app.js')"),
        (
            "build.mjs",
            "for (const app of apps) build(`apps/${app}/assets`)",
        ),
        (
            "config/config.exs",
            "tailwind: [cd: Path.expand(\"..\", __DIR__)]",
        ),
    ] {
        let one: Vec<String> = found(&[(path, text)]);
        assert!(
            one.contains(&"apps/shop_web without ".to_owned()),
            "{path}: {one:?}"
        );
    }
}
