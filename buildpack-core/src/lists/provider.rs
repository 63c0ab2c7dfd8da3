//! Lists of the Hex builds host: where they lie, and what stands in for one that can't be had.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use stacks::{Arch, Target};

use super::{BuildList, FetchList, ListError, ListSource, snapshot};
use crate::diagnostic::{Class, Diagnostic, Explain};

/// Gives lists that a builds host has; each is asked for once. Without the host, the list last kept stands in, else
/// the built-in one, both with their day.
pub struct Provider<F> {
    fetch: F,
    lists: Mutex<BTreeMap<String, Arc<BuildList>>>,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("the builds host has no list of {what}")]
    Missing { what: String, path: String },
    #[error("the builds host's list of {what} cannot be used: {why}")]
    NotAList { what: String, why: String },
}

impl Explain for Error {
    fn diagnostic(&self) -> Diagnostic {
        let problem = |code| Diagnostic::error(code, Class::Surroundings, self.to_string());
        let help = "check `BP_HEX_BUILDS_URL`, and whether a proxy answers in the host's place";
        match self {
            Self::Missing { path, .. } => problem("build-list-missing")
                .note(format!("looked for `{path}`"))
                .help(help),
            Self::NotAList { .. } => problem("build-list-malformed").help(help),
        }
    }
}

impl ListError for Error {}

impl<F: FetchList> Provider<F> {
    /// Lists through `fetch`.
    pub fn new(fetch: F) -> Self {
        Self {
            fetch,
            lists: Mutex::default(),
        }
    }

    /// The first list that is there in one of `folders`.
    fn list(&self, what: &str, folders: &[String]) -> Result<Arc<BuildList>, Box<dyn ListError>> {
        for folder in folders {
            let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(list) = lists.get(folder) {
                return Ok(Arc::clone(list));
            }
            if let Some(list) = self.read(what, folder)? {
                let list = Arc::new(list);
                lists.insert(folder.clone(), Arc::clone(&list));
                return Ok(list);
            }
        }
        Err(Box::new(Error::Missing {
            what: what.to_owned(),
            path: folders
                .first()
                .map(|folder| format!("{folder}/builds.txt"))
                .unwrap_or_default(),
        }))
    }

    fn read(&self, what: &str, folder: &str) -> Result<Option<BuildList>, Box<dyn ListError>> {
        let path = format!("{folder}/builds.txt");
        let mut unreachable = false;
        let failed: Box<dyn ListError> = match self.fetch.get(&path) {
            Ok(None) => return Ok(None),
            Ok(Some(text)) => match BuildList::parse(folder, &text, None) {
                Ok(list) => return Ok(Some(list)),
                Err(why) => Box::new(Error::NotAList {
                    what: what.to_owned(),
                    why,
                }),
            },
            Err(error) => {
                unreachable = true;
                error
            }
        };
        self.fetch
            .kept(&path)
            .and_then(|(text, day)| BuildList::parse(folder, &text, Some(day)).ok())
            // A host that answers with nonsense is not to be covered up.
            .or_else(|| unreachable.then(|| snapshot::list(folder)).flatten())
            .map(Some)
            .ok_or(failed)
    }
}

impl<F: FetchList> ListSource for Provider<F> {
    fn otp(&self, target: &Target) -> Result<Arc<BuildList>, Box<dyn ListError>> {
        let ubuntu = target.stack.ubuntu;
        let mut folders = vec![format!("builds/otp/{}/ubuntu-{ubuntu}", target.arch.oci())];
        if target.arch == Arch::Amd64 {
            // Where the builds lay before there were two architectures.
            folders.push(format!("builds/otp/ubuntu-{ubuntu}"));
        }
        let what = format!("Erlang/OTP for Ubuntu {ubuntu} on {}", target.arch);
        self.list(&what, &folders)
    }

    fn elixir(&self) -> Result<Arc<BuildList>, Box<dyn ListError>> {
        self.list("Elixir", &["builds/elixir".to_owned()])
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, date};

    use super::*;

    struct Host {
        /// Whether it can be reached at all.
        down: bool,
        there: BTreeMap<&'static str, &'static str>,
        kept: Option<&'static str>,
    }

    impl FetchList for Host {
        fn get(&self, path: &str) -> Result<Option<String>, Box<dyn ListError>> {
            if self.down {
                return Err(Box::new(Error::Missing {
                    what: "anything".to_owned(),
                    path: path.to_owned(),
                }));
            }
            Ok(self.there.get(path).map(|&text| text.to_owned()))
        }

        fn kept(&self, _: &str) -> Option<(String, Date)> {
            Some((self.kept?.to_owned(), date(2026, 6, 1)))
        }
    }

    const LINE: &str = "OTP-27.3 abc 2026-01-01T00:00:00Z\n";

    fn otp(
        there: &[(&'static str, &'static str)],
        kept: Option<&'static str>,
    ) -> Result<Arc<BuildList>, String> {
        let host = Host {
            down: false,
            there: there.iter().copied().collect(),
            kept,
        };
        let target = Target::new(stacks::find("24").unwrap(), Arch::Amd64).unwrap();
        Provider::new(host).otp(&target).map_err(|e| e.to_string())
    }

    #[test]
    fn the_path_with_the_architecture_comes_first() {
        let (new, old) = (
            "builds/otp/amd64/ubuntu-24.04/builds.txt",
            "builds/otp/ubuntu-24.04/builds.txt",
        );
        assert_eq!(
            otp(&[(new, LINE), (old, LINE)], None).unwrap().folder,
            "builds/otp/amd64/ubuntu-24.04"
        );
        assert_eq!(
            otp(&[(old, LINE)], None).unwrap().folder,
            "builds/otp/ubuntu-24.04"
        );
        assert!(otp(&[], None).unwrap_err().contains("no list"));
    }

    #[test]
    fn an_error_page_does_not_replace_what_is_kept() {
        let page = (
            "builds/otp/amd64/ubuntu-24.04/builds.txt",
            "<html>oops</html>",
        );
        assert!(otp(&[page], None).is_err());
        let list = otp(&[page], Some(LINE)).unwrap();
        assert_eq!(list.taken, Some(date(2026, 6, 1)));
    }

    #[test]
    fn without_the_host_the_built_in_list_stands_in() {
        let provider = |kept| {
            Provider::new(Host {
                down: true,
                there: BTreeMap::new(),
                kept,
            })
        };
        let target = |arch| Target::new(stacks::find("24").unwrap(), arch).unwrap();
        let amd64 = target(Arch::Amd64);
        let list = provider(None)
            .otp(&amd64)
            .map_err(|e| e.to_string())
            .unwrap();
        assert!(list.taken.is_some());
        assert!(list.find("OTP-26.2.5").is_some());
        let list = provider(Some(LINE))
            .otp(&amd64)
            .map_err(|e| e.to_string())
            .unwrap();
        assert_eq!(list.taken, Some(date(2026, 6, 1)));
        assert!(provider(None).otp(&target(Arch::Arm64)).is_err());
    }
}
