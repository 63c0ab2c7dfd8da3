//! The herokuish face through the binary, under the names that a herokuish image links to it.

#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

mod build;
mod commands;
mod desk;
mod detect;
mod launch;
mod packs;
mod procfile;
mod slug;
mod test;
mod users;
