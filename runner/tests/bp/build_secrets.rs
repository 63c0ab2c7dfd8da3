//! Secrets that single steps see: who sees them, who doesn't, and where they are found again.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use testdata::workspace::{App, Workspace, run};

use crate::workspace;

/// The value of a secret; one with all that others would write differently.
fn value(number: usize) -> String {
    format!("s3cr3t-{number:02}/of+a \"kind\"&{}", number * 7919)
}

fn name(number: usize) -> String {
    format!("S{number:02}")
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(content).unwrap();
    gzip.finish().unwrap()
}

fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, name, content).unwrap();
    tar.into_inner().unwrap()
}

fn zip(name: &str, content: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file(name, options).unwrap();
    zip.write_all(content).unwrap();
    zip.finish().unwrap().into_inner()
}

/// Builds with these secrets of the environment.
fn build(
    place: &Workspace,
    app: &App,
    secrets: &[(String, String)],
    more: &[&str],
) -> testdata::workspace::Ran {
    let mut command = place.command(&["build", "-v"]);
    command.arg(&app.path);
    for (name, value) in secrets {
        command
            .arg(format!("--build-secret={name}"))
            .env(name, value);
    }
    run(command.args(more))
}

#[test]
fn a_secret_reaches_the_steps_that_name_it_alone() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "named").unwrap();
    app.write(
        "bp.toml",
        "[secrets]\nhook_pre_compile = [\"TOKEN\", \"HIDDEN\"]\n",
    )
    .unwrap();
    app.write(
        "named.sh",
        concat!(
            "set -e; test \"$(cat /run/secrets/TOKEN)\" = \"$TOKEN\"\n",
            "test ! -e /tmp/env/TOKEN; echo named sees ${#TOKEN} and $HIDDEN\n",
        ),
    )
    .unwrap();
    app.write("others.sh", concat!(
        "set -e; test -z \"$TOKEN$HIDDEN\"; test -z \"$(ls -A /run/secrets 2>/dev/null)\"; test ! -e /tmp/env/HIDDEN\n",
        "test -e /tmp/env/SEEN; echo $SEEN and no other\n",
    )).unwrap();
    app.config("hook_pre_compile=\"bash named.sh\"\nhook_post_compile=\"bash others.sh\"")
        .unwrap();
    let secrets = [("TOKEN".to_owned(), "t0ken-of-a-test".to_owned())];
    let vars = [
        "--env",
        "SEEN=seen",
        "--env",
        "HIDDEN=hidden-var-123",
        "--env-allow",
        "SEEN",
    ];
    let built = build(&place, &app, &secrets, &vars).ok();
    let built = built
        .says("named sees 15 and [HIDDEN]")
        .says("seen and no other")
        .never_says("t0ken-of-a-test");
    // Whoever's key opened the door, the same comes of it.
    let other = [("TOKEN".to_owned(), "an0ther-of-a-te".to_owned())];
    let again = build(&place, &app, &other, &vars).ok();
    assert_eq!(again.says("Nothing changed").digest(), built.digest());
    build(&place, &app, &[], &vars).fails(3, "build-secret-missing");
}

#[test]
fn no_line_shows_a_secret_however_it_is_written() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "printed").unwrap();
    app.write("bp.toml", "[secrets]\nhook_pre_compile = [\"S01\"]\n")
        .unwrap();
    app.write(
        "print.exs",
        concat!(
            "value = System.fetch_env!(\"S01\")\n",
            "IO.puts(value)\n",
            "IO.puts(Base.encode64(\"user:\" <> value))\n",
            "IO.puts(URI.encode_www_form(value))\n",
            "IO.puts(URI.encode(value, &URI.char_unreserved?/1))\n",
            "IO.inspect(%{token: value})\n",
            "value |> String.graphemes() |> Enum.chunk_every(9) |> Enum.each(&IO.puts/1)\n",
            "for <<byte::binary-size(1) <- value>> do\n  IO.write(byte)\n  Process.sleep(1)\nend\n",
            "IO.puts(\"\")\n",
            "IO.puts(:stderr, \"the end of it\")\n",
        ),
    )
    .unwrap();
    app.config("hook_pre_compile=\"elixir print.exs\"").unwrap();
    let secrets = [(name(1), value(1))];
    for format in ["text", "json"] {
        let ran = build(
            &place,
            &app,
            &secrets,
            &["--format", format, "--clear-cache"],
        )
        .ok();
        let ran = ran.says("the end of it");
        assert!(ran.text.matches("[S01]").count() >= 7, "{}", ran.text);
        let bare = value(1);
        for part in [&bare[..12], &bare[bare.len() - 12..]] {
            for form in buildpack_core::secret::forms(part.as_bytes()) {
                let form = String::from_utf8(form).unwrap();
                assert!(!ran.text.contains(&form), "`{form}` in:\n{}", ran.text);
            }
        }
    }
}

/// Twenty places where an app puts secrets, by what the build says of each.
fn leaks(app: &App) -> Vec<(usize, &'static str)> {
    let text = |number: usize| format!("key = {}\n", value(number));
    let json = |number: usize| serde_json::to_string(&value(number)).unwrap();
    let form = |number: usize| {
        let url = reqwest::Url::parse_with_params("http://h/", [("v", value(number))]);
        url.unwrap().to_string()
    };
    let put = |path: &str, content: &[u8]| app.write(path, content).unwrap();
    put("config/prod.secret.exs", text(1).as_bytes());
    put(
        "lib/leak.ex",
        b"defmodule Leak do\n  @key System.fetch_env!(\"S02\")\n  def key, do: @key\nend\n",
    );
    put("priv/static/app.js.gz", &gzip(text(3).as_bytes()));
    put(
        "priv/data.json",
        format!("{{\"key\": {}}}", json(4)).as_bytes(),
    );
    put(".env", format!("export KEY='{}'\n", value(5)).as_bytes());
    put(
        ".npmrc",
        format!("//r/:_authToken={}\n", value(6)).as_bytes(),
    );
    put(
        ".netrc",
        format!("machine h login me password {}\n", value(7)).as_bytes(),
    );
    let login = STANDARD.encode(format!("me:{}", value(8)));
    put(
        ".docker/config.json",
        format!("{{\"auths\":{{\"h\":{{\"auth\":\"{login}\"}}}}}}").as_bytes(),
    );
    put("priv/git-credentials", form(9).as_bytes());
    put(
        "rel/vm.args.eex",
        format!("-setcookie {}\n", value(10)).as_bytes(),
    );
    put("priv/backup.tar", &tar("a/file", text(11).as_bytes()));
    put(
        "priv/bundle.zip",
        &zip("inner.tar.gz", &gzip(&tar("f", text(12).as_bytes()))),
    );
    put(
        "priv/dump.zst",
        &zstd::encode_all(text(13).as_bytes(), 3).unwrap(),
    );
    let target = value(14).replace('/', "_");
    std::os::unix::fs::symlink(target, app.path.join("priv/link")).unwrap();
    let file = value(15).replace('/', "_");
    put(&format!("priv/{file}"), b"");
    put(
        "log/build.log",
        format!("2026-01-01 {}", text(16)).as_bytes(),
    );
    app.replace(
        "mix.exs",
        "extra_applications: [:logger]",
        "extra_applications: [:logger], env: [key: System.get_env(\"S17\")]",
    )
    .unwrap();
    put(
        "bp.toml",
        concat!(
            "[secrets]\n",
            "compile = [\"S02\", \"S17\"]\n",
            "hook_pre_compile = [\"S18\", \"S19\", \"S20\"]\n",
        )
        .as_bytes(),
    );
    put(
        "leak.sh",
        concat!(
            "mkdir -p deps/private/.git priv\n",
            "printf 'url = https://me:%s@h' \"$S18\" >deps/private/.git/config\n",
            "mkdir -p .hex/packages; printf %s \"$S19\" >.hex/packages/leak\n",
            "printf %s \"$S20\" >/tmp/key; printf %s \"$S20\" >/var/tmp/key\n",
            "printf %s \"$S20\" | sha256sum >priv/hashed; echo \"$S20\"; export KEY=$S20; true\n",
        )
        .as_bytes(),
    );
    app.config("hook_pre_compile=\"bash leak.sh\"").unwrap();
    vec![
        (1, "config/prod.secret.exs"),
        (2, "_build/prod/lib/tiny/ebin/Elixir.Leak.beam"),
        (3, "priv/static/app.js.gz"),
        (4, "priv/data.json"),
        (5, ".env"),
        (6, ".npmrc"),
        (7, ".netrc"),
        (8, ".docker/config.json"),
        (9, "priv/git-credentials"),
        (10, "rel/vm.args.eex"),
        (11, "priv/backup.tar"),
        (12, "priv/bundle.zip"),
        (13, "priv/dump.zst"),
        (14, "priv/link"),
        (15, "priv/[its name]"),
        (16, "log/build.log"),
        (17, "_build/prod/lib/tiny/ebin/tiny.app"),
        (18, "deps/private/.git/config"),
    ]
}

#[test]
fn twenty_secrets_are_found_or_not_in_the_image() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "leaks").unwrap();
    let expected = leaks(&app);
    let secrets: Vec<(String, String)> = (1..=20)
        .map(|number| {
            // A path has no slash in it.
            let value = match number {
                14 | 15 => value(number).replace('/', "_"),
                _ => value(number),
            };
            (name(number), value)
        })
        .collect();
    let ran = build(&place, &app, &secrets, &[]).fails(1, "secret-in-image");
    for (number, path) in &expected {
        let found = format!("the value of `{}` in `/app/{path}`", name(*number));
        assert!(ran.text.contains(&found), "no {found:?} in:\n{}", ran.text);
    }
    for number in [19, 20] {
        assert!(
            !ran.text
                .contains(&format!("the value of `{}`", name(number)))
        );
    }
    for (name, value) in &secrets {
        assert!(
            !ran.text.contains(value.as_str()),
            "{name} in:\n{}",
            ran.text
        );
    }
    // What is let into the image is not let into the next build's tree.
    let allow: Vec<String> = (expected.iter())
        .map(|(_, path)| {
            format!(
                "--allow-secret-in={}",
                path.replace("priv/[its name]", "priv")
            )
        })
        .collect();
    let mut more: Vec<&str> = allow.iter().map(String::as_str).collect();
    let ran = build(&place, &app, &secrets, &more).fails(1, "secret-in-cache");
    ran.says("the value of `S19` in `/app/.hex/packages/leak` would be kept");
    let layout = place.path().join("leaks-layout");
    let output = format!("oci:{}", layout.display());
    more.extend(["--allow-secret-in=.hex/packages", "--output", &output]);
    build(&place, &app, &secrets, &more).ok();
    // These two are in no layer.
    let gate = buildpack_core::secret::SecretGate::new(secrets[18..].iter().map(|(n, v)| (n, v)));
    for entry in walkdir::WalkDir::new(&layout).into_iter().flatten() {
        if entry.file_type().is_file() {
            let bytes = fs_err::read(entry.path()).unwrap();
            assert!(!gate.finds(&bytes), "{}", entry.path().display());
        }
    }
}

#[test]
fn what_is_a_secret_only_now_is_found_in_layers_of_before() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "late").unwrap();
    app.write("priv/leak.txt", "later-a-secret-1").unwrap();
    build(&place, &app, &[], &[]).ok();
    let late = [("LATE".to_owned(), "later-a-secret-1".to_owned())];
    let found = |ran: testdata::workspace::Ran| {
        ran.fails(1, "secret-in-image")
            .says("the value of `LATE` in `/app/priv/leak.txt`")
            .says("no step names the build secret `LATE`");
    };
    found(build(&place, &app, &late, &[]));
    // Another part of the app changes, and with it the image.
    app.write("lib/more.ex", "defmodule More do\nend\n")
        .unwrap();
    found(build(&place, &app, &late, &[]));
    build(&place, &app, &late, &["--allow-secret-in", "priv/leak.txt"]).ok();
    found(build(&place, &app, &late, &[]));
    app.write("priv/leak.txt", "nothing").unwrap();
    build(&place, &app, &late, &[]).ok();
    // What the image says of itself is searched, too.
    app.write("Procfile", "web: echo later-a-secret-1\n")
        .unwrap();
    let allowed = [
        "--allow-secret-in",
        "Procfile",
        "--allow-secret-in",
        "/bp",
        "--allow-secret-in",
        "/start",
    ];
    build(&place, &app, &late, &allowed)
        .fails(1, "secret-in-image")
        .says("label build.bp.");
}
