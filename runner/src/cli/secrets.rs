//! Build secrets from flags: values that single steps see, and keys that are lent to them.

mod git_login;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use buildpack_core::diagnostic::{Class, Diagnostic};
use buildpack_core::secret::SecretGate;

use super::args::Secrets;
use crate::pipeline::{BuildSecrets, ConfigVars, Failure, GitLogin};

/// A program could not be given a longer variable (`MAX_ARG_STRLEN`), and no key is as long.
const LONGEST: u64 = 64 << 10;

/// A plain word may be as long as this; what is longer was made up.
const LONGEST_WORD: usize = 16;

/// The user of those who show a token alone: GitHub wants any, GitLab this one.
const TOKEN_USER: &str = "oauth2";

/// A variable of the environment by name.
type Lookup<'l> = &'l dyn Fn(&str) -> Option<String>;

/// Asks git, outside of the sandbox, for the login of a server.
type AskGit<'a> = &'a dyn Fn(&str) -> Option<GitLogin>;

/// What was read: secrets, and what is worth a word about them.
#[derive(Default)]
pub(super) struct Read {
    pub(super) secrets: BuildSecrets,
    pub(super) warnings: Vec<Diagnostic>,
}

/// Reads all of them, and takes out of `vars` what steps are not to see.
pub(super) fn read(
    flags: &Secrets,
    vars: &mut ConfigVars,
    lookup: Lookup<'_>,
) -> Result<Read, Failure> {
    read_with(flags, vars, lookup, &git_login::ask)
}

fn read_with(
    flags: &Secrets,
    vars: &mut ConfigVars,
    lookup: Lookup<'_>,
    ask_git: AskGit<'_>,
) -> Result<Read, Failure> {
    let mut secrets = BuildSecrets::default();
    let mut warnings = Vec::new();
    for entry in &flags.build_secret {
        let (name, value) = given(entry, lookup)?;
        warnings.extend(looked_at(&name, &value)?);
        secrets.given.insert(name, value);
    }
    // Not to be seen by steps that name them: they are for one purpose.
    let mut for_purposes = BTreeSet::new();
    let mut find = |name: &str, flag: &str| {
        for_purposes.insert(name.to_owned());
        let given = secrets.given.get(name).cloned();
        let Some(value) = given.or_else(|| lookup(name)) else {
            return Err(Failure::of(unset(flag, name)));
        };
        looked_at(name, &value)?;
        Ok(value)
    };
    for entry in &flags.hex_org {
        let (name, of) = organization(entry)?;
        let key = find(&of, &format!("--hex-org {name}"))?;
        secrets.hex_organizations.insert(name, key);
    }
    for entry in &flags.git_credential {
        let login = if let Some((host, name)) = entry.split_once('=') {
            let value = find(name, &format!("--git-credential {host}"))?;
            login_of(&origin(host)?, &value)
        } else {
            let origin = origin(entry)?;
            ask_git(&origin).ok_or_else(|| Failure::of(no_login(&origin)))?
        };
        secrets.git_logins.push(login);
    }
    secrets.given.retain(|name, _| !for_purposes.contains(name));
    if let Some(socket) = &flags.ssh {
        let home = lookup("HOME").map(PathBuf::from);
        secrets.agent = Some(agent(socket, lookup)?);
        secrets.known_hosts = home
            .map(|home| home.join(".ssh/known_hosts"))
            .filter(|file| file.is_file());
    }
    if !flags.env_allow.is_empty() {
        let all = std::mem::take(&mut vars.0);
        let (seen, withheld): (BTreeMap<_, _>, BTreeMap<_, _>) =
            (all.into_iter()).partition(|(name, _)| flags.env_allow.contains(name));
        vars.0 = seen;
        secrets.withheld = ConfigVars(withheld);
    }
    Ok(Read { secrets, warnings })
}

/// Name and value of `NAME`, `NAME=VALUE` or `NAME@FILE`.
fn given(entry: &str, lookup: Lookup<'_>) -> Result<(String, String), Failure> {
    let end = entry.find(['=', '@']).unwrap_or(entry.len());
    let (name, rest) = entry.split_at(end);
    let letters = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !letters || name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        // What follows the name may be the value.
        let message = "`--build-secret` does not begin with the name of a variable";
        let problem = Diagnostic::error("build-secret-name", Class::Usage, message);
        let help = "write `NAME`, `NAME@FILE` or `NAME=VALUE`; a name has letters, digits and `_`";
        return Err(Failure::of(problem.help(help)));
    }
    let value = match rest.split_at_checked(1) {
        Some(("=", value)) => value.to_owned(),
        Some(("@", file)) => of_file(name, Path::new(file))?,
        _ => {
            let flag = format!("--build-secret {name}");
            lookup(name).ok_or_else(|| Failure::of(unset(&flag, name)))?
        }
    };
    Ok((name.to_owned(), value))
}

fn of_file(name: &str, file: &Path) -> Result<String, Failure> {
    let unreadable = |error: std::io::Error| {
        let message = format!("cannot read the build secret `{name}`: {error}");
        let problem = Diagnostic::error("build-secret-unreadable", Class::Usage, message);
        Failure::of(problem.help("check the path behind the `@`, and its permissions"))
    };
    // Endless files are not read.
    if fs_err::metadata(file).map_err(unreadable)?.len() > LONGEST {
        return Err(too_long(name));
    }
    let bytes = fs_err::read(file).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|_| not_text(name))?;
    // Editors end a line; keys of several lines need the end of their last.
    let trimmed = text.trim_end_matches(['\n', '\r']);
    let several = trimmed.contains('\n');
    Ok(if several { text } else { trimmed.to_owned() })
}

/// Refuses what could not be guarded; a word about what is guarded too well.
fn looked_at(name: &str, value: &str) -> Result<Option<Diagnostic>, Failure> {
    let bare = value.trim();
    if value.contains('\0') {
        return Err(not_text(name));
    }
    if value.len() as u64 > LONGEST {
        return Err(too_long(name));
    }
    if bare.is_empty() {
        let message = format!("the build secret `{name}` is empty");
        let problem = Diagnostic::error("build-secret-empty", Class::Usage, message);
        return Err(Failure::of(
            problem.help("leave it out, or find out why nobody set it"),
        ));
    }
    if bare.len() < SecretGate::SHORTEST {
        let shortest = SecretGate::SHORTEST;
        let message = format!("the build secret `{name}` has fewer than {shortest} bytes");
        let problem = Diagnostic::error("build-secret-short", Class::Usage, message);
        let help = "it stands in many texts by chance, and could be neither masked nor searched for: make a longer one, or give \
                    it as a config var";
        return Err(Failure::of(problem.help(help)));
    }
    let letters = bare.bytes().all(|byte| byte.is_ascii_lowercase())
        || bare.bytes().all(|byte| byte.is_ascii_uppercase());
    Ok((letters && bare.len() <= LONGEST_WORD).then(|| {
        let message =
            format!("the build secret `{name}` is a plain word, which others may use, too");
        Diagnostic::warning("build-secret-word", message).help(
            "it is masked and searched for wherever it stands: take a value that nobody guesses",
        )
    }))
}

/// An organisation, and the name of its key.
fn organization(entry: &str) -> Result<(String, String), Failure> {
    let own = || {
        let upper = entry.to_ascii_uppercase().replace('-', "_");
        (entry, format!("HEX_ORG_{upper}_KEY"))
    };
    let named = entry.split_once('=');
    let (name, key) = named.map_or_else(own, |(name, key)| (name, key.to_owned()));
    let letters =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.".contains(&byte);
    if name.is_empty() || key.is_empty() || !name.bytes().all(letters) {
        let message = "`--hex-org` names no Hex organization";
        let problem = Diagnostic::error("hex-org-name", Class::Usage, message);
        let help = "write `NAME`, whose key is the variable `HEX_ORG_NAME_KEY`, or `NAME=VARIABLE`";
        return Err(Failure::of(problem.help(help)));
    }
    Ok((name.to_owned(), key))
}

/// `https://HOST` of a host; an address of a web server as it is.
fn origin(host: &str) -> Result<String, Failure> {
    let address = if host.contains("://") {
        host.trim_end_matches('/').to_owned()
    } else {
        format!("https://{host}")
    };
    let parsed = reqwest::Url::parse(&address).ok();
    let is_origin = |url: &reqwest::Url| {
        matches!(url.scheme(), "http" | "https")
            && url.path() == "/"
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
    };
    if parsed.as_ref().is_some_and(is_origin) {
        return Ok(address);
    }
    let message = "`--git-credential` names no host";
    let problem = Diagnostic::error("git-login-host", Class::Usage, message);
    Err(Failure::of(problem.help(
        "write `HOST`, which asks git for the login, or `HOST=NAME`, where NAME is a secret: a token, or `user:password`",
    )))
}

fn login_of(origin: &str, value: &str) -> GitLogin {
    let (user, password) = value
        .trim()
        .split_once(':')
        .unwrap_or((TOKEN_USER, value.trim()));
    GitLogin {
        origin: origin.to_owned(),
        user: user.to_owned(),
        password: password.to_owned(),
    }
}

fn agent(socket: &str, lookup: Lookup<'_>) -> Result<PathBuf, Failure> {
    let socket = match socket {
        "" => lookup("SSH_AUTH_SOCK").filter(|socket| !socket.is_empty()),
        socket => Some(socket.to_owned()),
    };
    let answers = |socket: &String| std::os::unix::net::UnixStream::connect(socket).is_ok();
    socket.filter(answers).map(PathBuf::from).ok_or_else(|| {
        let message = "`--ssh` finds no SSH agent";
        let problem = Diagnostic::error("ssh-agent", Class::Usage, message);
        Failure::of(problem.help("start one, `eval $(ssh-agent)`, and give it the key, `ssh-add`; or name its socket, `--ssh=SOCKET`"))
    })
}

fn unset(flag: &str, name: &str) -> Diagnostic {
    let message = format!("`{flag}` takes the value of `{name}`, which is not set here");
    Diagnostic::error("build-secret-unset", Class::Usage, message)
        .help(format!("set it, or give it: `--build-secret {name}@FILE`"))
}

fn no_login(origin: &str) -> Diagnostic {
    let message = format!("git knows no login of `{origin}`");
    Diagnostic::error("git-login-none", Class::Usage, message).help(
        "see what `git credential fill` says, or give a token: `--git-credential HOST=NAME`, where NAME is set here",
    )
}

fn not_text(name: &str) -> Failure {
    let message = format!("the build secret `{name}` is no text, or holds a zero byte");
    let problem = Diagnostic::error("build-secret-not-text", Class::Usage, message);
    Failure::of(problem.help("encode binary values, for instance with base64"))
}

fn too_long(name: &str) -> Failure {
    let message = format!("the build secret `{name}` is longer than {LONGEST} bytes");
    let problem = Diagnostic::error("build-secret-long", Class::Usage, message);
    Failure::of(problem.help(
        "no program could be given it: put it where the step can fetch it with a shorter one",
    ))
}

#[cfg(test)]
mod tests;
