//! From an app's folder to an image: the stages in order, over services that a caller brings.
//!
//! [`build`] is the whole road. What it decides stands in [`prepare`], what it remembers in [`record`].

mod build;
mod build_lists;
mod enter;
mod export;
mod failure;
mod housekeeping;
mod identity;
mod image;
mod in_place;
mod kept;
mod launch;
mod layers;
mod phoenix;
mod prepare;
mod promise;
pub mod record;
mod request;
mod room;
mod services;
mod shell;
mod source;
mod stack_images;
mod stages;
mod toolchains;
mod tree;

pub use build::{Finished, build};
pub use enter::{Enterable, find, kept_image, layout_image};
pub use export::{Output, export};
pub use failure::{FailedStep, Failure};
pub use housekeeping::{clean_up, daily_clean_up};
pub use image::label;
pub use kept::must_lie_outside;
pub use prepare::{Prepared, detect, prepare, read_app, readable};
pub use request::{ConfigVars, ENV_DIR, Request};
pub use services::{Parts, Services};
pub use shell::shell;
pub use stack_images::{parse as parse_image_name, pull as pull_stack_image};
