//! Config vars reach the build and nothing else: no blob, no kept file, no line of output holds a value.

use std::io::Read as _;
use std::path::Path;

use flate2::read::GzDecoder;
use memchr::memmem;

use crate::{fresh, workspace};

/// Whether a file, or what is packed in it, holds these bytes.
fn holds(path: &Path, value: &[u8]) -> bool {
    let bytes = fs_err::read(path).unwrap();
    let mut unpacked = Vec::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        // What was inflated before a damage counts too.
        let _ = GzDecoder::new(&bytes[..]).read_to_end(&mut unpacked);
    }
    memmem::find(&bytes, value)
        .or(memmem::find(&unpacked, value))
        .is_some()
}

/// Files below `folder` that hold these bytes, out of how many.
pub(crate) fn holders(folder: &Path, value: &str) -> (Vec<String>, usize) {
    let files: Vec<_> = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        // Tools and roots are as their makers shipped them; they are read-only while an app is built.
        .filter(|entry| !entry.path().starts_with(folder.join("rootfs-v1")))
        .collect();
    let found = files
        .iter()
        .filter(|entry| holds(entry.path(), value.as_bytes()))
        .map(|entry| entry.path().display().to_string())
        .collect();
    (found, files.len())
}

#[test]
fn values_are_in_no_blob_no_kept_file_and_no_line() {
    let Some(place) = fresh() else { return };
    let app = place.app("tiny", "secrets").unwrap();
    let (flag, file, folder, passed) = (
        "hunter2-of-the-flag-8141",
        "hunter2-of-the-file-8142",
        "hunter2-of-the-folder-8143",
        "hunter2-passed-on-8144",
    );
    let put = |name: &str, text: &str| fs_err::write(place.path().join(name), text).unwrap();
    put("vars", &format!("FILE_TOKEN={file}\n"));
    fs_err::create_dir(place.path().join("env")).unwrap();
    put("env/FOLDER_TOKEN", &format!("{folder}\n"));
    // The hook sees all of them, in both places, and tells.
    app.config(
        "hook_post_compile=\"eval env | grep TOKEN && cat /tmp/env/* && echo $FLAG_TOKEN >&2 && echo split $(echo $FILE_TOKEN | cut -c1-9)\"",
    )
    .unwrap();
    let layout = place.path().join("layout");
    let mut command = place.command(&["build", "secrets", "-v", "--env", "PASSED_TOKEN"]);
    command
        .args(["--env-file", "vars", "--env-dir", "env"])
        .arg(format!("--env=FLAG_TOKEN={flag}"))
        .arg(format!("--output=oci:{}", layout.display()))
        .env("PASSED_TOKEN", passed);
    let built = testdata::workspace::run(&mut command).ok();
    let built = built
        .says("FILE_TOKEN=")
        .says("FLAG_TOKEN=")
        .says("split hunter2-o");
    for value in [flag, file, folder, passed] {
        built
            .text
            .lines()
            .for_each(|line| assert!(!line.contains(value), "{line}"));
        for place in [&layout, &place.store().to_owned()] {
            let (found, searched) = holders(place, value);
            assert!(searched > 5, "{} is searched", place.display());
            assert!(found.is_empty(), "`{value}` is in {found:?}");
        }
    }
}

#[test]
fn a_value_compiled_in_is_refused_unless_it_is_meant() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "leak").unwrap();
    app.write(
        "lib/leak.ex",
        "defmodule Leak do\n  @key System.fetch_env!(\"API_KEY\")\n  def key, do: @key\nend\n",
    )
    .unwrap();
    let value = "hunter2compiledin99";
    let var = format!("--env=API_KEY={value}");
    place
        .build(&app, &[&var])
        .fails(1, "secret-in-image")
        .says("API_KEY")
        .never_says(value);
    // Refused once more: nothing of the first try passes for a result.
    place.build(&app, &[&var]).fails(1, "secret-in-image");
    place
        .build(&app, &[&var, "--allow-in-image", "API_KEY"])
        .ok();
    place
        .bp(&["run", "leak", "--", "elixir", "-e", "IO.puts(:ok)"])
        .ok();
    // What was let in once is not let in for ever.
    place.build(&app, &[&var]).fails(1, "secret-in-image");
}

#[test]
fn the_holder_search_finds_what_is_packed() {
    let folder = tempfile::tempdir().unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, b"a secret in the middle").unwrap();
    fs_err::write(folder.path().join("layer"), packed.finish().unwrap()).unwrap();
    assert_eq!(holders(folder.path(), "secret").0.len(), 1);
}
