//! What is different between two builds, most important first.

use std::collections::BTreeSet;
use std::fmt;

use buildpack_core::digest::Digest;
use serde::Serialize;
use serde_json::Value;

use super::{Asked, Outcome, Record, StackImage};
use crate::records;

/// What was compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// The differences.
    pub changes: Vec<Change>,
    /// What could not be compared, and why.
    pub notes: Vec<String>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// What kind of thing is different.
    pub kind: Kind,
    /// Which: a config var's or a tool's name, for instance.
    pub what: String,
    /// What it was; none where it was not there.
    pub was: Option<String>,
    /// What it is; none where it is gone.
    pub is: Option<String>,
}

/// Kinds of differences: how the build ended, then what went in, then what follows from that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// How the build ended.
    Outcome,
    /// The app's source.
    Source,
    /// A config var.
    ConfigVar,
    /// What was asked for: stack, architecture, flags.
    Request,
    /// An image of the stack.
    StackImage,
    /// A tool.
    Tool,
    /// A pack.
    Pack,
    /// The version of `bp`.
    Bp,
    /// What was planned.
    Plan,
    /// What became of a step.
    Step,
    /// A layer.
    Layer,
    /// The image.
    Image,
}

impl Kind {
    /// Whether it goes into a build from outside, so that it can make another image.
    pub fn is_input(self) -> bool {
        (Self::Source..=Self::Bp).contains(&self)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = &self.what;
        match (&self.was, &self.is) {
            (Some(was), Some(is)) => write!(f, "{what}: {was} → {is}"),
            (Some(was), None) => write!(f, "{what}: {was} → gone"),
            (None, Some(is)) => write!(f, "{what}: new, {is}"),
            (None, None) => f.write_str(what),
        }
    }
}

/// Differences, collected.
#[derive(Default)]
struct Changes(Vec<Change>);

impl Changes {
    fn add(
        &mut self,
        kind: Kind,
        what: impl Into<String>,
        was: Option<String>,
        is: Option<String>,
    ) {
        if was != is {
            let what = what.into();
            self.0.push(Change {
                kind,
                what,
                was,
                is,
            });
        }
    }

    /// Things that have names: those that are different, gone or new, in the order of both.
    fn named<T: PartialEq>(
        &mut self,
        kind: Kind,
        (was, is): (&[T], &[T]),
        name: impl Fn(&T) -> String,
        shown: impl Fn(&T) -> String,
    ) {
        let mut seen = BTreeSet::new();
        for one in was.iter().chain(is) {
            let called = name(one);
            if !seen.insert(called.clone()) {
                continue;
            }
            let find = |all: &'_ [T]| all.iter().position(|it| name(it) == called);
            let (old, new) = (find(was).map(|at| &was[at]), find(is).map(|at| &is[at]));
            if old == new {
                continue;
            }
            let (old, new) = (old.map(&shown), new.map(&shown));
            if old == new {
                // Different where nobody looks, such as the host of a mirror.
                continue;
            }
            self.add(kind, called, old, new);
        }
    }
}

/// Compares two builds.
pub fn compare(was: &Record, is: &Record) -> Comparison {
    let mut all = Changes::default();
    let mut notes = Vec::new();
    all.add(Kind::Outcome, "outcome", Some(ended(was)), Some(ended(is)));
    source(&mut all, was, is);
    config_vars(&mut all, &mut notes, was, is);
    request(&mut all, was, is);
    let image = |image: &Option<StackImage>| {
        let named = |it: &StackImage| format!("{} {}", it.name, it.digest.short());
        image.as_ref().map(named)
    };
    let (old, new) = (&was.facts, &is.facts);
    if was.facts.source.is_some() && is.facts.source.is_some() {
        let what = [
            ("build image", &old.build_image, &new.build_image),
            ("run image", &old.run_image, &new.run_image),
        ];
        for (what, was, is) in what {
            if was.is_some() && is.is_some() {
                all.add(Kind::StackImage, what, image(was), image(is));
            }
        }
        all.named(
            Kind::Tool,
            (&old.tools, &new.tools),
            |tool| tool.id.clone(),
            archive,
        );
        all.named(
            Kind::Pack,
            (&old.packs, &new.packs),
            |pack| pack.wanted.clone(),
            |pack| pack.was.short(),
        );
        plan(&mut all, old.plan.as_ref(), new.plan.as_ref());
    } else if was.facts.source.is_some() || is.facts.source.is_some() {
        notes.push("one of the builds ended before its plan was made".to_owned());
    }
    all.add(Kind::Bp, "bp", Some(was.bp.clone()), Some(is.bp.clone()));
    ends(&mut all, was, is);
    let mut changes = all.0;
    // Stable: within a kind, things stay in their own order.
    changes.sort_by_key(|change| change.kind);
    Comparison { changes, notes }
}

/// How a build ended, and why.
fn ended(record: &Record) -> String {
    match record.outcome {
        Outcome::Built | Outcome::Unchanged => "an image".to_owned(),
        Outcome::Failed => {
            let mut said = record.diagnostics.iter();
            let error = said.find(|said| said.severity == "error");
            match error {
                Some(said) => format!("failed: {} [{}]", said.message, said.code),
                None => format!("failed with exit code {}", record.exit),
            }
        }
    }
}

fn source(all: &mut Changes, was: &Record, is: &Record) {
    let (Some(was), Some(is)) = (&was.facts.source, &is.facts.source) else {
        return;
    };
    let commit = |source: &records::Source| {
        let commit = source.commit.as_deref()?;
        Some(commit.get(..12).unwrap_or(commit).to_owned())
    };
    all.add(Kind::Source, "commit", commit(was), commit(is));
    if was.digest != is.digest {
        let what = if was.commit == is.commit && was.commit.is_some() {
            "files that are not committed"
        } else {
            "source"
        };
        let short = |source: &records::Source| Some(source.digest.short());
        all.add(Kind::Source, what, short(was), short(is));
    }
    let time = |source: &records::Source| Some(source.created.to_string());
    all.add(Kind::Source, "time of the image", time(was), time(is));
}

fn config_vars(all: &mut Changes, notes: &mut Vec<String>, was: &Record, is: &Record) {
    let (Some(was), Some(is)) = (&was.config_vars, &is.config_vars) else {
        return;
    };
    let comparable = was.key == is.key;
    let names: BTreeSet<&String> = was.vars.keys().chain(is.vars.keys()).collect();
    let mut unknown = 0;
    for name in names {
        let (old, new) = (was.vars.get(name), is.vars.get(name));
        let what = format!("config var {name}");
        match (old, new) {
            (Some(old), Some(new)) if comparable && old != new => {
                let (was, is) = ("a value".to_owned(), "another value".to_owned());
                all.add(Kind::ConfigVar, what, Some(was), Some(is));
            }
            (Some(_), Some(_)) if comparable => {}
            (Some(_), Some(_)) => unknown += 1,
            (Some(_), None) => all.add(Kind::ConfigVar, what, Some("set".to_owned()), None),
            (None, _) => all.add(Kind::ConfigVar, what, None, Some("set".to_owned())),
        }
    }
    if unknown > 0 {
        notes.push(
            "values of config vars can't be compared: the records were made with keys of two stores (stores that share \
             `BP_CACHE_SECRET` have one)"
                .to_owned(),
        );
    }
}

/// A part of what was asked for.
type Part<'g> = (&'static str, &'g dyn Fn(&Asked) -> String);

fn request(all: &mut Changes, was: &Record, is: &Record) {
    let (Some(was), Some(is)) = (&was.request, &is.request) else {
        return;
    };
    let words = |words: &[String]| match words {
        [] => "none".to_owned(),
        words => words.join(", "),
    };
    let all_of: [Part<'_>; 8] = [
        ("stack", &|it| it.stack.clone()),
        ("architecture", &|it| it.architecture.clone()),
        ("packs of the command line", &|it| words(&it.buildpacks)),
        ("packs built in", &|it| it.native.to_string()),
        ("folder of the build", &|it| it.build_dir.clone()),
        ("compression", &|it| {
            format!("{:?}", it.compression).to_lowercase()
        }),
        ("earlier assets", &|it| it.keep_assets.to_string()),
        ("values allowed in the image", &|it| {
            words(&it.allow_in_image)
        }),
    ];
    for (what, get) in all_of {
        all.add(Kind::Request, what, Some(get(was)), Some(get(is)));
    }
}

/// A tool by version and archive.
fn archive(tool: &records::Tool) -> String {
    let digest = match (&tool.sha256, &tool.sha512) {
        (Some(digest), _) => format!(" ({})", digest.short()),
        (None, Some(hex)) => format!(" ({})", hex.get(..12).unwrap_or(hex)),
        (None, None) => String::new(),
    };
    format!("{}{digest}", tool.version)
}

/// What of the plan is different, but for what is told by itself.
fn plan(all: &mut Changes, was: Option<&Value>, is: Option<&Value>) {
    let (Some(was), Some(is)) = (was, is) else {
        return;
    };
    let steps = |plan: &Value| -> Vec<Value> {
        let steps = plan.get("steps").and_then(Value::as_array);
        steps.cloned().unwrap_or_default()
    };
    let id = |step: &Value| format!("step {}", step["id"].as_str().unwrap_or_default());
    let shown = |step: &Value| cut(&step["run"].to_string());
    let (old, new) = (steps(was), steps(is));
    all.named(Kind::Plan, (&old, &new), id, shown);
    for (part, what) in [
        ("app_dir", "the app's folder"),
        ("build_env", "variables of the build"),
        ("profile", "profile"),
        ("default_processes", "default process types"),
        ("caches", "folders of downloads"),
        ("kept", "kept folders"),
    ] {
        let (was, is) = (was.get(part), is.get(part));
        let object = |it: Option<&Value>| it.and_then(Value::as_object).cloned();
        let (Some(was), Some(is)) = (object(was), object(is)) else {
            let shown = |it: Option<&Value>| it.map(|it| cut(&it.to_string()));
            all.add(Kind::Plan, what, shown(was), shown(is));
            continue;
        };
        let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
        for name in names {
            let shown =
                |it: &serde_json::Map<_, Value>| it.get(name).map(|it| cut(&it.to_string()));
            all.add(
                Kind::Plan,
                format!("{what}: {name}"),
                shown(&was),
                shown(&is),
            );
        }
    }
}

/// A text; of a long one the beginning, and a digest that tells it from others that begin so.
fn cut(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => {
            let digest = Digest::of(text.as_bytes()).short();
            format!("{}… ({digest})", &text[..end])
        }
        None => text.to_owned(),
    }
}

/// What became of steps that failed in one of the builds, and what came out of both.
fn ends(all: &mut Changes, was: &Record, is: &Record) {
    use buildpack_core::event::StepState::{Failed, Skipped};
    let (old, new) = (&was.facts, &is.facts);
    let one_failed = |name: &str| {
        let mut steps = old.steps.iter().chain(&new.steps);
        steps.any(|step| step.step == name && step.state == Failed)
    };
    let shown = |step: &records::Step| match (step.state, step.exit, step.signal) {
        (Failed, Some(code), _) => format!("failed with exit code {code}"),
        (Failed, None, Some(signal)) => format!("ended by signal {signal}"),
        (Failed, ..) => "failed".to_owned(),
        (Skipped, ..) => "left out".to_owned(),
        _ => "ran".to_owned(),
    };
    let failed = |steps: &[records::Step]| -> Vec<records::Step> {
        let steps = steps.iter().filter(|step| one_failed(&step.step));
        steps.cloned().collect()
    };
    all.named(
        Kind::Step,
        (&failed(&old.steps), &failed(&new.steps)),
        |step| format!("step {}", step.step),
        shown,
    );
    if let (Some(was), Some(is)) = (&old.image, &new.image) {
        all.named(
            Kind::Layer,
            (&old.layers, &new.layers),
            |layer| format!("layer {}", layer.purpose),
            |layer| format!("{}, {} bytes", layer.digest.short(), layer.size),
        );
        let digest = |image: &records::Image| Some(image.digest.short());
        all.add(Kind::Image, "image", digest(was), digest(is));
    }
}

#[cfg(test)]
mod tests;
