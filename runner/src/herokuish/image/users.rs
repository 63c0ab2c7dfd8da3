//! herokuish's user in the tables of a stack.

use std::io;
use std::path::Path;

use super::layer::Entry;

/// The number of user and group.
pub(super) const ID: u32 = 32767;

const NAME: &str = "herokuishuser";

/// A table of `/etc`, the line that is added, and the mode of the file.
const TABLES: [(&str, &str, u32); 4] = [
    ("passwd", "x:32767:32767:,,,:/app:/bin/bash", 0o644),
    ("group", "x:32767:", 0o644),
    // No password opens it.
    ("shadow", "!:10957:0:99999:7:::", 0o640),
    ("gshadow", "!::", 0o640),
];

/// The tables of the stack in `base`, with the user. One that the stack lacks is made only where all systems have it.
pub(super) fn tables(base: &Path) -> io::Result<Vec<Entry>> {
    let read = |name: &str| match fs_err::read_to_string(base.join("etc").join(name)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    let shadow = read("group")?.and_then(|text| number(&text, "shadow"));
    let mut entries = Vec::new();
    for (name, fields, mode) in TABLES {
        let Some(text) = read(name)? else { continue };
        let group = if mode == 0o640 {
            shadow.unwrap_or(0)
        } else {
            0
        };
        let text = with_line(&text, NAME, fields);
        entries.push(Entry::file(
            &format!("etc/{name}"),
            mode,
            group,
            text.into_bytes(),
        ));
    }
    Ok(entries)
}

/// The table with a line for `name`, in place of one that is there.
fn with_line(text: &str, name: &str, fields: &str) -> String {
    let is_own = |line: &&str| line.split(':').next() == Some(name);
    let others = text.lines().filter(|line| !is_own(line));
    let mut lines: Vec<String> = others.map(str::to_owned).collect();
    lines.push(format!("{name}:{fields}"));
    lines.join("\n") + "\n"
}

/// The number of a group.
fn number(groups: &str, name: &str) -> Option<u32> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        fields.nth(1)?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_stands_in_each_table_once() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            fs_err::create_dir_all(folder.path().join("etc")).unwrap();
            fs_err::write(folder.path().join("etc").join(name), text).unwrap();
        };
        write(
            "passwd",
            "root:x:0:0:root:/root:/bin/bash\nherokuishuser:x:1:1::/:/bin/sh",
        );
        write("group", "root:x:0:\nshadow:x:42:\n");
        write("shadow", "root:*:1:0:99999:7:::\n");
        let found: Vec<_> = tables(folder.path())
            .unwrap()
            .into_iter()
            .map(|entry| {
                let text = String::from_utf8(entry.content()).unwrap();
                let last = text.lines().last().unwrap().to_owned();
                (
                    entry.path,
                    entry.mode,
                    entry.group,
                    text.lines().count(),
                    last,
                )
            })
            .collect();
        let line = |fields: &str| format!("herokuishuser:{fields}");
        assert_eq!(
            found,
            [
                (
                    "etc/passwd".to_owned(),
                    0o644,
                    0,
                    2,
                    line("x:32767:32767:,,,:/app:/bin/bash")
                ),
                ("etc/group".to_owned(), 0o644, 0, 3, line("x:32767:")),
                (
                    "etc/shadow".to_owned(),
                    0o640,
                    42,
                    2,
                    line("!:10957:0:99999:7:::")
                ),
            ]
        );
    }
}
