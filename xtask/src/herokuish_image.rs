//! The image in herokuish's form: builds `bp` as it is released, and lets it make the image.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use fs_err as fs;

use crate::bp::{self, checkout};
use crate::world::Failure;

/// `cargo xtask herokuish-image [--stack heroku-24] [--output FOLDER]`: an OCI layout and an archive for `docker load`, in
/// `target/herokuish` unless told otherwise. For the test world's stack: `cargo xtask world -- cargo xtask herokuish-image`.
pub(crate) fn run(args: &[String]) -> ExitCode {
    let Some((stack, folder)) = parse(args) else {
        eprintln!("usage: cargo xtask herokuish-image [--stack heroku-24] [--output FOLDER]");
        return ExitCode::from(2);
    };
    match make(&stack, &folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask herokuish-image: {failure}");
            ExitCode::from(4)
        }
    }
}

fn parse(args: &[String]) -> Option<(String, PathBuf)> {
    let mut stack = "heroku-24".to_owned();
    let mut folder = checkout().join("target/herokuish");
    for pair in args.chunks(2) {
        match pair {
            [flag, value] if flag == "--stack" => stack.clone_from(value),
            [flag, value] if flag == "--output" => folder = PathBuf::from(value),
            _ => return None,
        }
    }
    Some((stack, folder))
}

fn make(stack: &str, folder: &std::path::Path) -> Result<(), Failure> {
    let bp = bp::release()?;
    fs::create_dir_all(folder)?;
    let layout = format!("oci:{}", folder.join(stack).display());
    let archive = folder.join(format!("herokuish-{stack}.tar"));
    let archive = format!("docker-archive:{}", archive.display());
    let mut command = Command::new(bp);
    command.args(["herokuish", "image", stack, &layout, &archive]);
    if std::env::var_os("BP_WORLD").is_some() && std::env::var_os("BP_CACHE_DIR").is_none() {
        // The world's stand-ins bear the names of the real images.
        command.env("BP_CACHE_DIR", folder.join("store"));
    }
    let status = command
        .status()
        .map_err(|cause| Failure::new("cannot start `bp`", cause))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::say(format!(
        "`bp herokuish image` failed ({status})"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_have_values() {
        let parse = |line: &str| {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            parse(&words)
        };
        assert_eq!(
            parse("--stack heroku-22 --output out"),
            Some(("heroku-22".to_owned(), PathBuf::from("out")))
        );
        assert_eq!(parse("").unwrap().0, "heroku-24");
        for line in ["--stack", "heroku-24", "--flag x"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
