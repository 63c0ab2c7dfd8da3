//! Packs that are folders of scripts, by the buildpack API.

mod api;
mod apps;
mod bad_input;
mod chain;
mod fetched;
mod hostile;
mod release;
mod tested;
mod whole;

pub(crate) use apps::hosts;
use testdata::workspace::{App, Pack, Ran, Workspace};

/// `bp build APP --buildpack PACK… MORE`.
fn build(place: &Workspace, app: &App, packs: &[&Pack], more: &[&str]) -> Ran {
    place.build(app, &arguments(packs, more))
}

/// `--buildpack` for each pack, and more.
pub(crate) fn arguments<'a>(packs: &[&'a Pack], more: &[&'a str]) -> Vec<&'a str> {
    let packs = packs.iter().flat_map(|pack| ["--buildpack", pack.as_str()]);
    packs.chain(more.iter().copied()).collect()
}

/// Where lines stand in a text: each must be there, in this order.
#[track_caller]
pub(crate) fn in_order(text: &str, lines: &[&str]) {
    let mut rest = text;
    for line in lines {
        let at = rest.find(line);
        let at = at.unwrap_or_else(|| panic!("no `{line}` where it belongs in:\n{text}"));
        rest = &rest[at + line.len()..];
    }
}
