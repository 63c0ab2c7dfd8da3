//! What fuzzing began with and what it found is read without a panic, and nothing is kept that no reader reads.

use std::collections::BTreeSet;

use testdata::fuzz::{TARGETS, corpus, folder};

#[test]
fn every_reader_takes_what_is_kept_for_it() {
    for (name, run) in TARGETS {
        let inputs = corpus(name).unwrap();
        assert!(!inputs.is_empty(), "{name} has nothing to begin with");
        for (path, input) in inputs {
            let result = std::panic::catch_unwind(|| run(&input));
            assert!(result.is_ok(), "{}", path.display());
            // Torn files are the commonest kind of broken ones.
            for end in (0..input.len()).step_by(input.len() / 300 + 1) {
                let result = std::panic::catch_unwind(|| run(&input[..end]));
                assert!(
                    result.is_ok(),
                    "the first {end} bytes of {}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn names_are_those_of_folders() {
    let names: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let folders: BTreeSet<String> = fs_err::read_dir(folder().join("corpus"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names, folders);
    assert_eq!(names.len(), TARGETS.len());
}
