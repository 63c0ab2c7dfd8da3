//! Whether the shared libraries that the app's files need are there where it will run.

use buildpack_core::diagnostic::Diagnostic;
use buildpack_core::image::LayerRecord;
use buildpack_core::libraries::{Libraries, Missing};

/// What the files of these layers need of the image below them.
pub(super) fn wanted(layers: &[LayerRecord]) -> Libraries {
    let mut all = Libraries::default();
    for layer in layers {
        all.join(&layer.libraries);
    }
    all.wanted()
}

/// What the image called `below` lacks is told, and no more: not every file in an image is one that is used, and packages
/// bring files for systems that they don't run on.
pub(super) fn told(missing: &[Missing], below: &str) -> Vec<Diagnostic> {
    missing.iter().map(|it| one(it, below)).collect()
}

fn one(missing: &Missing, below: &str) -> Diagnostic {
    let Missing {
        library,
        version,
        file,
    } = missing;
    match version {
        None => Diagnostic::warning(
            "library-missing",
            format!("`{file}` needs `{library}`, which neither the app nor `{below}` has"),
        )
        .help("if the app uses that file, bring the library along, as the packs for apt packages do, or take a package that needs none"),
        Some(version) => Diagnostic::warning(
            "library-too-old",
            format!("`{file}` needs {version}, and `{library}` of `{below}` is older"),
        )
        .help("if the app uses that file, compile it in the build rather than taking one that was made for a newer system, or choose a newer stack"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

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
        app.add("/app/priv/nif.so", linked(&needs, None), Arch::Arm64);
        let offers = Some(("libc.so.6", "GLIBC_2.35"));
        stack.add("/lib/libc.so.6", linked(&[], offers), Arch::Arm64);
        let missing = app.wanted().missing_in(&stack);
        let told = told(&missing, "heroku/heroku:22");
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
