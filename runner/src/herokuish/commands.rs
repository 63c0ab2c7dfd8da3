//! The commands by namespace and name, their help, and what is said to a word that is none (compatibility facts 2.1).

use std::ffi::OsString;

use super::face::Face;
use super::{Ended, buildpack, image, paths, procfile, say, slug, trial, version};

/// One command.
struct Command {
    /// `buildpack`, `procfile`, `slug`; empty for those without.
    namespace: &'static str,
    name: &'static str,
    /// Its arguments as the help shows them.
    arguments: &'static str,
    /// One line.
    about: &'static str,
    /// What else there is to know.
    details: &'static str,
    run: fn(&Face, &[OsString]) -> Ended,
}

/// Namespaces with what they are for.
const NAMESPACES: [(&str, &str); 3] = [
    (
        "buildpack",
        "Buildpacks: which apply, which there are, and building with them",
    ),
    ("procfile", "Process types and one-off commands of the app"),
    ("slug", "The app's folder as one archive"),
];

/// All commands, sorted.
const COMMANDS: [Command; 16] = [
    Command {
        namespace: "",
        name: "help",
        arguments: "[command]",
        about: "Show the commands, or what one of them does",
        details: "",
        run: help,
    },
    Command {
        namespace: "",
        name: "image",
        arguments: "<stack> <output...>",
        about: "Make an image in herokuish's form, of a stack's build image and this program",
        details: "An output is oci:FOLDER, oci-archive:FILE or docker-archive:FILE. Packs to be brought along are put into\n\
                  its /tmp/buildpacks by whoever takes it as a base.",
        run: image::exec,
    },
    Command {
        namespace: "",
        name: "paths",
        arguments: "",
        about: "Show the folders that are used, and the variables that set them",
        details: "",
        run: paths::exec,
    },
    Command {
        namespace: "",
        name: "test",
        arguments: "[path] [expected]",
        about: "Build the app, start it and ask it for a page",
        details: "Ends with 2 where the page is not the expected one.",
        run: trial::exec,
    },
    Command {
        namespace: "",
        name: "version",
        arguments: "",
        about: "Show this program's version and the installed buildpacks",
        details: "",
        run: version::exec,
    },
    Command {
        namespace: "buildpack",
        name: "build",
        arguments: "",
        about: "Build the app in its folder, so that it can be started there",
        details: "What is mounted at IMPORT_PATH is copied to APP_PATH first. Packs are those of BUILDPACK_URL, .buildpacks or\n\
                  app.json; else the built-in ones that apply; else the first in BUILDPACK_PATH that applies.",
        run: buildpack::build,
    },
    Command {
        namespace: "buildpack",
        name: "detect",
        arguments: "",
        about: "Say which buildpack takes the app",
        details: "",
        run: buildpack::detect,
    },
    Command {
        namespace: "buildpack",
        name: "install",
        arguments: "[url [ref]]",
        about: "Install a buildpack, or all that herokuish brings along",
        details: "An address is a git repository, an archive, owner/name or a folder; ref is a branch, a tag or a commit.",
        run: buildpack::install,
    },
    Command {
        namespace: "buildpack",
        name: "list",
        arguments: "",
        about: "List the installed buildpacks",
        details: "",
        run: buildpack::list,
    },
    Command {
        namespace: "buildpack",
        name: "test",
        arguments: "",
        about: "Run the app's tests by its buildpacks",
        details: "Each pack compiles the app for its tests, then each that has tests runs them. Ends as the first that fails.",
        run: buildpack::test,
    },
    Command {
        namespace: "procfile",
        name: "exec",
        arguments: "<command...>",
        about: "Run a command in the app's environment, as the app's user",
        details: "The folder is APP_PATH, which is HOME too. The files of ENV_PATH are variables. Then\n\
                  /etc/profile.d/*.sh, .profile.d/*.sh and .profile are sourced, scripts of a folder in the order of\n\
                  their bytes. One word is a line of bash; several are a program and its arguments.",
        run: procfile::exec,
    },
    Command {
        namespace: "procfile",
        name: "parse",
        arguments: "<type>",
        about: "Print the command of a process type",
        details: "Nothing is printed for a type that the Procfile does not declare.",
        run: procfile::parse,
    },
    Command {
        namespace: "procfile",
        name: "start",
        arguments: "<type>",
        about: "Start a process type of the app",
        details: "The command of the type is a line of bash, run as by `procfile exec`.",
        run: procfile::start,
    },
    Command {
        namespace: "slug",
        name: "export",
        arguments: "[url]",
        about: "Send the slug to a server by PUT, or to standard output",
        details: "",
        run: slug::export,
    },
    Command {
        namespace: "slug",
        name: "generate",
        arguments: "",
        about: "Pack the app's folder into /tmp/slug.tgz",
        details: "Version control (.git) and what .slugignore names are left out.",
        run: slug::generate,
    },
    Command {
        namespace: "slug",
        name: "import",
        arguments: "[url]",
        about: "Unpack a slug from an address, or from standard input, into the app's empty folder",
        details: "",
        run: slug::import,
    },
];

/// Runs the command that `words` name.
pub(super) fn run(face: &Face, words: &[OsString]) -> Ended {
    let text: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let text: Vec<&str> = text.iter().map(|word| &**word).collect();
    match *text.as_slice() {
        [] | ["-h" | "--help", ..] => Ok(list("", None)),
        [namespace, ..] if NAMESPACES.iter().any(|(name, _)| *name == namespace) => {
            match text.get(1) {
                None => Ok(list(namespace, None)),
                Some(name) => match find(namespace, name) {
                    Some(command) => (command.run)(face, &words[2..]),
                    None => Ok(list(namespace, Some(name))),
                },
            }
        }
        [name, ..] => match find("", name) {
            Some(command) => (command.run)(face, &words[1..]),
            None => Ok(list("", Some(name))),
        },
    }
}

fn find(namespace: &str, name: &str) -> Option<&'static Command> {
    COMMANDS
        .iter()
        .find(|command| command.namespace == namespace && command.name == name)
}

#[expect(clippy::unnecessary_wraps, reason = "one command among others")]
fn help(_: &Face, words: &[OsString]) -> Ended {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let words: Vec<&str> = words.iter().map(|word| &**word).collect();
    let command = match *words.as_slice() {
        [] => return Ok(list("", None)),
        [namespace] if NAMESPACES.iter().any(|(name, _)| *name == namespace) => {
            return Ok(list(namespace, None));
        }
        [name] => find("", name),
        [namespace, name, ..] => find(namespace, name),
    };
    let Some(command) = command else {
        return Ok(list("", Some(&words.join(" "))));
    };
    let called = [command.namespace, command.name, command.arguments];
    let called: Vec<_> = called.into_iter().filter(|word| !word.is_empty()).collect();
    say::line(&called.join(" "));
    say::line(&format!("  {}", command.about));
    if !command.details.is_empty() {
        say::line("");
        command
            .details
            .lines()
            .for_each(|line| say::line(&format!("  {line}")));
    }
    say::line("");
    Ok(0)
}

/// Lists the commands of a namespace, or all; gives the exit code.
fn list(namespace: &str, unknown: Option<&str>) -> u8 {
    match unknown {
        Some(word) => say::line(&format!("No such command: {word}")),
        None => {
            if let Some((_, about)) = NAMESPACES.iter().find(|(name, _)| *name == namespace) {
                say::line(about);
            }
        }
    }
    say::line("");
    say::line("Available commands:");
    let own = COMMANDS
        .iter()
        .filter(|command| command.namespace == namespace)
        .map(|command| (command.name, command.about));
    let mut rows: Vec<(&str, &str)> = own.collect();
    if namespace.is_empty() {
        rows.extend(NAMESPACES);
    }
    rows.sort_unstable();
    for (name, about) in rows {
        say::line(&format!("  {name:<24} {about}"));
        let below = |command: &&Command| namespace.is_empty() && command.namespace == name;
        for command in COMMANDS.iter().filter(below) {
            say::line(&format!("    {:<24} {}", command.name, command.about));
        }
    }
    say::line("");
    if unknown.is_some() { 2 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_sorted_and_in_known_namespaces() {
        assert!(COMMANDS.is_sorted_by_key(|command| (command.namespace, command.name)));
        for command in &COMMANDS {
            let known = NAMESPACES
                .iter()
                .any(|(name, _)| *name == command.namespace);
            assert!(known || command.namespace.is_empty(), "{}", command.name);
        }
    }
}
