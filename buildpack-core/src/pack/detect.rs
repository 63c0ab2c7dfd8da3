//! Asking packs whether they apply to an app: one at its turn, or many at once.

use std::time::Duration;

use super::output::{Marked, Said};
use crate::diagnostic::{Class, Diagnostic};
use crate::sandbox::{Answer, Exit};

/// How long `bin/detect` may take where nobody says otherwise: it looks at a few files.
pub const DETECT_LIMIT: Duration = Duration::from_mins(1);

/// How `timeout(1)` tells that the time was over.
pub(in crate::pack) const TOO_LATE: Exit = Exit::Code(124);

/// The call of a pack's `bin/detect`, whose name for the app is told from what else it prints.
#[derive(Debug)]
pub struct DetectScript {
    name: Marked,
    said: Said,
}

/// Runs a detect, `$2 $3`, for `$1` seconds at most; leaves what it prints in the file `$out` and its exit code in `$code`.
/// A file, as a pipe would end only with the last process that detect left behind.
const ASK: &str = r#"ask() {
    SECONDS=0; out=$(mktemp) || exit; trap 'rm -f "$out"' EXIT
    timeout -k 1 "$1" "$2" "$3" </dev/null >"$out"; code=$?
    # So it ends where it did not heed the signal that asks.
    if [ $code = 137 ] && [ "$SECONDS" -ge "$1" ]; then code=124; fi
}
"#;

/// Prints what `$1 $2` prints, its first 4 KiB, behind marks, and ends as it does; `$3` is the time limit.
const DETECT: &str = r#"ask "$3" "$1" "$2"
head -c 4096 "$out" | base64 -w 3000 | sed 's/^/bp-detected /'; exit $code"#;

const DETECTED: &str = "bp-detected ";

/// What a pack says of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detected {
    /// It applies; its name for the app, empty where it prints none.
    Yes(String),
    /// It doesn't apply.
    No,
    /// It had not answered when its time was over.
    TooLate,
}

impl From<Answer> for Detected {
    /// From what its `bin/detect` answered; its name is the first line.
    fn from(answer: Answer) -> Self {
        match answer.exit {
            Some(exit) if exit.success() => {
                let text = String::from_utf8_lossy(&answer.printed);
                Self::Yes(text.lines().next().unwrap_or_default().trim().to_owned())
            }
            Some(_) => Self::No,
            None => Self::TooLate,
        }
    }
}

impl Default for DetectScript {
    fn default() -> Self {
        Self {
            name: Marked::new(DETECTED),
            said: Said::default(),
        }
    }
}

impl DetectScript {
    /// The program that asks the pack at `place` about the app at `build_dir`, for so long; a limit has whole seconds.
    pub fn argv(limit: Duration, place: &str, build_dir: &str) -> Vec<String> {
        let (script, limit) = (format!("{ASK}{DETECT}"), limit.as_secs().to_string());
        let program = format!("{place}/bin/detect");
        ["bash", "-c", &script, "bash", &program, build_dir, &limit]
            .map(str::to_owned)
            .to_vec()
    }

    /// Takes a line of its output.
    pub fn line(&mut self, line: &[u8]) {
        if let Some(text) = self.name.take(&String::from_utf8_lossy(line)) {
            self.said.line(text);
        }
    }

    /// The name that a pack which applies gave, else `otherwise`: it need not print any.
    pub fn name(&self, otherwise: &str) -> String {
        match self.printed().trim().lines().next() {
            Some(name) if !name.trim().is_empty() => name.trim().to_owned(),
            _ => otherwise.to_owned(),
        }
    }

    /// All that it printed, for people.
    pub fn everything(mut self) -> Vec<String> {
        let printed = self.printed();
        printed.lines().for_each(|line| self.said.line(line));
        self.said.all()
    }

    fn printed(&self) -> String {
        let bytes = self.name.bytes().unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// That a pack that is asked for does not apply; `message` says why.
pub fn not_detected(message: String) -> Diagnostic {
    Diagnostic::error("pack-not-detected", Class::Config, message).help(
        "every buildpack that is asked for has to apply: take it out, or add the files that it looks for",
    )
}

/// That a pack had not said whether it applies when its time was over.
pub fn detect_timeout(pack: &str, limit: Duration) -> Diagnostic {
    let limit = limit.as_secs();
    Diagnostic::error(
        "pack-detect-timeout",
        Class::Config,
        format!(
            "the buildpack `{pack}` does not say whether it applies: its `bin/detect` was ended after {limit} s"
        ),
    )
    .help("use another version of the pack, or tell its author; `BP_DETECT_LIMIT` gives it more seconds")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::process::{Command, Stdio};

    use super::*;

    /// Folders of packs with these scripts.
    fn lay(folder: &tempfile::TempDir, packs: &[(&str, &str)]) -> Vec<String> {
        let places = packs.iter().map(|(name, text)| {
            let file = folder.path().join(name).join("bin/detect");
            fs_err::create_dir_all(file.parent().unwrap()).unwrap();
            fs_err::write(&file, format!("#!/bin/bash\n{text}\n")).unwrap();
            fs_err::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
            folder.path().join(name).to_str().unwrap().to_owned()
        });
        places.collect()
    }

    /// The exit code, and what takes the lines gets.
    fn run(argv: &[String], line: &mut dyn FnMut(&[u8])) -> Option<i32> {
        let mut command = Command::new(&argv[0]);
        let scratch = tempfile::tempdir().unwrap();
        command.args(&argv[1..]).stderr(Stdio::null());
        command.env("TMPDIR", scratch.path());
        let output = command.output().unwrap();
        let lines = output.stdout.split(|byte| *byte == b'\n');
        lines.for_each(line);
        assert_eq!(fs_err::read_dir(scratch.path()).unwrap().count(), 0);
        output.status.code()
    }

    /// One that does not heed the signal that asks, and one that ended and left a process with its output open.
    #[test]
    fn none_takes_longer_than_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let woke = folder.path().join("woke");
        let leaves = format!("echo Left; (sleep 30; touch {}) & exit 3", woke.display());
        let packs = [
            ("stays", "trap '' TERM; echo waits; sleep 300"),
            ("leaves", leaves.as_str()),
        ];
        let places = lay(&folder, &packs);
        let ask = |place: &str| {
            let mut detect = DetectScript::default();
            let argv = DetectScript::argv(Duration::from_secs(1), place, "/");
            let code = run(&argv, &mut |line| detect.line(line));
            (code, detect.name("none"))
        };
        assert_eq!(ask(&places[0]), (Some(124), "waits".to_owned()));
        assert_eq!(ask(&places[1]), (Some(3), "Left".to_owned()));
        assert!(!woke.exists());
    }

    #[test]
    fn a_pack_that_is_not_done_in_time_is_told_from_one_that_says_no() {
        let say = |exit: Option<Exit>, printed: &str| {
            Detected::from(Answer {
                exit,
                printed: printed.as_bytes().to_vec(),
            })
        };
        let yes = |name: &str| Detected::Yes(name.to_owned());
        let done = Some(Exit::Code(0));
        assert_eq!(say(done, " Ruby \r\nmore"), yes("Ruby"));
        assert_eq!(say(done, ""), yes(""));
        assert_eq!(say(Some(Exit::Code(1)), "Ruby"), Detected::No);
        assert_eq!(say(Some(Exit::Code(124)), ""), Detected::No);
        assert_eq!(say(Some(Exit::Signal(9)), ""), Detected::No);
        assert_eq!(say(None, "Ruby"), Detected::TooLate);
    }
}
