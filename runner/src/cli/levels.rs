//! `--deny` and `--allow`, in the order in which they were typed.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use crate::pipeline::Change;

/// Changes of levels as they were typed.
#[derive(Debug, Clone, Default)]
pub(super) struct LevelFlags(pub Vec<(Change, String)>);

const FLAGS: [(&str, Change); 2] = [("deny", Change::Deny), ("allow", Change::Allow)];

// By hand, for a derived struct forgets which of two flags came first.
impl FromArgMatches for LevelFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut typed: Vec<(usize, Change, String)> = Vec::new();
        for (name, change) in FLAGS {
            let (Some(places), Some(values)) =
                (matches.indices_of(name), matches.get_many::<String>(name))
            else {
                continue;
            };
            typed.extend(
                places
                    .zip(values)
                    .map(|(at, value)| (at, change, value.clone())),
            );
        }
        typed.sort_by_key(|(at, ..)| *at);
        let changes = typed.into_iter().map(|(_, change, name)| (change, name));
        Ok(Self(changes.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for LevelFlags {
    fn augment_args(command: Command) -> Command {
        let flag = |name: &'static str, help: &'static str| {
            Arg::new(name)
                .long(name)
                .value_name("CODE")
                .action(ArgAction::Append)
                .help(help)
        };
        command
            .arg(flag(
                "deny",
                "Make an error of what has this code; `eol` stands for all about support that ends, `warnings` for all \
                 warnings",
            ))
            .arg(flag(
                "allow",
                "Make a warning of an error of this code, or leave it out if it is none; of --deny and --allow, the \
                 last that fits counts",
            ))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}
