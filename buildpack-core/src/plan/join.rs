//! Several packs' plans as one.

use super::{PackPlan, Run, Step};

impl PackPlan {
    /// This plan and another pack's as one. Steps are taken phase by phase, within a phase this plan's first; where both
    /// set the same variable or process type, the other's counts, as it comes later.
    ///
    /// A script may do and need anything: packs before it have done all of their work when it begins, and those after
    /// it begin when it has ended. As it runs each time, so do they. Tests come when all packs have done their work.
    pub fn beside(mut self, mut other: Self) -> Self {
        let mut tests = self.take_tests();
        tests.extend(other.take_tests());
        let is_script = |step: &Step| matches!(step.run, Run::Script { .. });
        let behind_a_script = self.steps.iter().rposition(is_script).map(|at| at + 1);
        if behind_a_script.is_some() {
            for step in &mut other.steps {
                step.skip_if_unchanged = None;
            }
        } else {
            self.leave_out(&other);
        }
        self.packs.extend(other.packs);
        self.decisions.extend(other.decisions);
        self.tools.extend(other.tools);
        self.tools.sort_by_key(|tool| tool.purpose);
        self.build_env.extend(other.build_env);
        self.surroundings.extend(other.surroundings);
        self.build_path.extend(other.build_path);
        let of_scripts = other.steps.iter().any(is_script);
        self.steps.extend(other.steps);
        if !of_scripts {
            self.steps[behind_a_script.unwrap_or(0)..].sort_by_key(|step| step.phase);
        }
        tests.sort_by_key(|step| step.phase);
        self.steps.extend(tests);
        self.profile.extend(other.profile);
        self.default_processes.extend(other.default_processes);
        for folder in other.kept {
            if !self.kept.contains(&folder) {
                self.kept.push(folder);
            }
        }
        self.caches.extend(other.caches);
        self.earlier_files.extend(other.earlier_files);
        self.from_scratch |= other.from_scratch;
        match (&mut self.scripts, other.scripts) {
            (Some(scripts), Some(others)) => scripts.packs.extend(others.packs),
            (None, others) => self.scripts = others,
            (Some(_), None) => {}
        }
        self
    }

    /// Takes the steps of its tests out.
    fn take_tests(&mut self) -> Vec<Step> {
        let all = std::mem::take(&mut self.steps).into_iter();
        let (tests, steps) = all.partition(|step| step.phase.is_of_tests());
        self.steps = steps;
        tests
    }

    /// Makes steps depend on what `other` says that they are needed for.
    fn leave_out(&mut self, other: &Self) {
        let hooks = |plan: &Self| {
            let mut steps = plan.steps.iter();
            steps.any(|step| matches!(step.run, Run::Bash { .. }))
        };
        if hooks(self) || hooks(other) {
            return;
        }
        for (id, inputs) in &other.needed_for {
            let Some(at) = self.steps.iter().position(|step| step.id == *id) else {
                continue;
            };
            let (before, rest) = self.steps.split_at_mut(at);
            let earlier = before.iter().filter(|step| step.run != Run::Pack);
            if rest[0].skip_if_unchanged.is_none() {
                let mut inputs = inputs.clone();
                inputs.after.extend(earlier.map(|step| step.id.clone()));
                rest[0].skip_if_unchanged = Some(inputs);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Inputs, Phase};
    use super::*;

    fn folders(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    fn program(id: &str) -> Step {
        let argv = vec![id.to_owned()];
        Step::new(id, Phase::Compile, "", Run::Program { argv })
    }

    fn hook() -> Step {
        let script = "echo".to_owned();
        Step::new("hook", Phase::Compile, "", Run::Bash { script })
    }

    #[test]
    fn a_later_pack_says_what_an_earlier_step_need_not_run_for() {
        let but = |these: &str| Inputs {
            all_but: Some(folders(these)),
            ..Inputs::default()
        };
        let plan = |steps: &[Step], needed: &[(&str, &str)]| PackPlan {
            steps: steps.to_vec(),
            needed_for: needed
                .iter()
                .map(|(id, these)| ((*id).to_owned(), but(these)))
                .collect(),
            ..PackPlan::empty("/app")
        };
        let both = [program("deps.get"), program("compile")];
        let inputs = |elixir: &[Step], phoenix: &[Step]| {
            let needed = [("compile", "assets priv/static"), ("missing", "x")];
            let whole = plan(elixir, &[]).beside(plan(phoenix, &needed));
            assert!(whole.needed_for.is_empty());
            whole.steps[1].skip_if_unchanged.clone()
        };
        let made = inputs(&both, &[]).unwrap();
        assert_eq!(made.all_but, Some(folders("assets priv/static")));
        assert_eq!(made.after, ["deps.get"]);
        // A hook may need what the compile brings up to date.
        assert_eq!(inputs(&both, &[hook()]), None);
        let hooked = [both[0].clone(), both[1].clone(), hook()];
        assert_eq!(inputs(&hooked, &[]), None);
    }
}
