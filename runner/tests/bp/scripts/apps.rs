//! Apps of other languages, built by packs as their users write them, and served.

use super::build;
use crate::{judges, workspace};

/// Where the packs find their languages.
pub(crate) fn hosts() -> [String; 2] {
    let of = |name: &str| std::env::var(name).unwrap();
    [
        format!("PYTHON_DIST_URL={}", of("BP_WORLD_PYTHON_URL")),
        format!("NODE_DIST_URL={}", of("BP_NODE_DIST_URL")),
    ]
}

/// What every page says under podman.
const EVERY: [&str; 3] = ["200 OK", "\"greeting\":\"Ahoy\"", "\"home\":\"/app\""];

fn builds_and_serves(language: &str, installs: &[&str], data: &[&str]) {
    let Some(place) = workspace() else { return };
    let name = format!("{language}_web");
    let app = place.app(&name, &name).unwrap();
    let pack = place.pack(language).unwrap();
    let [python, node] = hosts();
    let vars = ["--env", &python, "--env", &node];
    for mode in ["heroku", "app"] {
        let archive = format!("oci-archive:{mode}.tar");
        let more = [
            &vars[..],
            &["--build-dir-mode", mode, "--clear-cache", "-o", &archive],
        ]
        .concat();
        let first = build(&place, &app, &[&pack], &more).ok();
        for words in installs {
            assert!(
                first.text.contains(words),
                "no `{words}` in:\n{}",
                first.text
            );
        }
        let check = place.bp(&["run", &name, "--check", "/data.json"]).ok();
        check.says("status 200");
        let podman = judges::under_podman(place.path(), &format!("{mode}.tar"), "/data.json");
        if let Some((page, _)) = podman {
            for words in data.iter().chain(&EVERY) {
                assert!(page.contains(words), "no `{words}` in:\n{page}");
            }
        }
        // The same once more, of what the cache holds.
        let more = [&vars[..], &["--build-dir-mode", mode]].concat();
        let again = build(&place, &app, &[&pack], &more)
            .ok()
            .says("from the cache")
            .never_says("Fetching");
        assert_eq!(first.digest(), again.digest());
    }
    // Hosts are the platform's affair: nothing of them is in the image.
    place
        .bp(&["run", &name, "--", "bash", "-c", "env; cat .profile.d/*"])
        .ok()
        .never_says("_DIST_URL");
}

#[test]
fn a_python_app_is_built_and_served() {
    builds_and_serves(
        "python",
        &[
            "Python app detected",
            "Fetching Python 3.13",
            "Flask 3.1.2",
            "gunicorn 23.0.0",
        ],
        &["\"flask\":\"3.1.2\"", "\"python\":\"3.13"],
    );
}

#[test]
fn a_node_app_is_built_and_served() {
    builds_and_serves(
        "node",
        &[
            "Node.js app detected",
            "Fetching Node.js 22.14.0",
            " packages",
        ],
        &["\"express\":\"5.1.0\"", "\"node\":\"v22.14.0\""],
    );
}
