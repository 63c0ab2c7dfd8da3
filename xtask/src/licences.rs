//! `cargo xtask licences`: every crate that is linked in stands under a licence that deny.toml allows.

mod expression;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::process::{Command, ExitCode};

use serde_json::Value;

use expression::Expression;

/// What may be linked in: licences for all crates, and more for some.
#[derive(Debug, Default)]
struct Allowed {
    all: BTreeSet<String>,
    of_crate: HashMap<String, BTreeSet<String>>,
}

/// Checks them and reports those that may not.
pub(crate) fn run(_: &[String]) -> ExitCode {
    match check() {
        Ok((count, problems)) if problems.is_empty() => {
            println!("       {count} crates, all under licences that deny.toml allows");
            ExitCode::SUCCESS
        }
        Ok((_, problems)) => {
            for problem in problems {
                eprintln!(" !     {problem}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!(" !     {error}");
            ExitCode::FAILURE
        }
    }
}

fn check() -> Result<(usize, Vec<String>), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = fs_err::read_to_string(root.join("deny.toml")).map_err(|e| e.to_string())?;
    let allowed = Allowed::read(&text)?;
    let answer = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(&root)
        .output()
        .map_err(|error| format!("cannot run cargo metadata: {error}"))?;
    if !answer.status.success() {
        return Err(format!(
            "cargo metadata failed: {}",
            String::from_utf8_lossy(&answer.stderr)
        ));
    }
    let metadata: Value = serde_json::from_slice(&answer.stdout)
        .map_err(|error| format!("cargo metadata answered no JSON: {error}"))?;
    Ok(judge(&metadata, &allowed))
}

/// The number of crates that are linked in, and what is wrong with them.
fn judge(metadata: &Value, allowed: &Allowed) -> (usize, Vec<String>) {
    let linked = linked(metadata);
    let mut problems: Vec<String> = items(&metadata["packages"])
        .filter(|package| package["id"].as_str().is_some_and(|id| linked.contains(id)))
        .filter_map(|package| {
            let name = package["name"].as_str().unwrap_or_default();
            let version = package["version"].as_str().unwrap_or_default();
            let Some(text) = package["license"].as_str() else {
                return Some(format!("{name} {version} names no licence"));
            };
            match Expression::parse(text) {
                Ok(expression) if expression.holds(&|licence| allowed.licence(name, licence)) => {
                    None
                }
                Ok(_) => Some(format!(
                    "{name} {version}: deny.toml does not allow `{text}`"
                )),
                Err(error) => Some(format!("{name} {version}: cannot read `{text}`: {error}")),
            }
        })
        .collect();
    problems.sort();
    (linked.len(), problems)
}

/// Ids of what the workspace's crates reach through normal and build dependencies.
fn linked(metadata: &Value) -> BTreeSet<&str> {
    let nodes: HashMap<&str, &Value> = items(&metadata["resolve"]["nodes"])
        .filter_map(|node| Some((node["id"].as_str()?, node)))
        .collect();
    let mut seen = BTreeSet::new();
    let mut open: Vec<&str> = items(&metadata["workspace_members"])
        .filter_map(Value::as_str)
        .collect();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let Some(node) = nodes.get(id) else { continue };
        let reached = items(&node["deps"])
            .filter(|dep| items(&dep["dep_kinds"]).any(|kind| kind["kind"] != "dev"))
            .filter_map(|dep| dep["pkg"].as_str());
        open.extend(reached);
    }
    seen
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

impl Allowed {
    fn read(deny: &str) -> Result<Self, String> {
        let deny: toml::Table = deny.parse().map_err(|e| format!("deny.toml: {e}"))?;
        let licenses = deny.get("licenses").ok_or("deny.toml has no [licenses]")?;
        let names = |value: &toml::Value| -> BTreeSet<String> {
            let list = value.get("allow").and_then(toml::Value::as_array);
            let names = list.into_iter().flatten().filter_map(toml::Value::as_str);
            names.map(str::to_owned).collect()
        };
        let exceptions = licenses.get("exceptions").and_then(toml::Value::as_array);
        let of_crate = exceptions.into_iter().flatten().filter_map(|exception| {
            let name = exception.get("crate")?.as_str()?;
            Some((name.to_owned(), names(exception)))
        });
        Ok(Self {
            all: names(licenses),
            of_crate: of_crate.collect(),
        })
    }

    fn licence(&self, name: &str, licence: &str) -> bool {
        self.all.contains(licence)
            || self
                .of_crate
                .get(name)
                .is_some_and(|more| more.contains(licence))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_linked_in_counts() {
        let package = |name: &str, license: Value| json!({"id": name, "name": name, "version": "1.0.0", "license": license});
        let dep = |name: &str, kind: Value| json!({"pkg": name, "dep_kinds": [{"kind": kind}]});
        let metadata = json!({
            "workspace_members": ["ours"],
            "packages": [
                package("ours", json!("MIT")),
                package("fine", json!("GPL-3.0 OR MIT")),
                package("below", json!("GPL-3.0")),
                package("builds", Value::Null),
                package("tests", json!("GPL-3.0")),
                package("data", json!("CDLA-Permissive-2.0")),
            ],
            "resolve": {"nodes": [
                {"id": "ours", "deps": [
                    dep("fine", Value::Null), dep("builds", json!("build")), dep("tests", json!("dev")),
                    dep("data", Value::Null),
                ]},
                {"id": "fine", "deps": [dep("below", Value::Null)]},
            ]},
        });
        let deny = r#"
            [licenses]
            allow = ["MIT"]
            [[licenses.exceptions]]
            crate = "data"
            allow = ["CDLA-Permissive-2.0"]
        "#;
        let (count, problems) = judge(&metadata, &Allowed::read(deny).unwrap());
        assert_eq!(count, 5);
        assert_eq!(
            problems,
            [
                "below 1.0.0: deny.toml does not allow `GPL-3.0`",
                "builds 1.0.0 names no licence"
            ]
        );
    }

    #[test]
    fn the_list_is_read_from_deny_toml() {
        let text = include_str!("../../deny.toml");
        let allowed = Allowed::read(text).unwrap();
        assert!(allowed.licence("any", "MIT") && !allowed.licence("any", "GPL-3.0"));
        assert!(allowed.licence("webpki-root-certs", "CDLA-Permissive-2.0"));
        assert!(!allowed.licence("any", "CDLA-Permissive-2.0"));
    }
}
