//! From an app's folder to an image: the stages in order, over services that a caller brings.
//!
//! [`build`] is the whole road. What it decides stands in [`prepare`], what it remembers in [`record`].

mod build;
mod build_lists;
mod caches;
mod check;
mod detect_scripts;
mod enter;
mod evaluate;
mod export;
mod failure;
mod housekeeping;
mod identity;
mod image;
mod in_place;
mod kept;
mod launch;
mod layers;
mod levels;
mod move_tree;
mod network;
mod prepare;
mod promise;
pub mod record;
mod repository;
mod request;
mod room;
mod scripts;
mod services;
mod shell;
mod source;
mod stack_images;
mod stages;
mod target;
mod toolchains;
mod tree;
pub mod versions;

pub use build::{Finished, build};
pub use build_lists::{BuildLists, Npm, Patience};
pub(crate) use check::check_read;
pub use check::{CheckRequest, Report, check, folder_name};
pub use detect_scripts::detect_scripts;
pub use enter::{Enterable, find, kept_image, layout_image};
pub use export::{Output, export};
pub use failure::{FailedStep, Failure};
pub use housekeeping::{clean_up, daily_clean_up};
pub use image::label;
pub use kept::must_lie_outside;
pub use levels::{Change, Levels};
pub use network::{NAMES_PROXIES, Network};
pub use prepare::{Prepared, detect, prepare, read_app, readable};
pub use request::{ConfigVars, ENV_DIR, Request};
pub use services::{Parts, Services};
pub use shell::shell;
pub use stack_images::{parse as parse_image_name, pull as pull_stack_image};
pub use target::{Chosen, choose_target};
