//! The files of `ENV_PATH` as variables of a process: one file each, its name the variable's (compatibility facts 2.6).

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// The variables of a folder, and what in it can be none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct EnvDir {
    /// Names and values, sorted by name. A value is the file's bytes but for line ends at the end and zero bytes, which
    /// no environment can hold: what `$(cat FILE)` gives.
    pub(super) variables: Vec<(String, OsString)>,
    /// What was passed over or changed, one sentence each; no value is told.
    pub(super) remarks: Vec<String>,
}

/// Reads a folder; one that does not exist holds nothing. Hidden files and folders are not meant (a mounted
/// Kubernetes volume has both).
pub(super) fn read(folder: &Path) -> EnvDir {
    let mut all = EnvDir::default();
    let Ok(entries) = fs_err::read_dir(folder) else {
        return all;
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().as_bytes();
        if name.starts_with(b".") || !path.is_file() {
            continue;
        }
        let shown = String::from_utf8_lossy(name);
        if !is_identifier(name) {
            all.remarks.push(format!(
                "`{shown}` in `{}` is no name of a variable and is left out",
                folder.display()
            ));
            continue;
        }
        match fs_err::read(&path) {
            Ok(mut value) => {
                let whole = value.len();
                value.retain(|byte| *byte != 0);
                if value.len() < whole {
                    all.remarks.push(format!(
                        "`{shown}` holds zero bytes, which no variable can hold; they are left out"
                    ));
                }
                let end = value.iter().rposition(|byte| *byte != b'\n');
                value.truncate(end.map_or(0, |end| end + 1));
                all.variables
                    .push((shown.into_owned(), OsString::from_vec(value)));
            }
            Err(error) => all
                .remarks
                .push(format!("the config var `{shown}` is left out: {error}")),
        }
    }
    all
}

/// Whether bash takes it as a variable's name.
pub(super) fn is_identifier(name: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    name.first().is_some_and(|byte| !byte.is_ascii_digit()) && name.iter().all(plain)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    fn folder(files: &[(&[u8], &[u8])]) -> (tempfile::TempDir, EnvDir) {
        let folder = tempfile::tempdir().unwrap();
        for (name, value) in files {
            fs_err::write(folder.path().join(OsStr::from_bytes(name)), value).unwrap();
        }
        let read = read(folder.path());
        (folder, read)
    }

    #[test]
    fn values_are_bytes_without_the_last_line_ends() {
        let (_folder, read) = folder(&[
            (b"B", b"one\ntwo\n\n"),
            (b"A", b"'\"$(x) \\ \xff\xfe"),
            (b"C", b"\n"),
            (b"_d9", b" a\r\n"),
        ]);
        let values: Vec<_> = read
            .variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        assert_eq!(
            values,
            [
                ("A", &b"'\"$(x) \\ \xff\xfe"[..]),
                ("B", b"one\ntwo"),
                ("C", b""),
                ("_d9", b" a\r"),
            ]
        );
        assert_eq!(read.remarks, Vec::<String>::new());
    }

    #[test]
    fn what_can_be_no_variable_is_told_without_its_value() {
        let (own, read) = folder(&[
            (b"a-b", b"hunter2"),
            (b"1A", b"hunter2"),
            (b"\xff", b"hunter2"),
            (b"A=B", b"hunter2"),
            (b".hidden", b"hunter2"),
            (b"NUL", b"hun\0ter2\0"),
        ]);
        assert_eq!(read.variables, [("NUL".to_owned(), "hunter2".into())]);
        assert_eq!(read.remarks.len(), 5);
        assert!(!read.remarks.join("").contains("hunter2"));
        fs_err::create_dir(own.path().join("FOLDER")).unwrap();
        std::os::unix::fs::symlink("NUL", own.path().join("LINK")).unwrap();
        let names: Vec<_> = super::read(own.path()).variables;
        assert_eq!(names[0].0, "LINK");
        assert_eq!(names.len(), 2);
    }

    #[test]
    fn no_folder_holds_nothing() {
        assert_eq!(read(Path::new("/nowhere/at/all")), EnvDir::default());
    }
}
