//! Which steps of an app with assets run again after which change: the image is that of a clean build, whichever ran.

use testdata::workspace::{App, Workspace};

use crate::{fresh, workspace};

/// The image of these files in an empty store.
fn clean_digest(app: &App) -> String {
    let place = fresh().unwrap();
    let copy = App {
        path: app.path.clone(),
    };
    place.build(&copy, &[]).ok().digest()
}

fn app(place: &Workspace, name: &str, copy: &str) -> App {
    let app = place.app(name, copy).unwrap();
    // Else the image that another test made would do.
    app.write("note.txt", copy).unwrap();
    app
}

#[test]
fn an_alias_that_builds_and_digests_runs_alone_for_a_change_of_css() {
    let Some(place) = workspace() else { return };
    let app = app(&place, "phoenix_esbuild", "alias");
    // Else other tests' packages may lie in the tree when it begins.
    place
        .build(&app, &["--clear-cache"])
        .ok()
        .says("step deps-clean: left out, there is nothing to clear")
        .says("-----> Compiling")
        .says("-----> Building assets with mix assets.deploy");
    app.write("assets/css/app.css", "body { color: teal }\n")
        .unwrap();
    let styled = place
        .build(&app, &[])
        .ok()
        .says("step compile: left out")
        .says("step assets-deploy: runs, `assets/css/app.css` changed")
        .says("-----> Building assets with mix assets.deploy")
        .says("Check your digested files");
    assert_eq!(styled.digest(), clean_digest(&app));
    // A hook that stands in a module is bundled once it is compiled.
    app.replace(
        "lib/phoenix_esbuild_web/page.ex",
        "from a compiled module",
        "from a changed module",
    )
    .unwrap();
    let hooked =
        place.build(&app, &[]).ok().says("-----> Compiling").says(
            "step assets-deploy: runs, `_build/prod/phoenix-colocated` as it was made changed",
        );
    assert_eq!(hooked.digest(), clean_digest(&app));
    app.write("assets/js/app.js", "import nothing from \"./nowhere\"\n")
        .unwrap();
    app.write("lib/more.ex", "defmodule More do\nend\n")
        .unwrap();
    place
        .build(&app, &[])
        .fails(1, "step-failed")
        .says("step `assets-deploy` failed: `mix assets.deploy`")
        .says("Could not resolve");
}

#[test]
fn what_a_module_reads_of_the_assets_is_compiled_with_them() {
    let Some(place) = workspace() else { return };
    let app = app(&place, "phoenix_esbuild", "inlined");
    app.replace(
        "lib/phoenix_esbuild_web/page.ex",
        "  alias PhoenixEsbuildWeb.Endpoint",
        "  alias PhoenixEsbuildWeb.Endpoint\n  @external_resource \"assets/css/app.css\"\n  @css File.read!(\"assets/css/app.css\")\n  def css, do: @css",
    )
    .unwrap();
    place.build(&app, &[]).ok();
    app.write("assets/css/app.css", "body { color: teal }\n")
        .unwrap();
    let styled = place.build(&app, &[]).ok().says("step compile: left out");
    assert_eq!(styled.digest(), clean_digest(&app));
}

#[test]
fn what_a_step_writes_beside_the_static_files_is_written_in_each_build() {
    let Some(place) = workspace() else { return };
    let app = app(&place, "phoenix_npm", "beside");
    app.replace(
        "assets/package.json",
        "NODE_PATH=",
        "mkdir -p ../priv/cdn && cp css/app.css ../priv/cdn/ && NODE_PATH=",
    )
    .unwrap();
    place.build(&app, &[]).ok();
    app.write("lib/more.ex", "defmodule More do\nend\n")
        .unwrap();
    let again = place
        .build(&app, &[])
        .ok()
        .says("step assets-deploy: runs, it wrote `priv/cdn/app.css`")
        .never_says("Installing packages");
    assert_eq!(again.digest(), clean_digest(&app));
}
