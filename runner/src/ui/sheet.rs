//! What is written to the screen. Lines of programs that come thick and fast are written many at a time, and by a thread of
//! their own: who looks at the next ones need not wait for the disk.

use std::io::{self, Write as _};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::screen::Screen;

/// No line is held for longer.
const MOMENT: Duration = Duration::from_millis(20);
/// With more bytes than these, nothing is waited for.
const ENOUGH: usize = 32 << 10;
/// No more bytes are held: who brings them writes them.
const MOST: usize = 256 << 10;

/// The screen, and what is about to be written to it.
pub(super) struct Sheet {
    shared: Arc<Shared>,
    /// Whether there is a thread that writes what is held.
    writes: OnceLock<()>,
}

struct Shared {
    held: Mutex<Held>,
    changed: Condvar,
    /// Taken before `held`, by who takes both.
    screen: Mutex<Drawn>,
}

#[derive(Default)]
struct Held {
    text: Vec<u8>,
    /// When something was last written to `out`.
    written: Option<Instant>,
    /// Whether something is being written there.
    writing: bool,
    /// Whether nothing more will come.
    ended: bool,
}

struct Drawn {
    screen: Screen,
    /// What was written last: room for what is held next.
    room: Vec<u8>,
    /// Why a part of the log could not be written, if one could not.
    unwritten: Option<io::Error>,
}

impl Sheet {
    pub(super) fn new(screen: Screen) -> Self {
        Self {
            shared: Arc::new(Shared {
                held: Mutex::default(),
                changed: Condvar::new(),
                screen: Mutex::new(Drawn {
                    screen,
                    room: Vec::new(),
                    unwritten: None,
                }),
            }),
            writes: OnceLock::new(),
        }
    }

    /// Writes to standard output what is held, then `text`.
    pub(super) fn write_out(&self, text: &str) {
        self.shared.held().text.extend_from_slice(text.as_bytes());
        self.flush();
    }

    /// Writes to standard error, after what is held for standard output.
    pub(super) fn write_err(&self, text: &str) {
        let mut drawn = self.shared.write();
        let err = &mut drawn.screen.err;
        // Nobody is left who could be told.
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
    }

    /// Writes `text` to standard output, in a moment where a moment ago something was written.
    pub(super) fn write_soon(&self, text: &str) {
        let mut held = self.shared.held();
        let before = held.text.len();
        held.text.extend_from_slice(text.as_bytes());
        let now = held.text.len();
        let just_now = held.written.is_some_and(|at| at.elapsed() < MOMENT) || held.writing;
        drop(held);
        if !just_now || now >= MOST {
            return self.flush();
        }
        self.writes.get_or_init(|| start(Arc::clone(&self.shared)));
        if before == 0 || before < ENOUGH && now >= ENOUGH {
            self.shared.changed.notify_one();
        }
    }

    /// Writes what is held.
    pub(super) fn flush(&self) {
        drop(self.shared.write());
    }

    /// The first error of writing since this was last asked.
    pub(super) fn unwritten(&self) -> Option<io::Error> {
        self.shared.write().unwritten.take()
    }
}

impl Shared {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what is held; none of it is under way any more when this returns, whoever wrote it.
    fn write(&self) -> MutexGuard<'_, Drawn> {
        let mut drawn = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
        let room = mem::take(&mut drawn.room);
        let mut held = self.held();
        let mut text = mem::replace(&mut held.text, room);
        held.writing = !text.is_empty();
        drop(held);
        if !text.is_empty() {
            let out = &mut drawn.screen.out;
            let written = out.write_all(&text).and_then(|()| out.flush());
            let mut held = self.held();
            (held.written, held.writing) = (Some(Instant::now()), false);
            drop(held);
            // A reader that has gone away is no error: nobody is left to be told.
            if let Err(error) = written
                && error.kind() != io::ErrorKind::BrokenPipe
            {
                drawn.unwritten.get_or_insert(error);
            }
            text.clear();
        }
        drawn.room = text;
        drawn
    }
}

impl Drop for Sheet {
    fn drop(&mut self) {
        self.shared.held().ended = true;
        self.shared.changed.notify_one();
        self.flush();
    }
}

/// Starts the thread that writes, a moment after there is something or once it is enough, what is held then. It ends with
/// the sheet.
fn start(shared: Arc<Shared>) {
    thread::spawn(move || {
        loop {
            let wait = |held| {
                let nothing = |held: &mut Held| held.text.is_empty() && !held.ended;
                let changed = shared.changed.wait_while(held, nothing);
                changed.unwrap_or_else(PoisonError::into_inner)
            };
            let held = wait(shared.held());
            if held.ended {
                return;
            }
            let little = |held: &mut Held| held.text.len() < ENOUGH && !held.ended;
            // Whether it became enough or a moment went by, it is written.
            drop(shared.changed.wait_timeout_while(held, MOMENT, little));
            drop(shared.write());
        }
    });
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use testdata::paper::Paper;

    use super::*;

    /// Paper that says when it is written on, and takes nothing before it may.
    struct Slow {
        paper: Paper,
        begins: Sender<()>,
        may: Receiver<()>,
    }

    impl io::Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Without anybody who looks on or holds it up, it goes on.
            let _ = self.begins.send(());
            let _ = self.may.recv();
            self.paper.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn sheet(out: impl io::Write + Send + 'static, err: Paper) -> Sheet {
        Sheet::new(Screen {
            out: Box::new(out),
            err: Box::new(err),
            terminal: false,
            colour: false,
            colour_out: false,
        })
    }

    #[test]
    fn who_brings_lines_does_not_wait_for_the_disk() {
        let paper = Paper::default();
        let ((begins, begun), (let_go, may)) = (channel(), channel());
        let out = Slow {
            paper: paper.clone(),
            begins,
            may,
        };
        let sheet = sheet(out, Paper::default());
        let numbers: Vec<String> = (0..1000).map(|number| format!("{number}\n")).collect();
        thread::scope(|scope| {
            scope.spawn(|| sheet.write_out("first\n"));
            begun.recv().unwrap();
            // These are held, or this test never ends.
            for line in &numbers {
                sheet.write_soon(line);
            }
            drop(let_go);
        });
        sheet.write_out("last\n");
        assert_eq!(paper.take(), format!("first\n{}last\n", numbers.concat()));
    }

    #[test]
    fn what_is_held_is_written_without_another_word() {
        let paper = Paper::default();
        let sheet = sheet(paper.clone(), Paper::default());
        sheet.write_soon("one\n");
        sheet.write_soon("two\n");
        let mut seen = String::new();
        while seen != "one\ntwo\n" {
            seen += &paper.take();
            thread::yield_now();
        }
    }

    #[test]
    fn problems_come_after_what_was_said_before_them() {
        // Both streams on one paper.
        let paper = Paper::default();
        let sheet = sheet(paper.clone(), paper.clone());
        let mut expected = String::new();
        for number in 0..300 {
            let line = "x".repeat(number * 7) + "\n";
            sheet.write_soon(&line);
            expected += &line;
            if number % 50 == 0 {
                sheet.write_err("problem\n");
                expected += "problem\n";
            }
        }
        drop(sheet);
        assert_eq!(paper.take(), expected);
    }
}
