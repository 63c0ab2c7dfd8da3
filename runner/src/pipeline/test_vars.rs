//! The config vars that app.json declares for tests: `environments.test.env` (Heroku CI).

use buildpack_core::app::{App, EnvEntry};
use buildpack_core::diagnostic::{Class, Diagnostic};
use buildpack_core::store::Store;

use super::failure::Failure;
use super::request::{Request, made_up_secret};
use super::services::Services;

/// The request with config vars that app.json declares for tests where it says nothing of them itself. A secret that is
/// to be generated is the same in each run on this machine: compiled files may hold it.
pub(super) fn with_vars_of_app(request: &Request, services: &Services) -> Result<Request, Failure> {
    // What else is wrong with the app is said when it is planned.
    let app = App::read(&request.app).value;
    with_vars(request, app.as_ref(), &services.store)
}

fn with_vars(request: &Request, app: Option<&App>, store: &Store) -> Result<Request, Failure> {
    let mut request = request.clone();
    let mut diagnostics = Vec::new();
    let tests = app.and_then(|app| app.app_json.tests());
    for (name, entry) in tests.iter().flat_map(|tests| &tests.env) {
        if request.config_vars.0.contains_key(name) {
            continue;
        }
        match written(name, entry) {
            Ok(Some(value)) => drop(request.config_vars.0.insert(name.clone(), value)),
            Ok(None) if entry.generated => {
                let app = request.app.to_string_lossy();
                let value = made_up_secret(store, &[&app, name])?;
                request.config_vars.0.insert(name.clone(), value);
            }
            Ok(None) if entry.required => diagnostics.push(no_value(name, entry)),
            Ok(None) => {}
            Err(problem) => diagnostics.push(*problem),
        }
    }
    if diagnostics.is_empty() {
        return Ok(request);
    }
    Err(Failure::all(diagnostics))
}

/// The value that is written down, if one is.
fn written(name: &str, entry: &EnvEntry) -> Result<Option<String>, Box<Diagnostic>> {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_name = name.bytes().all(letters) && !name.starts_with(|c: char| c.is_ascii_digit());
    if !is_name || name.is_empty() {
        let help = "a name has letters, digits and `_`, and begins with no digit";
        let shown = name.escape_default();
        let problem = unusable(format!("`{shown}` is no name of a config var"), entry);
        return Err(Box::new(problem.help(help)));
    }
    let value = entry.value.as_ref().map(|value| value.value.clone());
    if value.as_ref().is_some_and(|value| value.contains('\0')) {
        let message = format!("the config var `{name}` holds a zero byte, which no variable can");
        let help = "encode binary values, for instance with base64";
        return Err(Box::new(unusable(message, entry).help(help)));
    }
    Ok(value)
}

fn no_value(name: &str, entry: &EnvEntry) -> Diagnostic {
    let message = format!("the config var `{name}` is required for tests and has no value");
    unusable(message, entry)
        .help(format!("give it one, here or with `--env {name}=value`"))
        .note("a value is a text: `\"5\"`, not `5`")
}

fn unusable(message: String, entry: &EnvEntry) -> Diagnostic {
    let problem = Diagnostic::error("test-config-var", Class::Config, message);
    match &entry.at {
        Some(at) => problem.at(at.clone(), "declared here"),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use stacks::{Arch, Target};

    use super::*;
    use crate::pipeline::ConfigVars;

    fn vars(env: &str, given: &[(&str, &str)]) -> Result<BTreeMap<String, String>, Failure> {
        let json = format!("{{\"environments\": {{\"test\": {{\"env\": {env}}}}}}}");
        let files = BTreeMap::from([("app.json".to_owned(), json.into_bytes())]);
        let app = App::of_files(Path::new("/nowhere"), files).value;
        let given = given.iter();
        let target = Target::new(stacks::find("heroku-24").unwrap(), Arch::Amd64).unwrap();
        let request = Request {
            config_vars: ConfigVars(
                given
                    .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                    .collect(),
            ),
            ..Request::new("/nowhere", target)
        };
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store")).unwrap();
        let with = || with_vars(&request, app.as_ref(), &store);
        let first = with()?.config_vars.0;
        assert_eq!(first, with()?.config_vars.0);
        Ok(first)
    }

    #[test]
    fn what_is_declared_is_set_unless_it_is_given() {
        let env = r#"{"A": "a", "B": {"value": "b"}, "C": "c", "O": {"required": false}, "E": ""}"#;
        let vars = vars(env, &[("C", "given"), ("D", "d")]).unwrap();
        let said: Vec<_> = vars
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(said, ["A=a", "B=b", "C=given", "D=d", "E="]);
    }

    #[test]
    fn secrets_are_made_up_one_for_each_name() {
        let env = r#"{"A": {"generator": "secret"}, "B": {"generator": "secret"}}"#;
        let vars = vars(env, &[]).unwrap();
        assert_eq!(vars["A"].len(), 64);
        assert_ne!(vars["A"], vars["B"]);
    }

    #[test]
    fn what_cannot_be_a_variable_is_told_all_at_once() {
        let env =
            r#"{"A B": "x", "1A": "x", "": "x", "A=": "x", "Z": "a\u0000b", "N": 5, "R": {}}"#;
        let failure = vars(env, &[("GIVEN", "1")]).unwrap_err();
        assert_eq!(failure.diagnostics.len(), 7);
        assert_eq!(failure.class(), Class::Config);
        let places = failure
            .diagnostics
            .iter()
            .map(|problem| problem.labels.len());
        assert_eq!(places.sum::<usize>(), 7);
        assert!(vars(r#"{"R": {}}"#, &[("R", "1")]).is_ok());
    }
}
