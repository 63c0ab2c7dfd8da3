//! `config-deprecated-key`: keys of the config that are leftovers.

use buildpack_core::diagnostic::{Diagnostic, Origin, Sourced, Span};

use crate::config::{ConfigValue, ElixirConfig};

/// Warnings about such keys.
pub fn check(config: &ElixirConfig) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (old, new, value) in [
        ("pre_compile", "hook_pre_compile", &config.pre_compile),
        ("post_compile", "hook_post_compile", &config.post_compile),
    ] {
        found.extend(value.as_ref().map(|value| hook(old, new, value)));
    }
    found.extend(config.config_vars_to_export.as_ref().map(exported));
    found
}

fn hook(old: &str, new: &str, value: &Sourced<ConfigValue>) -> Diagnostic {
    let problem = Diagnostic::warning("config-deprecated-key", format!("`{old}` is deprecated"))
        .from(&value.origin, "still run");
    let text = format!("rename it to `{new}`, which runs at another moment");
    match name(old, value) {
        Some(name) => problem.suggest(text, name, new),
        None => problem.help(text),
    }
}

fn exported(value: &Sourced<ConfigValue>) -> Diagnostic {
    let key = "config_vars_to_export";
    let problem = Diagnostic::warning(
        "config-deprecated-key",
        format!("`{key}` has no effect: the build sees all config vars"),
    )
    .from(&value.origin, "not read by anything");
    match line(key, value) {
        Some(line) => problem.fix("remove the line", line, ""),
        None => problem.help("remove it"),
    }
}

/// The key's name, where it stands right before its value.
fn name(key: &str, value: &Sourced<ConfigValue>) -> Option<Span> {
    let Origin::File(span) = &value.origin else {
        return None;
    };
    let before = span.source.text.get(..span.start)?;
    let start = before.strip_suffix(&format!("{key}="))?.len();
    Some(Span {
        source: span.source.clone(),
        start,
        end: start + key.len(),
    })
}

/// The whole line or lines of an assignment with their end, where nothing else stands on them.
fn line(key: &str, value: &Sourced<ConfigValue>) -> Option<Span> {
    let Origin::File(span) = &value.origin else {
        return None;
    };
    let text = &span.source.text;
    let name = name(key, value)?;
    let start = text.get(..name.start)?.rfind('\n').map_or(0, |at| at + 1);
    let before = text.get(start..name.start)?.trim();
    let rest = text.get(span.end..)?;
    let end = rest.find('\n').map_or(text.len(), |at| span.end + at + 1);
    let after = text.get(span.end..end)?.trim();
    let alone =
        (before.is_empty() || before == "export") && (after.is_empty() || after.starts_with('#'));
    alone.then(|| Span {
        source: span.source.clone(),
        start,
        end,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use buildpack_core::diagnostic::{Applicability, Source};

    use super::*;

    fn value(text: &str, value: &str) -> Sourced<ConfigValue> {
        let start = text.find(value).unwrap();
        let span = Span {
            source: Arc::new(Source {
                path: "elixir_buildpack.config".into(),
                text: text.to_owned(),
            }),
            start,
            end: start + value.len(),
        };
        Sourced::new(ConfigValue::Text(value.to_owned()), Origin::File(span))
    }

    /// The file after the first help's edits.
    fn mended(problem: &Diagnostic) -> String {
        let edit = &problem.helps[0].edits[0];
        let mut text = edit.span.source.text.clone();
        text.replace_range(edit.span.start..edit.span.end, &edit.new_text);
        text
    }

    #[test]
    fn a_line_without_effect_goes_with_its_end() {
        for (text, left) in [
            ("a=1\nconfig_vars_to_export=(X)\nb=2\n", "a=1\nb=2\n"),
            (
                "a=1\r\n config_vars_to_export=(X) # old\r\nb=2",
                "a=1\r\nb=2",
            ),
            ("export config_vars_to_export=(X)", ""),
        ] {
            let problem = exported(&value(text, "(X)"));
            assert_eq!(mended(&problem), left);
            assert_eq!(problem.helps[0].applicability, Applicability::Certain);
        }
        let problem = exported(&value("config_vars_to_export=(X); a=1\n", "(X)"));
        assert!(problem.helps[0].edits.is_empty());
    }

    #[test]
    fn a_hook_is_renamed_by_hand() {
        let problem = hook(
            "pre_compile",
            "hook_pre_compile",
            &value("pre_compile=x\n", "x"),
        );
        assert_eq!(mended(&problem), "hook_pre_compile=x\n");
        assert_eq!(problem.helps[0].applicability, Applicability::Likely);
    }
}
