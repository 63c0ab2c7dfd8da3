//! What an app itself says of its tests, brought into the plan of its packs (Heroku CI: `environments.test` of app.json).

use crate::app::App;
use crate::diagnostic::{Class, Diagnostic, Origin, Outcome, Sourced};
use crate::plan::{Decision, PackPlan, Phase, Run, Step, TestOptions};

/// The script that prepares what tests need, such as a database.
const SETUP: &str = "test-setup";

/// The script that is run in place of the packs' tests.
const TEST: &str = "test";

/// What the decision is called that says how an app is tested.
pub const TESTS: &str = "tests";

/// The plan with what app.json and the command line say of tests. It fails where nothing says how the app is tested.
pub(super) fn with_tests(
    mut plan: PackPlan,
    app: &App,
    options: &TestOptions,
) -> Outcome<PackPlan> {
    if let Some((command, run)) = own_tests(app, options) {
        plan.steps.retain(|step| step.phase != Phase::Test);
        plan.decisions.retain(|decision| decision.what != TESTS);
        let heading = format!("Running the tests: {}", command.value);
        plan.steps.push(Step::new(TEST, Phase::Test, heading, run));
        plan.decisions.push(decision(TESTS, command));
    }
    let Some(first) = (plan.steps.iter()).position(|step| step.phase == Phase::Test) else {
        return Outcome::failed(vec![no_tests(&plan)]);
    };
    if let Some(script) = app.app_json.test_script(SETUP) {
        let heading = format!("Preparing the tests: {}", script.value);
        let run = Run::Bash {
            script: script.value.clone(),
        };
        let step = Step::new(SETUP, Phase::TestSetup, heading, run);
        plan.steps.insert(first, step);
        plan.decisions.push(decision(SETUP, script.clone()));
    }
    Outcome::clean(plan)
}

/// What the command line asks for, or else app.json.
fn own_tests(app: &App, options: &TestOptions) -> Option<(Sourced<String>, Run)> {
    if let Some(argv) = &options.command {
        let asked = Origin::Flag("the command line".to_owned());
        let run = Run::Program { argv: argv.clone() };
        return Some((Sourced::new(argv.join(" "), asked), run));
    }
    let script = app.app_json.test_script(TEST)?;
    let run = Run::Bash {
        script: script.value.clone(),
    };
    Some((script.clone(), run))
}

fn decision(what: &str, value: Sourced<String>) -> Decision {
    Decision {
        what: what.to_owned(),
        value,
    }
}

fn no_tests(plan: &PackPlan) -> Diagnostic {
    let scripts = plan.scripts.iter().flat_map(|scripts| &scripts.packs);
    let names: Vec<String> = scripts.map(|pack| format!("`{}`", pack.name)).collect();
    let message = "nothing says how this app is tested: app.json has no script for it, and no buildpack has a `bin/test`";
    let problem = Diagnostic::error("no-tests", Class::Config, message).help(
        "say it in app.json: {\"environments\": {\"test\": {\"scripts\": {\"test\": \"COMMAND\"}}}}, or once with \
         `bp test APP -- COMMAND`",
    );
    match names.as_slice() {
        [] => problem,
        names => problem.note(format!("asked: {}", names.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;

    fn app(json: &str) -> App {
        let files = BTreeMap::from([("app.json".to_owned(), json.as_bytes().to_vec())]);
        App::of_files(Path::new("/nowhere"), files).value.unwrap()
    }

    fn pack(tested: bool) -> PackPlan {
        let run = |script: &str| Run::Bash {
            script: script.to_owned(),
        };
        let mut plan = PackPlan::empty("/app");
        let end = Step::new("hook", Phase::End, "hook", run("hook"));
        plan.steps.push(end);
        if tested {
            let test = Step::new("pack-test", Phase::Test, "pack-test", run("pack test"));
            plan.steps.push(test);
            let by = Origin::Default("the pack".to_owned());
            let said = Sourced::new("pack test".to_owned(), by);
            plan.decisions.push(decision(TESTS, said));
        }
        plan
    }

    /// Commands in their order, and who decided.
    fn planned(tested: bool, json: &str, options: &TestOptions) -> Option<(Vec<String>, String)> {
        let plan = with_tests(pack(tested), &app(json), options).value?;
        let command = |step: &Step| match &step.run {
            Run::Bash { script } => script.clone(),
            Run::Program { argv } => argv.join("|"),
            other => panic!("{other:?}"),
        };
        let decided = plan.decisions.iter().map(|decision| {
            let value = &decision.value;
            format!("{} {} ({})", decision.what, value.value, value.origin)
        });
        let decided: Vec<String> = decided.collect();
        let commands = plan.steps.iter().map(command).collect();
        Some((commands, decided.join(", ")))
    }

    fn commands(tested: bool, json: &str) -> Option<Vec<String>> {
        planned(tested, json, &TestOptions::default()).map(|(commands, _)| commands)
    }

    #[test]
    fn scripts_of_the_app_stand_before_and_in_place_of_the_packs_tests() {
        let json = r#"{"environments": {"test": {"scripts": {"test-setup": "make db", "test": "make test"}}}}"#;
        let (ran, decided) = planned(true, json, &TestOptions::default()).unwrap();
        assert_eq!(ran, ["hook", "make db", "make test"]);
        assert_eq!(
            decided,
            "tests make test (app.json:1:74), test-setup make db (app.json:1:55)"
        );
        assert_eq!(commands(false, json).unwrap(), ran);
        assert_eq!(commands(true, "{}").unwrap(), ["hook", "pack test"]);
        let setup = r#"{"environments": {"test": {"scripts": {"test-setup": "make db"}}}}"#;
        assert_eq!(
            commands(true, setup).unwrap(),
            ["hook", "make db", "pack test"]
        );
    }

    #[test]
    fn scripts_of_the_whole_app_count_where_the_environment_has_none() {
        let base = r#""scripts": {"test": "base", "postdeploy": "x"}"#;
        let ran = |environment: &str| {
            let json = format!("{{{base}, \"environments\": {{\"test\": {environment}}}}}");
            commands(true, &json).unwrap().pop().unwrap()
        };
        assert_eq!(ran(r#"{"env": {}}"#), "base");
        assert_eq!(ran(r#"{"scripts": {}}"#), "pack test");
        assert_eq!(ran(r#"{"scripts": {"test": "  "}}"#), "pack test");
        assert_eq!(ran(r#"{"scripts": {"test": "own"}}"#), "own");
    }

    #[test]
    fn a_command_stands_in_place_of_all_tests() {
        let options = TestOptions {
            command: Some(["mix", "test", "a b"].map(str::to_owned).to_vec()),
            ..TestOptions::default()
        };
        let json = r#"{"scripts": {"test-setup": "make db", "test": "make test"}}"#;
        for tested in [true, false] {
            let (ran, _) = planned(tested, json, &options).unwrap();
            assert_eq!(ran, ["hook", "make db", "mix|test|a b"]);
        }
    }

    #[test]
    fn an_app_without_tests_is_told() {
        let setup_alone = r#"{"environments": {"test": {"scripts": {"test-setup": "make db"}}}}"#;
        for json in [
            "{}",
            setup_alone,
            r#"{"environments": {"review": {"scripts": {"test": "x"}}}}"#,
        ] {
            let outcome = with_tests(pack(false), &app(json), &TestOptions::default());
            assert!(outcome.value.is_none(), "{json}");
            assert_eq!(outcome.diagnostics[0].code.0, "no-tests");
            assert_eq!(outcome.diagnostics[0].class, Class::Config);
        }
    }
}
