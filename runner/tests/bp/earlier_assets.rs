//! Static files of earlier builds: a page that was loaded before a deploy finds its styles after it, where that is wanted.

use testdata::workspace::{App, Ran, Workspace};

use crate::phoenix::served;
use crate::{fresh, workspace};

const KEEP: [&str; 2] = ["--keep-assets", "2"];

/// Builds the app with styles of this colour.
fn coloured(place: &Workspace, app: &App, colour: &str, more: &[&str]) -> Ran {
    app.write(
        "assets/css/app.css",
        format!("body {{ color: {colour} }}\n"),
    )
    .unwrap();
    place.build(app, more).ok()
}

/// The path of the styles in the page of an image, and what it and other paths answer.
fn styles(place: &Workspace, image: &str, others: &[String]) -> (String, Vec<String>) {
    let all = served(place, image, others);
    let styles = all.iter().find(|(path, _)| path.contains(".css"));
    let path = styles.unwrap().0.clone();
    let answers = all.into_iter().skip(3).map(|(_, answer)| answer);
    (path, answers.collect())
}

fn is_found(answer: &str, colour: &str) -> bool {
    answer.starts_with("HTTP/1.1 200") && answer.contains(colour)
}

#[test]
fn styles_of_the_last_two_deploys_are_served_and_older_ones_are_not() {
    for name in ["phoenix_esbuild", "phoenix_release"] {
        let Some(place) = workspace() else { return };
        let image = format!("{name}-earlier");
        let app = place.app(name, &image).unwrap();
        let mut paths = Vec::new();
        for colour in ["teal", "navy", "olive"] {
            coloured(&place, &app, colour, &KEEP);
            let (path, answers) = styles(&place, &image, &paths);
            let before = ["teal", "navy"].iter().zip(&answers);
            for (colour, answer) in before {
                assert!(is_found(answer, colour), "{name} {colour}: {answer}");
            }
            paths.push(path);
        }
        coloured(&place, &app, "maroon", &KEEP).says("With static files of 2 earlier versions");
        let (_, answers) = styles(&place, &image, &paths);
        let found = ["teal", "navy", "olive"]
            .map(|colour| answers.iter().any(|answer| is_found(answer, colour)));
        assert_eq!(found, [false, true, true], "{name}: {answers:?}");
        place
            .bp(&[
                "run",
                &image,
                "--",
                "bash",
                "-c",
                "find . -name cache_manifest.json | xargs cat",
            ])
            .ok()
            .says(paths[1].trim_start_matches('/').split('?').next().unwrap())
            .never_says(paths[0].trim_start_matches('/').split('?').next().unwrap());
        // Nothing has to be done to get the same again.
        place
            .build(&app, &KEEP)
            .ok()
            .says("Nothing changed since the last build");
    }
}

#[test]
fn an_image_holds_them_only_where_that_is_asked_for() {
    let (Some(place), Some(other)) = (workspace(), fresh()) else {
        return;
    };
    let app = place.app("phoenix_esbuild", "asked").unwrap();
    let first = coloured(&place, &app, "teal", &KEEP);
    let with = coloured(&place, &app, "navy", &KEEP);
    // The tree still holds what was added; the image of a clean build does not.
    let without = place
        .build(&app, &[])
        .ok()
        .says("step assets-deploy: left out");
    let clean = App {
        path: app.path.clone(),
    };
    assert_eq!(without.digest(), other.build(&clean, &[]).ok().digest());
    assert_ne!(without.digest(), with.digest());
    // What was built without is nothing that was asked for, and changes nothing of it.
    let again = place.build(&app, &KEEP).ok();
    assert_eq!(again.digest(), with.digest());
    place.bp(&["cache", "df"]).ok().says("earlier assets");
    // The same builds are the same images anywhere.
    let copy = other.app("phoenix_esbuild", "asked").unwrap();
    let same = coloured(&other, &copy, "teal", &KEEP);
    assert_eq!(same.digest(), first.digest());
    let same = coloured(&other, &copy, "navy", &KEEP);
    assert_eq!(same.digest(), with.digest());
    let cleared = other.build(&copy, &["--keep-assets", "2", "--clear-cache"]);
    assert_eq!(cleared.ok().digest(), without.digest());
    other
        .build(&copy, &["--keep-assets", "many"])
        .fails(2, "settings-value")
        .says("expected a number from 0 to 99");
}
