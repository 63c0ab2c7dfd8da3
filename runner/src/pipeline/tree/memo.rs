//! Which steps need not run again in a tree: those that succeeded in it, and whose inputs are what they were.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use buildpack_core::digest::{Digest, Hasher, HashingReader};
use buildpack_core::pack::StepMemo;
use buildpack_core::plan::{Inputs, PackPlan, Step, Tool};
use buildpack_core::store::{CacheKey, MissReason};
use walkdir::WalkDir;

use super::Tree;
use super::laid::{name_of, path_of};
use super::outside::Outside;
use crate::pipeline::source::{Source, executable, named};

/// Begins the name of the part that says when another step last ran.
const RUN_OF: &str = "run of ";

impl Tree {
    /// Tells the memo what the plan's steps depend on before any of them has run.
    pub(in crate::pipeline) fn know_inputs(&mut self, source: &Source, plan: &PackPlan) {
        let tools: BTreeMap<&str, &Tool> = (plan.tools.iter())
            .map(|tool| (tool.id.as_str(), tool))
            .collect();
        self.outside = Outside::of(&plan.kept);
        let changed = std::mem::take(&mut self.changed);
        let variables = digest_of_debug(&(&plan.build_env, &plan.build_path));
        let inputs = |step: &Step| step.skip_if_unchanged.clone();
        for (step, inputs) in (plan.steps.iter()).filter_map(|step| Some((step, inputs(step)?))) {
            let mut key = CacheKey::new("step")
                .part("command", digest_of_debug(&(&step.run, &step.cwd)))
                .part("variables", variables);
            let mut parts = Vec::new();
            let mut part = |part: String, wanted: &dyn Fn(&Path) -> bool| {
                parts.push((part.clone(), source.digest_where(wanted)));
                let changed = changed.iter().find(|path| wanted(path));
                let because = changed.map(|path| ((step.id.clone(), part), path.clone()));
                self.because.extend(because);
            };
            let counts = |path: &Path| !inputs.except.iter().any(|other| path.starts_with(other));
            if !inputs.names.is_empty() {
                part(list(&inputs.names), &|path| {
                    counts(path) && named(path, &inputs.names)
                });
            }
            for folder in &inputs.folders {
                part(format!("`{folder}`"), &|path| {
                    counts(path) && path.starts_with(folder)
                });
            }
            if let Some(left_out) = &inputs.all_but {
                part("source".to_owned(), &|path| {
                    !left_out.iter().any(|folder| path.starts_with(folder))
                });
            }
            for (part, digest) in parts {
                key = key.part(part, digest);
            }
            for id in &inputs.tools {
                let tool = tools.get(id.as_str()).map(|tool| tool.artifact.identity());
                key = key.part(id, tool.unwrap_or_default());
            }
            self.watched.extend(inputs.after);
            self.given.insert(step.id.clone(), key);
        }
    }

    /// Forgets which steps succeeded: somebody else is about to change what they made.
    pub(in crate::pipeline) fn forget_steps(&mut self) -> io::Result<()> {
        self.index.steps.clear();
        self.begin()
    }

    /// All that a step depends on, as it is now; none where that cannot be known.
    fn key(&self, step: &Step, inputs: &Inputs) -> Option<CacheKey> {
        let mut key = self.given.get(&step.id)?.clone();
        // A step may write such a file itself, a lock for instance. Laid out anew, the app is without it again.
        for name in inputs.names.iter().filter(|name| !name.starts_with('*')) {
            key = key.part(format!("`{name}` in the tree"), self.content(name).ok()?);
        }
        for path in &inputs.made {
            key = key.part(format!("`{path}` as it was made"), self.content(path).ok()?);
        }
        for id in &inputs.after {
            let run = self.index.runs.get(id).copied().unwrap_or_default();
            key = key.part(format!("{RUN_OF}{id}"), run);
        }
        Some(key)
    }

    /// Why nothing is known of a step's last run.
    fn not_remembered(&self, step: &Step) -> String {
        if let Some(path) = self.touched.get(&step.id) {
            return format!("`{}` was laid out anew or removed", path.display());
        }
        match self.index.left.get(&step.id) {
            Some(path) => format!(
                "it wrote `{}`, which is not kept from build to build",
                path_of(path).display()
            ),
            None => "it has not succeeded here yet".to_owned(),
        }
    }

    fn said(&self, step: &Step, reason: &MissReason) -> String {
        let MissReason::Changed { part, .. } = reason else {
            return reason.to_string();
        };
        if let Some(id) = part.strip_prefix(RUN_OF) {
            return format!("step {id} ran");
        }
        match self.because.get(&(step.id.clone(), part.clone())) {
            Some(path) => format!("`{}` changed", path.display()),
            None => format!("{part} changed"),
        }
    }

    /// A digest of paths, kinds and contents at and below `path`; the app's code may have put anything there, and links
    /// are not followed.
    fn content(&self, path: &str) -> io::Result<Digest> {
        let mut hasher = Hasher::new();
        let root = self.app.join(path);
        if !self.holds(Path::new(path)) || root.symlink_metadata().is_err() {
            return Ok(hasher.finish());
        }
        let walk = WalkDir::new(&root).follow_root_links(false);
        for entry in walk.sort_by_file_name() {
            let entry = entry?;
            let below = entry.path().strip_prefix(&root).unwrap_or(entry.path());
            hasher.field(below.as_os_str().as_bytes());
            let kind = entry.file_type();
            if kind.is_file() {
                let reader = HashingReader::new(fs_err::File::open(entry.path())?);
                let (digest, _) = reader.drain()?;
                let mode = u8::from(executable(&entry.metadata()?));
                hasher.field(format!("file {mode} {digest}").as_bytes());
            } else if kind.is_symlink() {
                let target = fs_err::read_link(entry.path())?;
                hasher.field(b"link");
                hasher.field(target.as_os_str().as_bytes());
            } else {
                hasher.field(if kind.is_dir() { b"folder" } else { b"other" });
            }
        }
        Ok(hasher.finish())
    }
}

impl StepMemo for Tree {
    fn due(&self, step: &Step) -> Option<String> {
        let Some(inputs) = &step.skip_if_unchanged else {
            return Some("it runs each time".to_owned());
        };
        let Some(before) = self.index.steps.get(&step.id) else {
            return Some(self.not_remembered(step));
        };
        let missing = |path: &&String| self.app.join(path).symlink_metadata().is_err();
        if let Some(path) = inputs.outputs.iter().find(missing) {
            return Some(format!("`{path}` is missing"));
        }
        match self.key(step, inputs) {
            Some(now) => now
                .difference(before)
                .map(|reason| self.said(step, &reason)),
            None => Some("what it depends on cannot be read".to_owned()),
        }
    }

    fn is_idle(&self, step: &Step) -> bool {
        let inputs = step.skip_if_unchanged.as_ref();
        let gone = |path: &String| self.app.join(path).symlink_metadata().is_err();
        inputs.is_some_and(|inputs| !inputs.clears.is_empty() && inputs.clears.iter().all(gone))
    }

    fn started(&mut self, step: &Step) -> io::Result<()> {
        let watched = self.watched.contains(&step.id);
        if watched {
            self.index.numbered += 1;
            let number = self.index.numbered;
            self.index.runs.insert(step.id.clone(), number);
        }
        if self.index.steps.remove(&step.id).is_some() || watched {
            self.save()?;
        }
        let inputs = step.skip_if_unchanged.as_ref();
        for path in inputs.iter().flat_map(|inputs| &inputs.owns) {
            self.empty(Path::new(path), &|path| {
                self.files.contains_key(&name_of(path))
            })?;
        }
        self.watch_outside(inputs.is_some())
    }

    fn succeeded(&mut self, step: &Step) -> io::Result<()> {
        let left = self.left_outside()?.map(name_of);
        let Some(inputs) = &step.skip_if_unchanged else {
            return Ok(());
        };
        if let Some(path) = left {
            self.index.left.insert(step.id.clone(), path);
        } else if let Some(key) = self.key(step, inputs) {
            self.index.left.remove(&step.id);
            self.index.steps.insert(step.id.clone(), key);
        }
        self.save()
    }
}

/// Names of files for a sentence. Many say no more than that it reads them.
fn list(names: &[String]) -> String {
    if names.len() > 3 {
        return "a file that it reads".to_owned();
    }
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(" or ")
}

fn digest_of_debug(value: &dyn std::fmt::Debug) -> Digest {
    Digest::of(format!("{value:?}").as_bytes())
}
