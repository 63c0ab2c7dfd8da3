//! Whether a server answers at all, and what time it is there.

use buildpack_core::toolchain::{Cause, TimeLimits};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::Url;
use reqwest::blocking::Client;
use reqwest::header;
use reqwest::redirect::Policy;

use super::{HttpFetch, failure};
use crate::tls;

/// A server's answer, of which only the head is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Glance {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The server's time, where it tells.
    pub(crate) date: Option<Timestamp>,
}

impl HttpFetch {
    /// Asks once for `url` and follows nothing; `direct` passes by the proxy.
    pub(crate) fn glance(
        &self,
        url: &str,
        limits: TimeLimits,
        direct: bool,
    ) -> Result<Glance, Cause> {
        let url = Url::parse(url)
            .map_err(|error| Cause::Invalid(format!("this is no address: {error}")))?;
        let settings = Client::builder()
            .user_agent(concat!("bp/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .connect_timeout(limits.connect)
            .timeout(limits.stall);
        let settings = if direct {
            settings.no_proxy()
        } else {
            settings
        };
        let client = tls::client(settings, self.trust(&url))
            .map_err(|error| Cause::Tls(super::tls_text(&error)))?;
        let proxy = self.proxies.of(url.as_str()).filter(|_| !direct);
        let answer = (client.get(url.clone()).send())
            .map_err(|error| failure::sort(error, limits, proxy))?;
        let date = super::text(answer.headers(), header::DATE);
        Ok(Glance {
            status: answer.status().as_u16(),
            date: date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok()),
        })
    }
}
