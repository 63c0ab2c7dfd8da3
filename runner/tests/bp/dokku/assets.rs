//! Static files of earlier deploys: a page that was loaded before one finds its styles after it.

use super::{Engine, config_vars};
use crate::workspace;

#[test]
fn styles_of_the_deploy_before_are_served_by_the_next() {
    let Some(place) = workspace() else { return };
    let Some(engine) = Engine::new(&place) else {
        return;
    };
    let app = place.app("phoenix_esbuild", "source").unwrap();
    let secret = "0123456789abcdef".repeat(5);
    let vars = config_vars(&place, &[("SECRET_KEY_BASE", &secret)]);
    // The path of the styles in the page of a deploy with this colour, and what an older path answers.
    let deployed = |colour: &str, older: Option<&str>| {
        let styles = format!("body {{ color: {colour} }}\n");
        app.write("assets/css/app.css", styles).unwrap();
        engine.deploy("assets", &app.path, &vars).ok();
        engine.dokku(&["destroy-web", "assets"]).ok();
        let port = engine.start_web("assets");
        let page = engine.page("assets", port, "/");
        let mut links = page.split('"').filter(|text| text.starts_with("/assets/"));
        let styles = links.find(|link| link.contains(".css"));
        let styles = styles.unwrap_or_else(|| panic!("no styles in {page}"));
        let now = engine.page("assets", port, styles);
        assert!(now.contains("200 OK") && now.contains(colour), "{now}");
        let older = older.map(|path| engine.page("assets", port, path));
        (styles.to_owned(), older.unwrap_or_default())
    };
    let (first, _) = deployed("teal", None);
    let (second, older) = deployed("navy", Some(&first));
    assert_ne!(first, second);
    assert!(
        older.contains("200 OK") && older.contains("teal"),
        "{older}"
    );
    engine.dokku(&["destroy", "assets"]).ok();
}
