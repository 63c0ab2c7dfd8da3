//! Several programs that run at once, each until it has answered or its time is over.

use std::io::{self, PipeReader};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use buildpack_core::sandbox::LONGEST_ANSWER;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use super::bounds::Bounds;
use super::program::{self, Started, Walls};
use super::trouble::{During, Trouble};
use crate::sandbox::Step;
use crate::sandbox::wire::{self, Ended, Questions, Report, Said};

/// Programs that were asked.
pub(super) struct Asked {
    programs: Vec<Program>,
    deadline: Instant,
}

struct Program {
    said: Said,
    /// Absent where it could not be started, and once it has ended.
    running: Option<Running>,
}

/// The leader of a session of its own.
struct Running {
    pid: Pid,
    process: OwnedFd,
    /// Read as it comes, so that none waits for a full pipe; a process that was left behind may keep its end away.
    output: Option<PipeReader>,
}

impl Asked {
    /// Starts them all, and tells the other side so.
    pub(super) fn start(
        questions: &Questions,
        walls: Walls,
        bounds: &Bounds,
        control: &UnixStream,
    ) -> Result<Self, Trouble> {
        let deadline = Instant::now() + questions.limit;
        let _ = wire::send(control, &Report::Started, &[]);
        let programs = questions.programs.iter().map(|question| {
            let (output, theirs) = io::pipe().during(Step::Start, "")?;
            fcntl_setfl(&output, OFlags::NONBLOCK).during(Step::Start, "")?;
            let (ended, running) = match program::start_quietly(question, theirs, walls, bounds)? {
                Started::Failed(code) => (Some(Ended::Code(code)), None),
                Started::Running(pid) => {
                    let process = pidfd_open(pid, PidfdFlags::empty()).during(Step::Start, "")?;
                    let running = Running {
                        pid,
                        process,
                        output: Some(output),
                    };
                    (None, Some(running))
                }
            };
            let printed = Vec::new();
            Ok(Program {
                said: Said { ended, printed },
                running,
            })
        });
        Ok(Self {
            programs: programs.collect::<Result<_, _>>()?,
            deadline,
        })
    }

    /// Those that were started, each the leader of a process group.
    pub(super) fn processes(&self) -> Vec<Pid> {
        let running = self.programs.iter().filter_map(|one| one.running.as_ref());
        running.map(|running| running.pid).collect()
    }

    /// Waits until all have ended, their time is over or `control`'s other side is gone, and ends those that are left.
    pub(super) fn answers(mut self, control: &UnixStream) -> Report {
        while let Some(left) = self.left()
            && self.wait(left, control)
        {}
        for running in self.programs.iter().filter_map(|one| one.running.as_ref()) {
            let _ = kill_process_group(running.pid, Signal::KILL);
        }
        Report::Answers(self.programs.into_iter().map(|one| one.said).collect())
    }

    /// The time that is left, while any runs.
    fn left(&self) -> Option<Duration> {
        let now = Instant::now();
        let any = self.programs.iter().any(|one| one.running.is_some());
        (any && now < self.deadline).then(|| self.deadline - now)
    }

    /// Waits for news and takes them; false where nobody listens any more.
    fn wait(&mut self, left: Duration, control: &UnixStream) -> bool {
        // Hang-ups are always reported.
        let mut waiting = vec![PollFd::new(control, PollFlags::empty())];
        for running in self.programs.iter().filter_map(|one| one.running.as_ref()) {
            waiting.push(PollFd::new(&running.process, PollFlags::IN));
        }
        let outputs = waiting.len();
        for output in self.programs.iter().filter_map(Program::output) {
            waiting.push(PollFd::new(output, PollFlags::IN));
        }
        let left = Timespec::try_from(left).unwrap_or_default();
        if let Err(error) = poll(&mut waiting, Some(&left)) {
            return error == rustix::io::Errno::INTR;
        }
        let news: Vec<_> = waiting
            .iter()
            .map(|one| !one.revents().is_empty())
            .collect();
        let (ended, printed) = (&news[1..outputs], &news[outputs..]);
        let open = self
            .programs
            .iter_mut()
            .filter(|one| one.output().is_some());
        for (program, _) in open.zip(printed).filter(|(_, news)| **news) {
            program.read();
        }
        let running = self.programs.iter_mut().filter(|one| one.running.is_some());
        for (program, _) in running.zip(ended).filter(|(_, news)| **news) {
            program.end();
        }
        !news[0]
    }
}

impl Program {
    fn output(&self) -> Option<&PipeReader> {
        self.running.as_ref()?.output.as_ref()
    }

    /// Takes a part of what it printed; false where there is no more for now.
    fn read(&mut self) -> bool {
        let Some(running) = &mut self.running else {
            return false;
        };
        let Some(output) = &running.output else {
            return false;
        };
        let mut part = [0; LONGEST_ANSWER];
        match rustix::io::read(output, &mut part) {
            Ok(0) => running.output = None,
            Ok(got) => {
                let kept = got.min(LONGEST_ANSWER - self.said.printed.len());
                self.said.printed.extend(&part[..kept]);
                return true;
            }
            // `AGAIN`: what it left behind may print more one day.
            Err(_) => {}
        }
        false
    }

    /// Takes the rest of its answer, if that was not enough, and how it ended.
    fn end(&mut self) {
        while self.said.printed.len() < LONGEST_ANSWER && self.read() {}
        if let Some(running) = self.running.take() {
            self.said.ended = Some(program::bury(running.pid));
        }
    }
}
