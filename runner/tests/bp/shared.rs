//! Packages that one app compiled, in the build of another one.

use testdata::workspace::{App, Ran, Workspace, run};

use crate::fresh;

/// `hello` with its packages, other configuration of its own, and one package more.
fn other(place: &Workspace, name: &str) -> App {
    let app = place.app("hello", name).unwrap();
    let esbuild = include_str!("../../../testdata/apps/phoenix_esbuild/mix.lock");
    let esbuild = esbuild.lines().find(|line| line.contains("\"esbuild\":"));
    app.replace("mix.lock", "%{", &format!("%{{\n{}", esbuild.unwrap()))
        .unwrap();
    app.replace("mix.exs", "{:jiffy,", "{:esbuild, \"~> 0.10\"}, {:jiffy,")
        .unwrap();
    app.replace(
        "config/config.exs",
        "import Config",
        "import Config\n\nconfig :hello, another: [:setting]\nconfig :logger, level: :warning",
    )
    .unwrap();
    app
}

#[test]
fn another_app_compiles_none_of_them_and_its_image_is_the_same() {
    let Some(place) = fresh() else { return };
    let first = place.app("hello", "first").unwrap();
    let cold = place
        .build(&first, &[])
        .ok()
        .says("Generated makeup_elixir app")
        .says("* Getting makeup ")
        .never_says("Reusing");
    let second = other(&place, "second");
    let reused = place
        .build(&second, &[])
        .ok()
        .says("Reusing 3 of 5 compiled packages")
        .says("Generated esbuild app")
        // It iterates a large map while it is compiled: that follows from the words of all packages.
        .says("Generated makeup app")
        .never_says("Generated makeup_elixir app")
        .never_says("Generated jiffy app")
        // Its lock is another, and Hex's note beside a source follows from all of it.
        .says("* Getting makeup ");
    assert_ne!(reused.digest(), cold.digest());
    place.bp(&["run", "second", "--check"]).ok();
    let clean = place
        .build(&second, &["--clear-cache"])
        .ok()
        .says("Generated makeup_elixir app")
        .never_says("Reusing");
    assert_eq!(reused.digest(), clean.digest());

    // Configuration that a package may read is a part of it.
    second
        .replace(
            "config/config.exs",
            "import Config",
            "import Config\n\nconfig :nimble_parsec, :anything, 1",
        )
        .unwrap();
    let third = place.app("hello", "third").unwrap();
    for file in ["config/config.exs", "mix.exs", "mix.lock"] {
        let text = fs_err::read(second.path.join(file)).unwrap();
        third.write(file, text).unwrap();
    }
    let some = place
        .build(&third, &[])
        .ok()
        .says("Reusing 2 of 5 compiled packages")
        .says("compiled nimble_parsec: made anew, configuration changed")
        .says("compiled makeup_elixir: made anew, dependency makeup changed")
        .says("Generated makeup app")
        .says("Generated makeup_elixir app")
        .never_says("Generated jiffy app");
    let clean = place.build(&third, &["--clear-cache"]).ok();
    assert_eq!(some.digest(), clean.digest());
}

#[test]
fn what_was_damaged_is_compiled_again() {
    let Some(place) = fresh() else { return };
    let first = place.app("hello", "first").unwrap();
    let cold = place.build(&first, &[]).ok();
    let compiled = place.store().join("compiled-v1");
    let mut spoiled = 0;
    for entry in fs_err::read_dir(&compiled).unwrap() {
        let ebin = entry.unwrap().path().join("0/ebin");
        for file in fs_err::read_dir(ebin).into_iter().flatten() {
            let file = file.unwrap().path();
            if file
                .extension()
                .is_some_and(|extension| extension == "beam")
            {
                fs_err::write(file, "FOR1").unwrap();
                spoiled += 1;
                break;
            }
        }
    }
    assert_eq!(spoiled, 4);
    let second = place.app("hello", "second").unwrap();
    second.write("note.txt", "another image").unwrap();
    let again = place
        .build(&second, &[])
        .ok()
        .says("the kept one is damaged")
        .says("Generated makeup app")
        .never_says("Reusing");
    let packages = |ran: &Ran| {
        let mut lines = ran.text.lines();
        let line = lines.find_map(|line| line.trim().strip_prefix("layer dependencies: "));
        line.unwrap().split(' ').next().unwrap().to_owned()
    };
    assert_eq!(packages(&again), packages(&cold));
    let third = place.app("hello", "third").unwrap();
    third.write("note.txt", "one more").unwrap();
    let reused = place
        .build(&third, &[])
        .ok()
        .says("Reusing 4 of 4 compiled packages")
        .never_says("Getting");
    assert_eq!(packages(&reused), packages(&cold));
    let alone = place.app("hello", "alone").unwrap();
    alone.write("note.txt", "and one more").unwrap();
    let path = alone.path.to_str().unwrap();
    let mut command = place.command(&["build", path, "-v"]);
    let alone = run(command.env("BP_OWN_PACKAGES", "true"))
        .ok()
        .says("Generated makeup app")
        .says("Getting makeup")
        .never_says("Reusing");
    assert_eq!(packages(&alone), packages(&cold));
}
