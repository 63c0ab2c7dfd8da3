//! Tokens: fetched where a registry says, with the credentials that we have.

use reqwest::header;
use serde::Deserialize;

use super::endpoint::{Endpoint, redacted};
use super::refusal::{given, whole};
use super::wire::{Wire, carry};
use super::{Credentials, RegistryError};

/// The largest token answer; tokens of 10 kB are known.
const TOKEN: u64 = 1 << 20;

impl Wire {
    /// A token for what `ask` says.
    pub(super) fn token(
        &self,
        ask: &TokenRequest<'_>,
        credentials: Option<&Credentials>,
    ) -> Result<String, RegistryError> {
        #[derive(Deserialize)]
        struct Answer {
            token: Option<String>,
            access_token: Option<String>,
        }
        let url = ask.url()?;
        let client = self.clients.of(&url, true, self.settings())?;
        let request = if let Some(Credentials::IdentityToken(token)) = credentials {
            client
                .post(url.clone())
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(ask.form(token))
        } else {
            let mut with_query = url.clone();
            with_query
                .query_pairs_mut()
                .extend_pairs(ask.service.as_deref().map(|it| ("service", it)))
                .extend_pairs(ask.scopes.iter().map(|scope| ("scope", scope)));
            let request = client.get(with_query);
            match credentials {
                Some(Credentials::Basic(user, password)) => {
                    request.header(header::AUTHORIZATION, basic(user, password))
                }
                _ => request,
            }
        };
        let shown = redacted(url.as_str());
        let patience = self.settings().patience;
        let response = carry(request, &shown, patience)?;
        let response = given(ask.to, credentials.is_some(), response)?;
        let body = whole(&shown, response, TOKEN, patience)?;
        let unexpected = |why: String| RegistryError::Unexpected {
            url: shown.clone(),
            expected: "a token",
            why,
        };
        let answer: Answer =
            serde_json::from_slice(&body).map_err(|error| unexpected(error.to_string()))?;
        answer
            .token
            .or(answer.access_token)
            // A header can't carry line breaks; what does is no token.
            .filter(|token| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()))
            .ok_or_else(|| unexpected("it holds no `token`".to_owned()))
    }
}

/// What a token is asked for.
pub(super) struct TokenRequest<'a> {
    pub(super) to: &'a Endpoint,
    pub(super) realm: String,
    pub(super) service: Option<String>,
    /// What it is to be good for, all of it.
    pub(super) scopes: Vec<String>,
}

impl TokenRequest<'_> {
    /// The body that exchanges a refresh token (distribution's token specification, its section on refresh tokens).
    fn form(&self, refresh_token: &str) -> String {
        let scopes = self.scopes.join(" ");
        let mut form = vec![
            ("grant_type", "refresh_token"),
            ("client_id", "bp"),
            ("scope", scopes.as_str()),
            ("refresh_token", refresh_token),
        ];
        form.extend(self.service.as_deref().map(|it| ("service", it)));
        // A form is written as a query is.
        reqwest::Url::parse_with_params("http://form", form)
            .ok()
            .and_then(|url| url.query().map(str::to_owned))
            .unwrap_or_default()
    }

    /// The token server's URL. A registry reached by TLS must not send our password anywhere without it.
    fn url(&self) -> Result<reqwest::Url, RegistryError> {
        let refuse = |why: &str| RegistryError::Unexpected {
            url: redacted(&self.realm),
            expected: "a token server",
            why: why.to_owned(),
        };
        let url =
            reqwest::Url::parse(&self.realm).map_err(|_| refuse("the registry named no URL"))?;
        match url.scheme() {
            "https" => Ok(url),
            "http" if self.to.is_plain() => Ok(url),
            _ => Err(refuse("the registry named a server without TLS")),
        }
    }
}

/// The header of user and password.
pub(super) fn basic(user: &str, password: &str) -> String {
    use base64::Engine as _;
    let both = format!("{user}:{password}");
    format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(both)
    )
}
