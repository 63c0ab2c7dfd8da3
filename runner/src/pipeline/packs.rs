//! The packs that an app is built with: asked for, or built in and applying.

use std::path::Path;

use buildpack_core::app::App;
use buildpack_core::wanted::{Asked, wanted};

use super::failure::Failure;
use super::prepare::settle;
use super::request::Request;
use super::services::Services;
use crate::packs::{self, Chosen, Patience, Reach};

/// The packs that are asked for, fetched, in order; none where nobody asks for any.
pub fn choose_packs(
    app: &App,
    request: &Request,
    services: &Services,
) -> Result<Vec<Chosen>, Failure> {
    let asked = Asked {
        flags: &request.buildpacks,
        config_vars: &request.config_vars.0,
        native: request.native,
    };
    let wanted = settle(wanted(app, &asked), services)?;
    let reach = reach(services);
    Ok(packs::get(&wanted, app.root(), &reach)?)
}

fn reach(services: &Services) -> Reach<'_> {
    Reach {
        store: &services.store,
        fetch: &*services.fetch,
        events: &*services.events,
        offline: services.offline,
        authorities: services.network.authorities.as_deref().map(Path::new),
        registry: &services.pack_registry,
        now: services.now,
        patience: Patience::default(),
    }
}
