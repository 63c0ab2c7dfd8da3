//! `herokuish buildpack …`.

mod bundled;
mod install;
mod list;

pub(super) use bundled::name_of;
pub(super) use install::exec as install;
pub(super) use list::exec as list;
pub(super) use list::installed;
