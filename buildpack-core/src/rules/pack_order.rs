//! `pack-order`: the Phoenix static pack before the Elixir pack.

use std::path::Path;

use crate::app::App;
use crate::diagnostic::{Applicability, Diagnostic, Edit, Origin, Sourced, Span};
use crate::wanted::{Address, NativeName, PackReference, without_credentials};

/// A warning for each list of packs that stands in the wrong order.
pub fn check(app: &App) -> Vec<Diagnostic> {
    [&app.buildpacks, &app.app_json.buildpacks]
        .into_iter()
        .filter_map(|packs| in_list(packs))
        .collect()
}

fn in_list(packs: &[Sourced<String>]) -> Option<Diagnostic> {
    let first = |kind: NativeName| {
        packs.iter().position(|pack| {
            Address::parse(&pack.value).is_some_and(|address| address.kind() == Some(kind))
        })
    };
    let (assets, elixir) = (
        first(NativeName::PhoenixStatic)?,
        first(NativeName::Elixir)?,
    );
    if elixir < assets {
        return None;
    }
    let (assets, elixir) = (&packs[assets], &packs[elixir]);
    let problem = Diagnostic::warning(
        "pack-order",
        "the Phoenix static pack stands before the Elixir pack",
    )
    .from(&assets.origin, "runs Mix, which is not there yet")
    .from(&elixir.origin, "belongs before it");
    let problem = if [assets, elixir].into_iter().all(is_built_in) {
        problem.note("`bp` builds in the right order, whatever the file says")
    } else {
        problem
    };
    let text = "let the two change places";
    Some(match swapped(assets, elixir) {
        Some((edits, applicability)) => problem.edits(text, edits, applicability),
        None => problem.help(text),
    })
}

/// Whether the pack is built in, and the order of those is known.
fn is_built_in(pack: &Sourced<String>) -> bool {
    PackReference::parse(&pack.value).is_ok_and(|pack| pack.native().is_some() && !pack.is_pinned())
}

/// Each address in the place of the other, as it is written there.
fn swapped(one: &Sourced<String>, other: &Sourced<String>) -> Option<(Vec<Edit>, Applicability)> {
    let (one, one_text) = written(one)?;
    let (other, other_text) = written(other)?;
    // In `app.json` an entry may have more to it than its address.
    let applicability = if one.source.path == Path::new(".buildpacks") {
        Applicability::Certain
    } else {
        Applicability::Likely
    };
    let edit = |span: &Span, text: &str| Edit {
        span: span.clone(),
        new_text: text.to_owned(),
    };
    let edits = vec![edit(one, other_text), edit(other, one_text)];
    Some((edits, applicability))
}

fn written(pack: &Sourced<String>) -> Option<(&Span, &str)> {
    let Origin::File(span) = &pack.origin else {
        return None;
    };
    let text = span.source.text.get(span.start..span.end)?;
    // An edit is shown, and a password is not.
    (!text.is_empty() && without_credentials(text) == text).then_some((span, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{app, mended};

    const ASSETS: &str = "https://github.com/gigalixir/gigalixir-buildpack-phoenix-static#v1";
    const ELIXIR: &str = "https://github.com/gigalixir/gigalixir-buildpack-elixir#v1";

    #[test]
    fn lines_in_the_wrong_order_change_places() {
        let text = format!("# packs\n {ASSETS}\r\nheroku/nodejs\n{ELIXIR}");
        let found = check(&app(&[(".buildpacks", &text)]));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].labels[0].span.to_string(), ".buildpacks:2:2");
        assert_eq!(found[0].helps[0].applicability, Applicability::Certain);
        let right = mended(&found[0]);
        assert_eq!(
            right,
            format!("# packs\n {ELIXIR}\r\nheroku/nodejs\n{ASSETS}")
        );
        assert_eq!(check(&app(&[(".buildpacks", &right)])), []);
    }

    #[test]
    fn one_pack_alone_has_no_order() {
        for text in [
            "",
            ASSETS,
            ELIXIR,
            "hashnuke/elixir\ngjaldon/phoenix-static\n",
        ] {
            assert_eq!(check(&app(&[(".buildpacks", text)])), [], "{text}");
        }
    }

    #[test]
    fn app_json_is_mended_by_hand() {
        let text =
            format!("{{\"buildpacks\": [{{\"url\": \"{ASSETS}\"}}, {{\"url\": \"{ELIXIR}\"}}]}}");
        let found = check(&app(&[("app.json", &text)]));
        assert_eq!(found[0].helps[0].applicability, Applicability::Likely);
        assert_eq!(check(&app(&[("app.json", &mended(&found[0]))])), []);
    }
}
