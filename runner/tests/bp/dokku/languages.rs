//! Apps of other languages, by packs of scripts.

use testdata::workspace::App;

use super::{Engine, config_vars};
use crate::scripts::hosts;
use crate::workspace;

/// An app in testdata and what is seen of it.
struct Case {
    /// The pack's name, that of the app without `_web`.
    language: &'static str,
    /// What the pack says that it detected.
    detected: &'static str,
    /// What it says where it has to fetch the language.
    fetched: &'static str,
    /// What the page says.
    data: [&'static str; 2],
    /// A file, and what to change in it.
    change: [&'static str; 3],
    /// A one-off command, and what it prints.
    one_off: [&'static str; 2],
}

fn is_deployed_and_deployed_again(case: &Case) {
    let Some(place) = workspace() else { return };
    let Some(mut engine) = Engine::new(&place) else {
        return;
    };
    engine.show_packs(&[case.language]);
    let name = &format!("{}-web", case.language);
    let app = place
        .app(&format!("{}_web", case.language), "source")
        .unwrap();
    app.write(".buildpacks", format!("/packs/{}\n", case.language))
        .unwrap();
    let hosts = hosts();
    let hosts = hosts.iter().filter_map(|host| host.split_once('='));
    let more = [("GREETING", "Ahoy"), ("GIT_REV", "abc123")];
    let vars = config_vars(&place, &hosts.chain(more).collect::<Vec<_>>());
    let deploy = |app: &App| engine.deploy(name, &app.path, &vars).ok();
    let served = |greeting: &str| {
        engine.dokku(&["destroy-web", name]).ok();
        let (answer, _) = engine.web(name, "/data.json");
        let every = [
            "200 OK",
            &format!("\"greeting\":\"{greeting}\""),
            "\"home\":\"/app\"",
        ];
        for words in case.data.iter().chain(&every) {
            assert!(answer.contains(words), "no `{words}` in:\n{answer}");
        }
    };

    deploy(&app)
        .says(&format!("-----> {} app detected\n", case.detected))
        .says(case.fetched)
        .says("-----> Discovering process types\n")
        .says(" -> web\n")
        .never_says("from the cache");
    served("Ahoy");
    let [command, prints] = case.one_off;
    engine
        .dokku(&["run", name, command])
        .ok()
        .says(prints)
        .says("herokuishuser");

    // Another commit without a change: what the pack kept is in the cache volume.
    fs_err::write(vars.join("GIT_REV"), "def456").unwrap();
    deploy(&app)
        .says("from the cache")
        .never_says(case.fetched)
        .says(" -> web\n");
    served("Ahoy");

    // One change.
    let [file, from, to] = case.change;
    app.replace(file, from, to).unwrap();
    deploy(&app).says("from the cache").never_says(case.fetched);
    served("Ahoy!");
    engine.dokku(&["destroy", name]).ok();
}

#[test]
fn a_python_app_is_deployed_started_and_deployed_again() {
    is_deployed_and_deployed_again(&Case {
        language: "python",
        detected: "Python",
        fetched: "Fetching Python 3.13",
        data: ["\"flask\":\"3.1.2\"", "\"python\":\"3.13"],
        change: [
            "app.py",
            "os.environ.get(\"GREETING\", \"Hello\")",
            "os.environ[\"GREETING\"] + \"!\"",
        ],
        one_off: ["python3 --version && id -un", "Python 3.13"],
    });
}

#[test]
fn a_node_app_is_deployed_started_and_deployed_again() {
    is_deployed_and_deployed_again(&Case {
        language: "node",
        detected: "Node.js",
        fetched: "Fetching Node.js 22.14.0",
        data: ["\"express\":\"5.1.0\"", "\"node\":\"v22.14.0\""],
        change: [
            "server.js",
            "process.env.GREETING ?? \"Hello\"",
            "`${process.env.GREETING}!`",
        ],
        one_off: ["node --version && id -un", "v22.14.0"],
    });
}
