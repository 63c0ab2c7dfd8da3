//! Who we are: from what a registry asks for, and from what files and helpers say, to an `Authorization`.

use std::sync::Arc;

use reqwest::blocking::Response;
use reqwest::{StatusCode, header};

use super::access::Scope;
use super::challenge::{self, Challenge};
use super::credentials::{self, Found};
use super::endpoint::Endpoint;
use super::refusal::refusal;
use super::request::Request;
use super::token::{TokenRequest, basic};
use super::wire::{Wire, lock};
use super::{Access, Credentials, RegistryError};

/// What is shown, and what to say where that is not enough.
pub(super) struct Login {
    pub(super) authorization: String,
    /// What it is good for; none where it is good for all that the registry has.
    pub(super) scope: Option<Scope>,
    to: Endpoint,
    access: Access,
    found: Arc<Found>,
}

impl Login {
    pub(super) fn had_credentials(&self) -> bool {
        self.found.credentials.is_some()
    }

    /// What it means that this was refused.
    pub(super) fn denied(&self, response: Response) -> RegistryError {
        denied(
            &self.to,
            self.access,
            &self.found,
            refusal(response).to_string(),
        )
    }
}

impl Wire {
    /// What to show for `scope` after `response`, which is a 401.
    pub(super) fn log_in(
        &self,
        to: &Endpoint,
        scope: &Scope,
        access: Access,
        response: Response,
    ) -> Result<Login, RegistryError> {
        let challenge = challenge::parse(
            response
                .headers()
                .get_all(header::WWW_AUTHENTICATE)
                .iter()
                .filter_map(|value| value.to_str().ok()),
        );
        let found = self.credentials_for(to);
        let denied = |why: String| denied(to, access, &found, why);
        let (authorization, scope) = match (challenge, &found.credentials) {
            (Some(Challenge::Basic), Some(Credentials::Basic(user, password))) => {
                (basic(user, password), None)
            }
            (Some(Challenge::Basic), _) => {
                return Err(denied("it asks for user and password".to_owned()));
            }
            (
                Some(Challenge::Bearer {
                    realm,
                    service,
                    scope: named,
                }),
                credentials,
            ) => {
                let ask = TokenRequest {
                    to,
                    realm,
                    service,
                    scopes: scope.asked(named.as_deref()),
                };
                let token =
                    self.token(&ask, credentials.as_ref())
                        .map_err(|error| match error {
                            RegistryError::Denied { why, .. }
                            | RegistryError::Status {
                                status: 400, why, ..
                            } => denied(why),
                            other => other,
                        })?;
                (format!("Bearer {token}"), Some(scope.clone()))
            }
            (None, _) => return Err(denied(refusal(response).to_string())),
        };
        Ok(Login {
            authorization,
            scope,
            to: to.clone(),
            access,
            found,
        })
    }

    /// Logs in for `access` without asking for anything of the repository, so that what is wrong with credentials is
    /// known before the work whose result they are for.
    pub(super) fn try_login(&self, to: &Endpoint, access: Access) -> Result<(), RegistryError> {
        let scope = Scope::new(to, access, None);
        let root = to.root()?;
        let request = Request::new(
            reqwest::Method::GET,
            super::request::At::Session(&root),
            access,
        );
        let response = self.execute(&root, &request, None)?;
        if response.status() != StatusCode::UNAUTHORIZED {
            // Whatever else it says of its root, it says nothing of who we are.
            return Ok(());
        }
        let login = self.log_in(to, &scope, access, response)?;
        if login.scope.is_none() {
            // A token was given for these credentials; a password is only looked at now.
            let response = self.execute(&root, &request, Some(&login.authorization))?;
            if matches!(response.status().as_u16(), 401 | 403) {
                return Err(login.denied(response));
            }
        }
        self.remember(to, login.scope.clone(), &login.authorization);
        Ok(())
    }

    fn credentials_for(&self, to: &Endpoint) -> Arc<Found> {
        if let Some(own) = &to.own_credentials {
            return Arc::new(Found {
                credentials: Some(own.clone()),
                trouble: None,
            });
        }
        let key = (to.host.clone(), to.repository.clone());
        // Held while a helper runs: one answer is enough for all that ask at once.
        let mut known = lock(&self.found);
        Arc::clone(known.entry(key).or_insert_with(|| {
            let settings = self.settings();
            Arc::new(credentials::find(
                &settings.credential_files,
                &to.host,
                &to.repository,
                settings.helper_patience,
            ))
        }))
    }
}

fn denied(to: &Endpoint, access: Access, found: &Found, why: String) -> RegistryError {
    RegistryError::Denied {
        host: to.host.clone(),
        repository: to.repository.clone(),
        access,
        why: match &found.trouble {
            Some(trouble) => format!("{why}; {trouble}"),
            None => why,
        },
        had_credentials: found.credentials.is_some(),
    }
}
