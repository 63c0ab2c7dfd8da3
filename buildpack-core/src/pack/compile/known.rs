//! What is known of a step besides what its program prints.

use std::collections::BTreeMap;

use crate::causes::Facts;
use crate::diagnostic::Origin;
use crate::plan::{PackPlan, Step};

/// The facts by which the cause of a step's failure is told.
pub(super) fn known(plan: &PackPlan, step: &Step, env: &BTreeMap<String, String>) -> Facts {
    let mut facts = Facts::default();
    for tool in &plan.tools {
        facts.add(fact_of(&tool.id), &tool.version);
    }
    for decision in &plan.decisions {
        let name = fact_of(&decision.what.to_lowercase());
        if !name.is_empty() && !matches!(decision.value.origin, Origin::Default(_)) {
            facts.add(&format!("{name}_at"), &decision.value.origin.to_string());
        }
    }
    // A config var of this name may say anything.
    let stack = env.get("STACK").and_then(|name| stacks::find(name).ok());
    if let Some(stack) = stack {
        facts.add("stack", stack.name);
    }
    match step.cwd.as_str() {
        "" => facts.add("in", ""),
        folder => facts.add("in", &format!(" in `{folder}`")),
    }
    facts
}

/// The name of a fact about a tool.
fn fact_of(tool: &str) -> &'static str {
    match tool {
        "erlang" => "otp",
        "elixir" => "elixir",
        "node" => "node",
        _ => "",
    }
}
