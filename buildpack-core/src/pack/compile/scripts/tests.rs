//! Scripts as bash runs them: the walls of these tests are none.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use super::*;
use crate::event::{Event, Recorder};
use crate::pack::{Host, StepMemo};
use crate::plan::{Phase, Run};
use crate::sandbox::{Answer, Limits, Sandbox};

struct NoWalls;

impl Sandbox for NoWalls {
    fn name(&self) -> &'static str {
        "no walls"
    }

    fn run(
        &self,
        _: &Room,
        command: &Command,
        terminal: Terminal<'_>,
    ) -> Result<Exit, Box<dyn SandboxError>> {
        let (output, both) = std::io::pipe().unwrap();
        let mut child = std::process::Command::new(&command.argv[0])
            .args(&command.argv[1..])
            .current_dir(&command.cwd)
            .env_clear()
            .envs(&command.env)
            .stdin(Stdio::null())
            .stdout(both.try_clone().unwrap())
            .stderr(both)
            .spawn()
            .unwrap();
        if let Terminal::Lines(line) = terminal {
            let lines = BufReader::new(output).split(b'\n');
            lines.for_each(|text| line(&text.unwrap()));
        }
        let code = child.wait().unwrap().code().unwrap();
        Ok(Exit::Code(u8::try_from(code).unwrap()))
    }

    fn ask(
        &self,
        _: &Room,
        _: &[Command],
        _: Duration,
    ) -> Result<Vec<Answer>, Box<dyn SandboxError>> {
        unreachable!("a compile asks nothing")
    }
}

struct Forgetful;

impl StepMemo for Forgetful {
    fn is_idle(&self, _: &Step) -> bool {
        false
    }

    fn due(&self, _: &Step) -> Option<String> {
        Some("it runs each time".to_owned())
    }

    fn started(&mut self, _: &Step) -> std::io::Result<()> {
        Ok(())
    }

    fn succeeded(&mut self, _: &Step) -> std::io::Result<()> {
        Ok(())
    }
}

struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, below: &str) -> String {
        self.0.path().join(below).to_str().unwrap().to_owned()
    }

    fn script(&self, pack: &str, name: &str, text: &str) -> &Self {
        let path = self.0.path().join(pack).join("bin").join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, format!("#!/bin/bash\n{text}\n")).unwrap();
        fs_err::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        self
    }

    /// Runs `steps` of packs, then says what was printed and how it ended.
    fn run(&self, steps: &[(&str, Script)], last: &str) -> (String, Result<(), CompileError>) {
        let (said, ended) = self.releases(steps, last);
        (said, ended.map(drop))
    }

    /// The same with what the packs' releases said.
    fn releases(&self, steps: &[(&str, Script)], last: &str) -> (String, Released) {
        fs_err::create_dir_all(self.path("build")).unwrap();
        let folder = |id: &str| ScriptFolder {
            id: id.to_owned(),
            name: format!("owner/{id}"),
            identity: String::new(),
            place: self.path(id),
        };
        let mut ids: Vec<&str> = steps.iter().map(|(pack, _)| *pack).collect();
        ids.dedup();
        let mut plan = PackPlan::empty(&self.path("build"));
        plan.scripts = Some(Scripts {
            build_dir: self.path("build"),
            cache_dir: "/cache".to_owned(),
            env_dir: "/env".to_owned(),
            detect_limit: 60,
            packs: ids.into_iter().map(folder).collect(),
        });
        for (pack, script) in steps {
            let run = Run::Script {
                pack: (*pack).to_owned(),
                script: *script,
            };
            let id = format!("{pack}-{}", script.file());
            plan.steps.push(Step::new(id.clone(), Phase::End, id, run));
        }
        let argv = ["bash", "-c", last].map(str::to_owned).to_vec();
        let program = Run::Program { argv };
        plan.steps
            .push(Step::new("last", Phase::End, "last", program));
        let room = Room {
            root: Vec::new(),
            scratch: PathBuf::new(),
            mounts: Vec::new(),
            memory: Vec::new(),
            user: (1000, 1000),
            limits: Limits::default(),
        };
        let scratch = self.path("scratch");
        fs_err::create_dir_all(&scratch).unwrap();
        let env = |more: &[(&str, &str)]| {
            let own = [
                ("PATH", "/usr/bin:/bin"),
                ("OLD", "1"),
                ("TMPDIR", &scratch),
            ];
            let all = own.iter().chain(more);
            all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect::<BTreeMap<_, _>>()
        };
        let (tools, events, mut memo) = (BTreeMap::new(), Recorder::default(), Forgetful);
        let host = Host {
            tree: Path::new("/tree"),
            tools: &tools,
            earlier: None,
            shared: None,
        };
        let vars = env(&[("CONFIG", "var")]);
        let mut context = CompileContext::new(&NoWalls, &room, host, vars, &events, &mut memo)
            .with_scripts(ScriptScene {
                room: &room,
                env: env(&[]),
                mover: None,
            });
        let ended = context.run_steps(&plan, &|_, _| Ok(BTreeMap::new()));
        // Where nothing stands between a script and the machine, nothing of it stays there.
        let left = fs_err::read_dir(&scratch).unwrap().count();
        assert_eq!(left, 0, "files in TMPDIR");
        let said = events.events().into_iter().filter_map(|event| match event {
            Event::Output { line, .. } => Some(line),
            Event::Heading { text } => Some(format!("-----> {text}")),
            _ => None,
        });
        let releases = context.releases().clone();
        (
            said.collect::<Vec<_>>().join("\n"),
            ended.map(|()| releases),
        )
    }
}

type Released = Result<BTreeMap<String, PackRelease>, CompileError>;

use Script::{Compile, Detect, Release};

#[test]
fn scripts_get_their_arguments_and_no_config_vars() {
    let desk = Desk::new();
    desk.script(
        "one",
        "compile",
        r#"echo "$# $2 $3 ${CONFIG-none} ${PWD##*/}""#,
    );
    let (said, ended) = desk.run(&[("one", Compile)], "echo $CONFIG");
    assert!(ended.is_ok());
    assert_eq!(said, "3 /cache /env none one\n-----> last\nvar");
}

#[test]
fn what_is_exported_reaches_the_packs_and_programs_after_it() {
    let desk = Desk::new();
    let export = r#"
        cat > "$(dirname "$0")/../export" <<'END'
echo printed by export
export PATH="/tool/bin:$PATH" TWO=$'a\nb=c'
unset OLD
local=1
END"#;
    desk.script("one", "compile", export).script(
        "two",
        "compile",
        r#"echo "$PATH ${TWO@Q} ${OLD-no} ${local-no}""#,
    );
    let (said, ended) = desk.run(
        &[("one", Compile), ("two", Compile)],
        r#"echo "$PATH ${TWO@Q} ${OLD-no} $CONFIG""#,
    );
    assert!(ended.is_ok(), "{ended:?}");
    let (two, last) = (
        r"/tool/bin:/usr/bin:/bin $'a\nb=c' no no",
        r"/tool/bin:/usr/bin:/bin $'a\nb=c' no var",
    );
    assert_eq!(said, format!("{two}\n-----> last\n{last}"));
}

#[test]
fn a_large_environment_is_taken_over_whole() {
    let desk = Desk::new();
    let export =
        r#"printf 'export BIG=%s\n' "$(printf 'x%.0s' {1..100000})" > "${0%/bin/*}/export""#;
    desk.script("one", "compile", export);
    let (said, ended) = desk.run(&[("one", Compile)], "echo ${#BIG}");
    assert!(ended.is_ok());
    assert_eq!(said, "-----> last\n100000");
}

#[test]
fn an_export_that_fails_is_named() {
    for export in ["exit 3", "if then", "set -e; false"] {
        let desk = Desk::new();
        let compile = format!(r#"echo '{export}' > "${{0%/bin/*}}/export""#);
        desk.script("one", "compile", &compile);
        let error = desk.run(&[("one", Compile)], "true").1.unwrap_err();
        assert!(
            matches!(error, CompileError::Export { .. }),
            "{export}: {error}"
        );
        assert!(error.to_string().contains("`owner/one`"));
    }
}

#[test]
fn an_export_whose_last_command_is_false_is_none_that_fails() {
    let desk = Desk::new();
    let compile = r#"echo 'export A=1; [ -d /none ]' > "${0%/bin/*}/export""#;
    desk.script("one", "compile", compile);
    let (said, ended) = desk.run(&[("one", Compile)], "echo $A");
    assert!(ended.is_ok());
    assert_eq!(said, "-----> last\n1");
}

#[test]
fn a_pack_says_what_it_is_or_that_it_is_none() {
    let desk = Desk::new();
    desk.script("one", "detect", "echo noise >&2; echo ' Ruby '; echo more")
        .script("two", "detect", "exit 0")
        .script("three", "detect", "echo no; exit 1");
    let steps = [("one", Detect), ("two", Detect), ("three", Detect)];
    let (said, ended) = desk.run(&steps, "true");
    assert_eq!(
        said,
        "-----> Ruby app detected\n-----> owner/two app detected"
    );
    let error = ended.unwrap_err();
    let CompileError::NotDetected { pack, said, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(
        (pack.as_str(), said.last().unwrap().as_str()),
        ("owner/three", "no")
    );
}

#[test]
fn what_release_prints_is_kept_apart_from_what_it_says() {
    let desk = Desk::new();
    desk.script(
        "one",
        "release",
        "printf 'said, no line end' >&2; echo 'default_process_types:'; echo \"  web: in ${1##*/}\"",
    )
    .script("two", "release", "true");
    let (said, ended) = desk.releases(&[("one", Release), ("two", Release)], "true");
    assert_eq!(said, "said, no line end\n-----> last");
    let releases = ended.unwrap();
    assert_eq!(releases["one"].default_process_types["web"], "in build");
    assert_eq!(releases["two"], PackRelease::default());
}

#[test]
fn a_release_without_end_is_refused() {
    let desk = Desk::new();
    desk.script("one", "release", "yes '# no end' | head -c 100000000");
    let error = desk.run(&[("one", Release)], "true").1.unwrap_err();
    assert!(matches!(error, CompileError::Release { .. }), "{error}");
    assert!(error.to_string().ends_with("printed more than 1 MiB"));
}

#[test]
fn a_release_of_another_shape_ends_the_build() {
    let desk = Desk::new();
    desk.script("one", "release", "echo '- a list'");
    let error = desk.run(&[("one", Release)], "true").1.unwrap_err();
    assert!(matches!(error, CompileError::Release { .. }), "{error}");
}

#[test]
fn a_script_that_fails_ends_the_build_with_its_code() {
    let desk = Desk::new();
    desk.script("one", "compile", "echo broken; exit 7");
    let (said, ended) = desk.run(&[("one", Compile)], "echo not reached");
    assert_eq!(said, "broken");
    match ended.unwrap_err() {
        CompileError::Step {
            step, exit, tail, ..
        } => {
            assert_eq!((step.as_str(), exit), ("one-compile", Exit::Code(7)));
            assert_eq!(tail, ["broken"]);
        }
        error => panic!("{error}"),
    }
}
