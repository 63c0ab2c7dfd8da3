//! Hosts whose certificates are by an authority that the build does not know, as seen by the programs of its steps.

use testdata::workspace::run;

use crate::blocks::shows;
use crate::judges::installed;
use crate::private_authority::registry;
use crate::workspace;

#[test]
fn a_program_of_the_build_refuses_a_host_that_nobody_vouches_for() {
    let Some(place) = workspace() else { return };
    if !(installed("docker-registry") && installed("openssl")) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let host = registry(folder.path());
    let url = format!("https://127.0.0.1:{}", host.port);
    let app = place.app("tiny", "certificate-refused").unwrap();
    let package = "deps: [{:nimble_parsec, \"~> 1.0\"}]";
    app.replace("mix.exs", "deps: []", package).unwrap();
    let build = || {
        let mut command = place.command(&["build", "certificate-refused", "-v"]);
        run(command.env("BP_HEX_REPO_URL", &url))
    };
    let ran = build().fails(1, "certificate-refused");
    shows("certificate-refused", &ran, &app);
    let git = format!("deps: [{{:priv_lib, git: \"{url}/lib.git\"}}]");
    app.replace("mix.exs", package, &git).unwrap();
    build()
        .fails(1, "certificate-refused")
        .says("step `deps` failed");
    // curl, in a hook.
    app.replace("mix.exs", &git, "deps: []").unwrap();
    app.config(&format!("hook_pre_compile=\"curl -sSf {url}/fonts.zip\""))
        .unwrap();
    build()
        .fails(1, "certificate-refused")
        .says("step `hook_pre_compile` failed");
}
