//! Config vars from flags, files and folders; a later source wins.

use std::collections::BTreeMap;
use std::path::Path;

use buildpack_core::diagnostic::{Class, Diagnostic};

use super::args::Vars;
use crate::pipeline::{ConfigVars, Failure};

/// Reads all of them: folders first, then files, then `--env`.
pub(super) fn read(
    vars: &Vars,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<ConfigVars, Failure> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for folder in &vars.env_dir {
        read_folder(folder, &mut all)?;
    }
    for file in &vars.env_file {
        read_file(file, &mut all)?;
    }
    for entry in &vars.env {
        let (name, value) = match entry.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (entry.as_str(), lookup(entry)),
        };
        check_name(name, "--env")?;
        let value = value.ok_or_else(|| {
            Failure::of(
                Diagnostic::error(
                    "config-var-unset",
                    Class::Usage,
                    format!("`--env {name}` takes the value from here, but `{name}` is not set"),
                )
                .help(format!("set it, or write `--env {name}=value`")),
            )
        })?;
        all.insert(name.to_owned(), value);
    }
    match all.iter().find(|(_, value)| value.contains('\0')) {
        Some((name, _)) => Err(zero_byte(name)),
        None => Ok(ConfigVars(all)),
    }
}

fn read_folder(folder: &Path, all: &mut BTreeMap<String, String>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| unreadable("--env-dir", folder, &error);
    let mut paths: Vec<_> = fs_err::read_dir(folder)
        .map_err(failed)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    paths.sort();
    for path in paths.iter().filter(|path| path.is_file()) {
        let name = &path.file_name().unwrap_or_default().to_string_lossy();
        check_name(name, "--env-dir")?;
        let bytes = fs_err::read(path).map_err(|error| unreadable("--env-dir", path, &error))?;
        let value = String::from_utf8(bytes).map_err(|_| not_text(name))?;
        all.insert(
            name.clone().into_owned(),
            value.trim_end_matches('\n').to_owned(),
        );
    }
    Ok(())
}

fn read_file(file: &Path, all: &mut BTreeMap<String, String>) -> Result<(), Failure> {
    let bytes = fs_err::read(file).map_err(|error| unreadable("--env-file", file, &error))?;
    let text = String::from_utf8(bytes).map_err(|_| not_text(&file.display().to_string()))?;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=') else {
            // The line may hold a value: its number is enough.
            return Err(Failure::of(
                Diagnostic::error(
                    "env-file-line",
                    Class::Usage,
                    format!(
                        "line {} of `{}` is not `NAME=value`",
                        number + 1,
                        file.display()
                    ),
                )
                .help("write one `NAME=value` a line; a value needs no quotes"),
            ));
        };
        check_name(
            name.trim_end(),
            &format!("{}:{}", file.display(), number + 1),
        )?;
        all.insert(
            name.trim_end().to_owned(),
            unquoted(value.trim_start()).to_owned(),
        );
    }
    Ok(())
}

/// The value without one pair of quotes around all of it.
fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = value
            .strip_prefix(quote)
            .and_then(|v| v.strip_suffix(quote))
        {
            return inner;
        }
    }
    value
}

fn check_name(name: &str, place: &str) -> Result<(), Failure> {
    let letters = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if letters && name.bytes().next().is_some_and(|b| !b.is_ascii_digit()) {
        return Ok(());
    }
    Err(Failure::of(
        Diagnostic::error(
            "config-var-name",
            Class::Usage,
            format!("`{name}` ({place}) is no name of a config var"),
        )
        .help("a name has letters, digits and `_`, and begins with no digit"),
    ))
}

fn unreadable(flag: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::of(
        Diagnostic::error(
            "config-vars-unreadable",
            Class::Usage,
            format!("cannot read `{}` of `{flag}`: {error}", path.display()),
        )
        .help("check the path and its permissions"),
    )
}

fn not_text(what: &str) -> Failure {
    Failure::of(
        Diagnostic::error(
            "config-var-not-text",
            Class::Usage,
            format!("`{what}` is not UTF-8 text"),
        )
        .help("encode binary values, for instance with base64"),
    )
}

fn zero_byte(name: &str) -> Failure {
    Failure::of(
        Diagnostic::error(
            "config-var-zero-byte",
            Class::Usage,
            format!("the value of `{name}` holds a zero byte, which no program can be given"),
        )
        .help("encode binary values, for instance with base64"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(entries: &[&str]) -> Vars {
        Vars {
            env: entries.iter().map(|&entry| entry.to_owned()).collect(),
            ..Vars::default()
        }
    }

    #[test]
    fn flags_win_over_files_and_files_over_folders() {
        let folder = tempfile::tempdir().unwrap();
        let vars_folder = folder.path().join("vars");
        fs_err::create_dir(&vars_folder).unwrap();
        for name in ["A", "B", "C"] {
            fs_err::write(vars_folder.join(name), "folder\n").unwrap();
        }
        let file = folder.path().join("file");
        fs_err::write(&file, "\u{feff}# comment\r\n\nexport B = 'file'\nC=f=g\n").unwrap();
        let vars = Vars {
            env: vec!["C=flag".to_owned(), "D".to_owned()],
            env_file: vec![file],
            env_dir: vec![vars_folder],
        };
        let read = read(&vars, &|name| Some(format!("own {name}"))).unwrap();
        let read: Vec<_> = read.0.iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(read, ["A=folder", "B=file", "C=flag", "D=own D"]);
    }

    #[test]
    fn an_error_never_tells_a_value() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs_err::write(&file, "A=1\nhunter2 without a name\n").unwrap();
        let vars = Vars {
            env_file: vec![file],
            ..Vars::default()
        };
        let error = read(&vars, &|_| None).err().unwrap();
        assert!(error.to_string().contains("line 2"), "{error}");
        assert!(!format!("{error:?} {error}").contains("hunter2"));
    }

    #[test]
    fn unset_and_misnamed_variables_are_refused() {
        for entry in ["UNSET", "1A=x", "A B=x", "=x", "A/../B=x"] {
            let error = read(&env(&[entry]), &|_| None).err().unwrap();
            assert_eq!(error.class(), Class::Usage, "{entry}");
        }
    }
}
