//! Addresses as they may be shown and written down.

/// An address without what may be secret in it: for the web user, password and query, for ssh the password.
pub fn without_credentials(text: &str) -> String {
    let (address, query) = match text.split_once('?') {
        Some((address, _)) => (address, "?…"),
        None => (text, ""),
    };
    let Some((scheme, rest)) = address.split_once("://") else {
        return format!("{address}{query}");
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let Some((login, host)) = authority.rsplit_once('@') else {
        return format!("{address}{query}");
    };
    let user = login.split(':').next().unwrap_or_default();
    let login = match scheme.to_ascii_lowercase().as_str() {
        "ssh" | "git+ssh" | "ssh+git" => format!("{user}@"),
        _ => String::new(),
    };
    format!("{scheme}://{login}{host}{path}{query}")
}
