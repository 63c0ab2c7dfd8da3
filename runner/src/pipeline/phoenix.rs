//! What the Phoenix static pack adds to the plan of an Elixir app: how its server is started.

use std::collections::BTreeMap;

use buildpack_core::app::App;
use buildpack_core::diagnostic::Diagnostic;
use buildpack_core::plan::{Run, Step};
use buildpack_phoenix_static::{detect, release};

/// Words of a hook that builds the assets by itself.
const BUILDS_ASSETS: [&str; 2] = ["assets.deploy", "phx.digest"];

/// If the pack applies, replaces the default process types that there are by its own; a release has none and keeps
/// none. Says so where nobody builds the assets.
pub(super) fn apply(
    app: &App,
    steps: &[Step],
    processes: &mut BTreeMap<String, String>,
) -> Option<Diagnostic> {
    let evidence = detect::detect(app)?;
    for (name, command) in release::default_processes() {
        processes.entry(name).and_modify(|kept| *kept = command);
    }
    let built_by_a_hook = steps.iter().any(|step| match &step.run {
        Run::Bash { script } => BUILDS_ASSETS.iter().any(|words| script.contains(words)),
        _ => false,
    });
    (!built_by_a_hook).then(|| {
        Diagnostic::note_only(
            "assets-not-built",
            "this version of `bp` does not build the assets of a Phoenix app by itself",
        )
        .note(evidence)
        .help(
            "if it has assets to build, let a hook do it: `hook_post_compile=\"mix assets.deploy\"` in \
             `elixir_buildpack.config`",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(files: &[(&str, &str)]) -> (tempfile::TempDir, App) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs_err::write(folder.path().join(name), text).unwrap();
        }
        let app = App::read(folder.path()).value.unwrap();
        (folder, app)
    }

    fn hook(script: &str) -> Step {
        Step {
            id: "hook".to_owned(),
            heading: String::new(),
            run: Run::Bash {
                script: script.to_owned(),
            },
            skip_if_unchanged: None,
            begins_with: Vec::new(),
        }
    }

    fn web() -> BTreeMap<String, String> {
        BTreeMap::from([("web".to_owned(), "mix run --no-halt".to_owned())])
    }

    const PHOENIX: [(&str, &str); 1] = [("mix.exs", "{:phoenix, \"~> 1.8\"}")];

    #[test]
    fn a_phoenix_app_starts_its_server() {
        let (_folder, app) = app(&PHOENIX);
        let mut processes = web();
        let note = apply(&app, &[], &mut processes).unwrap();
        assert!(processes["web"].ends_with("mix phx.server"));
        assert_eq!(note.code.0, "assets-not-built");
        assert!(!note.is_error());
    }

    #[test]
    fn a_release_keeps_its_own_start() {
        let (_folder, app) = app(&PHOENIX);
        let mut processes = BTreeMap::new();
        apply(&app, &[], &mut processes);
        assert!(processes.is_empty());
    }

    #[test]
    fn another_app_keeps_mix_run_and_a_hook_silences_the_note() {
        let (_folder, plain) = app(&[("mix.exs", "{:plug, \"~> 1.0\"}")]);
        let mut processes = web();
        assert_eq!(apply(&plain, &[], &mut processes), None);
        assert_eq!(processes, web());
        let (_folder, phoenix) = app(&PHOENIX);
        let steps = [hook("eval mix assets.deploy && rm -f _build/esbuild*")];
        assert_eq!(apply(&phoenix, &steps, &mut processes), None);
    }
}
