//! Asking packs whether they apply to an app: one at its turn, or many at once.

use std::collections::VecDeque;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::compile::TAIL;
use crate::sandbox::Exit;

/// How long `bin/detect` may take: it looks at a few files.
pub const DETECT_LIMIT: Duration = Duration::from_mins(1);

/// How `timeout(1)` tells that the time was over.
pub(super) const TOO_LATE: Exit = Exit::Code(124);

/// The call of a pack's `bin/detect`, whose name for the app is told from what else it prints.
#[derive(Debug, Default)]
pub struct DetectScript {
    name: String,
    said: VecDeque<String>,
}

/// Prints what `$1 $2` prints as one word behind a mark, and ends as it does; `$3` is the time limit.
const DETECT: &str = r#"out=$(timeout -k 5 "$3" "$1" "$2" </dev/null); code=$?
printf '\nbp-detected %s\n' "$(printf %s "$out" | base64 -w0)"; exit $code"#;

const DETECTED: &str = "bp-detected ";

/// Runs `bin/detect` of every pack behind `$3`, all at once, each in its own folder; prints its number, exit code and first
/// line behind a mark. `$1` is the time limit, `$2` BUILD_DIR.
const DETECT_ALL: &str = r#"limit=$1; build=$2; shift 2; number=0
for place; do
    { cd "$place" && out=$(timeout -k 5 "$limit" bin/detect "$build" </dev/null 2>/dev/null); code=$?
      printf 'bp-detected %d %d %s\n' "$number" "$code" "${out%%$'\n'*}"; } &
    number=$((number + 1))
done
wait"#;

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
    /// The program that asks the packs at `places` about the app at `build_dir`.
    pub fn argv(places: &[String], build_dir: &str) -> Vec<String> {
        let limit = DETECT_LIMIT.as_secs().to_string();
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

impl DetectScript {
    /// The program that asks the pack at `place` about the app at `build_dir`.
    pub fn argv(place: &str, build_dir: &str) -> Vec<String> {
        let program = format!("{place}/bin/detect");
        let limit = DETECT_LIMIT.as_secs().to_string();
        ["bash", "-c", DETECT, "bash", &program, build_dir, &limit]
            .map(str::to_owned)
            .to_vec()
    }

    /// Takes a line of its output.
    pub fn line(&mut self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        if let Some(word) = text.strip_prefix(DETECTED) {
            let bytes = decode(word).unwrap_or_default();
            String::from_utf8_lossy(&bytes)
                .trim()
                .clone_into(&mut self.name);
        } else {
            if self.said.len() == TAIL {
                self.said.pop_front();
            }
            self.said.push_back(text.into_owned());
        }
    }

    /// The name that a pack which applies gave, else `otherwise`: it need not print any.
    pub fn name(&self, otherwise: &str) -> String {
        match self.name.lines().next() {
            Some(name) if !name.trim().is_empty() => name.trim().to_owned(),
            _ => otherwise.to_owned(),
        }
    }

    /// All that it printed, for people.
    pub fn everything(mut self) -> Vec<String> {
        self.said.extend(self.name.lines().map(str::to_owned));
        self.said.into()
    }
}

/// What a word of base64 stands for.
pub(super) fn decode(word: &str) -> Option<Vec<u8>> {
    STANDARD.decode(word.trim()).ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    use super::*;

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
        let places: Vec<String> = packs
            .iter()
            .map(|(name, text)| {
                let file = folder.path().join(name).join("bin/detect");
                fs_err::create_dir_all(file.parent().unwrap()).unwrap();
                fs_err::write(&file, format!("#!/bin/bash\n{text}\n")).unwrap();
                fs_err::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
                folder.path().join(name).to_str().unwrap().to_owned()
            })
            .chain(["/nowhere".to_owned()])
            .collect();
        let argv = DetectAll::argv(&places, "/tmp/build");
        let output = Command::new(&argv[0]).args(&argv[1..]).output().unwrap();
        let mut all = DetectAll::of(places.len());
        output
            .stdout
            .split(|byte| *byte == b'\n')
            .for_each(|line| all.line(line));
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
