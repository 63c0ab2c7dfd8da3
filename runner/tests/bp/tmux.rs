//! A build that fails at a terminal, and the shell that opens in it, as a person sees them: `docs/shell-session.txt`.
//!
//! `UPDATE_DOCS=1` writes that file anew.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use regex::Regex;
use testdata::workspace::Workspace;

use crate::judges::installed;
use crate::{BP, workspace};

/// What the shell in the room asks with.
const PROMPT: &str = "heroku@build:";

/// How long a line on the screen is waited for.
const PATIENCE: Duration = Duration::from_mins(3);

/// A terminal that nobody sits at; it is gone with this value.
struct Screen {
    socket: String,
}

impl Screen {
    /// One on which a shell runs in `place`, with what `bp` is given there.
    fn open(place: &Workspace) -> Self {
        let screen = Self {
            socket: place.path().join("tmux").display().to_string(),
        };
        let bin = place.path().join("bin");
        fs_err::create_dir(&bin).unwrap();
        symlink(BP, bin.join("bp")).unwrap();
        let mut shell = Command::new("tmux");
        let settings = place.command(&["--version"]);
        let variables = settings
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?)));
        shell
            .args(["-S", &screen.socket, "-f", "/dev/null", "new-session", "-d"])
            .args([
                "-x",
                "160",
                "-y",
                "50",
                "env",
                "PS1=$ ",
                "bash",
                "--norc",
                "--noprofile",
            ])
            .env_clear()
            .envs(variables)
            .env("TERM", "xterm")
            .env("LC_ALL", "C.UTF-8")
            .env("PATH", path_with(&bin))
            .current_dir(place.path());
        assert!(shell.status().unwrap().success());
        screen
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("tmux");
        let output = command
            .args(["-S", &self.socket])
            .args(arguments)
            .env("LC_ALL", "C.UTF-8")
            .stderr(Stdio::null())
            .output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    }

    /// Presses keys, by their names or as text, and waits until `shown` stands on the screen so many times.
    #[track_caller]
    fn press(&self, keys: &[&str], shown: &str, times: usize) {
        self.tmux(&[&["send-keys"][..], keys].concat());
        let until = Instant::now() + PATIENCE;
        while self.text().matches(shown).count() < times {
            assert!(Instant::now() < until, "no `{shown}` in:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// All that was shown.
    fn text(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-S", "-"])
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

fn path_with(bin: &Path) -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    format!("{}:{path}", bin.display())
}

/// What differs from one run to the next is written in one way.
fn settled(text: &str) -> String {
    let time = Regex::new(r"\b[0-9.]+ m?s\b").unwrap();
    // A file that was compiled within the second in which it was written is compiled once more.
    let count = Regex::new(r"\bCompiling [0-9]+ files? ").unwrap();
    let lines = text.lines().map(|line| time.replace_all(line, "… s"));
    let lines: Vec<String> = lines
        .map(|line| {
            count
                .replace_all(line.trim_end(), "Compiling 1 file ")
                .into_owned()
        })
        .collect();
    format!("{}\n", lines.join("\n").trim_end())
}

#[test]
fn a_person_looks_around_where_a_build_failed() {
    let Some(place) = workspace() else { return };
    if !installed("tmux") {
        return;
    }
    let app = place.app("tiny", "shop").unwrap();
    // Everything that can be kept is, and what can't be known is not shown.
    place.build(&app, &[]).ok();
    let broken = "defmodule Tiny.Page do\n  def title, do: titel()\nend\n";
    app.write("lib/page.ex", broken).unwrap();
    let screen = Screen::open(&place);
    screen.press(&[], "$", 1);
    screen.press(&["bp build shop --shell", "Enter"], PROMPT, 1);
    screen.press(&["Up", "Enter"], PROMPT, 2);
    screen.press(
        &["sed -i s/titel/Tiny.word/ lib/page.ex", "Enter"],
        PROMPT,
        3,
    );
    screen.press(&["Up", "Up", "Enter"], PROMPT, 4);
    screen.press(&["exit", "Enter"], "exit\n$", 1);
    screen.press(&["echo exit code $?", "Enter"], "exit code 1", 1);
    let text = settled(&screen.text());
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/shell-session.txt");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs_err::write(&page, &text).unwrap();
    }
    let kept = fs_err::read_to_string(&page).unwrap_or_default();
    let shell = |text: &str| {
        let at = text.find("-----> A shell where step `compile` failed");
        text[at.unwrap_or_else(|| panic!("no shell in:\n{text}"))..].to_owned()
    };
    assert_eq!(shell(&text), shell(&kept), "UPDATE_DOCS=1 writes it anew");
}
