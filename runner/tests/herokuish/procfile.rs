//! Process types of a Procfile that a pack wrote.

use crate::build::run;
use crate::desk::Desk;

fn with_pack(compile: &str) -> Desk {
    let desk = Desk::new(&[("Procfile", "web: echo of the app\nweb: echo twice\n")]);
    desk.pack("buildpacks/01_buildpack-mine", "echo Mine", compile);
    desk
}

fn build(desk: &Desk) -> crate::desk::Ran {
    run(desk, &["buildpack", "build"], &[])
}

#[test]
fn each_fault_is_told_once_and_by_the_rule_that_holds_at_a_start() {
    let desk = with_pack("true");
    let ran = build(&desk);
    let said = format!("{}{}", ran.out, ran.err);
    assert_eq!(said.matches("stands twice").count(), 1, "{said}");
    ran.told(0, &["the first line counts"]);
    assert_eq!(desk.run("start", &["web"]).fine(), "of the app\n");
}

#[test]
fn a_broken_one_of_a_pack_is_told_and_one_that_cannot_be_read_ends_the_build() {
    let desk =
        with_pack("printf 'web: echo of the pack\\n=======\\nno colon\\n' > \"$1/Procfile\"");
    build(&desk).told(
        0,
        &[
            "merge conflict",
            "expected `type: command`",
            "Procfile declares types -> web\n",
        ],
    );
    assert_eq!(desk.run("start", &["web"]).fine(), "of the pack\n");

    let desk = with_pack("ln -sf \"${0%/*}/../../../outside\" \"$1/Procfile\"");
    desk.put("outside", "precious\n");
    desk.script(
        "buildpacks/01_buildpack-mine/bin/release",
        "echo '--- {default_process_types: {worker: sleep 1}}'",
    );
    build(&desk).told(3, &["app-file", "link to something outside of the app"]);
    let outside = fs_err::read_to_string(desk.path("outside"));
    assert_eq!(outside.unwrap(), "precious\n");
}
