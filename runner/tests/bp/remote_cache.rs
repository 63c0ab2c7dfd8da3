//! A cache in a real registry: what one machine made is there for others, and what strangers put there is not used.

use testdata::workspace::{App, Workspace, run};

use crate::fresh;
use crate::pushed::registry;

fn entries(place: &Workspace, bucket: &str) -> usize {
    let all = fs_err::read_dir(place.store().join(bucket)).unwrap();
    let names = all.map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.len() == 64).count()
}

#[test]
fn an_empty_machine_has_the_same_image_without_running_a_step_and_a_change_fetches_nothing() {
    let Some(first) = fresh() else { return };
    let cache = format!("{}/team/remote:cache", registry());
    let app = first.app("hello", "hello").unwrap();
    let cold = first
        .build(&app, &["--cache-to", &cache])
        .ok()
        .says("Generated makeup_elixir app")
        .says("Remote cache")
        .never_says("warning");

    let second = fresh().unwrap();
    let name = format!("{}/team/mounted:1", registry());
    let app = second.app("hello", "elsewhere/of/hello").unwrap();
    let same = second
        .build(&app, &["--cache-from", &cache, "-t", &name, "--push"])
        .ok()
        .says("Nothing changed")
        // The config: all layers are in other repositories of the registry.
        .says("Blobs: 1 sent, ")
        .never_says("Generated")
        .never_says("warning");
    assert_eq!(same.digest(), cold.digest());
    assert_eq!(entries(&second, "downloads-v1"), 0);
    assert_eq!(entries(&second, "tools-v1"), 0);
    second.bp(&["run", &name, "--check"]).ok();

    let third = fresh().unwrap();
    let app = third.app("hello", "hello").unwrap();
    let change = |app: &App| {
        // No new word: what is compiled of one package follows from all words of the app.
        app.replace("lib/hello/page.ex", ", world", ", world world")
            .unwrap();
    };
    change(&app);
    let both = ["--cache-from", &cache, "--cache-to", &cache];
    let changed = third
        .build(&app, &both)
        .ok()
        .says("Generated hello app")
        .says("Reusing 4 of 4 compiled packages")
        .never_says("Generated makeup")
        .never_says("Fetched ")
        .never_says("warning");
    assert_ne!(changed.digest(), cold.digest());
    assert_eq!(entries(&third, "downloads-v1"), 0);
    let app = first.app("hello", "changed").unwrap();
    change(&app);
    let clean = first.build(&app, &["--clear-cache"]).ok();
    assert_eq!(changed.digest(), clean.digest());
}

#[test]
fn what_depends_on_config_vars_is_found_by_who_knows_the_secret() {
    const SECRET: &str = "a secret of all builders";
    let Some(first) = fresh() else { return };
    let cache = format!("{}/team/secret:cache", registry());
    let build = |place: &Workspace, secret: &str, more: &[&str]| {
        let app = place.app("tiny", "tiny").unwrap();
        let path = app.path.to_str().unwrap();
        let mut command = place.command(&["build", path, "-e", "GREETING=hello", "-v"]);
        run(command.args(more).env("BP_CACHE_SECRET", secret))
            .ok()
            .never_says(SECRET)
    };
    let cold = build(&first, SECRET, &["--cache-to", &cache]);
    let from = ["--cache-from", cache.as_str()];
    let friend = build(&fresh().unwrap(), SECRET, &from)
        .says("Nothing changed")
        .never_says("warning");
    let none = build(&fresh().unwrap(), "", &from)
        .says("BP_CACHE_SECRET is not set")
        .says("Generated tiny app")
        .never_says("Fetched ");
    let other = build(&fresh().unwrap(), "a secret of other builders", &from)
        .says("warning[remote-cache-refused]")
        .says("Generated tiny app");
    for ran in [friend, none, other] {
        assert_eq!(ran.digest(), cold.digest(), "{}", ran.text);
    }
}
