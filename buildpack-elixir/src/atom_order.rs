//! One order of atoms for every build.
//!
//! Since OTP 26 a map of atoms is iterated in the order in which the atoms were made, and the parallel compiler and the
//! parallel boot make them in another order each time. What a macro makes of such a map is then another list in
//! another build: the code differs, not only its debug information. The boot file is the first thing that the virtual
//! machine reads, as one term from front to back; so a boot file that names all words of the sources makes their atoms
//! before anything runs. Words of packages come first, as a map of more than 32 keys follows from the very numbers of
//! their atoms: those of a package stay what they are, whatever words the app brings.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use walkdir::WalkDir;

/// Files whose words become atoms when they are compiled.
const EXTENSIONS: [&str; 10] = [
    "ex", "exs", "eex", "heex", "leex", "erl", "hrl", "xrl", "yrl", "app.src",
];

/// Folders without sources of modules.
const SKIPPED: [&str; 7] = [
    "_build",
    "node_modules",
    ".mix",
    ".hex",
    ".bp",
    ".platform_tools",
    "priv",
];

/// An atom has at most 255 characters; the table of a machine holds a million.
const LONGEST: usize = 255;
const MOST: usize = 400_000;

/// Words of sources in the order of their atoms: those of packages, sorted, then the others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// Those that stand in `deps`.
    pub packages: BTreeSet<String>,
    /// Those that stand elsewhere alone.
    pub others: BTreeSet<String>,
}

impl Words {
    /// As they are written down; [`Words::read`] reads it.
    pub fn text(&self) -> String {
        format!("{}\n{}", lines(&self.packages), lines(&self.others))
    }

    /// What [`Words::text`] wrote; none where it is something else.
    pub fn read(text: &str) -> Option<Self> {
        let (packages, others) = match text.strip_prefix('\n') {
            Some(others) => ("", others),
            None => text.split_once("\n\n")?,
        };
        let set = |text: &str| text.lines().map(str::to_owned).collect();
        Some(Self {
            packages: set(packages),
            others: set(others),
        })
    }
}

/// Each word with the end of a line.
pub fn lines(words: &BTreeSet<String>) -> String {
    let words = words.iter().map(String::as_str);
    words.flat_map(|word| [word, "\n"]).collect()
}

/// The words of all sources below `tree`, as atoms: names as they stand, and module names as Elixir makes them.
pub fn words(tree: &Path) -> io::Result<Words> {
    let mut words = Words::default();
    let packages = tree.join("deps");
    let walk = WalkDir::new(tree)
        .into_iter()
        .filter_entry(|entry| !SKIPPED.iter().any(|name| entry.file_name() == *name));
    for entry in walk {
        let entry = entry?;
        let named = entry.file_name().to_string_lossy();
        let source = EXTENSIONS.iter().any(|extension| {
            named
                .strip_suffix(extension)
                .is_some_and(|n| n.ends_with('.'))
        });
        // What a parser generator made stands there from the second build on.
        let made = named.strip_suffix(".erl").is_some_and(|name| {
            let grammar = |end| entry.path().with_file_name(format!("{name}.{end}"));
            ["yrl", "xrl"].iter().any(|end| grammar(end).exists())
        });
        if entry.file_type().is_file() && source && !made {
            let words = if entry.path().starts_with(&packages) {
                &mut words.packages
            } else {
                &mut words.others
            };
            collect(&fs_err::read(entry.path())?, words);
        }
    }
    words.others.retain(|word| !words.packages.contains(word));
    Ok(words)
}

fn collect(text: &[u8], words: &mut BTreeSet<String>) {
    let mut at = 0;
    while at < text.len() && words.len() < MOST {
        if !begins(text[at]) {
            at += 1;
            continue;
        }
        let start = at;
        while at < text.len() && continues(text[at]) {
            at += 1;
        }
        if at < text.len() && (text[at] == b'?' || text[at] == b'!') {
            insert(&text[start..at], words);
            at += 1;
        }
        insert(&text[start..at], words);
        if text[start].is_ascii_uppercase() {
            at = module(text, start, at, words);
        }
    }
}

/// `Foo.Bar` is the atom `Elixir.Foo.Bar`, and each part is an alias of its own. Returns where it ends.
fn module(text: &[u8], start: usize, mut end: usize, words: &mut BTreeSet<String>) -> usize {
    loop {
        let name = [b"Elixir.", &text[start..end]].concat();
        insert(&name, words);
        let dotted =
            text.get(end) == Some(&b'.') && text.get(end + 1).is_some_and(u8::is_ascii_uppercase);
        if !dotted {
            return end;
        }
        let part = end + 1;
        end = part;
        while end < text.len() && continues(text[end]) {
            end += 1;
        }
        insert(&text[part..end], words);
    }
}

fn begins(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn continues(byte: u8) -> bool {
    begins(byte) || byte.is_ascii_digit() || byte == b'@'
}

fn insert(word: &[u8], words: &mut BTreeSet<String>) {
    if let Ok(word) = std::str::from_utf8(word)
        && word.len() <= LONGEST
        && !words.contains(word)
    {
        words.insert(word.to_owned());
    }
}

/// `start`, the bytes of a boot file, with `words` named before its first instruction; none where it is no boot file.
///
/// A boot file is `{script, {Name, Version}, [Instruction]}` in the external term format; `{progress, Term}` is an
/// instruction that only tells how far the boot is (`script(4)` of OTP).
pub fn boot_file(start: &[u8], words: &Words) -> Option<Vec<u8>> {
    const VERSION: u8 = 131;
    const SMALL_TUPLE: u8 = 104;
    const LIST: u8 = 108;
    const NIL: u8 = 106;
    let rest = start.strip_prefix(&[VERSION, SMALL_TUPLE, 3])?;
    let rest = skip_atom(rest)?;
    let rest = skip_string(skip_string(rest.strip_prefix(&[SMALL_TUPLE, 2])?)?)?;
    let (count, instructions) = rest.strip_prefix(&[LIST])?.split_first_chunk::<4>()?;
    let head = &start[..start.len() - rest.len()];
    let mut file = head.to_vec();
    file.push(LIST);
    file.extend(u32::from_be_bytes(*count).checked_add(1)?.to_be_bytes());
    file.extend([SMALL_TUPLE, 2]);
    put_atom(&mut file, "progress");
    let count = words.packages.len() + words.others.len();
    if count == 0 {
        file.push(NIL);
    } else {
        file.push(LIST);
        file.extend(u32::try_from(count).ok()?.to_be_bytes());
        for word in words.packages.iter().chain(&words.others) {
            put_atom(&mut file, word);
        }
        file.push(NIL);
    }
    file.extend(instructions);
    Some(file)
}

/// As a small atom in UTF-8, which every OTP since 20 reads.
fn put_atom(file: &mut Vec<u8>, name: &str) {
    if let Ok(length) = u8::try_from(name.len()) {
        file.extend([119, length]);
        file.extend(name.as_bytes());
    }
}

fn skip_atom(term: &[u8]) -> Option<&[u8]> {
    match term.split_first()? {
        (119 | 115, rest) => {
            let (length, rest) = rest.split_first()?;
            rest.get(usize::from(*length)..)
        }
        (118 | 100, rest) => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            rest.get(usize::from(u16::from_be_bytes(*length))..)
        }
        _ => None,
    }
}

fn skip_string(term: &[u8]) -> Option<&[u8]> {
    let (length, rest) = term.strip_prefix(&[107])?.split_first_chunk::<2>()?;
    rest.get(usize::from(u16::from_be_bytes(*length))..)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> Vec<String> {
        let mut words = BTreeSet::new();
        collect(text.as_bytes(), &mut words);
        words.into_iter().collect()
    }

    #[test]
    fn words_are_what_a_source_makes_atoms_of() {
        assert_eq!(
            of("def ok?(x2), do: :größe"),
            ["def", "do", "größe", "ok", "ok?", "x2"]
        );
        assert_eq!(
            of("Foo.Bar.baz"),
            ["Bar", "Elixir.Foo", "Elixir.Foo.Bar", "Foo", "baz"]
        );
    }

    #[test]
    fn what_is_made_of_a_grammar_is_no_source() {
        let tree = tempfile::tempdir().unwrap();
        for (name, text) in [("a.yrl", "grammar"), ("a.erl", "made"), ("b.erl", "source")] {
            fs_err::write(tree.path().join(name), text).unwrap();
        }
        let words = words(tree.path()).unwrap();
        let others: Vec<String> = words.others.into_iter().collect();
        assert_eq!(others, ["grammar", "source"]);
    }

    #[test]
    fn words_of_packages_are_told_apart_and_read_again() {
        let tree = tempfile::tempdir().unwrap();
        fs_err::create_dir_all(tree.path().join("deps/plug/lib")).unwrap();
        fs_err::write(tree.path().join("deps/plug/lib/plug.ex"), "b c").unwrap();
        fs_err::write(tree.path().join("mix.exs"), "a b d").unwrap();
        let all = words(tree.path()).unwrap();
        let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let wanted = |packages: &[&str], others: &[&str]| Words {
            packages: set(packages),
            others: set(others),
        };
        assert_eq!(all, wanted(&["b", "c"], &["a", "d"]));
        for words in [
            all,
            wanted(&[], &["a"]),
            wanted(&["a"], &[]),
            wanted(&[], &[]),
        ] {
            assert_eq!(Words::read(&words.text()), Some(words));
        }
        assert_eq!(Words::read("half"), None);
    }

    /// `{script, {"a", "1"}, [{progress, done}]}`.
    const START: &[u8] = b"\x83h\x03w\x06scripth\x02k\x00\x01ak\x00\x011l\x00\x00\x00\x01h\x02w\x08progressw\x04donej";

    #[test]
    fn the_words_stand_before_the_first_instruction() {
        let words = Words {
            packages: ["b".to_owned()].into(),
            others: ["a".to_owned()].into(),
        };
        let file = boot_file(START, &words).unwrap();
        assert_eq!(
            file,
            b"\x83h\x03w\x06scripth\x02k\x00\x01ak\x00\x011l\x00\x00\x00\x02h\x02w\x08progressl\x00\x00\x00\x02w\x01bw\x01ajh\x02w\x08progressw\x04donej"
        );
    }

    proptest! {
        #[test]
        fn what_is_no_boot_file_is_left_alone(bytes in proptest::collection::vec(any::<u8>(), 0..80), cut in 0..START.len()) {
            let _ = boot_file(&bytes, &Words::default());
            let head = &START[..cut.min(24)];
            prop_assert_eq!(boot_file(head, &Words::default()), None);
        }

        #[test]
        fn no_source_makes_it_panic(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut words = BTreeSet::new();
            collect(&text, &mut words);
        }
    }
}
