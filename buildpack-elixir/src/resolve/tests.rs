use std::sync::Arc;

use buildpack_core::lists::ListError;
use stacks::Arch;

use super::*;

/// A builds host on paper.
struct Paper;

const SHA: &str = "19d80df49510d24079baf670e9675cba2c005b65ede2086d70db03a9e52b8ad3";

fn list(folder: &str, names: &[&str]) -> Arc<BuildList> {
    let text: String = names
        .iter()
        .map(|name| [name, " abc 2026-01-01T00:00:00Z ", SHA, "\n"].concat())
        .collect();
    Arc::new(BuildList::parse(folder, &text, None).unwrap())
}

impl ListSource for Paper {
    fn otp(&self, target: &Target) -> Result<Arc<BuildList>, Box<dyn ListError>> {
        Ok(match target.stack.number {
            "24" => list(
                "builds/otp/amd64/ubuntu-24.04",
                &[
                    "OTP-26.2.5",
                    "OTP-27.0",
                    "OTP-27.2.1",
                    "OTP-27.3-rc1",
                    "OTP-27.3.4.1",
                    "maint-27",
                ],
            ),
            "22" => list("builds/otp/amd64/ubuntu-22.04", &["OTP-25.2.3", "OTP-27.2"]),
            _ => list("builds/otp/amd64/ubuntu-26.04", &["OTP-29.1.1"]),
        })
    }

    fn elixir(&self) -> Result<Arc<BuildList>, Box<dyn ListError>> {
        Ok(list(
            "builds/elixir",
            &[
                "v1.10.4",
                "v1.10.4-otp-22",
                "v1.18.3",
                "v1.18.3-otp-26",
                "v1.18.3-otp-27",
                "v1.18.0-rc.0-otp-27",
                "v0.15.0",
                "main-otp-27",
                "v1.17.3-otp-26",
            ],
        ))
    }
}

fn resolved(erlang: &str, elixir: &str) -> Outcome<ResolvedTools> {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(
        folder.path().join("elixir_buildpack.config"),
        format!("erlang_version={erlang}\nelixir_version={elixir}\n"),
    )
    .unwrap();
    let app = App::read(folder.path()).value.unwrap();
    let config = ElixirConfig::read(&app).value.unwrap();
    let target = Target::new(stacks::find("24").unwrap(), Arch::Amd64).unwrap();
    resolve(&app, &config, &target, &Paper)
}

fn paths(erlang: &str, elixir: &str) -> (String, String) {
    let tools = resolved(erlang, elixir).value.unwrap();
    (tools.otp.path, tools.elixir.path)
}

fn problem(erlang: &str, elixir: &str) -> Diagnostic {
    let outcome = resolved(erlang, elixir);
    assert!(outcome.value.is_none());
    outcome.diagnostics.into_iter().next().unwrap()
}

#[test]
fn versions_become_archives() {
    assert_eq!(
        paths("27.3.4.1", "1.18.3"),
        (
            "builds/otp/amd64/ubuntu-24.04/OTP-27.3.4.1.tar.gz".to_owned(),
            "builds/elixir/v1.18.3-otp-27.zip".to_owned()
        )
    );
    assert_eq!(
        paths("OTP-27", "v1.18.0-rc.0").1,
        "builds/elixir/v1.18.0-rc.0-otp-27.zip"
    );
    assert_eq!(
        paths("27.0.0", "(branch main)").1,
        "builds/elixir/main-otp-27.zip"
    );
    // Old Elixirs have one build for every OTP.
    assert_eq!(paths("27.0", "0.15.0").1, "builds/elixir/v0.15.0.zip");
}

#[test]
fn hashnukes_heroku_24_has_every_current_otp() {
    // HashNuke#220: on heroku-24 that pack looks into a list of 2020 and refuses all of them.
    assert!(resolved("27.3.4.1", "1.18.3").value.is_some());
}

#[test]
fn an_otp_that_was_never_built_names_the_line_and_the_nearest() {
    let problem = problem("27.2", "1.18.3");
    assert_eq!(problem.code.0, "erlang-not-built");
    assert_eq!(
        problem.labels[0].span.to_string(),
        "elixir_buildpack.config:1:16"
    );
    assert_eq!(problem.helps[0].edit.as_ref().unwrap().new_text, "27.2.1");
    assert!(
        problem
            .notes
            .contains(&"27.2 was built for heroku-22".to_owned()),
        "{problem:?}"
    );
}

#[test]
fn a_pair_that_was_never_built_is_refused() {
    // Both packs let 1.10.4 on OTP 26 pass and fail minutes later.
    let problem = problem("26.2.5", "1.10.4");
    assert_eq!(problem.code.0, "elixir-otp-pair");
    assert_eq!(problem.notes, ["it was built for OTP 22"]);
    assert_eq!(problem.helps[0].edit.as_ref().unwrap().new_text, "1.17.3");
}

#[test]
fn a_suffix_for_another_otp_is_said() {
    // gigalixir drops it without a word; HashNuke makes `v1.18.327` of it.
    let outcome = resolved("27.3.4.1", "1.18.3-otp-26");
    assert_eq!(outcome.diagnostics[0].code.0, "elixir-other-otp");
    assert_eq!(
        outcome.value.unwrap().elixir.path,
        "builds/elixir/v1.18.3-otp-27.zip"
    );
}

#[test]
fn both_versions_are_judged_in_one_run() {
    let outcome = resolved("twenty", "one");
    let codes: Vec<_> = outcome.diagnostics.iter().map(|d| d.code.0).collect();
    assert_eq!(codes, ["version-malformed", "version-malformed"]);
    assert_eq!(problem("$(cat x)", "1.18.3").code.0, "version-dynamic");
    assert_eq!(problem("(27 3)", "1.18.3").code.0, "version-list");
}

#[test]
fn known_trouble_is_a_warning() {
    let codes = |erlang: &str, elixir: &str| {
        let outcome = resolved(erlang, elixir);
        assert!(outcome.value.is_some());
        let codes = outcome.diagnostics.iter().map(|d| d.code.0);
        codes.collect::<Vec<_>>()
    };
    assert_eq!(codes("27.3.4.1", "1.18.3"), [""; 0]);
    assert_eq!(codes("27.2.1", "1.18.3"), ["erlang-tls-regression"]);
}

/// One list for all.
struct Only(Arc<BuildList>);
impl ListSource for Only {
    fn otp(&self, _: &Target) -> Result<Arc<BuildList>, Box<dyn ListError>> {
        Ok(Arc::clone(&self.0))
    }
    fn elixir(&self) -> Result<Arc<BuildList>, Box<dyn ListError>> {
        Ok(Arc::clone(&self.0))
    }
}

#[test]
fn a_pair_that_is_built_but_not_documented_is_a_warning() {
    let list = list("builds/elixir", &["v1.18.4-otp-28"]);
    let asked = Sourced::new(
        ConfigValue::Text("1.18.4".to_owned()),
        Origin::Default("test".to_owned()),
    );
    let mut diagnostics = Vec::new();
    let build = elixir(
        &"1.18.4".parse().unwrap(),
        &"28.0".parse().unwrap(),
        &asked,
        &Only(list),
        &mut diagnostics,
    );
    assert!(build.is_some());
    assert_eq!(diagnostics[0].code.0, "elixir-otp-undocumented");
}
