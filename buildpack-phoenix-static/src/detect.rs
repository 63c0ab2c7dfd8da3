//! Whether an app has assets that this pack builds.

use buildpack_core::app::App;

use crate::config::FILE;

/// What made the pack match, as a sentence for people; none if the app is not for it.
pub fn detect(app: &App) -> Option<String> {
    // A file that can't be read is there all the same.
    let is_there = |path| app.source(path).is_some() || app.has(path);
    if !is_there("mix.exs") {
        return None;
    }
    // Its presence alone is enough.
    if is_there(FILE) {
        return Some(format!("{FILE} is there"));
    }
    ["mix.lock", "mix.exs"].into_iter().find_map(|file| {
        let source = app.source(file)?;
        let names_phoenix =
            source.text.contains("\"phoenix\":") || source.text.contains("{:phoenix,");
        names_phoenix.then(|| format!("{file} names phoenix"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(files: &[(&str, &str)]) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs_err::write(folder.path().join(name), text).unwrap();
        }
        detect(&App::read(folder.path()).value.unwrap())
    }

    #[test]
    fn says_what_it_saw() {
        let lock = "%{\n  \"phoenix\": {:hex, :phoenix, \"1.8.9\"},\n}\n";
        let mix = ("mix.exs", "");
        assert_eq!(
            detected(&[mix, (FILE, "")]).as_deref(),
            Some("phoenix_static_buildpack.config is there")
        );
        assert_eq!(
            detected(&[mix, ("mix.lock", lock)]).as_deref(),
            Some("mix.lock names phoenix")
        );
        assert_eq!(
            detected(&[("mix.exs", "[{:phoenix, \"~> 1.8\"}]")]).as_deref(),
            Some("mix.exs names phoenix")
        );
        assert_eq!(
            detected(&[mix, ("mix.lock", "%{\"phoenix_html\": 1}")]),
            None
        );
        assert_eq!(detected(&[(FILE, "")]), None);
    }
}
