use buildpack_core::plan::{Phase, Run};
use stacks::{Arch, Target};

use super::*;
use crate::pipeline::ConfigVars;

fn app(toml: &str) -> App {
    let files = BTreeMap::from([("bp.toml".to_owned(), toml.as_bytes().to_vec())]);
    App::of_files(Path::new("/nowhere"), files).value.unwrap()
}

fn request(given: &[&str]) -> Request {
    let target = Target::new(stacks::find("heroku-24").unwrap(), Arch::Amd64).unwrap();
    Request {
        config_vars: ConfigVars(BTreeMap::from([("VAR".to_owned(), "seen".to_owned())])),
        secrets: BuildSecrets {
            given: (given.iter())
                .map(|name| ((*name).to_owned(), format!("value of {name}")))
                .collect(),
            ..BuildSecrets::default()
        },
        ..Request::new("/nowhere", target)
    }
}

fn plan_of(steps: &[&str]) -> PackPlan {
    let bash = |script: &str| Run::Bash {
        script: script.to_owned(),
    };
    PackPlan {
        steps: (steps.iter())
            .map(|id| Step::new(*id, Phase::Compile, *id, bash(id)))
            .collect(),
        build_env: BTreeMap::from([("HEX_HOME".to_owned(), "/app/.hex".to_owned())]),
        ..PackPlan::empty("/app")
    }
}

#[test]
fn a_plan_says_in_words_what_each_step_is_lent() {
    let app = app("[secrets]\ncompile = [\"B\", \"A\"]\n");
    let mut request = request(&["A", "B"]);
    request.secrets.agent = Some("/agent".into());
    request.secrets.hex_organizations = BTreeMap::from([("acme".to_owned(), "key".to_owned())]);
    let mut plan = plan_of(&[
        "deps",
        "compile",
        "assets-install:apps/web",
        "assets-installer",
    ]);
    let before = plan.digest().unwrap();
    super::plan(&app, &request, &mut plan);
    let lent: Vec<_> = plan.steps.iter().map(|step| step.lent.join(", ")).collect();
    assert_eq!(
        lent,
        [
            "the Hex organization acme, the SSH agent",
            "A, B",
            "the SSH agent",
            ""
        ]
    );
    // Whoever's key it was, the same comes of it.
    assert_eq!(plan.digest().unwrap(), before);
}

#[test]
fn missing_secrets_are_an_error_and_useless_ones_a_warning() {
    let app = app("[secrets]\ndeps = [\"A\", \"VAR\", \"MISSING\"]\ntypo = [\"A\"]\n");
    let problems = check(&app, &request(&["A", "UNUSED"]), &plan_of(&["deps"]));
    let codes: Vec<_> = problems
        .iter()
        .map(|problem| (problem.code.0, problem.is_error()))
        .collect();
    assert_eq!(
        codes,
        [
            ("build-secret-missing", true),
            ("secret-step-unknown", false),
            ("build-secret-unused", false),
        ]
    );
    assert!(check(&super::tests::app(""), &request(&[]), &plan_of(&[])).is_empty());
}

#[test]
fn keys_of_organizations_are_a_file_of_terms_that_a_link_leads_to() {
    let mut loan = Loan::default();
    let keys = BTreeMap::from([("a".to_owned(), "k\"1".to_owned())]);
    let plan = plan_of(&[]);
    lend_organizations(&mut loan, &keys, None, &request(&[]), &plan);
    let text = String::from_utf8(loan.memory[0].content.clone()).unwrap();
    assert_eq!(
        text,
        "{'$repos', #{<<104,101,120,112,109,58,97>> => #{auth_key => <<107,34,49>>}}}.\n"
    );
    let link = (
        PathBuf::from(".hex/hex.config"),
        loan.memory[0].target.clone(),
    );
    assert_eq!(loan.links, [link]);
    let mut elsewhere = request(&[]);
    let home = ("HEX_HOME".to_owned(), "/home/hex".to_owned());
    elsewhere.config_vars.0.extend([home]);
    let mut loan = Loan::default();
    lend_organizations(&mut loan, &keys, Some("http://m"), &elsewhere, &plan);
    assert!(loan == Loan::default());
}

#[test]
fn git_is_told_of_logins_behind_settings_that_are_given() {
    let mut loan = Loan::default();
    let login = GitLogin {
        origin: "https://h".to_owned(),
        user: "me".to_owned(),
        password: "pw".to_owned(),
    };
    lend_logins(&mut loan, &[login.clone(), login], 3);
    assert_eq!(loan.env["GIT_CONFIG_COUNT"], "5");
    assert_eq!(loan.env["GIT_CONFIG_KEY_4"], "credential.https://h.helper");
    assert_eq!(loan.memory.len(), 2);
    assert_eq!(loan.memory[0].content, b"username=me\npassword=pw\n");
}
