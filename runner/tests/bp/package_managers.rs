//! Package managers in the versions and ways that apps ask for, from the npm registry itself.

use testdata::workspace::{App, Workspace};

use crate::phoenix::served;
use crate::workspace;

/// What the running app says to these words of bash.
fn says_in(place: &Workspace, image: &str, script: &str) -> String {
    let ran = place.bp(&["run", image, "--", "bash", "-c", script]);
    ran.ok().stdout
}

fn static_config(app: &App, lines: &str) {
    app.write("phoenix_static_buildpack.config", lines).unwrap();
}

#[test]
fn yarn_builds_with_and_without_node_modules() {
    let Some(place) = workspace() else { return };
    let app = place.app("phoenix_berry", "berry").unwrap();
    static_config(&app, "node_version=22.14.0\nremove_node=false\n");
    place
        .build(&app, &[])
        .ok()
        .says("* yarn 4.9.2 (assets/package.json:3:");
    let said = says_in(
        &place,
        "berry",
        "node --version; yarn --version; cd assets; ls -A | sed 's/^/has: /'; \
         yarn node -p 'require.resolve(\"phoenix\")'; yarn esbuild --version",
    );
    assert!(said.contains("/.yarn/cache/phoenix-file-"), "{said}");
    for line in ["v22.14.0", "4.9.2", "has: .pnp.cjs", "0.25.0"] {
        assert!(
            said.lines().any(|said| said.trim() == line),
            "{line}: {said}"
        );
    }
    // Packages are read where they were left, though nothing is installed.
    app.write("assets/css/app.css", "body { color: teal }\n")
        .unwrap();
    place
        .build(&app, &[])
        .ok()
        .says("Building assets")
        .never_says("Installing packages");

    app.write("assets/.yarnrc.yml", "nodeLinker: node-modules\n")
        .unwrap();
    place.build(&app, &[]).ok();
    let said = says_in(
        &place,
        "berry",
        "esbuild --version; find / -xdev -name '.pnp*' | sed 's/^/left: /'",
    );
    assert_eq!(said.trim(), "0.25.0");

    static_config(&app, "node_version=22.14.0\n");
    place.build(&app, &[]).ok();
    assert_eq!(served(&place, "berry", &[]).len(), 3);
    let said = says_in(
        &place,
        "berry",
        "command -v node yarn esbuild; ls -A assets",
    );
    assert_eq!(
        said.split_whitespace().collect::<Vec<_>>(),
        [".yarnrc.yml", "css", "js", "package.json", "yarn.lock"]
    );
}

#[test]
fn a_package_manager_that_is_not_the_one_of_the_app_is_refused() {
    let Some(place) = workspace() else { return };
    let app = place.app("phoenix_berry", "changed").unwrap();
    app.replace("assets/package.json", "sha512.1fc0", "sha512.0000")
        .unwrap();
    place
        .build(&app, &[])
        .fails(3, "tool-pin")
        .says("yarn 4.9.2 is not the one that the app asks for")
        .says("assets/package.json:3:");
    // Corepack's older ways: of an archive, and of other kinds.
    let app = place.app("phoenix_pnpm", "older").unwrap();
    let digest = "sha1.8bfdb6d72b4d5fdf87d21d27f2bfbe2b21dd2629";
    app.replace("package.json", "@9.15.0", &format!("@9.15.0+{digest}"))
        .unwrap();
    place.build(&app, &[]).ok().says("* pnpm 9.15.0");
    app.replace("package.json", "sha1.8b", "sha1.0b").unwrap();
    place.build(&app, &[]).fails(3, "tool-pin");
}

#[test]
fn an_image_that_keeps_node_has_it_on_its_path() {
    let Some(place) = workspace() else { return };
    let app = place.app("phoenix_npm", "kept_node").unwrap();
    static_config(
        &app,
        "node_version=22.14.0\nnpm_version=9.9.4\nremove_node=false\n",
    );
    place
        .build(&app, &[])
        .ok()
        .says("* npm 9.9.4 (phoenix_static_buildpack.config:2:13)")
        .says("* Node after the build: kept for the running app");
    place
        .bp(&["run", "kept_node", "--", "node", "--version"])
        .ok()
        .says("v22.14.0");
    // Node, what starts package managers, the app's own, the packages' programs: the bash packs' order.
    let said = says_in(
        &place,
        "kept_node",
        "npm --version; npx --version; esbuild --version; echo $PATH",
    );
    let path = "/app/.heroku/bin:/app/.heroku/node/bin:/app/bin:/app/assets/node_modules/.bin:/app/.platform_tools/";
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[..3], ["9.9.4", "9.9.4", "0.25.0"]);
    assert!(lines[3].starts_with(path), "{said}");
}

/// npm 6 and its locks, and yarn as it was then.
#[test]
fn old_package_managers_still_install() {
    let Some(place) = workspace() else { return };
    let app = place.app("phoenix_npm", "old_npm").unwrap();
    let lock = r#"{
  "name": "assets",
  "lockfileVersion": 1,
  "requires": true,
  "dependencies": {
    "phoenix": {
      "version": "file:../deps/phoenix"
    },
    "topbar": {
      "version": "3.0.0",
      "resolved": "https://registry.npmjs.org/topbar/-/topbar-3.0.0.tgz",
      "integrity": "sha512-mhczD7KfYi1anfoMPKRdl0wPSWiYc0YOK4KyycYs3EaNT15pVVNDG5CtfgZcEBWIPJEdfR7r8K4hTXDD2ECBVQ=="
    }
  }
}
"#;
    app.write("assets/package-lock.json", lock).unwrap();
    app.write(
        "assets/package.json",
        r#"{
  "private": true,
  "scripts": { "deploy": "mkdir -p ../priv/static/assets/js && cat node_modules/topbar/topbar.js > ../priv/static/assets/js/app.js" },
  "dependencies": { "phoenix": "file:../deps/phoenix", "topbar": "3.0.0" }
}
"#,
    )
    .unwrap();
    for (config, said) in [
        ("npm_version=6.14.18\n", "* npm 6.14.18"),
        ("", "npm warn old lockfile"),
    ] {
        static_config(&app, &format!("node_version=22.14.0\n{config}"));
        place
            .build(&app, &[])
            .ok()
            .says(said)
            .says("Check your digested files");
    }
    let app = place.app("phoenix_yarn", "old_yarn").unwrap();
    static_config(&app, "node_version=22.14.0\nyarn_version=1.17.3\n");
    place.build(&app, &[]).ok().says("yarn install v1.17.3");
}

/// One lock file at the top for all packages of a workspace: they are installed there, once, and found from below.
#[test]
fn a_workspace_is_installed_at_its_top() {
    let Some(place) = workspace() else { return };
    let npm = place.app("phoenix_npm", "npm_workspace").unwrap();
    let lock = fs_err::read_to_string(npm.path.join("assets/package-lock.json")).unwrap();
    let mut lock: serde_json::Value = serde_json::from_str(&lock).unwrap();
    let packages = lock["packages"].as_object_mut().unwrap();
    let own = packages.insert(String::new(), serde_json::json!({"workspaces": ["assets"]}));
    packages.insert("assets".to_owned(), own.unwrap());
    for (from, to) in [
        ("../deps/phoenix", "deps/phoenix"),
        ("node_modules/phoenix", "node_modules/phoenix"),
    ] {
        let moved = packages.remove(from).unwrap();
        packages.insert(to.to_owned(), moved);
    }
    packages["node_modules/phoenix"]["resolved"] = "deps/phoenix".into();
    let link = serde_json::json!({"resolved": "assets", "link": true});
    packages.insert("node_modules/assets".to_owned(), link);
    npm.write("package-lock.json", lock.to_string()).unwrap();
    fs_err::remove_file(npm.path.join("assets/package-lock.json")).unwrap();
    let top = r#"{"private": true, "workspaces": ["assets"], "packageManager": "npm@10.9.2"}"#;
    npm.write("package.json", top).unwrap();

    let pnpm = place.app("phoenix_pnpm", "pnpm_workspace").unwrap();
    let package = fs_err::read_to_string(pnpm.path.join("package.json")).unwrap();
    let own = package
        .replace("\"packageManager\": \"pnpm@9.15.0\",", "")
        .replace("assets/js", "js")
        .replace("assets/css", "css")
        .replace("outdir=priv", "outdir=../priv");
    pnpm.write("assets/package.json", own).unwrap();
    let top = r#"{"private": true, "packageManager": "pnpm@9.15.0"}"#;
    pnpm.write("package.json", top).unwrap();
    pnpm.write("pnpm-workspace.yaml", "packages:\n  - assets\n")
        .unwrap();
    pnpm.replace("pnpm-lock.yaml", "  .:\n", "  .: {}\n\n  assets:\n")
        .unwrap();

    for (app, manager) in [(&npm, "npm 10.9.2 of Node"), (&pnpm, "pnpm 9.15.0")] {
        let said = format!("* {manager} (package.json:1:");
        place.build(app, &[]).ok().says(&said);
        let name = app.path.file_name().unwrap().to_str().unwrap();
        assert_eq!(served(&place, name, &[]).len(), 3);
        app.write("assets/css/app.css", "body { color: teal }\n")
            .unwrap();
        place
            .build(app, &[])
            .ok()
            .says("Building assets")
            .never_says("Installing packages");
        assert_eq!(served(&place, name, &[]).len(), 3);
        let left = says_in(
            &place,
            name,
            "find / -xdev -name node_modules | sed 's/^/left: /'",
        );
        assert_eq!(left.trim(), "");
    }
}
