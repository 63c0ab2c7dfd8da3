//! What is happening, as values. Libraries emit them; only the runner draws. docs/events.md describes them as JSON.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::causes::Cause;
use crate::clean::Lines;
use crate::diagnostic::{Class, Code, Diagnostic};
use crate::digest::Digest;

/// The version of events as JSON. It is raised when a field goes or means something else; new ones don't raise it.
pub const SCHEMA: u32 = 1;

/// One thing that happened. Serialised, it is a line of `--format json`, told apart by `event`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(
    tag = "event",
    rename_all = "kebab-case",
    rename_all_fields = "snake_case"
)]
pub enum Event {
    /// A command began whose output is its events. It is the first of them.
    Begin {
        /// [`SCHEMA`].
        schema: u32,
        /// The version of `bp`.
        bp: String,
        /// The command: `build`.
        command: &'static str,
    },
    /// The command ended. It is the last event.
    Result {
        /// The exit code.
        exit: u8,
        /// The code of the first problem that ended it.
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<Code>,
        /// Whose turn it is.
        #[serde(skip_serializing_if = "Option::is_none")]
        class: Option<Class>,
        /// How long it took.
        millis: u64,
    },
    /// A stage of the pipeline began.
    StageStarted {
        /// Its name.
        stage: &'static str,
    },
    /// A stage ended.
    StageFinished {
        /// Its name.
        stage: &'static str,
        /// How long it took.
        millis: u64,
    },
    /// A step of the plan.
    Step {
        /// Its id.
        step: String,
        /// What became of it.
        state: StepState,
        /// Why it has to run, where steps like it are left out if they can be.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// How long it took, once it has ended. Who takes the time fills it in.
        #[serde(skip_serializing_if = "Option::is_none")]
        millis: Option<u64>,
        /// The exit code of its program, where it failed with one.
        #[serde(skip_serializing_if = "Option::is_none")]
        exit: Option<u8>,
        /// The signal that ended its program, where one did.
        #[serde(skip_serializing_if = "Option::is_none")]
        signal: Option<i32>,
    },
    /// A headline, drawn as `-----> text`.
    Heading {
        /// The text.
        text: String,
    },
    /// A line below a headline, indented by seven spaces.
    Detail {
        /// The text.
        text: String,
    },
    /// A line that a program in the sandbox printed.
    Output {
        /// The step that runs.
        step: String,
        /// Which of the program's streams it came from, where they are kept apart.
        #[serde(skip_serializing_if = "Option::is_none")]
        stream: Option<Stream>,
        /// The line without its end, as it was printed.
        line: String,
    },
    /// A line that tests printed, which is shown as it is: a program may be reading it.
    TestOutput {
        /// The step that runs.
        step: String,
        /// Which of the program's streams it came from, where they are kept apart.
        #[serde(skip_serializing_if = "Option::is_none")]
        stream: Option<Stream>,
        /// The line without its end, as it was printed.
        line: String,
    },
    /// Something is wrong, or worth knowing.
    Diagnostic {
        /// What.
        diagnostic: Diagnostic,
    },
    /// Why a build failed: the last word on it. The problem itself came as a diagnostic before it.
    Cause {
        /// Why.
        cause: Box<Cause>,
    },
    /// Bytes moved: download, unpacking, layer, pull. Drawn on a terminal only.
    Progress {
        /// What moves; the key under which it is drawn.
        what: String,
        /// Bytes so far.
        done: u64,
        /// Bytes in all, where known.
        total: Option<u64>,
        /// Whether this is the last word on it.
        finished: bool,
    },
    /// Something kept was used, or why it could not be.
    Cache {
        /// What was looked for.
        what: String,
        /// Whether it was there.
        hit: bool,
        /// What changed, where it was not.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A layer of the image is ready.
    Layer {
        /// What it is for.
        purpose: String,
        /// Digest of the compressed blob.
        digest: Digest,
        /// Digest of the tar.
        diff_id: Digest,
        /// Bytes of the compressed blob.
        size: u64,
        /// Whether it was kept from before.
        reused: bool,
    },
    /// The image is ready.
    Image {
        /// The name it is kept under.
        name: String,
        /// Digest of its manifest.
        digest: Digest,
        /// Compressed bytes of all layers.
        size: u64,
    },
    /// The image stands in a registry.
    Pushed {
        /// Its name there, in full.
        reference: String,
        /// Digest of the manifest that the tag names.
        digest: Digest,
        /// Blobs that were sent.
        uploaded: usize,
        /// Blobs that the registry took from another of its repositories.
        mounted: usize,
        /// Blobs that were there.
        there: usize,
        /// Bytes that were sent: blobs, and the manifest where it was not there.
        bytes: u64,
    },
    /// What a remote cache was good for, and what it got.
    RemoteCache {
        /// Its name.
        reference: String,
        /// Entries that were used of it.
        taken: u64,
        /// Bytes that were fetched from it, blobs of layers among them.
        taken_bytes: u64,
        /// Entries that it got.
        sent: u64,
        /// Bytes that were sent there.
        sent_bytes: u64,
    },
}

/// A stream of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// It is left out: all that it depends on is as it was, or what the reason says.
    Skipped,
    /// It will run.
    Due,
    /// It is at work.
    Started,
    /// It ended well.
    Finished,
    /// It failed, and the build with it.
    Failed,
}

/// Takes events in; called from several threads.
pub trait EventSink: Send + Sync {
    /// Takes in one event.
    fn emit(&self, event: Event);

    /// Takes in lines that a program of this step printed and that came together: of each, an [`Event::Output`]. A sink that
    /// passes events on passes these on, too.
    fn output(&self, step: &str, stream: Option<Stream>, lines: &Lines<'_>) {
        for line in lines.raw().split('\n') {
            self.emit(Event::Output {
                step: step.to_owned(),
                stream,
                line: line.to_owned(),
            });
        }
    }

    /// How many lines of a log there are so far, of a sink that writes one. A sink that passes events on asks the next.
    fn lines(&self) -> Option<u64> {
        None
    }

    /// A headline.
    fn heading(&self, text: &str) {
        self.emit(Event::Heading {
            text: text.to_owned(),
        });
    }

    /// A line below a headline.
    fn detail(&self, text: &str) {
        self.emit(Event::Detail {
            text: text.to_owned(),
        });
    }

    /// Progress of `what`.
    fn progress(&self, what: &str, done: u64, total: Option<u64>, finished: bool) {
        self.emit(Event::Progress {
            what: what.to_owned(),
            done,
            total,
            finished,
        });
    }
}

/// A sink that keeps nothing.
pub struct Silent;

impl EventSink for Silent {
    fn emit(&self, _: Event) {}
}

/// A sink that remembers, for tests and for embedders.
#[derive(Default)]
pub struct Recorder(Mutex<Vec<Event>>);

impl Recorder {
    /// All events so far.
    pub fn events(&self) -> Vec<Event> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }
}

impl EventSink for Recorder {
    fn emit(&self, event: Event) {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push(event);
    }
}
