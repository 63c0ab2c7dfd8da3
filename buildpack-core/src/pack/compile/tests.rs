use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::event::Recorder;
use crate::plan::{Inputs, Phase, Separator, TaskRunner};
use crate::sandbox::{Answer, Limits, SandboxError, Terminal};

/// Writes down what it is asked to run, and ends each program well but one.
#[derive(Default)]
struct Walls {
    ran: Mutex<Vec<String>>,
    fails: &'static str,
    prints: &'static str,
}

impl Sandbox for Walls {
    fn name(&self) -> &'static str {
        "walls"
    }

    fn run(
        &self,
        _: &Room,
        command: &Command,
        terminal: Terminal<'_>,
    ) -> Result<Exit, Box<dyn SandboxError>> {
        let line = format!("{}: {}", command.cwd.display(), command.argv.join(" "));
        if let Terminal::Lines(print) = terminal {
            self.prints.lines().for_each(|line| print(line.as_bytes()));
        }
        let fails = !self.fails.is_empty() && line.contains(self.fails);
        self.ran.lock().unwrap().push(line);
        Ok(Exit::Code(u8::from(fails)))
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

/// Leaves out the steps of `unchanged`; what a step makes changes for the one that reads it.
#[derive(Default)]
struct Memory {
    unchanged: BTreeSet<&'static str>,
    idle: &'static str,
    said: Vec<String>,
    ended: usize,
}

impl StepMemo for Memory {
    fn due(&self, step: &Step) -> Option<String> {
        // A step that reads what is made has news for each run that ended.
        let news = reads_what_is_made(step) && self.ended > 0;
        (news || !self.unchanged.contains(step.id.as_str())).then(|| "a reason".to_owned())
    }

    fn is_idle(&self, step: &Step) -> bool {
        step.id == self.idle
    }

    fn started(&mut self, step: &Step) -> io::Result<()> {
        self.said.push(format!("started {}", step.id));
        Ok(())
    }

    fn succeeded(&mut self, step: &Step) -> io::Result<()> {
        self.ended += 1;
        self.said.push(format!("succeeded {}", step.id));
        Ok(())
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn mix(task: &str) -> Step {
    let runner = TaskRunner {
        one: owned(&["mix"]),
        many: owned(&["mix", "do"]),
        separator: Separator::Plus,
    };
    let words = owned(&[task]);
    Step {
        begins_with: vec![format!("begin {task}")],
        skip_if_unchanged: Some(Inputs::default()),
        ..Step::new(task, Phase::Compile, task, Run::Task { runner, words })
    }
}

fn npm(task: &str) -> Step {
    Step {
        cwd: "assets".to_owned(),
        ..Step::new(
            task,
            Phase::Assets,
            task,
            Run::Program {
                argv: owned(&["npm", task]),
            },
        )
    }
}

fn reading(mut step: Step) -> Step {
    step.skip_if_unchanged = Some(Inputs {
        made: owned(&["_build/hooks"]),
        ..Inputs::default()
    });
    step
}

fn run(
    steps: Vec<Step>,
    walls: &Walls,
    memory: &mut Memory,
) -> (Result<(), CompileError>, Vec<Event>) {
    let room = Room {
        root: Vec::new(),
        scratch: PathBuf::new(),
        mounts: Vec::new(),
        memory: Vec::new(),
        user: (1000, 1000),
        limits: Limits::default(),
    };
    let plan = PackPlan {
        steps,
        ..PackPlan::empty("/app")
    };
    let (tools, events) = (BTreeMap::new(), Recorder::default());
    let host = Host {
        tree: Path::new("/tree"),
        tools: &tools,
        earlier: None,
        shared: None,
    };
    let mut context = CompileContext::new(walls, &room, host, BTreeMap::new(), &events, memory);
    let done = context.run_steps(&plan, &|step, _| {
        Ok(BTreeMap::from([("BY".to_owned(), step.id.clone())]))
    });
    (done, events.events())
}

fn ran(steps: Vec<Step>, unchanged: &[&'static str]) -> Vec<String> {
    let walls = Walls::default();
    let mut memory = Memory {
        unchanged: unchanged.iter().copied().collect(),
        ..Memory::default()
    };
    run(steps, &walls, &mut memory).0.unwrap();
    walls.ran.into_inner().unwrap()
}

#[test]
fn each_step_runs_in_its_folder() {
    assert_eq!(
        ran(vec![mix("compile"), npm("ci"), mix("digest")], &[]),
        [
            "/app: mix compile",
            "/app/assets: npm ci",
            "/app: mix digest"
        ]
    );
}

#[test]
fn a_step_that_is_left_out_keeps_no_neighbours_apart() {
    let mut install = npm("ci");
    install.skip_if_unchanged = Some(Inputs::default());
    let steps = vec![mix("compile"), install, mix("digest")];
    assert_eq!(ran(steps, &["ci"]), ["/app: mix do compile + digest"]);
}

#[test]
fn a_step_with_nothing_to_do_is_done_when_those_before_it_are() {
    let steps = || vec![mix("get"), mix("clean"), npm("ci"), mix("compile")];
    for (fails, said) in [
        ("", "get clean ci compile"),
        ("npm", "get clean"),
        ("get", ""),
    ] {
        let walls = Walls {
            fails,
            ..Walls::default()
        };
        let mut memory = Memory {
            idle: "clean",
            ..Memory::default()
        };
        let (done, _) = run(steps(), &walls, &mut memory);
        assert_eq!(done.is_ok(), fails.is_empty());
        let succeeded = memory.said.iter();
        let succeeded: Vec<&str> = succeeded
            .filter_map(|said| said.strip_prefix("succeeded "))
            .collect();
        assert_eq!(succeeded.join(" "), said);
        let ran = walls.ran.into_inner().unwrap();
        assert_eq!(ran[0], "/app: mix get");
    }
}

#[test]
fn what_depends_on_what_is_made_is_decided_once_it_is_made() {
    // With nothing before it, it is left out; behind a step that runs, that one is waited for.
    let digest = || reading(mix("digest"));
    let unchanged = ["compile", "digest"];
    assert!(ran(vec![mix("compile"), digest()], &unchanged).is_empty());
    assert_eq!(
        ran(vec![mix("compile"), digest()], &["digest"]),
        ["/app: mix compile", "/app: mix digest"]
    );
    // Where it runs anyway, it shares the start.
    assert_eq!(
        ran(vec![mix("compile"), digest()], &[]),
        ["/app: mix do compile + digest"]
    );
}

#[test]
fn the_step_that_failed_is_named_and_not_remembered() {
    let walls = Walls {
        fails: "digest",
        prints: "begin compile\nbegin digest\noops",
        ..Walls::default()
    };
    let mut memory = Memory::default();
    let steps = vec![npm("ci"), mix("compile"), mix("digest"), npm("later")];
    let (done, events) = run(steps, &walls, &mut memory);
    let Err(CompileError::Step { step, command, .. }) = done else {
        panic!("{done:?}")
    };
    assert_eq!(step, "digest");
    assert_eq!(command.command.cwd, Path::new("/app"));
    assert_eq!(
        memory.said,
        [
            "started ci",
            "succeeded ci",
            "started compile",
            "started digest"
        ]
    );
    let states: Vec<String> = (events.iter())
        .filter_map(|event| match event {
            Event::Step { step, state, .. } if *state != StepState::Due => {
                Some(format!("{step} {state:?}"))
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        states,
        [
            "ci Started",
            "ci Finished",
            "compile Started",
            "compile Finished",
            "digest Started",
            "digest Failed"
        ]
    );
}

#[test]
fn a_reason_is_given_where_a_step_might_have_been_left_out() {
    let mut memory = Memory {
        unchanged: BTreeSet::from(["digest"]),
        ..Memory::default()
    };
    let steps = vec![mix("compile"), npm("ci"), mix("digest")];
    let (_, events) = run(steps, &Walls::default(), &mut memory);
    let said: Vec<(String, StepState, Option<String>)> = (events.into_iter())
        .filter_map(|event| match event {
            Event::Step {
                step,
                state: state @ (StepState::Due | StepState::Skipped),
                reason,
                ..
            } => Some((step, state, reason)),
            _ => None,
        })
        .collect();
    assert_eq!(
        said,
        [
            (
                "compile".to_owned(),
                StepState::Due,
                Some("a reason".to_owned())
            ),
            ("ci".to_owned(), StepState::Due, None),
            ("digest".to_owned(), StepState::Skipped, None),
        ]
    );
}
