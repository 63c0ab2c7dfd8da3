//! One reader under libFuzzer: the one that the program is named after.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let name = env!("CARGO_BIN_NAME");
    let (_, run) = testdata::fuzz::target(name).expect("a target of this name");
    run(data);
});
