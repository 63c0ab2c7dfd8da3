//! Asking packs whether they apply to an app: one at its turn, or many at once.

use std::time::Duration;

use super::output::{Marked, Said};
use crate::diagnostic::{Class, Diagnostic};
use crate::sandbox::Exit;

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
    SECONDS=0; out=$(mktemp) || exit
    timeout -k 1 "$1" "$2" "$3" </dev/null >"$out"; code=$?
    # So it ends where it did not heed the signal that asks.
    if [ $code = 137 ] && [ "$SECONDS" -ge "$1" ]; then code=124; fi
}
"#;

/// Prints what `$1 $2` prints, its first 4 KiB, behind marks, and ends as it does; `$3` is the time limit.
const DETECT: &str = r#"ask "$3" "$1" "$2"
head -c 4096 "$out" | base64 -w 3000 | sed 's/^/bp-detected /'; exit $code"#;

const DETECTED: &str = "bp-detected ";

/// Runs `bin/detect` of every pack behind `$2`, all at once, each in its own folder and as the leader of a group of its own
/// that is ended when the time is over; prints its number, exit code and first line behind a mark. `$1` is the time limit,
/// `$2` BUILD_DIR. Nothing is started beside the packs that bash can do by itself.
const DETECT_ALL: &str = r#"set -m; limit=$1; build=$2; shift 2; out=$(mktemp -d) || exit
pids=()
for place; do
    { cd "$place" && exec bin/detect "$build"; } </dev/null >"$out/${#pids[@]}" 2>/dev/null &
    pids+=($!)
done
{ sleep "$limit"; : >"$out/late"; kill -KILL -- "${pids[@]/#/-}"; } >/dev/null 2>&1 &
watch=$!
for number in "${!pids[@]}"; do
    wait "${pids[number]}"; code=$?; name=
    if [ $code = 137 ] && [ -e "$out/late" ]; then code=124; fi
    IFS= read -r -n 4096 name <"$out/$number"
    printf 'bp-detected %d %d %s\n' "$number" "$code" "$name"
done 2>/dev/null
kill -KILL -- "-$watch"; rm -rf "$out""#;

/// The call of `bin/detect` of many packs at once.
#[derive(Debug)]
pub struct DetectAll {
    answers: Vec<Option<(u8, String)>>,
}

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

impl DetectAll {
    /// The program that asks the packs at `places` about the app at `build_dir`, for so long; a limit has whole seconds.
    pub fn argv(limit: Duration, places: &[String], build_dir: &str) -> Vec<String> {
        let limit = limit.as_secs().to_string();
        let fixed = ["bash", "-c", DETECT_ALL, "bash", &limit, build_dir];
        let places = places.iter().map(String::as_str);
        fixed.into_iter().chain(places).map(str::to_owned).collect()
    }

    /// Of so many packs.
    pub fn of(count: usize) -> Self {
        Self {
            answers: vec![None; count],
        }
    }

    /// Takes a line of its output.
    pub fn line(&mut self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let answer = text.strip_prefix(DETECTED).and_then(|rest| {
            let mut parts = rest.splitn(3, ' ');
            let number: usize = parts.next()?.parse().ok()?;
            let code: u8 = parts.next()?.parse().ok()?;
            Some((number, code, parts.next()?.trim().to_owned()))
        });
        if let Some((number, code, name)) = answer
            && let Some(place) = self.answers.get_mut(number)
        {
            *place = Some((code, name));
        }
    }

    /// What each pack said, in order.
    pub fn answers(self) -> Vec<Detected> {
        let answers = self.answers.into_iter().map(|answer| match answer {
            Some((0, name)) => Detected::Yes(name),
            Some((code, _)) if Exit::Code(code) == TOO_LATE => Detected::TooLate,
            _ => Detected::No,
        });
        answers.collect()
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
        self.said.lines()
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
        command.args(&argv[1..]).stderr(Stdio::null());
        let output = command.output().unwrap();
        let lines = output.stdout.split(|byte| *byte == b'\n');
        lines.for_each(line);
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
        let mut all = DetectAll::of(2);
        let argv = DetectAll::argv(Duration::from_secs(1), &places, "/");
        run(&argv, &mut |line| all.line(line));
        assert_eq!(all.answers(), [Detected::TooLate, Detected::No]);
        assert!(!woke.exists());
    }

    #[test]
    fn many_packs_answer_each_for_itself() {
        let folder = tempfile::tempdir().unwrap();
        let packs = [
            ("ruby", "echo Ruby; echo more"),
            ("none", "echo no; exit 1"),
            ("silent", "echo noise >&2"),
            ("fake", "echo 'bp-detected 1 0 Fake'; exit 1"),
            ("here", "[ -x bin/detect ] && echo \"${1##*/} $(cat)\""),
        ];
        let mut places = lay(&folder, &packs);
        places.push("/nowhere".to_owned());
        let argv = DetectAll::argv(DETECT_LIMIT, &places, "/tmp/build");
        let mut all = DetectAll::of(places.len());
        run(&argv, &mut |line| all.line(line));
        let yes = |name: &str| Detected::Yes(name.to_owned());
        assert_eq!(
            all.answers(),
            [
                yes("Ruby"),
                Detected::No,
                yes(""),
                Detected::No,
                yes("build"),
                Detected::No
            ]
        );
    }

    #[test]
    fn a_pack_that_is_not_done_in_time_is_told_from_one_that_says_no() {
        let mut all = DetectAll::of(3);
        all.line(b"bp-detected 1 124 ");
        all.line(b"bp-detected 2 1 no");
        all.line(b"bp-detected 9 0 Nobody");
        all.line(b"bp-detected x");
        assert_eq!(
            all.answers(),
            [Detected::No, Detected::TooLate, Detected::No]
        );
    }
}
