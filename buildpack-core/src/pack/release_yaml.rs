//! What `bin/release` prints: YAML with default process types and config vars (Heroku's buildpack API).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a pack's `bin/release` says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PackRelease {
    /// Command by process type, for types that the Procfile doesn't name.
    pub default_process_types: BTreeMap<String, String>,
    /// Variables that the app starts with where nobody else sets them.
    pub config_vars: BTreeMap<String, String>,
    /// Add-ons that the platform is asked for; `bp` has none to give.
    pub addons: Vec<String>,
}

/// Why YAML is none of a release. Completes "printed …".
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// It is no text.
    #[error("what is no UTF-8")]
    NotText,
    /// It is no YAML, or has another shape.
    #[error("what cannot be read as a release: {0}")]
    Shape(String),
    /// A name that no shell takes.
    #[error("the config var `{0}`, which is no name of a variable")]
    Name(String),
    /// A process type that cannot be one.
    #[error(
        "the process type `{0}`, whose name has other characters than letters, digits, `-` and `_`"
    )]
    ProcessType(String),
}

/// Values are texts as they are written: `PYTHON: 3.10` is no number, `DEBUG: yes` no truth.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Document {
    default_process_types: Option<BTreeMap<String, Option<String>>>,
    config_vars: Option<BTreeMap<String, Option<String>>>,
    addons: Option<Vec<String>>,
}

impl PackRelease {
    /// Reads YAML; nothing at all is a release that says nothing.
    pub fn parse(yaml: &[u8]) -> Result<Self, ReleaseError> {
        let text = std::str::from_utf8(yaml).map_err(|_| ReleaseError::NotText)?;
        if !says_anything(text) {
            return Ok(Self::default());
        }
        let document: Document = serde_saphyr::from_str(text)
            .map_err(|error| ReleaseError::Shape(first_line(&error)))?;
        let texts = |map: Option<BTreeMap<String, Option<String>>>| {
            let entries = map.unwrap_or_default().into_iter();
            let texts = entries.map(|(name, value)| (name, value.unwrap_or_default()));
            texts.collect::<BTreeMap<_, _>>()
        };
        let release = Self {
            default_process_types: texts(document.default_process_types),
            config_vars: texts(document.config_vars),
            addons: document.addons.unwrap_or_default(),
        };
        if let Some(name) = release.config_vars.keys().find(|name| !is_variable(name)) {
            return Err(ReleaseError::Name(name.clone()));
        }
        let types = release.default_process_types.keys();
        if let Some(name) = types.into_iter().find(|name| !is_process_type(name)) {
            return Err(ReleaseError::ProcessType(name.clone()));
        }
        Ok(release)
    }
}

fn says_anything(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim();
        !line.is_empty() && line != "---" && line != "{}" && !line.starts_with('#')
    })
}

fn first_line(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

fn is_variable(name: &str) -> bool {
    let mut chars = name.chars();
    chars
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|char| char.is_ascii_alphanumeric() || char == '_')
}

fn is_process_type(name: &str) -> bool {
    let allowed = |char: char| char.is_ascii_alphanumeric() || char == '-' || char == '_';
    !name.is_empty() && name.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn types_vars_and_addons_are_read() {
        let yaml = "---\naddons:\n  - heroku-postgresql\nconfig_vars:\n  PORT: 8080\n  \
                    DEBUG: true\n  \"PATH\": bin:$PATH\ndefault_process_types:\n  web: \"bin/x: y\"\n";
        let release = PackRelease::parse(yaml.as_bytes()).unwrap();
        assert_eq!(release.addons, ["heroku-postgresql"]);
        assert_eq!(release.config_vars["PORT"], "8080");
        assert_eq!(release.config_vars["DEBUG"], "true");
        assert_eq!(release.config_vars["PATH"], "bin:$PATH");
        assert_eq!(release.default_process_types["web"], "bin/x: y");
    }

    #[test]
    fn values_are_texts_as_they_are_written() {
        let yaml = "config_vars:\n  A: 3.10\n  B: 0777\n  C: yes\n  D: 1e3\n  E: 0x10\n  F:\n  G: ~\n  H: ''\n  \
                    I: 'null'\n  J: 2024-01-01\n  K: 12345678901234567890123\n  L: |\n    one\n    two\n";
        let release = PackRelease::parse(yaml.as_bytes()).unwrap();
        let values: Vec<&str> = release.config_vars.values().map(String::as_str).collect();
        let date = "2024-01-01";
        let long = "12345678901234567890123";
        assert_eq!(
            values,
            [
                "3.10",
                "0777",
                "yes",
                "1e3",
                "0x10",
                "",
                "",
                "",
                "null",
                date,
                long,
                "one\ntwo\n"
            ]
        );
    }

    #[test]
    fn nothing_is_a_release_too() {
        for yaml in [
            "",
            "---\n",
            "--- {}\n",
            "{}",
            "# none\n",
            "addons: []\n",
            "config_vars:\n",
        ] {
            let release = PackRelease::parse(yaml.as_bytes());
            assert_eq!(release.unwrap(), PackRelease::default(), "{yaml:?}");
        }
    }

    #[test]
    fn another_shape_is_told() {
        for yaml in [
            "default_process_types: [web]\n",
            "default_process_types:\n  web: {a: b}\n",
            "just words",
            "- a\n- b\n",
            "a: b: c",
            "config_vars:\n  A-B: 1\n",
            "default_process_types:\n  \"../x\": y\n",
            "\t- x",
        ] {
            assert!(PackRelease::parse(yaml.as_bytes()).is_err(), "{yaml:?}");
        }
        assert!(PackRelease::parse(b"\xff").is_err());
    }

    /// Aliases that double, and lists in lists, must cost neither memory nor the stack.
    #[test]
    fn what_would_grow_without_end_is_refused() {
        let doubled = (1..40).map(|level| {
            let below = level - 1;
            format!("a{level}: &a{level} [*a{below}, *a{below}]\n")
        });
        let bomb = format!(
            "a0: &a0 [x, x]\n{}addons: *a39\n",
            doubled.collect::<String>()
        );
        assert!(PackRelease::parse(bomb.as_bytes()).is_err());
        let deep = format!("addons: {}", "[".repeat(200_000));
        assert!(PackRelease::parse(deep.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = PackRelease::parse(&bytes);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[a-z:{}\\[\\]\\-&*!|>'\" \n]{0,80}") {
            let _ = PackRelease::parse(text.as_bytes());
        }
    }
}
