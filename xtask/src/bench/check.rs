//! The answer of `bp check-versions`, beside what a pack of bash scripts does to find out the same: it sources the
//! config, fetches the lists with curl, and searches them.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use fs_err as fs;
use testdata::fake::lists::Lists;
use testdata::fake::origin::Origin;

use super::measure::{self, MANY, median, output, time};
use super::shared::Bench;
use super::table::{Figure, Limit, Row};
use crate::debian;
use crate::world::Failure;

/// The most that an answer may take where the lists are at hand, and where each is fetched from the loopback.
const AT_HAND: Duration = Duration::from_millis(10);
const LIVE: Duration = Duration::from_millis(50);

/// The most memory that it may hold.
const MEMORY: u64 = 30 << 20;

/// Every file that says something about versions.
const FILES: [(&str, &str); 16] = [
    (
        "mix.exs",
        "defmodule Blog.MixProject do\n  use Mix.Project\n\n  def project do\n    [\n      app: :blog,\n      version: \"0.1.0\",\n      elixir: \"~> 1.15\",\n      aliases: [\"assets.deploy\": [\"phx.digest\"]],\n      releases: [blog: []],\n      deps: [{:phoenix, \"~> 1.8\"}]\n    ]\n  end\nend\n",
    ),
    (
        "mix.lock",
        "%{\n  \"phoenix\": {:hex, :phoenix, \"1.8.1\", \"865473a60a979551a4879db79fbfb4503e41cd809e77c85af79716578b6a456d\", [:mix], [], \"hexpm\", \"x\"},\n}\n",
    ),
    (
        "elixir_buildpack.config",
        "# versions\nelixir_version=1.18.3\nerlang_version=27.3.4.1\nhook_pre_compile=\"eval echo $HOME\"\n",
    ),
    (
        "phoenix_static_buildpack.config",
        "node_version=22.14.0\nnpm_version=10.9.2\n",
    ),
    (
        ".tool-versions",
        "erlang 27.3.4.1\nelixir 1.18.3-otp-27\nnodejs 22.14.0\n",
    ),
    (
        "mise.toml",
        "[tools]\nerlang = \"27\"\nelixir = \"1.18\"\nnode = \"22\"\n",
    ),
    (".erlang-version", "27.3.4.1\n"),
    (".elixir-version", "1.18.3\n"),
    (".node-version", "22.14.0\n"),
    (".nvmrc", "lts/jod\n"),
    (
        "package.json",
        "{ \"engines\": { \"node\": \">=20\" }, \"packageManager\": \"npm@10.9.2\" }\n",
    ),
    (
        "assets/package.json",
        "{ \"engines\": { \"node\": \"^22\" }, \"scripts\": { \"deploy\": \"node build.js\" } }\n",
    ),
    (
        ".buildpacks",
        "https://github.com/gigalixir/gigalixir-buildpack-elixir#v1\nhttps://github.com/gigalixir/gigalixir-buildpack-phoenix-static#v1\n",
    ),
    ("app.json", "{ \"stack\": \"heroku-24\" }\n"),
    (
        "Procfile",
        "web: mix phx.server\nrelease: mix ecto.migrate\n",
    ),
    (
        "config/runtime.exs",
        "import Config\n\nconfig :blog, BlogWeb.Endpoint, server: true\n",
    ),
];

/// What the bash packs do, in their order; written for this comparison.
const BASH: &str = r#"
set -e
. ./elixir_buildpack.config
. ./phoenix_static_buildpack.config
curl -sf "$HEX/builds/elixir/builds.txt" | cut -d' ' -f1 >"$TMP/elixir"
curl -sf "$HEX/builds/otp/amd64/ubuntu-24.04/builds.txt" | cut -d' ' -f1 >"$TMP/otp"
grep -qx "v$elixir_version-otp-${erlang_version%%.*}" "$TMP/elixir"
grep -qx "OTP-$erlang_version" "$TMP/otp"
curl -sf "$NODE/index.json" | grep -o '"version":"v[^"]*"' | cut -d'"' -f4 >"$TMP/node"
grep -qx "v$node_version" "$TMP/node"
echo All versions can be had
"#;

/// What both say of an app whose versions are there.
const GREEN: &str = "All versions can be had";

/// Lists at hand, lists from the loopback, memory.
pub(super) fn versions(bench: &Bench<'_>) -> Result<Vec<Row>, Failure> {
    debian::need(&[("curl", "curl"), ("time", "time")])?;
    let app = bench.path("check");
    for (name, text) in FILES {
        let path = app.join(name);
        fs::create_dir_all(path.parent().unwrap_or(&app))?;
        fs::write(path, text)?;
    }
    let host = Origin::start()?;
    lists()?.serve(&host);
    let check = |cache: &str| {
        let mut command = Command::new(bench.binary());
        command
            .arg("check-versions")
            .arg(&app)
            .env("BP_HEX_BUILDS_URL", host.url(""))
            .env("BP_NODE_DIST_URL", host.url("/dist"))
            .env("BP_CACHE_DIR", bench.path(cache));
        command
    };
    let bash = || bash(&app, &host, &bench.path("check-bash"));
    fs::create_dir_all(bench.path("check-bash"))?;
    output(&mut check("check-kept"))?;
    let [mut kept, mut live, mut built_in, mut theirs] = [const { Vec::new() }; 4];
    for _ in 0..MANY {
        push(&mut kept, &mut check("check-kept"))?;
        push(&mut live, &mut check("check-live"))?;
        fs::remove_dir_all(bench.path("check-live"))?;
        let mut snapshot = check("check-snapshot");
        snapshot.arg("--offline");
        built_in.push(time(&mut snapshot, "built in")?);
        push(&mut theirs, &mut bash())?;
    }
    let theirs = Figure::Time(median(theirs));
    let row = |what: &str, times, most| Row {
        what: format!("check-versions, {what}"),
        ours: Figure::Time(median(times)),
        peer: Some(("bash and curl, the same lists".to_owned(), theirs)),
        limits: vec![Limit::Most(Figure::Time(most))],
    };
    Ok(vec![
        row("lists kept", kept, AT_HAND),
        row("lists built in", built_in, AT_HAND),
        row("lists from the loopback", live, LIVE),
        Row {
            what: "check-versions, memory".to_owned(),
            ours: Figure::Bytes(measure::peak_of_short(&check("check-kept"))?),
            peer: None,
            limits: vec![Limit::Most(Figure::Bytes(MEMORY))],
        },
    ])
}

/// Lists as long as the real ones: those that are compiled into `bp`, and what the app asks for.
fn lists() -> Result<Lists, Failure> {
    let path = crate::bp::checkout().join("buildpack-core/src/lists/snapshot.txt");
    let text = fs::read_to_string(path)?;
    let mut lists = Lists::usual();
    let mut folder = "";
    for line in text.lines() {
        if let Some(head) = line.strip_prefix('[') {
            folder = head.split(' ').next().unwrap_or_default();
            continue;
        }
        let name = line.split(' ').next().unwrap_or_default();
        if let Some(version) = name.strip_prefix("OTP-")
            && let Some((_, ubuntu)) = folder.rsplit_once("ubuntu-")
        {
            lists = lists.with_otp(ubuntu, version);
        } else if let Some(version) = name.strip_prefix('v') {
            match folder {
                "builds/elixir" => lists.elixir.push(version.to_owned()),
                "node" => lists.node.push((version.to_owned(), None)),
                _ => {}
            }
        }
    }
    Ok(lists)
}

fn push(times: &mut Vec<Duration>, command: &mut Command) -> Result<(), Failure> {
    times.push(time(command, GREEN)?);
    Ok(())
}

fn bash(app: &Path, host: &Origin, folder: &Path) -> Command {
    let mut command = Command::new("bash");
    command
        .args(["-c", BASH])
        .current_dir(app)
        .env("HEX", host.url(""))
        .env("NODE", host.url("/dist"))
        .env("TMP", folder);
    command
}
