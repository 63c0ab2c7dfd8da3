//! `bp explain`: why a build failed, from its log.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal as _};
use std::path::Path;

use buildpack_core::causes::{Quote, ReadLog, read_log};
use buildpack_core::diagnostic::{Class, Diagnostic};

use super::args::Explain;
use super::context::{Context, arch, day, find_stack};
use super::{Call, Ended};
use crate::pipeline::{self, ExplainRequest, Failure};

/// Bytes that are read at once.
const BUFFER: usize = 256 << 10;

pub(super) fn exec(call: &Call, args: &Explain) -> Ended {
    if let Some(app) = &args.app {
        pipeline::readable(app)?;
    }
    let stack = args.stack.as_deref().map(find_stack).transpose()?;
    let log = read_log(open(&args.log)?).map_err(|error| unreadable(&args.log, &error))?;
    let unexplained = unexplained(&log);
    let asks = (log.finder.found()).is_some_and(|found| !found.signature.checks.is_empty());
    // Without a store or settings the log still says what it says.
    let context = asks.then(|| Context::new(call).ok()).flatten();
    let request = ExplainRequest {
        app: args.app.clone(),
        stack,
        arch: match args.arch {
            Some(arch) => arch,
            None => arch()?,
        },
        day: day(),
    };
    let services = context.as_ref().map(|context| &context.services);
    match pipeline::explain(log, &request, services) {
        Some(explained) => {
            call.ui.explained(&explained.cause, &explained.problem);
            Ok(0)
        }
        None => Err(Failure::of(unexplained)),
    }
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, Failure> {
    if path == Path::new("-") {
        let input = io::stdin();
        if input.is_terminal() {
            return Err(Failure::of(
                Diagnostic::error(
                    "log-missing",
                    Class::Usage,
                    "nothing says which log to read",
                )
                .help("name its file, or give it to standard input: `git push 2>&1 | bp explain`"),
            ));
        }
        return Ok(Box::new(BufReader::with_capacity(BUFFER, input)));
    }
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    Ok(Box::new(BufReader::with_capacity(BUFFER, file)))
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let path = path.display();
    Failure::of(
        Diagnostic::error(
            "log-unreadable",
            Class::Usage,
            format!("cannot read the log `{path}`: {error}"),
        )
        .help("name a file that can be read, or `-` for standard input"),
    )
}

/// What is said of a log in which nothing is known.
fn unexplained(log: &ReadLog) -> Diagnostic {
    let lines = match log.lines {
        1 => "1 line".to_owned(),
        lines => format!("{lines} lines"),
    };
    let mut problem = Diagnostic::error(
        "log-unexplained",
        Class::Build,
        format!("nothing in this log of {lines} is known to fail a build"),
    );
    let shown = |quote: &Quote| format!("line {}: {}", quote.line, quote.text);
    if let Some(error) = log.finder.error() {
        problem = problem.note(format!(
            "the first that looks like an error is {}",
            shown(error)
        ));
    } else if let Some(symptom) = log.finder.symptom() {
        problem = problem
            .note(format!(
                "{}: that something failed, and not what",
                shown(symptom)
            ))
            .help("get the build's whole log: what comes before that line says why");
    }
    problem.help(
        "build it here, where there is a shell at the step that fails: `bp build APP --shell`",
    )
}
