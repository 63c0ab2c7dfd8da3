//! Where an app's assets may stand: at its top, in `assets`, or where `phoenix_static_buildpack.config` says.

use std::collections::BTreeMap;
use std::path::{Component, Path};
use std::sync::Arc;

use crate::diagnostic::Source;
use crate::syntax::{self, Value};

/// Folders relative to the app, without a slash at the end, the likeliest first; the app itself is the empty one. All lie
/// inside the app.
pub(super) fn folders(config: Option<&Arc<Source>>) -> Vec<String> {
    let said = said(config);
    let folder = |key: &str| {
        said.get(key)
            .map_or(Some(String::new()), |text| folder_inside(text))
    };
    let join = |above: &str, below: &str| match (above, below) {
        ("", one) | (one, "") => one.to_owned(),
        (above, below) => format!("{above}/{below}"),
    };
    let mut all = Vec::new();
    if let Some(app) = folder("phoenix_relative_path") {
        if let Some(assets) = folder("assets_path").filter(|assets| !assets.is_empty()) {
            all.push(join(&app, &assets));
        }
        all.push(join(&app, "assets"));
        all.push(app);
    }
    all.extend(["assets", ""].map(str::to_owned));
    let mut seen = Vec::new();
    all.retain(|folder| {
        let new = !seen.contains(folder);
        seen.push(folder.clone());
        new
    });
    all
}

/// As [`folders`], relative to an application of an umbrella.
pub(super) fn of_child(config: Option<&Arc<Source>>) -> Vec<String> {
    let named = said(config)
        .remove("assets_path")
        .and_then(|text| folder_inside(&text))
        .filter(|assets| !matches!(assets.as_str(), "" | "assets"));
    let usual = ["assets", ""].map(str::to_owned);
    named.into_iter().chain(usual).collect()
}

/// The values of the config that are plain text.
fn said(config: Option<&Arc<Source>>) -> BTreeMap<String, String> {
    let mut said = BTreeMap::new();
    for assignment in config
        .and_then(|config| syntax::parse(config).value)
        .unwrap_or_default()
    {
        if let Value::Text(text) = assignment.value {
            said.insert(assignment.name.value, text);
        }
    }
    said
}

/// A path below the app without `.` and double slashes; none where it leads out of the app.
pub fn folder_inside(path: &str) -> Option<String> {
    let mut parts = Vec::new();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(config: &str) -> Vec<String> {
        folders(Some(&Arc::new(Source {
            path: "phoenix_static_buildpack.config".into(),
            text: config.to_owned(),
        })))
    }

    #[test]
    fn assets_stand_where_the_config_says_or_where_phoenix_has_them() {
        assert_eq!(folders(None), ["assets", ""]);
        assert_eq!(
            found("phoenix_relative_path=./apps//web/\nassets_path=front\n"),
            [
                "apps/web/front",
                "apps/web/assets",
                "apps/web",
                "assets",
                ""
            ]
        );
        assert_eq!(
            found("assets_path=.\nphoenix_relative_path=.\n"),
            ["assets", ""]
        );
        assert_eq!(found("phoenix_relative_path=../x\n"), ["assets", ""]);
        assert_eq!(found("assets_path=/etc\n"), ["assets", ""]);
    }
}
