//! `herokuish image STACK OUTPUT…`: an image in herokuish's form, of a stack's build image and this program (compatibility
//! facts 2.7). It holds no packs: which there are is the platform's to say.

mod layer;
mod users;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use buildpack_core::diagnostic::{Class, Diagnostic, Origin};
use buildpack_core::image::{BlobDir, ImageSettings, assemble};
use buildpack_core::rules;
use jiff::Timestamp;
use stacks::Stack;

use super::face::Face;
use super::workshop::Workshop;
use super::{Ended, usage};
use crate::cli;
use crate::pipeline::{self, Failure, Output, Services, disk};

/// The folder that the image's app lives in.
const APP: &str = "app";

/// 2000-01-01T00:00:00Z, the time of all that is in the image.
const TIME: u64 = buildpack_core::layer::FLOOR;

pub(super) fn exec(face: &Face, words: &[OsString]) -> Ended {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let [stack, outputs @ ..] = words.as_slice() else {
        return Err(usage("image <stack> <output...>"));
    };
    if outputs.is_empty() {
        return Err(usage("image <stack> <output...>"));
    }
    let outputs = outputs.iter().map(|output| output.parse());
    let outputs: Vec<Output> = outputs.collect::<Result<_, String>>().map_err(bad_output)?;
    let stack = stacks::find(stack).map_err(|error| {
        let origin = Origin::Flag("herokuish image".to_owned());
        Failure::of(rules::stack::unknown(&error, &origin, Class::Usage))
    })?;
    let workshop = Workshop::open(face, None, Vec::new())?;
    let image = make(stack, &workshop.services)?;
    let name = format!("herokuish:{}", stack.name);
    for output in &outputs {
        let blobs = workshop.services.stacks.blobs();
        pipeline::export(&image, &name, output, &blobs, &*workshop.services.events)?;
        workshop.ui.line(&format!("Wrote {output}"));
        if let Output::DockerArchive(path) = output {
            let path = path.display();
            (workshop.ui).line(&format!("Load it as {name}: docker load --input {path}"));
        }
    }
    Ok(0)
}

/// The image for a stack, its blobs in the store.
fn make(
    stack: &'static Stack,
    services: &Services,
) -> Result<buildpack_core::image::Image, Failure> {
    let architecture = cli::arch()?;
    let pull = |unpack| {
        let until = std::time::Duration::MAX;
        pipeline::pull_stack_image(stack.build_image, architecture, unpack, until, services)
    };
    // The tree to read tables from, then the blobs that the image is made of.
    let tree = pull(true)?.rootfs;
    let base = pull(false)?.base;
    let tree = tree.unwrap_or_default();
    let entries = contents(&tree)?;
    let blobs = BlobDir::new(services.store.blob_dir());
    let layer = layer::write(&entries, &blobs, services.threads)
        .map_err(|error| disk("write the image's layer", &error))?;
    let settings = ImageSettings {
        created: Timestamp::from_second(i64::try_from(TIME).unwrap_or_default())
            .unwrap_or_default(),
        architecture: architecture.oci().to_owned(),
        labels: BTreeMap::from(
            [
                ("com.gliderlabs.herokuish/stack", stack.name),
                (pipeline::label::STACK, stack.name),
                (pipeline::label::VERSION, env!("CARGO_PKG_VERSION")),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        ),
        env: [
            ("STACK", stack.name),
            ("DEBIAN_FRONTEND", "noninteractive"),
            ("BASH_BIN", "/usr/bin/bash"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        entrypoint: Vec::new(),
        cmd: Vec::new(),
        user: "root".to_owned(),
        working_dir: String::new(),
        exposed_ports: Vec::new(),
        stop_signal: None,
    };
    Ok(assemble(&base, &[layer], &settings))
}

/// What the image has besides its base: the program and its names, its user, the app's folder.
fn contents(base: &Path) -> Result<Vec<layer::Entry>, Failure> {
    let program = fs_err::read("/proc/self/exe")
        .map_err(|error| disk("read this program's own file", &error))?;
    let mut entries = vec![
        layer::Entry::folder(APP, users::ID),
        layer::Entry::file("usr/bin/herokuish", 0o755, 0, program),
        layer::Entry::link("usr/bin/bp", "herokuish"),
    ];
    // `/bin` is a link to `/usr/bin` on each stack.
    let names = ["build", "exec", "start"];
    entries.extend(names.map(|name| layer::Entry::link(name, "/bin/herokuish")));
    entries
        .extend(users::tables(base).map_err(|error| disk("read the users of the stack", &error))?);
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(entries)
}

fn bad_output(problem: String) -> Failure {
    Failure::of(
        Diagnostic::error("herokuish-image-output", Class::Usage, problem)
            .help("for instance `oci:FOLDER` or `docker-archive:FILE`"),
    )
}
