//! What `bp doctor` found, as text and as JSON.

use serde_json::{Value, json};

use super::Ui;
use crate::doctor::{Finding, State};

/// The version of the JSON document.
const SCHEMA: u32 = 1;

/// Draws findings as the answer; `settings` are variables of the environment that are set, with their values.
pub fn findings(ui: &Ui, machine: &str, all: &[Finding], settings: &[(String, String)]) {
    if ui.style() == super::Style::Json {
        return ui.json(&document(machine, all, settings));
    }
    ui.line(machine);
    ui.line("");
    for finding in all {
        for line in lines(finding) {
            ui.line(&line);
        }
    }
    if !settings.is_empty() {
        ui.line("");
        ui.line("Set in the environment:");
        for (name, value) in settings {
            ui.line(&format!("  {name}={value}"));
        }
    }
    ui.line("");
    ui.line(&total(all));
}

fn document(machine: &str, all: &[Finding], settings: &[(String, String)]) -> Value {
    let settings = (settings.iter()).map(|(name, value)| (name.clone(), json!(value)));
    json!({
        "schema": SCHEMA,
        "machine": machine,
        "findings": all,
        "settings": Value::Object(settings.collect()),
        "warnings": count(all, State::Warn),
        "bad": count(all, State::Bad),
    })
}

/// A finding in lines: the first alone where nothing stands in the way.
fn lines(finding: &Finding) -> Vec<String> {
    let state = match finding.state {
        State::Ok => "ok",
        State::Warn => "warn",
        State::Bad => "bad",
    };
    let mut lines = vec![format!(
        "{state:<5} {:<13} {}",
        finding.check, finding.found
    )];
    let below = |text: &str| format!("{:<19} {text}", "");
    if finding.state == State::Ok {
        lines[0] = format!("{}: {}", lines[0], finding.means);
        return lines;
    }
    lines.push(below(&finding.means));
    let mut lead = "mend it:";
    for way in &finding.mend {
        lines.push(below(&format!("{lead} {way}")));
        lead = "or:     ";
    }
    lines
}

fn total(all: &[Finding]) -> String {
    match (count(all, State::Bad), count(all, State::Warn)) {
        (0, 0) => "Nothing stands in the way of a build".to_owned(),
        (0, 1) => "A build can be made; 1 thing may stand in the way of some".to_owned(),
        (0, warnings) => {
            format!("A build can be made; {warnings} things may stand in the way of some")
        }
        (bad, _) => format!("{bad} of these must be mended before a build can be made"),
    }
}

fn count(all: &[Finding], state: State) -> usize {
    all.iter().filter(|finding| finding.state == state).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(state: State, mend: &[&str]) -> Finding {
        Finding {
            check: "disk",
            state,
            found: "3 GiB free".to_owned(),
            means: "enough".to_owned(),
            mend: mend.iter().map(|&line| line.to_owned()).collect(),
        }
    }

    #[test]
    fn what_is_well_has_a_line_and_what_is_not_has_its_way_out() {
        assert_eq!(
            lines(&finding(State::Ok, &[])),
            ["ok    disk          3 GiB free: enough"]
        );
        assert_eq!(
            lines(&finding(State::Warn, &["one", "two"])),
            [
                "warn  disk          3 GiB free",
                "                    enough",
                "                    mend it: one",
                "                    or:      two"
            ]
        );
    }

    #[test]
    fn the_document_counts() {
        let all = [
            finding(State::Bad, &["x"]),
            finding(State::Ok, &[]),
            finding(State::Warn, &[]),
        ];
        let document = document("bp", &all, &[("BP_STACK".to_owned(), "24".to_owned())]);
        assert_eq!(
            (&document["bad"], &document["warnings"]),
            (&json!(1), &json!(1))
        );
        assert_eq!(document["findings"][0]["state"], "bad");
        assert_eq!(document["settings"]["BP_STACK"], "24");
        assert!(total(&all).starts_with("1 of these"));
        assert!(total(&all[1..2]).starts_with("Nothing"));
    }
}
