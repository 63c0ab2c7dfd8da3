//! `cargo xtask fuzz`: searches for inputs that readers of others' files do wrong with.
//!
//! The readers and what is kept of earlier searches are `testdata::fuzz`. With a nightly toolchain and cargo-fuzz,
//! libFuzzer searches; else a mutator of our own, which sees no branches but needs nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// Searches as `args` say.
pub(crate) fn run(args: &[String]) -> ExitCode {
    match Wanted::read(args).and_then(|wanted| wanted.search()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!(" !     {error}");
            ExitCode::FAILURE
        }
    }
}

/// A search.
#[derive(Debug, PartialEq)]
struct Wanted {
    /// Readers; empty for all.
    targets: Vec<String>,
    /// How long to search in each.
    seconds: u64,
    /// What our own mutator's inputs follow from.
    number: u64,
    /// Whether not to ask for libFuzzer.
    stable: bool,
}

impl Wanted {
    fn read(args: &[String]) -> Result<Self, String> {
        let mut wanted = Self {
            targets: Vec::new(),
            seconds: 60,
            number: 1,
            stable: false,
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let (flag, value) = arg
                .split_once('=')
                .map_or((arg.as_str(), None), |(flag, value)| {
                    (flag, Some(value.to_owned()))
                });
            let field = match flag {
                "--seconds" => &mut wanted.seconds,
                "--number" => &mut wanted.number,
                "--stable" => {
                    wanted.stable = true;
                    continue;
                }
                _ if flag.starts_with('-') => {
                    return Err(format!(
                        "unknown flag `{flag}`; there are --seconds N, --number N, --stable"
                    ));
                }
                _ => {
                    wanted.targets.push(arg.clone());
                    continue;
                }
            };
            *field = value
                .or_else(|| args.next().cloned())
                .and_then(|value| value.parse().ok())
                .ok_or_else(|| format!("`{flag}` expects a number"))?;
        }
        Ok(wanted)
    }

    fn search(&self) -> Result<ExitCode, String> {
        let known = targets()?;
        if let Some(unknown) = self.targets.iter().find(|name| !known.contains(name)) {
            return Err(format!(
                "no target `{unknown}`; there are {}",
                known.join(", ")
            ));
        }
        let targets = if self.targets.is_empty() {
            &known
        } else {
            &self.targets
        };
        let good = if !self.stable && has_libfuzzer() {
            println!("-----> Fuzzing with libFuzzer, {} s each", self.seconds);
            self.libfuzzer(targets)?
        } else {
            println!(
                "-----> Fuzzing with our own mutator, {} s each",
                self.seconds
            );
            self.own(targets)?
        };
        Ok(if good {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    /// Whether nothing was found.
    fn libfuzzer(&self, targets: &[String]) -> Result<bool, String> {
        let mut good = true;
        for target in targets {
            // What it learns goes to the first folder, which is not kept.
            let learnt = root().join("fuzz/corpus").join(target);
            fs_err::create_dir_all(&learnt).map_err(|error| error.to_string())?;
            let mut command = Command::new("cargo");
            // Cargo hands its own toolchain on to what it starts.
            command
                .env_remove("RUSTUP_TOOLCHAIN")
                .args(["+nightly", "fuzz", "run", target])
                .args([learnt, seeds().join(target)])
                .arg("--")
                .arg(format!("-max_total_time={}", self.seconds))
                .args([
                    "-max_len=65536",
                    "-timeout=10",
                    "-verbosity=0",
                    "-print_final_stats=1",
                ]);
            println!("       {target}");
            good &= succeeds(&mut command)?;
        }
        Ok(good)
    }

    fn own(&self, targets: &[String]) -> Result<bool, String> {
        let mut command = Command::new(env!("CARGO"));
        command
            .args(["run", "--quiet", "--profile", "fuzz"])
            .args(["--package", "testdata", "--bin", "fuzz", "--"])
            .args([self.seconds.to_string(), self.number.to_string()])
            .args(targets);
        succeeds(&mut command)
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn seeds() -> PathBuf {
    root().join("testdata/fuzz/corpus")
}

/// Names of all readers: each has a folder of inputs to begin with.
fn targets() -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    for entry in fs_err::read_dir(seeds()).map_err(|error| error.to_string())? {
        let entry = entry.map_err(|error| error.to_string())?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Whether there are a nightly toolchain and cargo-fuzz.
fn has_libfuzzer() -> bool {
    Command::new("cargo")
        .env_remove("RUSTUP_TOOLCHAIN")
        .args(["+nightly", "fuzz", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn succeeds(command: &mut Command) -> Result<bool, String> {
    let status = command
        .current_dir(root())
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str]) -> Result<Wanted, String> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        Wanted::read(&args)
    }

    #[test]
    fn flags_stand_anywhere() {
        let wanted = Wanted {
            targets: vec!["mix_exs".into(), "sums".into()],
            seconds: 5,
            number: 7,
            stable: true,
        };
        let args = [
            "mix_exs",
            "--seconds",
            "5",
            "sums",
            "--number=7",
            "--stable",
        ];
        assert_eq!(read(&args), Ok(wanted));
        assert!(read(&["--seconds"]).is_err());
        assert!(read(&["--seconds=x"]).is_err());
        assert!(read(&["--second=1"]).unwrap_err().contains("--seconds N"));
    }

    #[test]
    fn libfuzzer_knows_the_same_readers() {
        let manifest = fs_err::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        let bins = manifest["bin"].as_array().unwrap();
        let names: Vec<&str> = bins
            .iter()
            .map(|bin| bin["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, targets().unwrap());
    }
}
