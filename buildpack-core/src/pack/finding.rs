//! What is wrong with what a build made, as a value that is kept with it.

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Class, Diagnostic, Severity};

/// Process types that a deploy waits for: what keeps them from starting makes a build worthless.
const AWAITED: [&str; 2] = ["web", "release"];

/// Something that will not work in the image. Paths are those of the image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Finding {
    /// A file needs a library that nothing has.
    LibraryMissing {
        /// The file.
        file: String,
        /// The library: `libvips.so.42`.
        library: String,
        /// Whether the app is sure to load the file.
        loaded: bool,
        /// The run image's name.
        below: String,
    },
    /// A file needs a newer version of a library's symbols.
    LibraryTooOld {
        /// The file.
        file: String,
        /// The library: `libc.so.6`.
        library: String,
        /// The version: `GLIBC_2.38`.
        version: String,
        /// Whether the app is sure to load the file.
        loaded: bool,
        /// The run image's name.
        below: String,
    },
    /// The configuration names a manifest of digested static files that is not there.
    StaticManifestMissing {
        /// The application, where the configuration names it.
        application: Option<String>,
        /// The file, below the application's folder.
        path: String,
        /// Where it is named: `config/prod.exs:3:52`.
        named_at: String,
    },
    /// The program that a process type begins with is not there.
    ProgramMissing {
        /// The process type.
        process: String,
        /// The program, as the command names it.
        program: String,
        /// What could be meant instead.
        instead: Vec<String>,
    },
    /// The file that a process type begins with is there, and no program.
    ProgramNotExecutable {
        /// The process type.
        process: String,
        /// The file, as the command names it.
        program: String,
    },
    /// A process type calls a task of Mix that nothing defines.
    TaskMissing {
        /// The process type.
        process: String,
        /// The task.
        task: String,
        /// The environment that was compiled.
        mix_env: String,
    },
}

impl Finding {
    /// The library that it is about, if any.
    pub fn library(&self) -> Option<&str> {
        match self {
            Self::LibraryMissing { library, .. } | Self::LibraryTooOld { library, .. } => {
                Some(library)
            }
            _ => None,
        }
    }

    /// It as people see it: an error, where the app is sure not to work.
    pub fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::LibraryMissing {
                file,
                library,
                loaded,
                below,
            } => library_missing(file, library, *loaded, below),
            Self::LibraryTooOld {
                file,
                library,
                version,
                loaded,
                below,
            } => library_too_old(file, library, version, *loaded, below),
            Self::StaticManifestMissing {
                application,
                path,
                named_at,
            } => static_manifest_missing(application.as_deref(), path, named_at),
            Self::ProgramMissing {
                process,
                program,
                instead,
            } => program_missing(process, program, instead),
            Self::ProgramNotExecutable { process, program } => {
                program_not_executable(process, program)
            }
            Self::TaskMissing {
                process,
                task,
                mix_env,
            } => task_missing(process, task, mix_env),
        }
    }
}

/// The way out for a file, which is another where it came with Erlang or Node: nothing that the app could bring along mends
/// those.
fn unless_of_a_tool<'h>(file: &str, help: &'h str) -> &'h str {
    if file.split('/').any(|part| part == ".platform_tools") {
        "this tool was built for another system: take a version that is built for this stack, which `bp versions list` \
         names, or the stack that it was built for"
    } else {
        help
    }
}

fn library_missing(file: &str, library: &str, loaded: bool, below: &str) -> Diagnostic {
    let message = format!("`{file}` needs `{library}`, which neither the app nor `{below}` has");
    let bring = "bring the library along, as the packs for apt packages do, or take a package that needs none";
    if loaded {
        Diagnostic::error("library-missing", Class::Build, message)
            .help(unless_of_a_tool(file, bring))
            .help(brought(library))
    } else {
        Diagnostic::warning("library-missing", message)
            .help(format!("if the app uses that file, {bring}"))
    }
}

fn library_too_old(
    file: &str,
    library: &str,
    version: &str,
    loaded: bool,
    below: &str,
) -> Diagnostic {
    let message = format!("`{file}` needs {version}, and `{library}` of `{below}` is older");
    let compile = "compile it in the build rather than taking one that was made for a newer system, or choose a newer stack";
    if loaded {
        Diagnostic::error("library-too-old", Class::Build, message)
            .help(unless_of_a_tool(file, compile))
            .help(brought(library))
    } else {
        Diagnostic::warning("library-too-old", message)
            .help(format!("if the app uses that file, {compile}"))
    }
}

/// The way out for who knows better.
fn brought(library: &str) -> String {
    format!("if the platform brings it when the app starts: `--allow-missing {library}`")
}

fn static_manifest_missing(application: Option<&str>, path: &str, named_at: &str) -> Diagnostic {
    let of = application.map_or_else(String::new, |name| format!(" of `{name}`"));
    Diagnostic::warning(
        "manifest-not-in-image",
        format!("`{path}`{of}, which `{named_at}` names, is not in the image"),
    )
    .note("Phoenix logs an error for it when it starts, and serves static files without digests")
    .help(
        "build and digest the assets before the release is made (`mix assets.deploy`, `mix phx.digest`), or take \
         `cache_static_manifest` out of the configuration",
    )
}

fn program_missing(process: &str, program: &str, instead: &[String]) -> Diagnostic {
    let problem = Diagnostic::error(
        "process-program-missing",
        Class::Build,
        format!("`{process}` starts `{program}`, which is not in the image"),
    );
    let problem = match instead {
        [] => problem.help(
            "name a program of the app or of the stack, with its path where it is not on PATH",
        ),
        some => problem.help(format!("these are there: {}", some.join(", "))),
    };
    of_process(process, problem)
}

fn program_not_executable(process: &str, program: &str) -> Diagnostic {
    let problem = Diagnostic::error(
        "process-not-executable",
        Class::Build,
        format!("`{process}` starts `{program}`, which is no program: it may not be executed"),
    );
    let help = format!(
        "git update-index --chmod=+x {}",
        program.trim_start_matches("./")
    );
    of_process(process, problem.help(help))
}

fn task_missing(process: &str, task: &str, mix_env: &str) -> Diagnostic {
    let problem = Diagnostic::error(
        "process-task-missing",
        Class::Build,
        format!("`{process}` calls `mix {task}`, a task that nothing of the image defines"),
    )
    .note(format!(
        "dependencies that are not for `{mix_env}` are not in the image"
    ))
    .help("correct its name, or let the dependency that defines it be there in production");
    of_process(process, problem)
}

/// A warning, unless it is a process type that a deploy waits for.
fn of_process(process: &str, problem: Diagnostic) -> Diagnostic {
    if AWAITED.contains(&process) {
        return problem;
    }
    Diagnostic {
        severity: Severity::Warning,
        ..problem
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_surely_breaks_the_app_is_an_error() {
        let library = |loaded| Finding::LibraryMissing {
            file: "/app/priv/nif.so".to_owned(),
            library: "libvips.so.42".to_owned(),
            loaded,
            below: "heroku/heroku:24".to_owned(),
        };
        assert!(library(true).diagnostic().is_error());
        assert!(!library(false).diagnostic().is_error());
        let program = |process: &str| Finding::ProgramMissing {
            process: process.to_owned(),
            program: "bin/server".to_owned(),
            instead: Vec::new(),
        };
        assert!(program("web").diagnostic().is_error());
        assert!(program("release").diagnostic().is_error());
        assert!(!program("console").diagnostic().is_error());
    }

    #[test]
    fn no_library_is_to_be_brought_along_for_a_tool_of_another_system() {
        let beam = Finding::LibraryMissing {
            file: "/app/.platform_tools/erlang/erts-13.2/bin/beam.smp".to_owned(),
            library: "libtinfo.so.5".to_owned(),
            loaded: true,
            below: "heroku/heroku:24".to_owned(),
        };
        let helps = beam.diagnostic().helps;
        assert_eq!(helps.len(), 2);
        assert!(
            helps[0].text.contains("built for another system"),
            "{helps:?}"
        );
    }

    #[test]
    fn it_is_kept_as_it_was() {
        let finding = Finding::TaskMissing {
            process: "web".to_owned(),
            task: "phx.serve".to_owned(),
            mix_env: "prod".to_owned(),
        };
        let text = serde_json::to_string(&finding).unwrap();
        assert_eq!(serde_json::from_str::<Finding>(&text).unwrap(), finding);
    }
}
