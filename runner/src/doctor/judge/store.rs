//! Where things are kept: room, and whether they are whole.

use buildpack_core::sandbox::amount;

use super::{Finding, State};
use crate::doctor::Facts;

const GIB: u64 = 1 << 30;

/// What both images of a stack, its tools and a build come to, roughly.
const OF_A_FIRST_BUILD: u64 = 5 * GIB;
const FILES_OF_A_FIRST_BUILD: u64 = 200_000;

/// What a build needs when all of that is there.
const OF_A_BUILD: u64 = GIB;
const FILES_OF_A_BUILD: u64 = 20_000;

pub(super) fn disk(facts: &Facts) -> Finding {
    let folder = facts.cache_dir.display();
    let space = match &facts.space {
        Ok(space) => space,
        Err(why) => {
            return Finding::new(
                "disk",
                State::Warn,
                format!("nobody can tell how much room `{folder}` has: {why}"),
                "a build that finds no room ends in the middle",
            )
            .mend("export BP_CACHE_DIR=/folder/on/another/disk");
        }
    };
    let free = format!("{} free for `{folder}`", amount(space.bytes));
    judged("disk", free, space.bytes, OF_A_BUILD, OF_A_FIRST_BUILD)
}

pub(super) fn files(facts: &Facts) -> Finding {
    match facts.space.as_ref().ok().and_then(|space| space.files) {
        Some(files) => {
            let free = format!("{files} more files can be made there");
            judged(
                "inodes",
                free,
                files,
                FILES_OF_A_BUILD,
                FILES_OF_A_FIRST_BUILD,
            )
        }
        None => Finding::new(
            "inodes",
            State::Ok,
            "the file system names no limit of files",
            "a stack's image and an app's packages have many small ones",
        ),
    }
}

fn judged(check: &'static str, found: String, free: u64, least: u64, enough: u64) -> Finding {
    let (state, means) = if free < least {
        (
            State::Bad,
            "too little for any build: it would end in the middle",
        )
    } else if free < enough {
        (
            State::Warn,
            "enough for an app that was built before; a stack's first build may find too little",
        )
    } else {
        return Finding::new(check, State::Ok, found, "enough for a stack's first build");
    };
    Finding::new(check, state, found, means)
        .mend("bp cache gc --max 1GiB")
        .mend("export BP_CACHE_DIR=/folder/on/another/disk")
}

pub(super) fn whole(facts: &Facts) -> Finding {
    let kept = match &facts.kept {
        Ok(kept) => kept,
        Err(problem) => {
            let finding = Finding::new(
                "store",
                State::Bad,
                problem.message.clone(),
                "nothing can be kept, and so nothing built",
            );
            let helps = problem.helps.iter().map(|help| help.text.clone());
            return helps.fold(finding, Finding::mend);
        }
    };
    let there = format!(
        "{}, {} in `{}`",
        counted(kept.images, "image"),
        counted(kept.stacks, "stack image"),
        facts.cache_dir.display()
    );
    if kept.flaws.is_empty() {
        return Finding::new(
            "store",
            State::Ok,
            format!("{there}, all of their parts there"),
            "what is kept can be used; `bp cache verify` reads every byte of it",
        );
    }
    let flaws: Vec<&str> = (kept.flaws.iter().take(3))
        .map(|flaw| flaw.message.as_str())
        .collect();
    let more = kept.flaws.len().saturating_sub(flaws.len());
    let more = if more > 0 {
        format!("; and {more} more")
    } else {
        String::new()
    };
    Finding::new(
        "store",
        State::Warn,
        format!("{there}: {}{more}", flaws.join("; ")),
        "what is not whole can't be run or pushed; builds make theirs anew",
    )
    .mend("bp cache verify --remove")
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}
