//! Which packs an app is to be built with: who asks for them, in which words, and which of them are built in.
//!
//! Of the places that can name packs, the first that names any counts: flags, the config var `BUILDPACK_URL`, for tests
//! those of their environment in `app.json`, `.buildpacks`, `app.json`. Where none does, the built-in packs that apply are taken.

mod bad_reference;
mod credentials;
mod known;
pub mod lock;
mod reference;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::app::App;
use crate::diagnostic::{Class, Diagnostic, Origin, Outcome, Sourced};

pub use bad_reference::BadReference;
pub use credentials::without_credentials;
pub use known::{Abandoned, Address, Form, NativeName};
pub use reference::{ARCHIVES, Name, PackReference, Place};

/// The config var that names a pack.
pub const BUILDPACK_URL: &str = "BUILDPACK_URL";

/// More packs than these build no app.
const MOST: usize = 100;

/// What is said from outside of the app's files.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What `--buildpack` flags say, in order.
    pub flags: &'a [Sourced<String>],
    /// The app's config vars.
    pub config_vars: &'a BTreeMap<String, String>,
    /// Whether a built-in pack may take the place of one that is asked for.
    pub native: bool,
    /// Whether they are asked for to test the app.
    pub for_tests: bool,
}

/// A pack that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Where it is.
    pub reference: PackReference,
    /// The words, without credentials, and who said them.
    pub written: Sourced<String>,
    /// The built-in pack that is built instead.
    pub native: Option<NativeName>,
    /// The built-in pack that would be built instead, had the pack itself not been asked for.
    pub instead_of: Option<NativeName>,
}

/// The packs that an app asks for, in order; none where nobody asks for any.
pub fn wanted(app: &App, asked: &Asked<'_>) -> Outcome<Vec<Wanted>> {
    let mut diagnostics = Vec::new();
    let mut all: Vec<Wanted> = Vec::new();
    let said = said(app, asked);
    if let Some(beyond) = said.get(MOST) {
        return Outcome::failed(vec![too_many(said.len(), &beyond.origin)]);
    }
    for text in said {
        let reference = match PackReference::parse(&text.value) {
            Ok(reference) => reference,
            Err(error) => {
                diagnostics.push(error.diagnostic(&text.value, &text.origin));
                continue;
            }
        };
        let one = one(reference, text.origin, asked.native);
        if matches!(one.reference.place, Place::Native(_)) && one.native.is_none() {
            diagnostics.push(no_script(&one));
        }
        match all.iter().find(|before| before.is_same(&one)) {
            Some(before) => diagnostics.push(twice(before, &one)),
            None => all.push(one),
        }
    }
    Outcome::with(all, diagnostics)
}

/// What the first place that names packs says.
fn said(app: &App, asked: &Asked<'_>) -> Vec<Sourced<String>> {
    if !asked.flags.is_empty() {
        return asked.flags.to_vec();
    }
    let variable = asked.config_vars.get(BUILDPACK_URL);
    if let Some(text) = variable.filter(|text| !text.trim().is_empty()) {
        // It would fetch those of `.buildpacks` and run them, as is done here.
        let multi = Address::parse(text).is_some_and(|address| address.is_multi());
        if !multi || app.buildpacks.is_empty() {
            let origin = Origin::Env(BUILDPACK_URL.to_owned());
            return vec![Sourced::new(text.clone(), origin)];
        }
    }
    let of_tests = app.app_json.tests().filter(|_| asked.for_tests);
    if let Some(packs) = of_tests.and_then(|tests| tests.buildpacks.as_ref()) {
        packs.clone()
    } else if app.buildpacks.is_empty() {
        app.app_json.buildpacks.clone()
    } else {
        app.buildpacks.clone()
    }
}

/// The packs of `first`, then those of `then` that are written in other words than these.
pub fn together(first: &[Wanted], then: &[Wanted]) -> Vec<Wanted> {
    let is_new = |one: &&Wanted| !(first.iter()).any(|was| was.written.value == one.written.value);
    let more = then.iter().filter(is_new);
    first.iter().chain(more).cloned().collect()
}

fn one(reference: PackReference, origin: Origin, native: bool) -> Wanted {
    let known = reference.native();
    // A version of the script is a version of the script: what is built in is none.
    let (native, instead_of) = if native && !reference.is_pinned() {
        (known, None)
    } else {
        (None, known)
    };
    Wanted {
        written: Sourced::new(reference.written().to_owned(), origin),
        reference,
        native,
        instead_of,
    }
}

impl Wanted {
    fn is_same(&self, other: &Self) -> bool {
        if self.native.is_some() || other.native.is_some() {
            return self.native == other.native;
        }
        let place = |one: &Self| match one.reference.address() {
            Some(address) if address.form != Form::Archive => {
                Some((address.host, address.owner, address.repo))
            }
            _ => None,
        };
        let same_place = self.reference.place == other.reference.place
            || place(self).is_some() && place(self) == place(other);
        same_place && self.reference.reference == other.reference.reference
    }
}

fn twice(before: &Wanted, after: &Wanted) -> Diagnostic {
    let problem = Diagnostic::warning(
        "pack-twice",
        format!("the buildpack `{}` is named twice", after.written.value),
    )
    .from(&after.written.origin, "is left out")
    .from(&before.written.origin, "is run here");
    problem.help("remove one of the two")
}

fn too_many(count: usize, beyond: &Origin) -> Diagnostic {
    Diagnostic::error(
        "packs-too-many",
        Class::Config,
        format!("{count} buildpacks are named, and {MOST} are the most"),
    )
    .from(beyond, "is one too many")
    .help("check that it is the file it should be")
}

/// There is nothing but the built-in pack of that name.
fn no_script(wanted: &Wanted) -> Diagnostic {
    let name = &wanted.written.value;
    Diagnostic::error(
        "pack-native-only",
        Class::Usage,
        format!("`{name}` is the name of a built-in pack, and those are not to be used"),
    )
    .from(&wanted.written.origin, "named here")
    .help("leave out `--no-native`, or write the address of the pack that is to be run")
}
