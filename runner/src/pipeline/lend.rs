//! What single steps are lent: secrets that they name, and keys that stay outside.

mod agent;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use buildpack_core::app::App;
use buildpack_core::diagnostic::{Class, Diagnostic};
use buildpack_core::pack::{Loan, Loans, SECRETS_DIR};
use buildpack_core::plan::{PackPlan, Step};
use buildpack_core::sandbox::{Access, MemoryFile, Mount};
use buildpack_elixir::DEPS;
use buildpack_phoenix_static::INSTALL;

use super::failure::{Failure, disk};
use super::request::Request;
use super::secrets::{BuildSecrets, GitLogin};
use super::services::Services;
use agent::Agent;

/// Where programs find the SSH agent.
const AGENT: &str = "/tmp/bp-ssh-agent";

/// Where they find the hosts that are known.
const KNOWN_HOSTS: &str = "/tmp/bp-known-hosts";

/// What the steps of one build are lent, as long as this value lives.
pub(super) struct Lent {
    pub(super) loans: Loans,
    _agent: Option<Agent>,
}

/// Writes into the plan what each step will be lent, so that no other shares its start.
pub(super) fn plan(app: &App, request: &Request, plan: &mut PackPlan) {
    let secrets = &request.secrets;
    for step in &mut plan.steps {
        let named = app.step_secrets.get(&step.id);
        let mut lent: BTreeSet<String> = named
            .iter()
            .flat_map(|names| names.value.iter().cloned())
            .collect();
        if fetches(step) {
            lent.extend(secrets.agent.iter().map(|_| "the SSH agent".to_owned()));
            let logins = secrets.git_logins.iter();
            lent.extend(logins.map(|login| format!("a login of {}", login.origin)));
        }
        if step.id == DEPS {
            let organizations = secrets.hex_organizations.keys();
            lent.extend(organizations.map(|name| format!("the Hex organization {name}")));
        }
        step.lent = lent.into_iter().collect();
    }
}

/// Whether a step fetches packages, which may be private.
fn fetches(step: &Step) -> bool {
    let install = step.id.strip_prefix(INSTALL);
    step.id == DEPS || install.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

/// What is wrong with the names of secrets: those that nobody gave are an error, what helps nobody is a warning.
pub(super) fn check(app: &App, request: &Request, plan: &PackPlan) -> Vec<Diagnostic> {
    let steps: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    let known = format!("the steps are {}", steps.join(", "));
    let mut problems = Vec::new();
    let mut used = BTreeSet::new();
    for (step, names) in &app.step_secrets {
        if !steps.contains(&step.as_str()) {
            let message =
                format!("`bp.toml` names secrets for the step `{step}`, which there is not");
            let problem = Diagnostic::warning("secret-step-unknown", message);
            problems.push(problem.from(&names.origin, "for these").help(&known));
            continue;
        }
        for name in &names.value {
            used.insert(name);
            let visible = request.config_vars.0.contains_key(name);
            if !visible && value(&request.secrets, name).is_none() {
                let message =
                    format!("the step `{step}` needs the secret `{name}`, which was not given");
                let problem = Diagnostic::error("build-secret-missing", Class::Config, message);
                let help = format!(
                    "give it: `--build-secret {name}` takes it from here, `{name}@FILE` from a file"
                );
                problems.push(problem.from(&names.origin, "named here").help(help));
            }
        }
    }
    let unused = |name: &&String| !used.contains(name);
    for name in request.secrets.given.keys().filter(unused) {
        let message = format!("no step names the build secret `{name}`, so that none sees it");
        let help =
            format!("name it in the app's `bp.toml`: `[secrets]`, then `STEP = [\"{name}\"]`");
        let problem = Diagnostic::warning("build-secret-unused", message);
        problems.push(problem.help(help).note(&known));
    }
    problems
}

fn value<'s>(secrets: &'s BuildSecrets, name: &str) -> Option<&'s String> {
    let withheld = || secrets.withheld.0.get(name);
    secrets.given.get(name).or_else(withheld)
}

/// The loans of this build's steps.
pub(super) fn lend(
    app: &App,
    request: &Request,
    plan: &PackPlan,
    services: &Services,
) -> Result<Lent, Failure> {
    let secrets = &request.secrets;
    let agent = (secrets.agent.as_deref())
        .map(Agent::before)
        .transpose()
        .map_err(|error| disk("listen for those who ask the SSH agent", &error))?;
    let mut loans = Loans::new();
    for step in plan.steps.iter().filter(|step| !step.lent.is_empty()) {
        let mut loan = Loan::default();
        let named = app.step_secrets.get(&step.id);
        for name in named.iter().flat_map(|names| &names.value) {
            if let Some(value) = value(secrets, name) {
                loan.secrets.insert(name.clone(), value.clone());
            }
        }
        if fetches(step) {
            if let Some(agent) = &agent {
                let own = request.config_vars.0.contains_key("GIT_SSH_COMMAND");
                lend_agent(&mut loan, agent, secrets.known_hosts.as_deref(), own);
            }
            let settings = request.config_vars.0.get("GIT_CONFIG_COUNT");
            let settings = settings.and_then(|count| count.parse().ok()).unwrap_or(0);
            lend_logins(&mut loan, &secrets.git_logins, settings);
        }
        if step.id == DEPS && !secrets.hex_organizations.is_empty() {
            let mirror = services.upstreams.hex_repository.as_deref();
            lend_organizations(&mut loan, &secrets.hex_organizations, mirror, request, plan);
        }
        loans.insert(step.id.clone(), loan);
    }
    Ok(Lent {
        loans,
        _agent: agent,
    })
}

/// `own_command`: a config var says how git starts ssh.
fn lend_agent(loan: &mut Loan, agent: &Agent, known_hosts: Option<&Path>, own_command: bool) {
    let mut mount = |source: &Path, target: &str| {
        loan.mounts.push(Mount {
            source: source.to_owned(),
            target: PathBuf::from(target),
            access: Access::ReadOnly,
        });
    };
    mount(agent.socket(), AGENT);
    let mut ssh = "ssh -o BatchMode=yes -o StrictHostKeyChecking=yes".to_owned();
    if let Some(file) = known_hosts {
        mount(file, KNOWN_HOSTS);
        // Writing to a string cannot fail.
        let _ = write!(ssh, " -o UserKnownHostsFile={KNOWN_HOSTS}");
    }
    loan.env
        .insert("SSH_AUTH_SOCK".to_owned(), AGENT.to_owned());
    if !own_command {
        loan.env.insert("GIT_SSH_COMMAND".to_owned(), ssh);
    }
}

/// Git asks a helper, which it starts by `sh`, and only for the servers that are named (git-config(1), `credential`;
/// gitcredentials(7)). `settings` is how many settings are given by variables already.
fn lend_logins(loan: &mut Loan, logins: &[GitLogin], settings: usize) {
    if logins.is_empty() {
        return;
    }
    for (number, login) in logins.iter().enumerate() {
        let file = format!("{SECRETS_DIR}/bp-git-login-{number}");
        loan.memory.push(MemoryFile {
            target: PathBuf::from(&file),
            content: format!("username={}\npassword={}\n", login.user, login.password).into_bytes(),
        });
        let number = settings + number;
        let key = format!("credential.{}.helper", login.origin);
        loan.env.insert(format!("GIT_CONFIG_KEY_{number}"), key);
        let helper = format!("!cat {file} #");
        loan.env
            .insert(format!("GIT_CONFIG_VALUE_{number}"), helper);
    }
    let count = (settings + logins.len()).to_string();
    loan.env.insert("GIT_CONFIG_COUNT".to_owned(), count);
    let ask_nobody = ("GIT_TERMINAL_PROMPT".to_owned(), "0".to_owned());
    loan.env.extend([ask_nobody]);
}

/// Hex reads keys of organisations from `hex.config` in its home, a file of Erlang terms (Hex, `Hex.Config`). Where packages
/// come from a mirror, so do those of organisations.
fn lend_organizations(
    loan: &mut Loan,
    organizations: &BTreeMap<String, String>,
    mirror: Option<&str>,
    request: &Request,
    plan: &PackPlan,
) {
    let own = request.config_vars.0.get("HEX_HOME");
    let home = own.or_else(|| plan.build_env.get("HEX_HOME"));
    let home = home.map_or("", String::as_str);
    let Ok(home) = Path::new(home).strip_prefix(&plan.app_dir) else {
        // Elsewhere a file of the user's own is there, or it is nobody's business of ours to lay one down.
        return;
    };
    let repositories: Vec<String> = organizations
        .iter()
        .map(|(name, key)| {
            let url = mirror.map(|mirror| format!("{mirror}/repos/{name}"));
            let url = url.map_or(String::new(), |url| format!(", url => {}", binary(&url)));
            let repository = binary(&format!("hexpm:{name}"));
            format!("{repository} => #{{auth_key => {}{url}}}", binary(key))
        })
        .collect();
    let file = format!("{SECRETS_DIR}/bp-hex.config");
    loan.memory.push(MemoryFile {
        target: PathBuf::from(&file),
        content: format!("{{'$repos', #{{{}}}}}.\n", repositories.join(", ")).into_bytes(),
    });
    loan.links
        .push((home.join("hex.config"), PathBuf::from(file)));
}

/// A text as Erlang writes a binary.
fn binary(text: &str) -> String {
    let bytes: Vec<String> = text.bytes().map(|byte| byte.to_string()).collect();
    format!("<<{}>>", bytes.join(","))
}

#[cfg(test)]
mod tests;
