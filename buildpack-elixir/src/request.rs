//! From what is written to what is meant: requests, and what is said of texts that are none.

use buildpack_core::check::inside_quotes;
use buildpack_core::diagnostic::{Class, Diagnostic, Origin};
use buildpack_core::version::{ElixirRequest, OtpRequest, Tool, VersionError};

use crate::asked::{Asked, Reading};
use crate::config::ConfigValue;

/// Why there is no request.
#[derive(Debug, Clone)]
pub enum Refusal {
    /// What stands there is no version.
    Malformed(Box<Diagnostic>),
    /// Only bash can tell what stands there.
    Dynamic {
        /// The variable or file that would say it, and why it can't be read.
        why: String,
        /// Where.
        origin: Origin,
    },
}

/// The Erlang/OTP that is meant.
pub fn otp(asked: &Asked) -> Result<OtpRequest, Refusal> {
    let text = text(Tool::Erlang, asked)?;
    match asked.reading {
        Reading::Packs => OtpRequest::exact(text),
        Reading::Newest => OtpRequest::newest(text),
    }
    .map_err(|error| malformed(Tool::Erlang, &asked.value.origin, &error))
}

/// The Elixir that is meant.
pub fn elixir(asked: &Asked) -> Result<ElixirRequest, Refusal> {
    match &asked.value.value {
        ConfigValue::List(words) if words.len() == 2 && words[0] == "branch" => {
            ElixirRequest::branch(&words[1])
        }
        _ => text(Tool::Elixir, asked)?.parse(),
    }
    .map_err(|error| malformed(Tool::Elixir, &asked.value.origin, &error))
}

fn text(tool: Tool, asked: &Asked) -> Result<&str, Refusal> {
    match &asked.value.value {
        ConfigValue::Text(text) => Ok(text),
        ConfigValue::Dynamic(why) => Err(Refusal::Dynamic {
            why: why.clone(),
            origin: asked.value.origin.clone(),
        }),
        ConfigValue::List(words) => {
            let problem = match tool {
                Tool::Elixir => {
                    "one version is expected here, or `(branch NAME)`, and this is a list"
                }
                _ => "one version is expected here, and this is a list",
            };
            let text = format!("({})", words.join(" "));
            let refused = refuse(
                tool,
                &asked.value.origin,
                format!("`{text}` is no {tool} version: {problem}"),
                None,
            );
            Err(refused)
        }
    }
}

fn malformed(tool: Tool, origin: &Origin, error: &VersionError) -> Refusal {
    refuse(tool, origin, error.to_string(), Some(&error.text))
}

fn refuse(tool: Tool, origin: &Origin, message: String, written: Option<&str>) -> Refusal {
    let problem = match tool {
        Tool::Erlang => Diagnostic::error("otp-malformed", Class::Config, message),
        _ => Diagnostic::error("elixir-malformed", Class::Config, message),
    }
    .from(origin, "asked for here");
    let meant = written.and_then(|text| meant(tool, text));
    Refusal::Malformed(Box::new(match (origin, meant) {
        (Origin::File(span), Some(version)) => {
            problem.suggest("write the version alone", inside_quotes(span), version)
        }
        _ => problem.help(match tool {
            Tool::Erlang => {
                "write it as in `27.3.4.1`; `bp versions list erlang` shows what there is"
            }
            _ => "write it as in `1.18.3`; `bp versions list elixir` shows what there is",
        }),
    }))
}

/// The version that stands in a text among other things: `~> 1.18.3`, `27.2.x`.
fn meant(tool: Tool, text: &str) -> Option<String> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let version: &str = &text[start..];
    let end = version
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(version.len());
    let version = version[..end].trim_end_matches('.');
    let whole = match tool {
        Tool::Erlang => OtpRequest::exact(version).is_ok(),
        _ => version.parse::<ElixirRequest>().is_ok(),
    };
    // More than one number with a dot each: which of them is meant cannot be told.
    let rest = &text[start + end..];
    (whole && !rest.contains(|c: char| c.is_ascii_digit())).then(|| version.to_owned())
}

/// What was made of the text, where it is not the version itself; empty otherwise.
pub fn rule(written: &str, version: &str) -> String {
    let text = written.trim();
    if text == version {
        return String::new();
    }
    if format!("{text}.0") == version {
        format!("`{text}` means {version}, as Heroku's Elixir packs read it")
    } else {
        format!("`{text}` means {version}")
    }
}
