//! The config file of a pack: bash that sets a few known variables (compatibility facts 3.1 and 3.4).

use std::collections::{BTreeMap, BTreeSet};

use super::App;
use crate::diagnostic::{Code, Diagnostic, Origin, Outcome, Sourced};
use crate::syntax::{self, Assignment, Value};

/// The code of names that are no keys.
const CODE: &str = Code("config-unknown-key").0;

/// How far a name may be from a key to be taken for it, in typing mistakes.
const NEAR: usize = 3;

/// Names beyond this count say nothing new.
const MOST: usize = 20;

/// A value of a config file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigValue {
    /// A text.
    Text(String),
    /// An array.
    List(Vec<String>),
    /// Only bash can evaluate it; the text says why.
    Dynamic(String),
}

/// What a config file sets, key by key, and what is wrong with it.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    values: BTreeMap<String, Sourced<ConfigValue>>,
    diagnostics: Vec<Diagnostic>,
}

impl ConfigFile {
    /// Reads `file` of `app`; without the file nothing is set. What only bash can tell is taken from `evaluated`, by name:
    /// none there is a variable that bash leaves unset. The value is withheld where the file is no bash.
    pub fn read(
        app: &App,
        file: &str,
        keys: &[&str],
        evaluated: Option<&BTreeMap<String, Option<ConfigValue>>>,
    ) -> Outcome<Self> {
        let mut config = Self {
            values: BTreeMap::new(),
            diagnostics: Vec::new(),
        };
        let Some(source) = app.source(file) else {
            return Outcome::clean(config);
        };
        let outcome = syntax::parse_config(&source, keys);
        config.diagnostics = outcome.diagnostics;
        let Some(assignments) = outcome.value else {
            return Outcome::failed(config.diagnostics);
        };
        let others = (assignments.iter())
            .filter(|assignment| !keys.contains(&assignment.name.value.as_str()));
        config
            .diagnostics
            .extend(unknown(others, keys, &source.text));
        for Assignment {
            name,
            value,
            value_span,
            ..
        } in assignments
        {
            if !keys.contains(&name.value.as_str()) {
                continue;
            }
            let value = match value {
                Value::Text(text) => ConfigValue::Text(text),
                Value::Array(words) => ConfigValue::List(words),
                Value::Dynamic(why) => match evaluated.and_then(|said| said.get(&name.value)) {
                    Some(Some(value)) => value.clone(),
                    Some(None) => {
                        config.values.remove(&name.value);
                        continue;
                    }
                    None => ConfigValue::Dynamic(why),
                },
            };
            let value = Sourced::new(value, Origin::File(value_span));
            config.values.insert(name.value, value);
        }
        Outcome {
            value: Some(config),
            diagnostics: Vec::new(),
        }
    }

    /// Takes a key's value out.
    pub fn take(&mut self, key: &str) -> Option<Sourced<ConfigValue>> {
        self.values.remove(key)
    }

    /// Takes a switch out; anything but `true` and `false` is a mistake. Unset and empty are `false`, and so is what only
    /// bash can tell and bash was not asked.
    pub fn take_flag(&mut self, key: &str) -> Sourced<bool> {
        let Some(value) = self.take(key) else {
            return Sourced::new(false, Origin::Default(format!("{key}=false")));
        };
        let read = match &value.value {
            ConfigValue::Text(text) => match text.as_str() {
                "true" => Some(true),
                "false" | "" => Some(false),
                _ => None,
            },
            ConfigValue::Dynamic(_) => Some(false),
            ConfigValue::List(_) => None,
        };
        if read.is_none() {
            self.complain(
                syntax::mistake(format!("`{key}` must be `true` or `false`"))
                    .from(&value.origin, "this is neither")
                    .help("write it out; what bash would have to work out can't be planned with"),
            );
        }
        Sourced::new(read.unwrap_or(false), value.origin)
    }

    /// Adds a mistake that the pack found.
    pub fn complain(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// All mistakes.
    pub fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.diagnostics
    }
}

/// Names that are no keys, each once: one that looks like a slip of a key can be mended; another may be the author's own
/// variable, if it is used.
fn unknown<'a>(
    assignments: impl Iterator<Item = &'a Assignment>,
    keys: &[&str],
    text: &str,
) -> Vec<Diagnostic> {
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    let mut first = Vec::new();
    for assignment in assignments {
        let times = left.entry(&assignment.name.value).or_default();
        if *times == 0 {
            first.push(assignment);
        }
        *times += 1;
    }
    // What is left over of a name's occurrences is where it is used.
    let mut used = BTreeSet::new();
    for word in text.split(|c: char| c != '_' && !c.is_ascii_alphanumeric()) {
        match left.get_mut(word) {
            Some(0) => drop(used.insert(word)),
            Some(times) => *times -= 1,
            None => {}
        }
    }
    let complaints = first.into_iter().filter_map(|assignment| {
        let Origin::File(span) = &assignment.name.origin else {
            return None;
        };
        let name = assignment.name.value.as_str();
        let said = format!("`{name}` is no key of `{}`", span.source.path.display());
        let used = assignment.exported || used.contains(name);
        match nearest(name, keys) {
            Some(key) => Some(
                Diagnostic::warning(CODE, said)
                    .at(span.clone(), "without effect")
                    .fix(format!("write `{key}`"), span.clone(), key),
            ),
            None if used => None,
            None => Some(
                Diagnostic::note_only(CODE, said)
                    .at(span.clone(), "no line of the file uses it")
                    .help("remove the line, if nothing else reads it"),
            ),
        }
    });
    complaints.take(MOST).collect()
}

/// The key that was probably meant.
fn nearest<'k>(name: &str, keys: &[&'k str]) -> Option<&'k str> {
    let near = keys.iter().filter_map(|key| {
        let allowed = NEAR.min(key.len() / 3);
        // Comparing takes the product of both lengths.
        let distance = (key.len().abs_diff(name.len()) <= allowed)
            .then(|| strsim::damerau_levenshtein(key, name))?;
        (distance <= allowed).then_some((distance, *key))
    });
    near.min().map(|(_, key)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "elixir_buildpack.config";
    const KEYS: [&str; 3] = ["always_rebuild", "release", "erlang_version"];

    fn read(text: &str, evaluated: &[(&str, Option<&str>)]) -> Outcome<ConfigFile> {
        let files = BTreeMap::from([(FILE.to_owned(), text.as_bytes().to_vec())]);
        let app = App::of_files("app".as_ref(), files).value.unwrap();
        let evaluated = evaluated
            .iter()
            .map(|(name, value)| {
                let value = value.map(|text| ConfigValue::Text(text.to_owned()));
                ((*name).to_owned(), value)
            })
            .collect();
        ConfigFile::read(&app, FILE, &KEYS, Some(&evaluated))
    }

    #[test]
    fn the_last_value_of_a_key_counts() {
        let text =
            "erlang_version=26\nerlang_version=\"27\" # x\nrelease=$(x)\nalways_rebuild=(a b)\n";
        let mut config = read(text, &[("release", Some("true"))]).value.unwrap();
        let version = config.take("erlang_version").unwrap();
        assert_eq!(version.value, ConfigValue::Text("27".to_owned()));
        assert_eq!(version.origin.to_string(), "elixir_buildpack.config:2:16");
        assert!(config.take_flag("release").value, "as bash said");
        assert!(!config.take_flag("always_rebuild").value);
        let wrong = config.into_diagnostics();
        assert_eq!(wrong.len(), 1);
        assert_eq!(wrong[0].code.0, "config-syntax");
    }

    #[test]
    fn what_bash_leaves_unset_is_not_set() {
        let text = "erlang_version=26\nif test -e x; then erlang_version=27; fi\n";
        let mut config = read(text, &[("erlang_version", None)]).value.unwrap();
        assert_eq!(config.take("erlang_version"), None);
        let mut config = read(text, &[]).value.unwrap();
        assert!(matches!(
            config.take("erlang_version").unwrap().value,
            ConfigValue::Dynamic(_)
        ));
    }

    #[test]
    fn a_slip_is_mended_and_an_own_variable_left_alone() {
        let text = "erlang_vresion=27\nmine=1\nmine=2\nrelease=$((mine))\nother=2\nother=3\nexport FOR_MIX=1\n";
        let wrong = read(text, &[]).value.unwrap().into_diagnostics();
        assert_eq!(wrong.len(), 2);
        let edit = &wrong[0].helps[0].edits[0];
        assert_eq!(&text[edit.span.start..edit.span.end], "erlang_vresion");
        assert_eq!(edit.new_text, "erlang_version");
        assert!(wrong[1].message.contains("`other`"), "{wrong:?}");
    }

    #[test]
    fn many_names_are_said_in_part_and_long_ones_are_compared_with_no_key() {
        let lines: Vec<_> = (0..3000).map(|n| format!("a{n}=1")).collect();
        let text = lines.join("\n");
        assert_eq!(read(&text, &[]).value.unwrap().diagnostics.len(), MOST);
        let long = format!("{}=1\n", "release".repeat(5000));
        let wrong = read(&long, &[]).value.unwrap().into_diagnostics();
        assert!(wrong[0].helps[0].edits.is_empty());
        assert_eq!(nearest("releese", &KEYS), Some("release"));
    }

    #[test]
    fn without_the_file_nothing_is_set_and_what_is_no_bash_has_no_value() {
        let app = App::of_files("app".as_ref(), BTreeMap::new())
            .value
            .unwrap();
        let config = ConfigFile::read(&app, FILE, &KEYS, None).value.unwrap();
        assert!(config.values.is_empty());
        let broken = read("release='x", &[]);
        assert!(broken.value.is_none());
        assert_eq!(broken.diagnostics[0].code.0, "config-syntax");
    }
}
