//! What every command that plans a build takes from its call.

use std::path::Path;

use stacks::Target;

use super::Call;
use super::args::{BuildDirMode, Packs};
use super::context::{self, Context};
use crate::pipeline::Request;

/// The request for `app` as the call, its settings and its flags about packs have it. A lock of packs is not written.
pub(super) fn asked(
    call: &Call,
    context: &Context,
    app: &Path,
    target: Target,
    packs: &Packs,
) -> Request {
    let settings = &context.settings;
    Request {
        config_vars: call.vars.clone(),
        source_date_epoch: context::variable("SOURCE_DATE_EPOCH"),
        keep_assets: settings.keep_assets.value,
        compression: settings.compression.value,
        terminal: context::variable("TERM"),
        secrets: call.secrets.clone(),
        buildpacks: packs.addresses(app),
        native: packs.native(settings),
        lock: packs.lock(false, settings),
        script_dirs: packs.script_dirs(BuildDirMode::Heroku),
        ..Request::new(app, target)
    }
}
