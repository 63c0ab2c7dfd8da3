//! `procfile-shell`: commands that herokuish runs otherwise than Heroku and `bp` do (compatibility facts 2.6).

mod scan;

use crate::app::App;
use crate::diagnostic::{Diagnostic, Origin, Sourced, Span};

use scan::Mangled;

/// A note for each such command, with a label on the first part of each sort.
pub fn check(app: &App) -> Vec<Diagnostic> {
    app.procfile
        .processes
        .iter()
        .filter_map(|(process, command)| of_command(process, command))
        .collect()
}

fn of_command(process: &str, command: &Sourced<String>) -> Option<Diagnostic> {
    let mut found: Vec<(Mangled, usize, usize)> = Vec::new();
    for part in scan::mangled(&command.value) {
        if !found.iter().any(|(sort, ..)| *sort == part.0) {
            found.push(part);
        }
    }
    if found.is_empty() {
        return None;
    }
    let mut problem = Diagnostic::note_only(
        "procfile-shell",
        format!("herokuish does not run the command of `{process}` as it is written"),
    );
    for (sort, start, end) in found {
        problem = match &command.origin {
            Origin::File(span) => problem.at(
                Span {
                    source: span.source.clone(),
                    start: span.start + start,
                    end: span.start + end,
                },
                sort.becomes(),
            ),
            other => problem.from(other, sort.becomes()),
        };
    }
    Some(
        problem
            .help(format!(
                "if a platform of herokuish runs it too, put the command into a script, such as `bin/{process}`"
            ))
            .note("Heroku and `bp` give it to bash as it is written"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Severity;
    use crate::rules::testing::app;

    #[test]
    fn each_sort_of_damage_is_shown_once_where_it_begins() {
        let text = "worker: bin/worker\nweb: MIX_ENV=prod mix ecto.migrate && mix a && mix run -e \"a b\"\n";
        let found = check(&app(&[("Procfile", text)]));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].severity, Severity::Note);
        assert!(found[0].message.contains("`web`"));
        let labels: Vec<_> = (found[0].labels.iter())
            .map(|label| &text[label.span.start..label.span.end])
            .collect();
        assert_eq!(labels, ["MIX_ENV=prod", "&&", "\"a b\""]);
    }

    #[test]
    fn plain_commands_are_fine() {
        let text = "web: mix phx.server --port $PORT\nrelease: bin/release\nworker: _build/prod/rel/shop/bin/shop start\n";
        assert_eq!(check(&app(&[("Procfile", text)])), []);
    }
}
