//! What a record holds a build to that is to be like it.

use buildpack_core::digest::Digest;
use buildpack_core::wanted::lock::{Lock, LockedPack};

use super::{Record, Tool};

/// Digests that a build has to take, in place of what is newest.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Held {
    /// The manifest of the build image.
    pub build_image: Option<Digest>,
    /// The manifest of the run image.
    pub run_image: Option<Digest>,
    /// The tools. Where one has no digest, that of the list counts.
    pub tools: Vec<Tool>,
    /// The packs.
    pub packs: Lock,
}

impl Record {
    /// What a build on this architecture (as OCI writes it) is held to. On another one than the record's there are other
    /// stack images and other archives; versions and packs are the same.
    pub fn held(&self, architecture: &str) -> Held {
        let facts = &self.facts;
        let packs = facts.packs.iter().map(|pack| LockedPack {
            wanted: pack.wanted.clone(),
            was: pack.was.clone(),
        });
        let held = Held {
            packs: Lock {
                packs: packs.collect(),
            },
            tools: facts.tools.clone(),
            ..Held::default()
        };
        let same = (self.request.as_ref()).is_none_or(|it| it.architecture == architecture);
        if same {
            let digest = |image: &Option<super::StackImage>| image.as_ref().map(|it| it.digest);
            return Held {
                build_image: digest(&facts.build_image),
                run_image: digest(&facts.run_image),
                ..held
            };
        }
        let elsewhere = held.tools.into_iter().map(|tool| Tool {
            sha256: None,
            first_use: false,
            sha512: None,
            ..tool
        });
        Held {
            tools: elsewhere.collect(),
            ..held
        }
    }
}

impl Held {
    /// The tool of this id.
    pub fn tool(&self, id: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.id == id)
    }
}

impl Tool {
    /// The name of its archive without its ending, as lists of builds have it: `v1.18.3-otp-27`. None where that is no
    /// name that may stand in an address.
    pub fn reference(&self) -> Option<&str> {
        let path = self.url.split(['?', '#']).next()?;
        let file = path.rsplit('/').next()?;
        let name = [".tar.gz", ".tar.xz", ".zip", ".ez"]
            .iter()
            .find_map(|end| file.strip_suffix(end))
            .unwrap_or(file);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+".contains(&byte);
        let good = name.starts_with(|c: char| c.is_ascii_alphanumeric());
        (good && name.bytes().all(plain)).then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_names_of_archives() {
        let tool = |url: &str| Tool {
            id: "erlang".to_owned(),
            name: "Erlang 27.2".to_owned(),
            version: "27.2".to_owned(),
            url: url.to_owned(),
            sha256: None,
            first_use: false,
            sha512: None,
        };
        for (url, reference) in [
            ("https://h/builds/OTP-27.2.tar.gz", Some("OTP-27.2")),
            ("http://h/v1.18.3-otp-27.zip?x=/y", Some("v1.18.3-otp-27")),
            ("https://h/a b.zip", None),
            ("https://h/..", None),
            ("", None),
        ] {
            assert_eq!(tool(url).reference(), reference, "{url}");
        }
    }
}
