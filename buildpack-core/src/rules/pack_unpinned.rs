//! `pack-unpinned`: packs whose address names no commit, tag or branch. Of those that are built in there is nothing to pin.

use crate::app::App;
use crate::diagnostic::Diagnostic;
use crate::wanted::{Address, Form};

/// One note about all such packs.
pub fn check(app: &App) -> Vec<Diagnostic> {
    let loose: Vec<_> = app
        .buildpacks
        .iter()
        .chain(&app.app_json.buildpacks)
        .filter(|pack| {
            Address::parse(&pack.value).is_some_and(|address| {
                address.form == Form::Git
                    && address.reference.is_none()
                    && address.native().is_none()
            })
        })
        .collect();
    let message = match loose.as_slice() {
        [] => return Vec::new(),
        [_] => "the address of a pack names no commit, tag or branch".to_owned(),
        more => format!(
            "the addresses of {} packs name no commit, tag or branch",
            more.len()
        ),
    };
    let problem = loose.iter().take(super::MOST).fold(
        Diagnostic::note_only("pack-unpinned", message),
        |problem, pack| problem.from(&pack.origin, "may be another pack tomorrow"),
    );
    vec![problem.help("put `#` and a tag or a commit behind the address")]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Severity;
    use crate::rules::testing::app;

    #[test]
    fn all_loose_packs_stand_in_one_note() {
        let files = [
            (
                ".buildpacks",
                "https://github.com/heroku/heroku-buildpack-nodejs\n\
                 https://github.com/heroku/heroku-buildpack-python#v1\n\
                 git@example.com:me/pack.git\n",
            ),
            (
                "app.json",
                r#"{"buildpacks": [{"url": "heroku/nodejs"}, {"url": "https://github.com/a/b"}]}"#,
            ),
        ];
        let found = check(&app(&files));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].severity, Severity::Note);
        let places: Vec<_> = (found[0].labels.iter())
            .map(|label| label.span.to_string())
            .collect();
        assert_eq!(places[..2], [".buildpacks:1:1", ".buildpacks:3:1"]);
        assert!(places[2].starts_with("app.json:1:"));
    }

    #[test]
    fn names_archives_folders_and_pinned_packs_are_fine() {
        for text in [
            "https://github.com/heroku/heroku-buildpack-nodejs#v1",
            "https://github.com/gigalixir/gigalixir-buildpack-elixir",
            "heroku/nodejs",
            "urn:buildpack:heroku/nodejs",
            "https://example.com/a/b.tgz",
            "/srv/pack",
        ] {
            assert_eq!(check(&app(&[(".buildpacks", text)])), [], "{text}");
        }
    }
}
