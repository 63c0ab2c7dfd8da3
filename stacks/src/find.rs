//! Matching what somebody wrote to a stack.

use crate::catalog::{Stack, all};

/// No stack goes by that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown stack `{request}`: expected one of {}", names(.known))]
pub struct UnknownStack {
    /// What was asked for.
    pub request: String,
    /// All stacks, oldest first.
    pub known: &'static [Stack],
    /// The one that was probably meant.
    pub nearest: Option<&'static Stack>,
}

fn names(stacks: &[Stack]) -> String {
    let names: Vec<_> = stacks.iter().map(|stack| stack.name).collect();
    names.join(", ")
}

/// Finds a stack by name (`heroku-22`), number (`22`), image (`heroku/heroku:22`, `heroku/heroku:22-build`), or the
/// name that another platform gives it (`gliderlabs/herokuish:latest-22`, `gigalixir-22`).
pub fn find(request: &str) -> Result<&'static Stack, UnknownStack> {
    let wanted = request.trim();
    let found = number(wanted).and_then(|number| all().iter().find(|s| s.number == number));
    found.ok_or_else(|| UnknownStack {
        request: request.to_owned(),
        known: all(),
        nearest: nearest(wanted),
    })
}

/// The stack's number in a request that is well formed, whether or not such a stack exists.
fn number(wanted: &str) -> Option<&str> {
    let image = wanted.split_once('@').map_or(wanted, |(name, _)| name);
    let image = image
        .strip_prefix("docker.io/")
        .or_else(|| image.strip_prefix("index.docker.io/"))
        .unwrap_or(image);
    if let Some(tag) = image.strip_prefix("heroku/heroku:") {
        // `22`, `22-build`, `22-cnb-build`, `22.v151`, `22-build.nightly`.
        return tag.split(['-', '.']).next();
    }
    if let Some(tag) = image.strip_prefix("gliderlabs/herokuish:") {
        // `latest-22`, `v0.11.1-22`; a tag without the number says nothing.
        return tag.rsplit_once('-').map(|(_, number)| number);
    }
    let bare = image
        .strip_prefix("heroku-")
        .or_else(|| image.strip_prefix("gigalixir-"))
        .unwrap_or(image);
    Some(bare.strip_suffix("-build").unwrap_or(bare))
}

fn nearest(wanted: &str) -> Option<&'static Stack> {
    let wanted = wanted.to_lowercase();
    all()
        .iter()
        .rev()
        .map(|stack| (strsim::damerau_levenshtein(stack.name, &wanted), stack))
        .filter(|(distance, _)| *distance <= 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, stack)| stack)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_every_name_people_use() {
        for request in [
            "heroku-22",
            "22",
            " heroku-22\n",
            "heroku-22-build",
            "heroku/heroku:22",
            "heroku/heroku:22-build",
            "heroku/heroku:22-cnb-build",
            "heroku/heroku:22.v151",
            "docker.io/heroku/heroku:22-build.nightly",
            "heroku/heroku:22@sha256:0000",
            "gliderlabs/herokuish:latest-22",
            "gliderlabs/herokuish:v0.11.1-22",
            "gigalixir-22",
        ] {
            assert_eq!(find(request).map(|s| s.name), Ok("heroku-22"), "{request}");
        }
    }

    #[test]
    fn refuses_what_says_nothing_and_names_the_nearest() {
        for request in [
            "",
            "cedar-14",
            "gliderlabs/herokuish:latest",
            "ubuntu:22.04",
        ] {
            assert!(find(request).is_err(), "{request}");
        }
        let typo = find("heruko-24").unwrap_err();
        assert_eq!(typo.nearest.map(|s| s.name), Some("heroku-24"));
        assert!(
            typo.to_string()
                .contains("heroku-20, heroku-22, heroku-24, heroku-26")
        );
        assert_eq!(find("banana").unwrap_err().nearest, None);
    }
}
