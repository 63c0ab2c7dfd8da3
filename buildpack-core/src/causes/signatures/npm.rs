//! How npm tells of failures, its own and those of programs.

/// What npm puts before each line of its failure, that of programs too: of these the first with an error in it says most.
pub(in crate::causes) const WRAPPED: [&str; 2] = ["npm ERR! ", "npm error "];

/// How lines of npm and node-gyp begin that say no more than that they failed, where, and what they did before.
const BESIDE_THE_POINT: [&str; 9] = [
    "code ",
    "errno ",
    "syscall ",
    "path ",
    "dest ",
    "command ",
    "gyp info ",
    "Log files were not written",
    "A complete log of this run",
];

/// Whether npm says with this line no more than that it failed, and where.
pub(in crate::causes) fn is_beside_the_point(line: &str) -> bool {
    let mut said = WRAPPED.iter().filter_map(|mark| line.split_once(mark));
    said.next()
        .is_some_and(|(_, said)| BESIDE_THE_POINT.iter().any(|words| said.starts_with(words)))
}
