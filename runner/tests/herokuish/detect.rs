//! `buildpack detect` of packs that are asked for, of which not all apply.

use crate::build::{plain, run};
use crate::desk::Desk;

/// A desk whose app asks for packs, each by what its `bin/detect` does.
fn asking(detects: &[(&str, &str)]) -> Desk {
    let desk = Desk::new(&[]);
    let lines = detects.iter().map(|(name, detect)| {
        let at = format!("elsewhere/{name}");
        desk.pack(&at, detect, "touch \"$1/made\"");
        format!("{}\n", desk.path(&at).display())
    });
    desk.put("app/.buildpacks", lines.collect::<String>());
    desk
}

#[test]
fn the_first_pack_that_says_no_leaves_no_buildpack() {
    let desk = asking(&[("one", "echo no; exit 1"), ("two", "echo Two")]);
    run(&desk, &["buildpack", "detect"], &[]).told(
        1,
        &[
            "-----> Two app detected\n",
            "the buildpack `[desk]/elsewhere/one` does not apply to this app as it stands",
            "pack-not-detected",
            "-----> Unable to select a buildpack\n",
        ],
    );
    run(&desk, &["buildpack", "build"], &[]).told(1, &["-----> Unable to select a buildpack\n"]);
}

/// It is asked again when those before it are done: this one finds what it looks for.
#[test]
fn a_later_pack_that_says_no_is_named_and_may_yet_apply() {
    let desk = asking(&[
        ("one", "echo One"),
        ("two", "[ -e \"$1/made\" ] && echo Two"),
    ]);
    let ran = run(&desk, &["buildpack", "detect"], &[]);
    assert!(!plain(&ran.out).contains("Unable"), "{ran:?}");
    ran.told(
        0,
        &[
            "-----> One app detected\n",
            "warning[pack-not-detected]",
            "the buildpack `[desk]/elsewhere/two` does not apply to this app as it stands",
        ],
    );
    run(&desk, &["buildpack", "build"], &[]).told(0, &["-----> Two app detected\n"]);
}

#[test]
fn a_pack_that_does_not_answer_is_named_with_its_limit() {
    let limit = [("BP_DETECT_LIMIT", "1")];
    let late = "does not say whether it applies: its `bin/detect` was ended after 1 s";
    let desk = asking(&[("late", "sleep 300")]);
    for command in ["detect", "build"] {
        run(&desk, &["buildpack", command], &limit).told(1, &["elsewhere/late", late]);
    }
    // One that the image brings along is passed over.
    let desk = Desk::new(&[]);
    desk.pack("buildpacks/01_buildpack-late", "sleep 300", "true");
    desk.pack("buildpacks/02_buildpack-mine", "echo Mine", "true");
    for command in ["detect", "build"] {
        run(&desk, &["buildpack", command], &limit).told(
            0,
            &["-----> Mine app detected\n", &format!("`late` {late}")],
        );
    }
    run(
        &desk,
        &["buildpack", "detect"],
        &[("BP_DETECT_LIMIT", "soon")],
    )
    .told(2, &["settings-value"]);
}
