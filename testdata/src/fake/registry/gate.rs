//! Who may do what: tokens that are good for what they were asked for, or a password.

use std::net::SocketAddr;

use super::Content;
use super::message::{Reply, Seen, values};

/// Who may come in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Access {
    /// Everyone.
    #[default]
    Open,
    /// Who shows a token; tokens are given to everyone.
    AnonymousToken,
    /// Who shows a token; tokens are given for this user and password, or for the refresh token `user-password`.
    Token(String, String),
    /// Who shows this user and password in every request.
    Basic(String, String),
}

pub(super) fn token(request: &Seen, content: &mut Content) -> Reply {
    let allowed = match &content.access {
        Access::Token(user, password) => {
            shows(request, user, password)
                || request
                    .body
                    .contains(&format!("refresh_token={user}-{password}"))
        }
        _ => true,
    };
    if !allowed {
        return Reply::error(401, "UNAUTHORIZED");
    }
    let asked = format!("{}&{}", request.target().1, request.body);
    let scopes = values(&asked, "scope").join(" ");
    if !scopes.starts_with("repository:") || values(&asked, "service") != ["fake"] {
        return Reply::error(400, "BAD_REQUEST");
    }
    content.tokens.push(scopes);
    let body = format!(r#"{{"token": "token-{}"}}"#, content.tokens.len());
    Reply::new(200, "application/json", body)
}

/// What a request needs: repository and action.
fn needs(request: &Seen) -> Vec<(String, &'static str)> {
    let (path, query) = request.target();
    let path = path.trim_start_matches("/v2/");
    let repository = ["/manifests/", "/blobs/"]
        .iter()
        .find_map(|part| path.split_once(part))
        .map_or("", |(repository, _)| repository);
    if repository.is_empty() {
        return Vec::new();
    }
    let action = match request.method() {
        "GET" | "HEAD" => "pull",
        _ => "push",
    };
    let from = values(query, "from").into_iter().map(|from| (from, "pull"));
    let own = (repository.to_owned(), action);
    std::iter::once(own).chain(from).collect()
}

pub(super) fn refused(request: &Seen, address: SocketAddr, content: &Content) -> Option<Reply> {
    let shown = request.headers.get("authorization").map(String::as_str);
    let challenge = match &content.access {
        Access::Open => return None,
        Access::Basic(user, password) => {
            if shows(request, user, password) {
                return None;
            }
            r#"Basic realm="fake""#.to_owned()
        }
        Access::AnonymousToken | Access::Token(..) => {
            let needs = needs(request);
            let good = shown
                .and_then(|shown| shown.strip_prefix("Bearer token-")?.parse::<usize>().ok())
                .filter(|number| *number > content.expired)
                .and_then(|number| content.tokens.get(number - 1));
            if good.is_some_and(|scopes| needs.iter().all(|need| covers(scopes, need))) {
                return None;
            }
            let scopes: Vec<_> = needs
                .iter()
                .map(|(repository, action)| match *action {
                    "push" => format!("repository:{repository}:pull,push"),
                    _ => format!("repository:{repository}:pull"),
                })
                .collect();
            let scopes = scopes.join(" ");
            format!(r#"Bearer realm="http://{address}/token",service="fake",scope="{scopes}""#)
        }
    };
    Some(Reply::error(401, "UNAUTHORIZED").with("WWW-Authenticate", challenge))
}

fn covers(scopes: &str, (repository, action): &(String, &str)) -> bool {
    scopes.split(' ').any(|scope| {
        scope
            .strip_prefix(&format!("repository:{repository}:"))
            .is_some_and(|actions| actions.split(',').any(|it| it == *action))
    })
}

fn shows(request: &Seen, user: &str, password: &str) -> bool {
    let expected = format!("Basic {}", base64(format!("{user}:{password}").as_bytes()));
    request.headers.get("authorization") == Some(&expected)
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for at in 0..4 {
            let digit = (bits >> (18 - 6 * at)) & 63;
            text.push(if at <= chunk.len() {
                char::from(DIGITS[digit as usize])
            } else {
                '='
            });
        }
    }
    text
}
