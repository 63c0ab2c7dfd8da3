//! Why a text is no reference to a buildpack, and what would be one.

use super::credentials::without_credentials;
use crate::diagnostic::{Class, Diagnostic, Origin};

/// Words that people write for packs of Heroku's.
const HEROKU_WORDS: [&str; 11] = [
    "ruby", "nodejs", "clojure", "python", "java", "gradle", "scala", "php", "go", "static", "jvm",
];

/// Why a text is no reference to a buildpack. What it shows of the text holds no credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadReference {
    /// Nothing is there.
    #[error("nothing is there")]
    Empty,
    /// One line holds several words.
    #[error("it holds a space or a control character")]
    Space,
    /// `owner/name` is the least that names a pack.
    #[error("one word names no pack")]
    Word(String),
    /// Neither git nor the web is asked in this way.
    #[error("`{0}` is no way to fetch a pack")]
    Scheme(String),
    /// An address without a host or without a path.
    #[error("it is an address without a host or a path")]
    Nowhere,
    /// The shell would have to say whose home that is.
    #[error("`~` is the shell's word")]
    Home,
    /// `owner/name` with other characters than letters, digits, `-`, `_` and `.`.
    #[error("owner and name are letters, digits, `-`, `_` and `.`")]
    Name,
    /// Git takes no such name for a branch, a tag or a commit.
    #[error("`{0}` can be no branch, tag or commit")]
    Reference(String),
    /// Of this form there is only one version.
    #[error("nothing but git takes a `#`")]
    NoVersions,
}

impl BadReference {
    /// The problem with `text`, which `origin` holds.
    pub fn diagnostic(&self, text: &str, origin: &Origin) -> Diagnostic {
        let class = match origin {
            Origin::Flag(_) => Class::Usage,
            _ => Class::Config,
        };
        let text = without_credentials(text);
        let message = match self {
            Self::Empty => "the address of a buildpack is empty".to_owned(),
            _ => format!("`{text}` is no address of a buildpack: {self}"),
        };
        let problem =
            Diagnostic::error("pack-reference", class, message).from(origin, "named here");
        let problem = match self {
            Self::Word(word) if HEROKU_WORDS.contains(&word.as_str()) => {
                let help = format!("Heroku's pack of that name is `heroku/{word}`");
                match origin {
                    Origin::File(span) => {
                        problem.suggest(help, span.clone(), format!("heroku/{word}"))
                    }
                    _ => problem.help(help),
                }
            }
            Self::Space => problem.help("write one pack a line, and comments on lines of their own"),
            Self::Home => problem.help("write the folder out, from `/` on"),
            Self::NoVersions => problem.help(
                "leave out the `#` and what follows; `bp build --lock` holds an archive to its content",
            ),
            _ => problem,
        };
        problem.help(
            "write a git repository (`https://host/owner/repo`, `git@host:owner/repo`, with `#` and a tag or commit), \
             an archive (`https://host/pack.tgz`), `owner/name`, `urn:buildpack:owner/name` or a folder (`./pack`)",
        )
    }
}
