//! What would not work in an image is told before the build counts as done, and by every build that makes the same image.

use crate::blocks::shows;
use crate::workspace;

/// A program of this machine in which a name stands in the place of another one of the same length.
fn program_with(name: &str, instead_of: &str) -> Vec<u8> {
    let mut program = std::fs::read("/bin/bash").unwrap();
    let (name, old) = (name.as_bytes(), instead_of.as_bytes());
    assert_eq!(name.len(), old.len());
    let places: Vec<usize> = (0..program.len() - old.len())
        .filter(|&at| program[at..].starts_with(old))
        .collect();
    assert!(
        !places.is_empty(),
        "this machine's bash needs no such thing"
    );
    for at in places {
        program[at..][..name.len()].copy_from_slice(name);
    }
    program
}

#[test]
fn native_code_that_cannot_be_loaded_fails_the_build() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "native").unwrap();
    let nif = program_with("libnowhere.so", "libtinfo.so.6");
    app.write("priv/native/nif.so", nif).unwrap();
    let says = "error[library-missing]: `/app/priv/native/nif.so` needs `libnowhere.so`";
    let ran = place
        .build(&app, &[])
        .fails(1, "library-missing")
        .says(says)
        .says("`--allow-missing libnowhere.so`");
    shows("library-missing", &ran, &app);
    let allowed = ["--allow-missing", "libnowhere.so"];
    place
        .build(&app, &allowed)
        .ok()
        .never_says("library-missing");
    place.build(&app, &allowed).ok().says("Nothing changed");
    // Who does not say so any more is told, though nothing else has changed.
    place.build(&app, &[]).fails(1, "library-missing");

    let nif = program_with("GLIBC_9.99", "GLIBC_2.34");
    app.write("priv/native/nif.so", nif).unwrap();
    let ran = place
        .build(&app, &[])
        .fails(1, "library-too-old")
        .says("`/app/priv/native/nif.so` needs GLIBC_9.99, and `libc.so.6` of `");
    shows("library-too-old", &ran, &app);
    // Where nothing loads it, it may lie about.
    app.write("priv/native/nif.so", "").unwrap();
    let other = program_with("libnowhere.so", "libtinfo.so.6");
    app.write("bin/tool", other).unwrap();
    let says = "warning[library-missing]: `/app/bin/tool` needs `libnowhere.so`";
    place.build(&app, &[]).ok().says(says);
    place
        .build(&app, &[])
        .ok()
        .says("Nothing changed")
        .says(says);
}

#[test]
fn process_types_that_cannot_start_are_told() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "unstartable").unwrap();
    app.write("clock.sh", "#!/bin/sh\nsleep 1\n").unwrap();
    let rest = "clock: ./clock.sh\nworker: mix tiny.wrok --all\nconsole: iex -S mix run\nshell: exec bash\n\
                odd: $ODD\nnode: node server.js\n";
    let procfile = |web: &str| {
        app.write("Procfile", format!("web: {web}\n{rest}"))
            .unwrap();
    };
    for (web, code, says) in [
        (
            "_build/prod/rel/tiny/bin/tiny start",
            "process-program-missing",
            "`web` starts `_build/prod/rel/tiny/bin/tiny`, which is not in the image",
        ),
        (
            "./clock.sh",
            "process-not-executable",
            "git update-index --chmod=+x clock.sh",
        ),
        (
            "mix phx.server",
            "process-task-missing",
            "`web` calls `mix phx.server`",
        ),
    ] {
        procfile(web);
        let ran = place.build(&app, &[]).fails(1, code).says(says);
        shows(code, &ran, &app);
    }
    procfile("mix run --no-halt");
    let told = [
        "warning[process-not-executable]: `clock` starts `./clock.sh`",
        "warning[process-task-missing]: `worker` calls `mix tiny.wrok`",
        "warning[process-program-missing]: `node` starts `node`",
    ];
    for _ in 0..2 {
        let built = place.build(&app, &[]).ok();
        assert_eq!(
            built.text.matches("warning[").count(),
            told.len(),
            "{}",
            built.text
        );
        for says in told {
            assert!(built.text.contains(says), "no {says} in {}", built.text);
        }
    }
}

#[test]
fn a_manifest_that_the_configuration_names_is_missed() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "undigested").unwrap();
    let config = "import Config\nconfig :tiny, Tiny.Endpoint, cache_static_manifest: \"priv/static/m.json\"\n";
    app.write("config/prod.exs", config).unwrap();
    app.write(
        "config/config.exs",
        "import Config\nimport_config \"prod.exs\"\n",
    )
    .unwrap();
    let ran = place.build(&app, &[]).ok().says(
        "warning[manifest-not-in-image]: `priv/static/m.json` of `tiny`, which `config/prod.exs:2:",
    );
    shows("static-manifest-missing", &ran, &app);
    app.write("priv/static/m.json", "{}").unwrap();
    place
        .build(&app, &[])
        .ok()
        .never_says("manifest-not-in-image");
}
