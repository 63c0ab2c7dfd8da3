//! Whether the shared libraries that the app's files need are there where it will run.

use buildpack_core::image::LayerRecord;
use buildpack_core::libraries::{Libraries, Missing};
use buildpack_core::pack::Finding;

use crate::rootfs::System;

/// What the files of these layers have of `system`, which the image called `below` is, and what they lack there.
pub(super) fn below(layers: &[LayerRecord], below: &str, system: System) -> (System, Vec<Finding>) {
    let wanted = wanted(layers);
    let missing = wanted.missing_in(&system.libraries);
    let system = System {
        libraries: wanted.without(&missing),
        ..system
    };
    (system, told(missing, below))
}

/// What `wanted` lacks of `system`, which is called `below`.
pub(super) fn missing(wanted: &Libraries, system: &System, below: &str) -> Vec<Finding> {
    told(wanted.missing_in(&system.libraries), below)
}

/// What the files of these layers need of the image below them.
fn wanted(layers: &[LayerRecord]) -> Libraries {
    let mut all = Libraries::default();
    for layer in layers {
        all.join(&layer.libraries);
    }
    all.wanted()
}

/// What the image called `below` lacks. Not every file in an image is one that is used, and packages bring files for
/// systems that they don't run on: what the app is sure to load breaks it, the rest is told.
fn told(missing: Vec<Missing>, below: &str) -> Vec<Finding> {
    missing.into_iter().map(|it| one(it, below)).collect()
}

fn one(missing: Missing, below: &str) -> Finding {
    let Missing {
        library,
        version,
        file,
        loaded,
    } = missing;
    let below = below.to_owned();
    match version {
        None => Finding::LibraryMissing {
            file,
            library,
            loaded,
            below,
        },
        Some(version) => Finding::LibraryTooOld {
            file,
            library,
            version,
            loaded,
            below,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use buildpack_core::diagnostic::Diagnostic;
    use buildpack_core::libraries::Linked;
    use stacks::Arch;

    use super::*;

    #[test]
    fn a_missing_library_and_an_old_one_are_told_apart() {
        let linked = |needs: &[(&str, &str)], offers: Option<(&str, &str)>| Linked {
            architecture: Some(Arch::Arm64),
            needs: needs
                .iter()
                .map(|(name, version)| {
                    ((*name).to_owned(), BTreeSet::from([(*version).to_owned()]))
                })
                .collect::<BTreeMap<_, _>>(),
            offers: offers
                .map(|(name, version)| (name.to_owned(), BTreeSet::from([version.to_owned()]))),
        };
        let (mut app, mut stack) = (Libraries::default(), Libraries::default());
        let needs = [("libc.so.6", "GLIBC_2.38"), ("libvips.so.42", "VIPS_42")];
        app.add("/app/priv/nif.so", linked(&needs, None), Arch::Arm64, true);
        let offers = Some(("libc.so.6", "GLIBC_2.35"));
        let libc = linked(&[], offers);
        stack.add("/lib/libc.so.6", libc, Arch::Arm64, false);
        let missing = app.wanted().missing_in(&stack);
        let told = told(missing, "heroku/heroku:22");
        let told: Vec<_> = told.iter().map(Finding::diagnostic).collect();
        assert!(told.iter().all(Diagnostic::is_error));
        let told: Vec<_> = told
            .iter()
            .map(|it| (it.code.0, it.message.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (
                    "library-too-old",
                    "`/app/priv/nif.so` needs GLIBC_2.38, and `libc.so.6` of `heroku/heroku:22` is older"
                ),
                (
                    "library-missing",
                    "`/app/priv/nif.so` needs `libvips.so.42`, which neither the app nor `heroku/heroku:22` has"
                ),
            ]
        );
    }
}
