//! A process type of a built image, started and asked for a page, as a platform would do it.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use buildpack_core::diagnostic::{Class, Diagnostic};
use buildpack_core::event::Event;
use buildpack_core::sandbox::{Exit, Terminal, each_line};
use rustix::process::Signal;

use super::enter::Enterable;
use super::failure::Failure;
use super::request::ConfigVars;
use super::services::Services;
use crate::page::{self, Answer};
use crate::processes::{self, Below};

/// How long an app may take to end after SIGTERM before it is killed: as long as `docker stop` gives it.
const GRACE: Duration = Duration::from_secs(10);

/// How long what listens elsewhere may take to show that it speaks HTTP.
const GLANCE: Duration = Duration::from_secs(1);

/// The last lines of an app that are quoted.
const TAIL: usize = 10;

/// How far below us the app begins: below the sandbox's helper and the first process of its room.
const APP_DEPTH: usize = 3;

/// What is asked of an app.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The process type.
    pub process: String,
    /// The page.
    pub path: String,
    /// The port that the app is told; a free one, if none.
    pub port: Option<u16>,
    /// How long it may take to listen and to answer.
    pub patience: Duration,
    /// The highest status that is no failure.
    pub highest_status: u16,
}

/// How it answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visited {
    /// The page that it came from: another than was asked for, where the app sent us there.
    pub path: String,
    /// The HTTP status.
    pub status: u16,
    /// Bytes of the page.
    pub bytes: usize,
    /// How long after the start.
    pub after: Duration,
}

/// Starts the app with these config vars, asks for the page, and ends it with SIGTERM. What it prints becomes events.
///
/// An error is an app that ends, does not listen where PORT says, or answers with a status that is too high; warnings about
/// how it starts and ends are events.
pub fn try_out(
    image: &Enterable,
    visit: &Visit,
    vars: &ConfigVars,
    services: &Services,
) -> Result<Visited, Failure> {
    image.must_have(&visit.process)?;
    let cannot = |error: std::io::Error| no_page(visit, 0, &error, &[], &[]);
    let port = match visit.port {
        Some(port) if page::is_free(port) => port,
        Some(port) => return Err(port_taken(port)),
        None => page::free_port().map_err(cannot)?,
    };
    let meeting_point = page::free_port().map_err(cannot)?;
    let env = environment(vars, port, meeting_point);
    let argv = ["/start".to_owned(), visit.process.clone()];
    let log = Log::default();
    let begin = Instant::now();
    thread::scope(|scope| {
        let app = scope.spawn(|| {
            let mut take =
                |lines: &[u8]| each_line(lines).for_each(|line| log.line(line, services));
            image.run(&argv, &env, Terminal::Lines(&mut take), services)
        });
        let answer = page::visit(port, &visit.path, visit.patience, &mut || app.is_finished());
        let after = begin.elapsed();
        if app.is_finished() && answer.is_err() {
            let exit = ended(app)?;
            return Err(app_ended(visit, port, exit, &log.tail()));
        }
        let family = family();
        let mut listens = processes::listening(&family);
        listens.retain(|address| address.port() != meeting_point);
        let listens: Vec<SocketAddr> = listens.into_iter().collect();
        let judged = judge(visit, port, answer, &listens, &log.tail());
        let stopped = stop(&app);
        // How it ended after it was told to says nothing.
        let _ = ended(app);
        let (path, answer) = judged?;
        for diagnostic in log.compiled(visit).into_iter().chain(stopped) {
            services.events.emit(Event::Diagnostic { diagnostic });
        }
        Ok(Visited {
            path,
            status: answer.status,
            bytes: answer.body.len(),
            after,
        })
    })
}

/// What the app finds set, as on a platform.
fn environment(vars: &ConfigVars, port: u16, meeting_point: u16) -> BTreeMap<String, String> {
    let exported = vars.exported();
    let mut env: BTreeMap<String, String> = exported
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    env.insert("PORT".to_owned(), port.to_string());
    // Nodes of Erlang meet at a port of the host, where the same name may stand once.
    env.entry("ERL_EPMD_PORT".to_owned())
        .or_insert_with(|| meeting_point.to_string());
    env
}

/// What the app printed.
#[derive(Default)]
struct Log(Mutex<Lines>);

#[derive(Default)]
struct Lines {
    last: VecDeque<String>,
    /// A line that says that Mix compiled something.
    compiled: Option<String>,
}

impl Log {
    fn line(&self, bytes: &[u8], services: &Services) {
        let line = String::from_utf8_lossy(bytes).into_owned();
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.last.len() == TAIL {
            lines.last.pop_front();
        }
        lines.last.push_back(line.clone());
        if lines.compiled.is_none() && says_compiled(&line) {
            lines.compiled = Some(line.clone());
        }
        services.events.emit(Event::Output {
            step: "check".to_owned(),
            stream: None,
            line,
        });
    }

    fn tail(&self) -> Vec<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.last.iter().cloned().collect()
    }

    /// A warning, where the app was compiled while it started.
    fn compiled(&self, visit: &Visit) -> Option<Diagnostic> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = lines.compiled.as_ref()?;
        let problem = Diagnostic::warning(
            "compiles-at-start",
            format!("`{}` compiles when it starts", visit.process),
        );
        Some(problem.note(format!("it said: {line}")).help(
            "start it with the MIX_ENV that it was built with, and let its command neither fetch nor compile: each start \
             would do so anew",
        ))
    }
}

/// Whether Mix says with this line that it compiles (`Compiling 3 files (.ex)`, `Generated shop app`).
fn says_compiled(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["Compiling", count, files, ..] => {
            count.parse::<u32>().is_ok() && matches!(*files, "file" | "files")
        }
        ["Generated", _, "app"] => true,
        _ => false,
    }
}

/// The processes of the app.
fn family() -> Vec<Below> {
    let mut all = processes::below();
    all.retain(|it| it.depth >= APP_DEPTH);
    all
}

/// Ends the app as Heroku does, with SIGTERM for each of its processes; a warning, where it has to be killed.
fn stop(app: &ScopedJoinHandle<'_, Result<Exit, Failure>>) -> Option<Diagnostic> {
    for process in family() {
        process.signal(Signal::TERM);
    }
    let deadline = Instant::now() + GRACE;
    while !app.is_finished() {
        if Instant::now() >= deadline {
            // The room ends with the helper that made it.
            let helpers = processes::below().into_iter().filter(|it| it.depth == 1);
            helpers.for_each(|helper| helper.signal(Signal::KILL));
            let seconds = GRACE.as_secs();
            return Some(
                Diagnostic::warning(
                    "ignores-sigterm",
                    format!("the app did not end within {seconds} s of SIGTERM"),
                )
                .help("platforms kill it then, whatever it is at: let it end by itself"),
            );
        }
        thread::sleep(Duration::from_millis(20));
    }
    None
}

fn ended(app: ScopedJoinHandle<'_, Result<Exit, Failure>>) -> Result<Exit, Failure> {
    app.join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The answer, if it is a good one that others would get, too.
fn judge(
    visit: &Visit,
    port: u16,
    answer: std::io::Result<(String, Answer)>,
    listens: &[SocketAddr],
    tail: &[String],
) -> Result<(String, Answer), Failure> {
    let (path, answer) = match answer {
        Ok(answered) => answered,
        Err(error) => {
            let timed_out = error.kind() == std::io::ErrorKind::TimedOut;
            let mut others = listens.iter().map(SocketAddr::port);
            let other = others.find(|&other| timed_out && other != port && speaks_http(other));
            return Err(match other {
                Some(other) => other_port(visit, port, other),
                None => no_page(visit, port, &error, listens, tail),
            });
        }
    };
    let mut here = listens.iter().filter(|address| address.port() == port);
    let first = here.next();
    if let Some(first) = first
        && std::iter::once(first)
            .chain(here)
            .all(|address| address.ip().is_loopback())
    {
        return Err(only_here(visit, first));
    }
    if answer.status > visit.highest_status {
        return Err(bad_status(visit, &path, answer.status, tail));
    }
    Ok((path, answer))
}

fn speaks_http(port: u16) -> bool {
    page::page(port, "/", GLANCE, &mut || true).is_ok()
}

fn port_taken(port: u16) -> Failure {
    Failure::of(
        Diagnostic::error(
            "port-taken",
            Class::Usage,
            format!("another program listens on port {port} already"),
        )
        .help("leave `--port` out: a check takes a free one by itself"),
    )
}

fn app_ended(visit: &Visit, port: u16, exit: Exit, tail: &[String]) -> Failure {
    let problem = Diagnostic::error(
        "app-ended",
        Class::Build,
        format!(
            "`{}` ended with {exit} before it answered on port {port}",
            visit.process
        ),
    );
    Failure::of(quoted(problem, tail).help(
        "config vars of the build are not in the image: give what it needs to start with `--env`",
    ))
}

fn other_port(visit: &Visit, port: u16, other: u16) -> Failure {
    Failure::of(
        Diagnostic::error(
            "page-on-other-port",
            Class::Build,
            format!(
                "`{}` listens on port {other}, not on the {port} that PORT says",
                visit.process
            ),
        )
        .help("read it where the app starts: `System.get_env(\"PORT\")` in `config/runtime.exs`"),
    )
}

fn only_here(visit: &Visit, address: &SocketAddr) -> Failure {
    Failure::of(
        Diagnostic::error(
            "page-for-localhost",
            Class::Build,
            format!(
                "`{}` listens on {}, where nobody outside of its container reaches it",
                visit.process,
                address.ip()
            ),
        )
        .help("let it listen on all addresses: `http: [ip: {0, 0, 0, 0, 0, 0, 0, 0}]` in `config/runtime.exs`"),
    )
}

fn bad_status(visit: &Visit, path: &str, status: u16, tail: &[String]) -> Failure {
    let expected = match visit.highest_status {
        highest @ 0..400 => format!("at most {highest}"),
        _ => "no 5xx".to_owned(),
    };
    let problem = Diagnostic::error(
        "page-status",
        Class::Build,
        format!("`{path}` answered {status}, expected {expected}"),
    );
    Failure::of(quoted(problem, tail).help("the app's own log says why"))
}

fn no_page(
    visit: &Visit,
    port: u16,
    error: &std::io::Error,
    listens: &[SocketAddr],
    tail: &[String],
) -> Failure {
    let message = match error.kind() {
        std::io::ErrorKind::TimedOut => format!(
            "nothing answered on port {port} for {} s",
            visit.patience.as_secs()
        ),
        _ => format!("no page from `{}` on port {port}: {error}", visit.path),
    };
    let problem = Diagnostic::error("no-page", Class::Build, message);
    let problem = match listens {
        [] => problem.note(format!("`{}` listens on no port", visit.process)),
        some => {
            let some: Vec<String> = some.iter().map(ToString::to_string).collect();
            // They were asked.
            let but = match error.kind() {
                std::io::ErrorKind::TimedOut => ", where it does not speak HTTP",
                _ => "",
            };
            problem.note(format!(
                "`{}` listens on {}{but}",
                visit.process,
                some.join(", ")
            ))
        }
    };
    Failure::of(quoted(problem, tail).help(
        "let the app listen on PORT, on all addresses; `config/runtime.exs` is the place to read it",
    ))
}

/// With the last lines that the app wrote.
fn quoted(problem: Diagnostic, tail: &[String]) -> Diagnostic {
    let lines: Vec<&str> = (tail.iter().map(String::as_str))
        .filter(|line| !line.trim().is_empty())
        .collect();
    match lines.len() {
        0 => problem.note("it printed nothing"),
        _ => problem.note(format!("it said last: {}", lines.join("\n"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit() -> Visit {
        Visit {
            process: "web".to_owned(),
            path: "/".to_owned(),
            port: None,
            patience: Duration::from_secs(1),
            highest_status: 499,
        }
    }

    fn judged(status: u16, listens: &[&str]) -> Result<u16, &'static str> {
        let listens: Vec<SocketAddr> = listens.iter().map(|text| text.parse().unwrap()).collect();
        let answer = Answer {
            status,
            location: None,
            body: Vec::new(),
        };
        let judged = judge(&visit(), 4000, Ok(("/".to_owned(), answer)), &listens, &[]);
        judged
            .map(|(_, answer)| answer.status)
            .map_err(|failure| failure.diagnostics[0].code.0)
    }

    #[test]
    fn an_answer_counts_where_others_would_get_it() {
        assert_eq!(judged(200, &["[::]:4000", "127.0.0.1:1"]), Ok(200));
        assert_eq!(judged(404, &["127.0.0.1:4000", "10.1.2.3:4000"]), Ok(404));
        // Nothing is known of whoever hides its descriptors.
        assert_eq!(judged(200, &[]), Ok(200));
        let local = ["127.0.0.1:4000", "[::1]:4000", "0.0.0.0:5000"];
        assert_eq!(judged(200, &local), Err("page-for-localhost"));
        assert_eq!(judged(500, &["[::]:4000"]), Err("page-status"));
    }

    /// Mix itself listens on such a port, for others that compile the same app.
    #[test]
    fn what_listens_without_http_is_told_as_such() {
        let silent: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let late = std::io::ErrorKind::TimedOut.into();
        let failure = judge(&visit(), 4000, Err(late), &[silent], &[]).unwrap_err();
        assert_eq!(
            failure.diagnostics[0].notes[0],
            "`web` listens on 127.0.0.1:1, where it does not speak HTTP"
        );
    }

    #[test]
    fn mix_is_heard_when_it_compiles() {
        for line in [
            "Compiling 3 files (.ex)",
            "Compiling 1 file (.erl)",
            "Generated shop app",
        ] {
            assert!(says_compiled(line), "{line}");
        }
        for line in [
            "Compiling templates",
            "Generated 3 reports",
            "",
            "Running ShopWeb.Endpoint",
        ] {
            assert!(!says_compiled(line), "{line}");
        }
    }
}
