//! The packs that a herokuish image brings along, in the order in which they are asked (compatibility facts 2.4). Which
//! versions of them there are is the platform's to say: it puts them into `BUILDPACK_PATH`.

/// Name and repository of each; the place in the list is the number before its folder's name.
pub(super) const BUNDLED: [(&str, &str); 12] = [
    ("multi", "https://github.com/dokku/heroku-buildpack-multi"),
    ("ruby", "https://github.com/heroku/heroku-buildpack-ruby"),
    (
        "nodejs",
        "https://github.com/heroku/heroku-buildpack-nodejs",
    ),
    (
        "clojure",
        "https://github.com/heroku/heroku-buildpack-clojure",
    ),
    (
        "python",
        "https://github.com/heroku/heroku-buildpack-python",
    ),
    ("java", "https://github.com/heroku/heroku-buildpack-java"),
    (
        "gradle",
        "https://github.com/heroku/heroku-buildpack-gradle",
    ),
    ("scala", "https://github.com/heroku/heroku-buildpack-scala"),
    ("php", "https://github.com/heroku/heroku-buildpack-php"),
    ("go", "https://github.com/heroku/heroku-buildpack-go"),
    ("static", "https://github.com/dokku/heroku-buildpack-nginx"),
    ("null", "https://github.com/dokku/buildpack-null"),
];

/// The folder of a bundled pack: `01_buildpack-ruby`.
pub(super) fn folder_of(place: usize, name: &str) -> String {
    format!("{place:02}_buildpack-{name}")
}

/// The name of the pack in such a folder, else the folder's own.
pub(in crate::herokuish) fn name_of(folder: &str) -> &str {
    let plain = folder.trim_start_matches(|c: char| c.is_ascii_digit());
    plain.strip_prefix("_buildpack-").unwrap_or(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_tells_its_name() {
        assert_eq!(folder_of(1, "ruby"), "01_buildpack-ruby");
        assert_eq!(name_of("01_buildpack-ruby"), "ruby");
        assert_eq!(name_of("heroku-buildpack-x"), "heroku-buildpack-x");
        assert_eq!(name_of("3scale"), "3scale");
    }
}
