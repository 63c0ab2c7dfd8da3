//! Whether an app has assets that this pack builds.

use buildpack_core::app::App;

/// Its config file, whose presence alone is enough.
pub const CONFIG: &str = "phoenix_static_buildpack.config";

/// What made the pack match, as a sentence for people; none if the app is not for it.
pub fn detect(app: &App) -> Option<String> {
    if !app.has("mix.exs") {
        return None;
    }
    if app.has(CONFIG) {
        return Some(format!("{CONFIG} is there"));
    }
    ["mix.lock", "mix.exs"].into_iter().find_map(|file| {
        let source = app.source(file)?;
        let names_phoenix =
            source.text.contains("\"phoenix\":") || source.text.contains("{:phoenix,");
        names_phoenix.then(|| format!("{file} names phoenix"))
    })
}
