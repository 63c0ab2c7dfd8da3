//! HTTP clients, made when the first request needs them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use reqwest::Url;
use reqwest::blocking::{Client, ClientBuilder};
use reqwest::redirect::Policy;

use super::endpoint::is_loopback;
use super::{RegistryError, RegistrySettings};
use crate::tls::{self, Trust};

/// The clients of a process, by what sets them apart.
#[derive(Default)]
pub(super) struct Clients(Mutex<HashMap<Kind, Client>>);

/// What sets one client apart from another.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Kind {
    /// Whether it trusts anybody; one that does not is for plain HTTP where no authorities are known.
    trusting: bool,
    /// Whether it passes by the system's proxy.
    direct: bool,
    /// Whether it goes where answers lead. What writes decides for itself: a `POST` must not become a `GET`.
    follows: bool,
}

impl Clients {
    /// The client for requests to `url`.
    pub(super) fn of(
        &self,
        url: &Url,
        follows: bool,
        settings: &RegistrySettings,
    ) -> Result<Client, RegistryError> {
        let plain = url.scheme() == "http";
        // A proxy can't reach our loopback.
        let direct = url.host_str().is_some_and(is_loopback);
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kinds = [true, false].map(|trusting| Kind {
            trusting,
            direct,
            follows,
        });
        if let Some(known) = kinds
            .iter()
            .filter(|kind| kind.trusting || plain)
            .find_map(|kind| clients.get(kind))
        {
            return Ok(known.clone());
        }
        let trust = match &settings.ca_file {
            Some(file) => Trust::File(file),
            None => Trust::System,
        };
        let [trusting, trustless] = kinds;
        let (kind, client) = match tls::client(builder(trusting, settings), trust) {
            // What is wrong with the authorities is told where they are needed.
            Err(_) if plain => (
                trustless,
                tls::client(builder(trustless, settings), Trust::Nobody)?,
            ),
            other => (trusting, other?),
        };
        clients.insert(kind, client.clone());
        Ok(client)
    }
}

fn builder(kind: Kind, settings: &RegistrySettings) -> ClientBuilder {
    let builder = Client::builder()
        .user_agent(&settings.user_agent)
        .connect_timeout(settings.patience)
        // For the answer to a request, and then for each wait on its body.
        .timeout(settings.patience)
        // A server that takes nothing any more is noticed while we send.
        .tcp_user_timeout(settings.patience);
    let builder = if kind.direct {
        builder.no_proxy()
    } else {
        builder
    };
    if kind.follows {
        builder
    } else {
        builder.redirect(Policy::none())
    }
}
