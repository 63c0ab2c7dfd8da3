//! Programs of their own that Mix tasks run: `bp` fetches and verifies them, so that no task has to.

use std::path::PathBuf;

use buildpack_core::digest::Digest;
use testdata::fake::origin::{Answer, Origin};
use testdata::workspace::{App, Ran, Workspace, run};
use walkdir::WalkDir;

use crate::phoenix::served;
use crate::workspace;

/// A Mix package as `tailwind` is one, but for that it downloads nothing.
const TASK: &str = r##"defmodule Mix.Tasks.Tailwind do
  use Mix.Task

  @impl true
  def run([profile | more]) do
    Mix.Task.run("loadpaths")
    version = Application.fetch_env!(:tailwind, :version)
    config = Application.fetch_env!(:tailwind, String.to_atom(profile))
    path = Path.join(Path.dirname(Mix.Project.build_path()), "tailwind-linux-x64-#{version}")
    unless File.exists?(path), do: Mix.raise("#{path} would have to be downloaded")
    options = [cd: config[:cd], into: IO.stream(:stdio, :line), stderr_to_stdout: true]
    {_, code} = System.cmd(path, config[:args] ++ more, options)
    if code != 0, do: Mix.raise("`mix tailwind #{profile}` exited with #{code}")
  end
end
"##;

const PROJECT: &str = "defmodule Tailwind.MixProject do\n  use Mix.Project\n\n  def project do\n    [app: :tailwind, version: \"0.5.0\", deps: []]\n  end\nend\n";

const CONFIG: &str = r#"
config :tailwind,
  version: "4.1.12",
  phoenix_esbuild: [
    args: ~w(css/app.css --bundle --outfile=../priv/static/assets/css/app.css --external:/images/*),
    cd: Path.expand("../assets", __DIR__)
  ]

if config_env() == :prod, do: import_config("prod.exs")
"#;

/// A Phoenix app whose styles the Mix task of tailwind makes, its scripts that of esbuild.
fn app(place: &Workspace, name: &str) -> App {
    let app = place.app("phoenix_esbuild", name).unwrap();
    app.write("vendor/tailwind/mix.exs", PROJECT).unwrap();
    app.write("vendor/tailwind/lib/task.ex", TASK).unwrap();
    for (file, from, to) in [
        (
            "mix.exs",
            "{:esbuild,",
            "{:tailwind, path: \"vendor/tailwind\", runtime: false},\n        {:esbuild,",
        ),
        (
            "mix.exs",
            "--minify\", \"phx",
            "--minify\", \"tailwind phoenix_esbuild --minify\", \"phx",
        ),
        ("config/config.exs", "js/app.js css/app.css", "js/app.js"),
        (
            "config/config.exs",
            "outdir=../priv/static/assets",
            "outdir=../priv/static/assets/js",
        ),
        (
            "config/config.exs",
            "\nif config_env() == :prod, do: import_config(\"prod.exs\")\n",
            CONFIG,
        ),
    ] {
        app.replace(file, from, to).unwrap();
    }
    app
}

/// A program that makes styles and is one file: the one that esbuild's package has.
fn program(place: &Workspace) -> PathBuf {
    let all = WalkDir::new(place.store().join("tools-v1")).into_iter();
    let mut files = all.flatten().map(walkdir::DirEntry::into_path);
    files.find(|path| path.ends_with("bin/esbuild")).unwrap()
}

fn build(place: &Workspace, app: &App, origin: &Origin, more: &[&str]) -> Ran {
    let mut command = place.command(&["build", "-v"]);
    command.arg(&app.path).args(more);
    run(command.env("BP_TAILWIND_URL", origin.url("/releases")))
}

/// Gives the app another version of tailwind.
fn version(app: &App, from: &str, to: &str) {
    app.replace("config/config.exs", from, to).unwrap();
}

#[test]
fn tailwind_is_fetched_verified_and_laid_where_its_mix_task_looks() {
    let Some(place) = workspace() else { return };
    // Which fetches esbuild.
    let first = place.app("phoenix_esbuild", "with_esbuild").unwrap();
    place.build(&first, &[]).ok();
    let program = fs_err::read(program(&place)).unwrap();
    let origin = Origin::start().unwrap();
    let file = |version: &str| format!("/releases/v{version}/tailwindcss-linux-x64");
    let sums = |version: &str| format!("/releases/v{version}/sha256sums.txt");
    let publish = |version: &str, digest: &Digest| {
        origin.file(&file(version), &program);
        let line = format!("{}  ./tailwindcss-linux-x64\n", digest.hex());
        origin.file(&sums(version), line.as_bytes());
    };
    let app = app(&place, "with_tailwind");

    // A page in the place of the program, which no later build finds.
    publish("4.1.12", &Digest::of(&program));
    origin.answers(&file("4.1.12"), [Answer::Page]);
    build(&place, &app, &origin, &[])
        .fails(4, "download-not-an-archive")
        .says(&file("4.1.12"));
    build(&place, &app, &origin, &[])
        .ok()
        .says("* tailwind 4.1.12 (config/config.exs:");
    let page = served(&place, "with_tailwind", &[]);
    assert_eq!(page.len(), 3, "{page:?}");
    assert!(page[1].1.contains("background"), "{page:?}");
    place
        .bp(&["run", "with_tailwind", "--", "ls", "_build"])
        .ok()
        .never_says("tailwind")
        .never_says("esbuild");

    // Nothing is downloaded by the tasks: they work where nothing can be.
    app.write("assets/css/app.css", "body { background: teal }\n")
        .unwrap();
    let asked = origin.seen().len();
    build(&place, &app, &origin, &["--offline"])
        .ok()
        .says("Building assets with mix assets.deploy");
    assert_eq!(origin.seen().len(), asked);

    // Another program than the release says, and a page in the place of what it says.
    publish("4.1.11", &Digest::of(b"another"));
    version(&app, "4.1.12", "4.1.11");
    build(&place, &app, &origin, &[]).fails(4, "download-wrong-digest");
    // A plan that fails is made again.
    origin.answers(&sums("4.1.10"), [Answer::Page, Answer::Page]);
    version(&app, "4.1.11", "4.1.10");
    build(&place, &app, &origin, &[])
        .fails(4, "release-sums")
        .says("config/config.exs:")
        .says("it is a web page");

    // Early releases publish no digest: what came first counts.
    origin.file(&file("3.0.7"), &program);
    version(&app, "4.1.10", "3.0.7");
    build(&place, &app, &origin, &[]).ok();
    let kept = place.store().join("downloads-v1");
    fs_err::remove_file(kept.join(Digest::of(&program).hex())).unwrap();
    let other: Vec<u8> = program.iter().copied().chain([0]).collect();
    origin.file(&file("3.0.7"), &other);
    app.write("assets/css/app.css", "body { background: navy }\n")
        .unwrap();
    build(&place, &app, &origin, &[]).fails(4, "download-pin-changed");
    version(&app, "3.0.7", "3.0.6");
    build(&place, &app, &origin, &[]).fails(4, "download-not-found");
}
