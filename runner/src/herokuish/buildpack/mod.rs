//! `herokuish buildpack …`.

mod build;
mod bundled;
mod detect;
mod install;
mod list;
mod listener;
mod selection;
mod setup;
mod test;

pub(super) use build::exec as build;
pub(super) use bundled::name_of;
pub(super) use detect::exec as detect;
pub(super) use install::exec as install;
pub(super) use list::exec as list;
pub(super) use list::installed;
pub(super) use test::exec as test;
