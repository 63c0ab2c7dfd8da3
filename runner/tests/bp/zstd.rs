//! Layers packed with zstd: read by others, run by `bp`, and refused where no reader would take them.

use std::process::Command;

use testdata::workspace::run;

use crate::judges::installed;
use crate::workspace;

#[test]
fn an_image_of_zstd_layers_is_read_by_skopeo_and_runs() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "zstd").unwrap();
    let zstd = ["--compression", "zstd", "-t", "zstd"];
    let with = |more: &[&'static str]| [&zstd[..], more].concat();
    let cold = place.build(&app, &with(&["-o", "oci:layout"])).ok();
    let gzip = place.build(&app, &["-t", "gzip"]).ok();
    assert_ne!(cold.digest(), gzip.digest());
    let again = place.build(&app, &zstd).ok();
    again.says("Nothing changed since the last build");

    let refused = place.build(&app, &with(&["-o", "docker-archive:image.tar"]));
    refused
        .fails(2, "docker-archive-zstd")
        .says("--compression gzip");
    place
        .build(&app, &["--compression", "lz4"])
        .fails(2, "settings-value")
        .says("expected `gzip` or `zstd`");

    for image in ["zstd", "oci:layout"] {
        place
            .bp(&["run", image, "--", "cat mix.exs"])
            .ok()
            .says("Tiny.MixProject");
    }
    if installed("skopeo") {
        let skopeo = |arguments: &[&str]| {
            let mut command = Command::new("skopeo");
            command.args(arguments).current_dir(place.path());
            run(&mut command).ok()
        };
        let manifest = skopeo(&["inspect", "--raw", "oci:layout"]);
        manifest.says("application/vnd.oci.image.layer.v1.tar+zstd");
        // It unpacks every layer and holds it against its digest on the way. For Docker it refuses such layers, as `bp` does.
        let copy = [
            "--insecure-policy",
            "copy",
            "--dest-decompress",
            "oci:layout",
            "dir:plain",
        ];
        skopeo(&copy);
    }
}
