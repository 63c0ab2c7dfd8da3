//! `bp test`: an app's own tests.

mod app_json;
mod elixir;
mod packs;

use std::ffi::OsStr;

use testdata::workspace::{App, Ran, Workspace};

/// `bp test APP -v MORE`.
fn test(place: &Workspace, app: &App, more: &[&str]) -> Ran {
    let mut arguments = vec![OsStr::new("test"), app.path.as_os_str(), OsStr::new("-v")];
    arguments.extend(more.iter().map(OsStr::new));
    place.bp(&arguments)
}

/// An `app.json` with this as what is said of tests.
fn environment(tests: &str) -> String {
    format!("{{\"environments\": {{\"test\": {tests}}}}}")
}
