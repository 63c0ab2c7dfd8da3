//! What the source of a package reads of the machine that it is compiled on.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use buildpack_core::syntax::elixir::{Bracket, Code, Kind};
use walkdir::WalkDir;

/// What one package reads.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reads {
    /// Variables of the environment, by name.
    pub(super) variables: BTreeSet<String>,
    /// Whether it may read any of them.
    pub(super) any: bool,
    /// Whether programs of the stack make a part of it, such as a C compiler.
    pub(super) native: bool,
}

/// Files and folders at the top of a package that is not made by Elixir and Erlang alone.
const NATIVE: [&str; 10] = [
    "CMakeLists.txt",
    "Cargo.toml",
    "GNUmakefile",
    "Makefile",
    "build.zig",
    "c_src",
    "gleam.toml",
    "makefile",
    "native",
    "rust_src",
];

/// Words in `mix.exs` and `rebar.config` that begin such work.
const TOOLS: [&str; 9] = [
    "elixir_make",
    "erlang.mk",
    "open_port",
    "port_env",
    "port_specs",
    "post_hooks",
    "pre_hooks",
    "rustler",
    "zigler",
];

/// Words by which any of this begins; most files hold none of them.
const WORDS: [&[u8]; 7] = [
    b"System",
    b":os",
    b"os:",
    b"getenv",
    b"Port.open",
    b"open_port",
    b"_make",
];

impl Reads {
    /// What the package in `folder` reads.
    pub(super) fn of(folder: &Path) -> io::Result<Self> {
        let mut reads = Self {
            native: NATIVE.iter().any(|name| folder.join(name).exists()),
            ..Self::default()
        };
        let walk = WalkDir::new(folder).into_iter();
        let walk = walk.filter_entry(|entry| entry.depth() != 1 || entry.file_name() != "priv");
        for entry in walk {
            let entry = entry?;
            if !entry.file_type().is_file() {
                continue;
            }
            let name = entry.file_name().to_string_lossy();
            let makes = name == "mix.exs" || name.starts_with("rebar.config");
            let elixir = [".ex", ".exs", ".eex"]
                .iter()
                .any(|end| name.ends_with(end));
            let erlang = [".erl", ".hrl", ".xrl", ".yrl", ".src", ".script"];
            if !(makes || elixir || erlang.iter().any(|end| name.ends_with(end))) {
                continue;
            }
            let content = fs_err::read(entry.path())?;
            let text = String::from_utf8_lossy(&content);
            if makes {
                reads.native |= TOOLS.iter().any(|word| text.contains(word));
            }
            if !WORDS.iter().any(|word| holds(&content, word)) {
                continue;
            }
            if elixir {
                // What Mix runs to compile may start programs, and they read what they like.
                reads.elixir(&text, makes || name.starts_with("compile."));
            } else {
                reads.erlang(&text, makes);
            }
        }
        reads.any |= reads.native;
        Ok(reads)
    }

    fn elixir(&mut self, text: &str, makes: bool) {
        let code = Code::read(text);
        for token in 0..code.tokens.len() {
            let owner = match code.kind(token) {
                Some(Kind::Alias(name)) => *name,
                Some(Kind::Atom(name)) => name.value.as_ref(),
                _ => continue,
            };
            let dot = code
                .kind(token + 1)
                .is_some_and(|kind| kind.is_operator("."));
            let Some(Kind::Word(function)) = code.kind(token + 2).filter(|_| dot) else {
                continue;
            };
            match (owner, *function) {
                ("System", "get_env" | "fetch_env" | "fetch_env!") | ("os", "getenv") => {
                    self.variable(literal(&code, token + 3));
                }
                ("os", "env" | "list_env_vars") => self.any = true,
                ("System", "cmd" | "shell") | ("os", "cmd") | ("Port", "open") if makes => {
                    self.any = true;
                }
                _ => {}
            }
        }
    }

    fn erlang(&mut self, text: &str, makes: bool) {
        for (at, word) in text.match_indices("getenv") {
            let rest = text[at + word.len()..].trim_start();
            let argument = rest.strip_prefix('(').map(str::trim_start);
            let name = argument.and_then(|argument| argument.strip_prefix('"'));
            let name = name.and_then(|name| name.split_once('"'));
            self.variable(name.map(|(name, _)| name.to_owned()));
        }
        let any = ["os:env(", "list_env_vars"];
        let programs = ["os:cmd", "open_port"];
        self.any |= any.iter().any(|word| text.contains(word));
        self.any |= makes && programs.iter().any(|word| text.contains(word));
    }

    fn variable(&mut self, name: Option<String>) {
        match name {
            Some(name) => {
                self.variables.insert(name);
            }
            None => self.any = true,
        }
    }
}

/// The text that is the first argument at `token`, in brackets or not.
fn literal(code: &Code<'_>, token: usize) -> Option<String> {
    let open = matches!(code.kind(token)?, Kind::Open(Bracket::Round));
    match code.kind(token + usize::from(open))? {
        Kind::Text(text) => Some(text.value.clone().into_owned()),
        _ => None,
    }
}

fn holds(content: &[u8], word: &[u8]) -> bool {
    content.windows(word.len()).any(|part| part == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, &str)]) -> Reads {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            testdata::tree::write(folder.path(), path, text);
        }
        Reads::of(folder.path()).unwrap()
    }

    fn names(reads: &Reads) -> Vec<&str> {
        reads.variables.iter().map(String::as_str).collect()
    }

    #[test]
    fn names_that_are_written_out_are_known() {
        let reads = of(&[
            (
                "lib/a.ex",
                "# System.get_env(x)\n@doc \"System.get_env(y)\"\n\
                 System.get_env(\"ONE\", \"x\")\nSystem.fetch_env! \"TWO\"\n:os.getenv(\"THREE\")",
            ),
            ("src/b.erl", "f() -> os:getenv(\"FOUR\", \"x\")."),
            ("priv/c.ex", "System.get_env(all)"),
            ("mix.exs", "System.get_env(\"FIVE\")"),
        ]);
        assert_eq!(names(&reads), ["FIVE", "FOUR", "ONE", "THREE", "TWO"]);
        assert!(!reads.any && !reads.native);
    }

    #[test]
    fn what_may_read_any_is_told() {
        for (path, text, any) in [
            ("lib/a.ex", "System.get_env(name)", true),
            ("lib/a.ex", "System.get_env()", true),
            ("lib/a.ex", "name |> System.get_env", true),
            ("lib/a.ex", "&System.get_env/1", true),
            ("lib/a.ex", ":os.env()", true),
            ("lib/a.ex", "System.cmd(\"git\", [])", false),
            (
                "lib/mix/tasks/compile.zig.ex",
                "System.cmd(\"zig\", [])",
                true,
            ),
            ("mix.exs", "System.cmd(\"git\", [])", true),
            ("lib/a.ex", "Application.get_env(:a, :b)", false),
            ("src/a.erl", "os:getenv(Name)", true),
            ("src/a.erl", "os:getenv()", true),
            ("src/a.erl", "os:cmd(\"ls\")", false),
            ("rebar.config.script", "os:cmd(\"ls\")", true),
        ] {
            let reads = of(&[(path, text)]);
            assert_eq!(reads.any, any, "{path} {text}");
            assert!(!reads.native, "{path} {text}");
        }
    }

    #[test]
    fn what_other_compilers_make_may_read_all() {
        for (path, text) in [
            ("Makefile", "all:"),
            ("c_src/a.c", ""),
            ("mix.exs", "compilers: [:elixir_make] ++ Mix.compilers()"),
            ("rebar.config", "{port_specs, []}."),
        ] {
            let reads = of(&[(path, text)]);
            assert!(reads.native && reads.any, "{path}");
        }
    }
}
