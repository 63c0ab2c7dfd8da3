//! The versions that files of version managers and package managers ask for.

use std::sync::Arc;

use serde::Serialize;
use toml::de::{DeTable, DeValue};

use super::PackageJson;
use super::lines::{entries, sourced, tools};
use crate::diagnostic::{Diagnostic, Origin, Source, Sourced, Span};
use crate::version::Tool;

/// A version that a file asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Of which tool.
    pub tool: Tool,
    /// As written.
    pub value: Sourced<String>,
    /// By which kind of file.
    pub file: VersionFile,
}

/// A kind of file that asks for versions; how `27` is meant differs between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum VersionFile {
    /// asdf's `.tool-versions`: exact versions.
    ToolVersions,
    /// mise's `mise.toml` and `.mise.toml`: the newest that begins so.
    Mise,
    /// `.erlang-version`.
    ErlangVersion,
    /// `.elixir-version`.
    ElixirVersion,
    /// `.node-version`.
    NodeVersion,
    /// nvm's `.nvmrc`.
    Nvmrc,
    /// `engines` of a `package.json`: a range.
    Engines,
    /// `volta` of a `package.json`: an exact version.
    Volta,
}

/// mise's files, in their order of precedence.
const MISE: [&str; 2] = ["mise.toml", ".mise.toml"];

/// All versions that are asked for; of one tool in the order in which files count.
pub(super) fn declared<'s>(
    source: &dyn Fn(&str) -> Option<&'s Arc<Source>>,
    package_jsons: &[&PackageJson],
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Declared> {
    let from_mise: Vec<Declared> = MISE
        .into_iter()
        .filter_map(source)
        .flat_map(|source| mise(source, diagnostics))
        .collect();
    let by_tool = |tool: Tool| {
        from_mise
            .iter()
            .filter(move |found| found.tool == tool)
            .cloned()
    };
    let asdf = source(".tool-versions").map(tools).unwrap_or_default();
    let in_asdf = |tool: Tool, names: &[&str]| {
        let found = names.iter().find_map(|name| asdf.get(*name))?;
        Some(Declared {
            tool,
            value: found.clone(),
            file: VersionFile::ToolVersions,
        })
    };
    let one = |tool: Tool, name: &str, file: VersionFile| {
        let value = entries(source(name)?).into_iter().next()?;
        Some(Declared { tool, value, file })
    };
    let node = |value: &Sourced<String>, file| Declared {
        tool: Tool::Node,
        value: value.clone(),
        file,
    };
    let mut all = Vec::new();
    all.extend(in_asdf(Tool::Erlang, &["erlang"]));
    all.extend(by_tool(Tool::Erlang));
    all.extend(one(
        Tool::Erlang,
        ".erlang-version",
        VersionFile::ErlangVersion,
    ));
    all.extend(in_asdf(Tool::Elixir, &["elixir"]));
    all.extend(by_tool(Tool::Elixir));
    all.extend(one(
        Tool::Elixir,
        ".elixir-version",
        VersionFile::ElixirVersion,
    ));
    for package in package_jsons {
        let engines = package.engines.get("node");
        all.extend(engines.map(|value| node(value, VersionFile::Engines)));
    }
    for package in package_jsons {
        let volta = package.volta_node.as_ref();
        all.extend(volta.map(|value| node(value, VersionFile::Volta)));
    }
    all.extend(one(Tool::Node, ".node-version", VersionFile::NodeVersion));
    all.extend(one(Tool::Node, ".nvmrc", VersionFile::Nvmrc));
    all.extend(in_asdf(Tool::Node, &["nodejs", "node"]));
    all.extend(by_tool(Tool::Node));
    all
}

/// `[tools]` of a mise file: `erlang = "27"`, `elixir = { version = "1.18" }`, `node = ["22", "20"]`, of which the first
/// counts (mise's configuration reference).
fn mise(source: &Arc<Source>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Declared> {
    let span = |range: std::ops::Range<usize>| Span {
        source: Arc::clone(source),
        start: range.start,
        end: range.end,
    };
    let (root, errors) = DeTable::parse_recoverable(&source.text);
    if let Some(error) = errors.first() {
        diagnostics.push(
            Diagnostic::warning(
                "mise-toml",
                format!(
                    "`{}` is not TOML, so it asks for nothing",
                    source.path.display()
                ),
            )
            .at(span(error.span().unwrap_or_default()), error.message())
            .help("correct the file: mise cannot read it either"),
        );
        return Vec::new();
    }
    let Some(DeValue::Table(tools)) = root.get_ref().get("tools").map(toml::Spanned::get_ref)
    else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (name, value) in tools {
        let name: &str = name.get_ref();
        let bare = name.strip_prefix("core:").unwrap_or(name);
        let tool = match bare {
            "erlang" => Tool::Erlang,
            "elixir" => Tool::Elixir,
            "node" | "nodejs" => Tool::Node,
            _ => continue,
        };
        if let Some((version, range)) = version(value) {
            // The range holds the quotes.
            let inner = source
                .text
                .get(range.clone())
                .and_then(|text| text.find(&version));
            let value = match inner {
                Some(at) => sourced(source, range.start + at, &version),
                None => Sourced::new(version, Origin::File(span(range))),
            };
            let file = VersionFile::Mise;
            found.push(Declared { tool, value, file });
        }
    }
    found
}

fn version(value: &toml::Spanned<DeValue<'_>>) -> Option<(String, std::ops::Range<usize>)> {
    match value.get_ref() {
        DeValue::String(text) => Some((text.to_string(), value.span())),
        // Not what mise wants, but what people write.
        DeValue::Integer(number) => Some((number.to_string(), value.span())),
        DeValue::Float(number) => Some((number.to_string(), value.span())),
        DeValue::Array(values) => version(values.first()?),
        DeValue::Table(table) => version(table.get("version")?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::App;
    use super::*;

    /// Tool, version, kind of file, place.
    type Told = (Tool, String, VersionFile, String);

    fn read(files: &[(&str, &str)]) -> (Vec<Told>, Vec<Diagnostic>) {
        let files: BTreeMap<_, _> = files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
            .collect();
        let outcome = App::of_files("app".as_ref(), files);
        let found = (outcome.value.unwrap().declared.into_iter())
            .map(|found| {
                let Origin::File(span) = &found.value.origin else {
                    panic!("no place");
                };
                let written = span.source.text[span.start..span.end].to_owned();
                assert_eq!(written, found.value.value);
                (
                    found.tool,
                    found.value.value.clone(),
                    found.file,
                    span.to_string(),
                )
            })
            .collect();
        (found, outcome.diagnostics)
    }

    fn versions(files: &[(&str, &str)], tool: Tool) -> Vec<String> {
        let (found, diagnostics) = read(files);
        assert_eq!(diagnostics, []);
        found
            .into_iter()
            .filter(|found| found.0 == tool)
            .map(|found| found.1)
            .collect()
    }

    #[test]
    fn files_count_in_their_order() {
        let files = [
            (".erlang-version", "# ours\n 27.1 \n28\n"),
            (".mise.toml", "[tools]\nerlang = \"27.2\"\n"),
            ("mise.toml", "[tools]\nerlang = \"27.3\"\n"),
            (".tool-versions", "erlang 27.4 system # x\n"),
        ];
        assert_eq!(
            versions(&files, Tool::Erlang),
            ["27.4", "27.3", "27.2", "27.1"]
        );
        let node = [
            (
                "assets/package.json",
                r#"{"engines": {"node": "^22"}, "volta": {"node": "22.1.0"}}"#,
            ),
            ("package.json", r#"{"engines": {"node": ">=20"}}"#),
            (".node-version", "v22.2.0"),
            (".nvmrc", "lts/jod\n"),
            (".tool-versions", "nodejs 22.3.0\n"),
            ("mise.toml", "tools.node = '22'"),
        ];
        assert_eq!(
            versions(&node, Tool::Node),
            [
                "^22", ">=20", "22.1.0", "v22.2.0", "lts/jod", "22.3.0", "22"
            ]
        );
    }

    #[test]
    fn mise_has_many_ways_to_say_it() {
        let text = "[env]\nA = 1\n[tools]\nerlang = ['27.3', '26']\nelixir = { version = \"1.18.3-otp-27\", os = 'linux' }\n\"core:node\" = 22\npython = '3'\n";
        let (found, _) = read(&[("mise.toml", text)]);
        let told: Vec<_> = found
            .iter()
            .map(|(tool, version, ..)| (*tool, version.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (Tool::Erlang, "27.3"),
                (Tool::Elixir, "1.18.3-otp-27"),
                (Tool::Node, "22"),
            ]
        );
        assert_eq!(found[0].3, "mise.toml:4:12");
    }

    #[test]
    fn a_number_is_a_version_as_it_is_written() {
        let (found, _) = read(&[("mise.toml", "tools.erlang = 27.10\ntools.node = 22\n")]);
        let told: Vec<_> = found.iter().map(|found| found.1.as_str()).collect();
        assert_eq!(told, ["27.10", "22"]);
    }

    #[test]
    fn a_broken_mise_file_is_said_and_asks_for_nothing() {
        let (found, diagnostics) = read(&[("mise.toml", "[tools\nerlang = 27\n")]);
        assert_eq!(found, []);
        assert_eq!(diagnostics[0].code.0, "mise-toml");
    }

    proptest! {
        #[test]
        fn no_mise_file_makes_it_panic(text in "(\\PC|[\\[\\]{}=\"'\n#.]|tools|erlang){0,40}") {
            let source = Arc::new(Source { path: "mise.toml".into(), text });
            for found in mise(&source, &mut Vec::new()) {
                if let Origin::File(span) = found.value.origin {
                    prop_assert!(source.text.get(span.start..span.end).is_some());
                }
            }
        }
    }
}
