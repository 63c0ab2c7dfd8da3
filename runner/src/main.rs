//! The `bp` binary.

fn main() {
    runner::sandbox::entry();
}
