//! `pack-abandoned`: packs that nobody looks after any more.

use std::path::Path;

use crate::app::App;
use crate::diagnostic::{Diagnostic, Origin, Sourced};
use crate::wanted::PackReference;

/// A warning for each such pack.
pub fn check(app: &App) -> Vec<Diagnostic> {
    app.buildpacks
        .iter()
        .chain(&app.app_json.buildpacks)
        .filter_map(of_pack)
        .collect()
}

fn of_pack(pack: &Sourced<String>) -> Option<Diagnostic> {
    let reference = PackReference::parse(&pack.value).ok()?;
    let known = reference.address()?.abandoned()?;
    let problem = Diagnostic::warning(
        "pack-abandoned",
        format!("nobody looks after `{}` any more", known.name),
    )
    .from(&pack.origin, known.what)
    .note(known.facts);
    let problem = if reference.is_pinned() {
        problem.note("`bp` runs it as it is, because a version of it is named")
    } else {
        problem.note("`bp` builds natively in its place")
    };
    let text = format!("`{}` goes on", known.successor);
    Some(match &pack.origin {
        // A tag or commit of the old one need not be in the new one, so it goes too.
        Origin::File(span) if span.source.path == Path::new(".buildpacks") => problem.suggest(
            text,
            span.clone(),
            format!("https://github.com/{}", known.successor),
        ),
        _ => problem.help(text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Applicability;
    use crate::rules::testing::{app, mended};

    #[test]
    fn a_fork_that_goes_on_is_named() {
        let text = "https://github.com/HashNuke/heroku-buildpack-elixir#v1\n";
        let found = check(&app(&[(".buildpacks", text)]));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].labels[0].span.to_string(), ".buildpacks:1:1");
        assert_eq!(found[0].helps[0].applicability, Applicability::Likely);
        assert!(found[0].notes[1].contains("as it is"));
        let right = mended(&found[0]);
        assert_eq!(
            right,
            "https://github.com/gigalixir/gigalixir-buildpack-elixir\n"
        );
        assert_eq!(check(&app(&[(".buildpacks", &right)])), []);
    }

    #[test]
    fn app_json_is_looked_at_too() {
        let text =
            r#"{"buildpacks": [{"url": "gjaldon/phoenix-static"}, {"url": "heroku/nodejs"}]}"#;
        let found = check(&app(&[("app.json", text)]));
        assert_eq!(found.len(), 1);
        assert!(found[0].message.contains("gjaldon/"));
        assert!(found[0].notes[1].contains("natively"));
        assert!(found[0].helps[0].edits.is_empty());
    }

    #[test]
    fn packs_that_are_looked_after_are_fine() {
        let text = "https://github.com/gigalixir/gigalixir-buildpack-elixir#v1\nheroku/nodejs\n";
        assert_eq!(check(&app(&[(".buildpacks", text)])), []);
    }
}
