//! How an app's tests are run: `mix test` with the arguments that the app wants for it.

use std::collections::BTreeMap;

use buildpack_core::diagnostic::{Origin, Sourced};
use buildpack_core::plan::{Phase, Run, Step, TestOptions};

use crate::config::{ConfigValue, ElixirConfig, FILE};

/// The key of the arguments in the config, and the config var, which is all that the bash packs' tests look at
/// (compatibility facts 3.1).
const ARGUMENTS: &str = "test_args";

/// The line of bash that runs the tests, and who said so.
pub fn command(
    config: &ElixirConfig,
    config_vars: &BTreeMap<String, String>,
    options: &TestOptions,
) -> Sourced<String> {
    let colour = if options.colour { " --color" } else { "" };
    let with = |arguments: &str| {
        format!("mix test{colour} {arguments}")
            .trim_end()
            .to_owned()
    };
    if config_vars.contains_key(ARGUMENTS) {
        // The value stays where it is.
        let by = Origin::Env(ARGUMENTS.to_owned());
        return Sourced::new(with(&format!("${ARGUMENTS}")), by);
    }
    let Some(arguments) = &config.test_args else {
        let by = Origin::Default(format!("`{ARGUMENTS}` is not set"));
        return Sourced::new(with(""), by);
    };
    arguments.clone().map(|value| match value {
        ConfigValue::Text(text) => with(text.trim()),
        ConfigValue::List(words) => with(
            &words
                .iter()
                .map(|word| quoted(word))
                .collect::<Vec<_>>()
                .join(" "),
        ),
        // Only bash knows its value: let it read the config itself.
        ConfigValue::Dynamic(_) => {
            format!(". ./{FILE} && eval \"{}\"", with(&format!("${ARGUMENTS}")))
        }
    })
}

/// The tests as a step.
pub fn step(command: &str) -> Step {
    let heading = format!("Running the tests: {command}");
    let run = Run::Bash {
        script: command.to_owned(),
    };
    Step::new("test", Phase::Test, heading, run)
}

/// `word` as bash takes it for one word.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=,@%+".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use buildpack_core::app::App;
    use buildpack_core::check::Evaluated;

    use super::*;

    /// What `mix` gets, each word in brackets, and who decided.
    fn words(line: &str, vars: &[(&str, &str)], colour: bool) -> (String, String) {
        let place = tempfile::tempdir().unwrap();
        fs_err::write(place.path().join(FILE), line).unwrap();
        let app = App::read(place.path()).value.unwrap();
        let config = ElixirConfig::read(&app, &Evaluated::new()).value.unwrap();
        let vars: BTreeMap<String, String> = vars
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let options = TestOptions {
            colour,
            ..TestOptions::default()
        };
        let command = command(&config, &vars, &options);
        let script = format!("mix() {{ printf '[%s]' \"$@\"; }}\n{}", command.value);
        let output = Command::new("bash")
            .args(["-c", &script])
            .envs(&vars)
            .current_dir(place.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (text, command.origin.to_string())
    }

    #[test]
    fn arguments_reach_mix_as_the_config_means_them() {
        for (line, expected) in [
            ("", "[test]"),
            ("test_args=\n", "[test]"),
            (
                "test_args=\"--cover --only 'a b'\"\n",
                "[test][--cover][--only][a b]",
            ),
            (
                "test_args=(--only \"a b\" \"it's\" '$x' '')\n",
                "[test][--only][a b][it's][$x][]",
            ),
            ("test_args=\"--seed $(echo 0)\"\n", "[test][--seed][0]"),
        ] {
            assert_eq!(words(line, &[], false).0, expected, "{line}");
        }
        let (text, by) = words("test_args=--trace", &[], true);
        assert_eq!(
            (text.as_str(), by.as_str()),
            ("[test][--color][--trace]", "elixir_buildpack.config:1:11")
        );
    }

    #[test]
    fn a_config_var_wins_and_is_no_part_of_the_plan() {
        let (text, by) = words("test_args=--trace", &[("test_args", "--seed 1")], false);
        assert_eq!(
            (text.as_str(), by.as_str()),
            ("[test][--seed][1]", "$test_args")
        );
    }
}
