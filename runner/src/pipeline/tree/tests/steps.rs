//! Which steps are left out, and which are not.

use buildpack_core::pack::StepMemo as _;
use buildpack_core::plan::{Inputs, Phase, Run, Step};
use buildpack_core::toolchain::{Artifact, Kind, Verify};

use super::*;

fn step(id: &str, inputs: Inputs) -> Step {
    let run = Run::Bash {
        script: id.to_owned(),
    };
    Step {
        skip_if_unchanged: Some(inputs),
        ..Step::new(id, Phase::Assets, "", run)
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn plan(steps: Vec<Step>) -> PackPlan {
    PackPlan {
        kept: owned(&["_build", "priv/static", "deps"]),
        steps,
        ..PackPlan::empty("/app")
    }
}

/// Runs the plan's steps that are due; `work` does what their programs would. Returns what ran.
fn build(desk: &Desk, plan: &PackPlan, work: &dyn Fn(&str, &Tree)) -> Vec<String> {
    let (mut tree, _) = desk.bring(plan);
    let mut ran = Vec::new();
    for step in &plan.steps {
        if tree.due(step).is_some() {
            tree.started(step).unwrap();
            work(&step.id, &tree);
            tree.succeeded(step).unwrap();
            ran.push(step.id.clone());
        }
    }
    ran
}

/// Why the plan's first step would run.
fn why(desk: &Desk, plan: &PackPlan) -> Option<String> {
    desk.bring(plan).0.due(&plan.steps[0])
}

fn nothing(_: &str, _: &Tree) {}

#[test]
fn a_lock_that_a_step_makes_is_made_again() {
    let desk = Desk::new();
    desk.write("mix.lock", "one");
    let inputs = Inputs {
        names: owned(&["mix.lock"]),
        outputs: owned(&["deps"]),
        ..Inputs::default()
    };
    let plan = plan(vec![step("deps", inputs)]);
    let fetch = |_: &str, tree: &Tree| {
        write_in(tree, "deps/a");
        if !tree.app().join("mix.lock").exists() {
            write_in(tree, "mix.lock");
        }
    };
    assert_eq!(build(&desk, &plan, &fetch), ["deps"]);
    assert!(build(&desk, &plan, &fetch).is_empty());
    desk.write("mix.lock", "two");
    assert_eq!(why(&desk, &plan).unwrap(), "`mix.lock` changed");
    desk.write("mix.lock", "one");
    assert_eq!(why(&desk, &plan), None);
    let (tree, _) = desk.bring(&plan);
    fs_err::remove_dir_all(tree.app().join("deps")).unwrap();
    assert_eq!(why(&desk, &plan).unwrap(), "`deps` is missing");
    fs_err::remove_file(desk.source().join("mix.lock")).unwrap();
    assert_eq!(build(&desk, &plan, &fetch), ["deps"]);
    assert_eq!(build(&desk, &plan, &fetch), ["deps"]);
}

#[test]
fn files_of_its_folders_make_a_step_run_and_others_do_not() {
    let desk = Desk::new();
    desk.write("assets/css/app.css", "one");
    desk.write("lib/a.ex", "one");
    desk.write("assets.md", "one");
    let css = Inputs {
        folders: owned(&["assets"]),
        ..Inputs::default()
    };
    let compile = Inputs {
        all_but: Some(owned(&["assets"])),
        ..Inputs::default()
    };
    let plan = plan(vec![step("css", css), step("compile", compile)]);
    let ran = |path: &str, text: &str| {
        desk.write(path, text);
        build(&desk, &plan, &nothing)
    };
    assert_eq!(ran("lib/a.ex", "one"), ["css", "compile"]);
    assert!(ran("lib/a.ex", "one").is_empty());
    assert_eq!(ran("lib/a.ex", "two"), ["compile"]);
    assert_eq!(ran("assets.md", "two"), ["compile"]);
    assert_eq!(ran("assets/css/app.css", "two"), ["css"]);
    assert_eq!(ran("assets/js/new.js", "one"), ["css"]);
    fs_err::remove_file(desk.source().join("assets/js/new.js")).unwrap();
    assert_eq!(why(&desk, &plan).unwrap(), "`assets/js/new.js` changed");
    // The next build no longer knows which.
    assert_eq!(why(&desk, &plan).unwrap(), "`assets` changed");
}

#[test]
fn what_is_excepted_counts_for_no_name_and_no_folder() {
    let desk = Desk::new();
    let inputs = Inputs {
        names: owned(&["*.css", "*.js", "*.ts", "*.exs"]),
        folders: owned(&["apps"]),
        except: owned(&["apps/other"]),
        ..Inputs::default()
    };
    let plan = plan(vec![step("css", inputs)]);
    desk.write("apps/others/a.txt", "one");
    build(&desk, &plan, &nothing);
    desk.write("apps/other/x.css", "one");
    assert!(build(&desk, &plan, &nothing).is_empty());
    for path in ["x.css", "apps/others/x.txt"] {
        desk.write(path, "one");
        let reason = why(&desk, &plan);
        assert_eq!(reason.unwrap(), format!("`{path}` changed"));
        // The next build no longer knows which.
        let said = ["a file that it reads changed", "`apps` changed"];
        assert!(said.contains(&&*why(&desk, &plan).unwrap()));
        build(&desk, &plan, &nothing);
    }
}

#[test]
fn what_earlier_steps_make_counts_as_it_is_when_the_step_is_due() {
    let desk = Desk::new();
    desk.write("lib/a.ex", "one");
    let compile = Inputs {
        folders: owned(&["lib"]),
        ..Inputs::default()
    };
    let bundle = Inputs {
        made: owned(&["_build/hooks"]),
        ..Inputs::default()
    };
    let plan = plan(vec![step("compile", compile), step("bundle", bundle)]);
    let with = |content: &'static str| {
        move |id: &str, tree: &Tree| {
            if id == "compile" {
                write_in(tree, "_build/hooks/a.js");
                fs_err::write(tree.app().join("_build/hooks/a.js"), content).unwrap();
            }
        }
    };
    assert_eq!(build(&desk, &plan, &with("one")), ["compile", "bundle"]);
    assert!(build(&desk, &plan, &with("one")).is_empty());
    desk.write("lib/a.ex", "two");
    assert_eq!(build(&desk, &plan, &with("one")), ["compile"]);
    desk.write("lib/a.ex", "three");
    assert_eq!(build(&desk, &plan, &with("two")), ["compile", "bundle"]);
}

#[test]
fn a_step_runs_after_another_even_where_a_build_failed_in_between() {
    let desk = Desk::new();
    desk.write("a", "one");
    let first = Inputs {
        names: owned(&["a"]),
        ..Inputs::default()
    };
    let then = Inputs {
        after: owned(&["first"]),
        ..Inputs::default()
    };
    let plan = plan(vec![step("first", first), step("then", then)]);
    assert_eq!(build(&desk, &plan, &nothing), ["first", "then"]);
    assert!(build(&desk, &plan, &nothing).is_empty());
    desk.write("a", "two");
    let (mut tree, _) = desk.bring(&plan);
    tree.started(&plan.steps[0]).unwrap();
    tree.succeeded(&plan.steps[0]).unwrap();
    let (tree, _) = desk.bring(&plan);
    assert_eq!(tree.due(&plan.steps[0]), None);
    assert_eq!(tree.due(&plan.steps[1]).unwrap(), "step first ran");
}

#[test]
fn what_a_step_owns_is_emptied_of_all_that_is_no_source() {
    let desk = Desk::new();
    desk.write("priv/static/robots.txt", "one");
    desk.write("priv/static/images/a.svg", "one");
    desk.write("assets/app.css", "one");
    let digest = Inputs {
        folders: owned(&["assets"]),
        owns: owned(&["priv/static", "priv/other"]),
        ..Inputs::default()
    };
    let plan = plan(vec![step("digest", digest)]);
    let made = |name: &'static str| move |_: &str, tree: &Tree| write_in(tree, name);
    build(&desk, &plan, &made("priv/static/images/a-1.svg"));
    desk.write("assets/app.css", "two");
    assert_eq!(
        build(&desk, &plan, &made("priv/static/app/app-2.css")),
        ["digest"]
    );
    // Left out, it keeps what it made.
    assert!(build(&desk, &plan, &nothing).is_empty());
    let (tree, _) = desk.bring(&plan);
    let there = |path: &str| tree.app().join(path).exists();
    assert!(there("priv/static/app/app-2.css"));
    assert!(there("priv/static/robots.txt"));
    assert!(there("priv/static/images/a.svg"));
    assert!(!there("priv/static/images/a-1.svg"));
}

#[test]
fn a_step_that_writes_over_source_runs_again() {
    let desk = Desk::new();
    desk.write("priv/static/app.css", "checked in");
    desk.write("assets/app.css", "one");
    let bundle = Inputs {
        folders: owned(&["assets"]),
        outputs: owned(&["priv/static/app.css"]),
        ..Inputs::default()
    };
    let plan = plan(vec![step("bundle", bundle)]);
    let work = |_: &str, tree: &Tree| write_in(tree, "priv/static/app.css");
    for _ in 0..2 {
        assert_eq!(build(&desk, &plan, &work), ["bundle"]);
        let text = fs_err::read_to_string(desk.folder.path().join("tree/app/priv/static/app.css"));
        assert_eq!(text.unwrap(), "made");
    }
    assert_eq!(
        why(&desk, &plan).unwrap(),
        "`priv/static/app.css` was laid out anew or removed"
    );
}

#[test]
fn source_that_is_written_again_as_it_was_is_no_change() {
    let desk = Desk::new();
    desk.write("priv/static/robots.txt", "made");
    let digest = Inputs {
        owns: owned(&["priv/static"]),
        ..Inputs::default()
    };
    let plan = plan(vec![step("digest", digest)]);
    let work = |_: &str, tree: &Tree| write_in(tree, "priv/static/robots.txt");
    assert_eq!(build(&desk, &plan, &work), ["digest"]);
    assert!(build(&desk, &plan, &work).is_empty());
    desk.write("priv/static/robots.txt", "two");
    assert_eq!(build(&desk, &plan, &nothing), ["digest"]);
}

#[test]
fn a_step_that_writes_where_nothing_is_kept_is_not_left_out() {
    let desk = Desk::new();
    desk.write("mix.exs", "one");
    desk.write("version.txt", "one");
    let plan = plan(vec![
        step("tidy", Inputs::default()),
        step("bundle", Inputs::default()),
    ]);
    let made: &dyn Fn(&str, &Tree) = &|_, tree| write_in(tree, "priv/cdn/app.css");
    let edited: &dyn Fn(&str, &Tree) = &|_, tree| write_in(tree, "version.txt");
    let removed: &dyn Fn(&str, &Tree) =
        &|_, tree| fs_err::remove_file(tree.app().join("version.txt")).unwrap();
    for (work, path) in [
        (made, "priv/cdn/app.css"),
        (edited, "version.txt"),
        (removed, "version.txt"),
    ] {
        let work = |id: &str, tree: &Tree| {
            if id == "bundle" {
                work(id, tree);
            }
        };
        build(&desk, &plan, &work);
        // What another step did is not laid to its charge.
        assert_eq!(build(&desk, &plan, &work), ["bundle"], "{path}");
        let (tree, _) = desk.bring(&plan);
        assert_eq!(
            tree.due(&plan.steps[1]).unwrap(),
            format!("it wrote `{path}`, which is not kept from build to build")
        );
    }
    // Below a kept path, or with the same content, it is what the next build finds.
    let work = |_: &str, tree: &Tree| {
        write_in(tree, "priv/static/app.css");
        fs_err::write(tree.app().join("mix.exs"), "one").unwrap();
    };
    assert_eq!(build(&desk, &plan, &work), ["bundle"]);
    assert!(build(&desk, &plan, &work).is_empty());
}

#[test]
fn what_only_clears_away_has_nothing_to_do_in_an_empty_tree() {
    let desk = Desk::new();
    let inputs = Inputs {
        clears: owned(&["deps", "_build"]),
        ..Inputs::default()
    };
    let plan = plan(vec![step("clean", inputs)]);
    let (tree, _) = desk.bring(&plan);
    assert!(tree.is_idle(&plan.steps[0]));
    write_in(&tree, "deps/a/mix.exs");
    let (mut tree, _) = desk.bring(&plan);
    assert!(!tree.is_idle(&plan.steps[0]));
    assert!(tree.due(&plan.steps[0]).is_some());
    tree.succeeded(&plan.steps[0]).unwrap();
    let (tree, _) = desk.bring(&plan);
    assert_eq!(tree.due(&plan.steps[0]), None);
}

#[test]
fn what_others_may_have_changed_is_made_again() {
    let desk = Desk::new();
    let plan = plan(vec![step("bundle", Inputs::default())]);
    build(&desk, &plan, &nothing);
    let (mut tree, _) = desk.bring(&plan);
    assert_eq!(tree.due(&plan.steps[0]), None);
    tree.forget_steps().unwrap();
    assert!(why(&desk, &plan).is_some());
}

#[test]
fn output_that_was_not_kept_is_made_again() {
    let desk = Desk::new();
    desk.write("other/static/robots.txt", "one");
    let inputs = Inputs {
        outputs: owned(&["other/static"]),
        ..Inputs::default()
    };
    let plan = plan(vec![step("bundle", inputs)]);
    let work = |_: &str, tree: &Tree| write_in(tree, "other/static/app.css");
    assert_eq!(build(&desk, &plan, &work), ["bundle"]);
    assert_eq!(build(&desk, &plan, &work), ["bundle"]);
}

#[test]
fn another_tool_command_folder_or_variable_makes_a_step_run() {
    let desk = Desk::new();
    let inputs = Inputs {
        tools: owned(&["node"]),
        ..Inputs::default()
    };
    let with = |change: &dyn Fn(&mut PackPlan)| {
        let mut plan = plan(vec![step("install", inputs.clone())]);
        plan.tools.push(node("22.1.0"));
        change(&mut plan);
        plan
    };
    build(&desk, &with(&|_| {}), &nothing);
    assert_eq!(why(&desk, &with(&|_| {})), None);
    let reason = |change: &dyn Fn(&mut PackPlan)| why(&desk, &with(change)).unwrap();
    assert_eq!(
        reason(&|plan| plan.tools = vec![node("22.2.0")]),
        "node changed"
    );
    assert_eq!(reason(&|plan| plan.tools.clear()), "node changed");
    assert_eq!(
        reason(&|plan| plan.steps[0].cwd = "assets".to_owned()),
        "command changed"
    );
    let variable = |plan: &mut PackPlan| {
        let variable = ("NODE_ENV".to_owned(), "production".to_owned());
        plan.build_env.extend([variable]);
    };
    assert_eq!(reason(&variable), "variables changed");
}

fn node(version: &str) -> buildpack_core::plan::Tool {
    buildpack_core::plan::Tool {
        name: format!("Node {version}"),
        id: "node".to_owned(),
        version: version.to_owned(),
        artifact: Artifact {
            name: "Node".to_owned(),
            url: "http://localhost/node.tar.gz".to_owned(),
            verify: Verify::Sha256(buildpack_core::digest::Digest::of(version.as_bytes())),
            max_bytes: 1,
            kind: Kind::TarGz,
        },
        unpack: buildpack_core::plan::Unpack::Program {
            name: "node".to_owned(),
        },
        place: "/app/.heroku/node".to_owned(),
        install: None,
        purpose: buildpack_core::layer::Purpose::Node,
        in_image: false,
        pin: None,
        binds_output: false,
    }
}
