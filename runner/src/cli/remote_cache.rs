//! From settings to a remote cache, and to the secret that its builders share.

use buildpack_core::diagnostic::{Class, Diagnostic, Explain as _};
use buildpack_core::event::{Event, EventSink as _};

use super::context::{Context, registries, variable};
use crate::pipeline::{ConfigVars, Failure};
use crate::remote_cache::{Places, RemoteCache, SharedSecret};
use crate::settings::Settings;

/// The variable that holds the secret itself.
pub(super) const SECRET: &str = "BP_CACHE_SECRET";

/// Shares what is kept, where settings say so.
pub(super) fn set_up(context: &mut Context, vars: &ConfigVars) -> Result<(), Failure> {
    let settings = &context.settings;
    let secret = secret(settings)?;
    if let Some(secret) = &secret {
        let key = secret.key_of_config_vars();
        context.services.store.set_shared_key(key);
    }
    let places = Places {
        from: settings.cache_from.as_ref().map(|it| it.value.clone()),
        to: settings.cache_to.as_ref().map(|it| it.value.clone()),
    };
    if places == Places::default() {
        return Ok(());
    }
    if secret.is_none() && !vars.0.is_empty() {
        context.ui.emit(Event::Cache {
            what: "what depends on config vars".to_owned(),
            hit: false,
            reason: Some(format!(
                "{SECRET} is not set, so it is neither sent nor found"
            )),
        });
    }
    if settings.offline.value {
        context.ui.emit(Event::Diagnostic {
            diagnostic: Diagnostic::warning(
                "remote-cache-offline",
                "the remote cache is left out, as registries may not be asked",
            )
            .help("leave out `--offline` to have it"),
        });
        return Ok(());
    }
    let registries = registries(settings);
    let events = Box::new(context.ui.clone());
    let remote = RemoteCache::new(&registries, &places, secret, events)?;
    context.services.share(remote);
    Ok(())
}

fn secret(settings: &Settings) -> Result<Option<SharedSecret>, Failure> {
    let text = match (variable(SECRET), &settings.cache_secret_file) {
        (Some(text), _) => text,
        (None, Some(file)) => fs_err::read_to_string(&file.value).map_err(|error| {
            Failure::of(
                Diagnostic::error(
                    "cache-secret-unreadable",
                    Class::Usage,
                    format!("cannot read the secret of the remote cache: {error}"),
                )
                .help("mend the file that `BP_CACHE_SECRET_FILE` names, or set `BP_CACHE_SECRET`"),
            )
        })?,
        (None, None) => return Ok(None),
    };
    let secret = SharedSecret::new(&text).map_err(|error| Failure::of(error.diagnostic()))?;
    Ok(Some(secret))
}
