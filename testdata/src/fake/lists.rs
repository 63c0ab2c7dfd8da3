//! Lists of published builds, as the Hex builds host and the Node host have them, small enough to be read in a test.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::origin::Origin;

/// The commit and the day of every build.
const REST: &str = "5ce6a3b1a2e4e1b2c3d4e5f60718293a4b5c6d7e 2026-10-01T00:00:00Z";

/// SHA-256 of every archive; there are none behind these lists.
const SHA256: &str = "19d80df49510d24079baf670e9675cba2c005b65ede2086d70db03a9e52b8ad3";

/// What is published.
#[derive(Debug, Clone)]
pub struct Lists {
    /// OTP versions by Ubuntu release, each for amd64 and, from 24.04 on, for arm64.
    pub otp: BTreeMap<String, Vec<String>>,
    /// Elixir builds, such as `1.18.3-otp-27`.
    pub elixir: Vec<String>,
    /// Node versions with the codename of their line where it has one.
    pub node: Vec<(String, Option<String>)>,
}

impl Lists {
    /// A few of each line that is in use. OTP 27.2 was built for heroku-22, not for heroku-24.
    pub fn usual() -> Self {
        let texts = |words: &str| words.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let otp = [
            (
                "22.04",
                "24.3.4.17 25.0 25.3.2.21 26.0 26.2.5 26.2.5.21 27.0 27.1.2 27.1.3 27.2 27.2.4 27.3.4.1",
            ),
            (
                "24.04",
                "25.3.2.21 26.0 26.2.5 26.2.5.21 27.0-rc1 27.0 27.1.2 27.1.3 27.2.4 27.3.4.1 27.3.4.16 28.5.0.5",
            ),
            ("26.04", "26.2.5.21 27.3.4.16 28.5.0.5 29.0.5"),
        ];
        let elixir = "1.14.5-otp-25 1.16.2-otp-25 1.16.2-otp-26 1.16.3-otp-25 1.16.3-otp-26 1.17.3-otp-25 \
            1.17.3-otp-26 1.17.3-otp-27 1.18.0-rc.0-otp-27 1.18.1-otp-25 1.18.1-otp-26 1.18.1-otp-27 1.18.3-otp-25 \
            1.18.3-otp-26 1.18.3-otp-27 1.18.4-otp-25 1.18.4-otp-26 1.18.4-otp-27 1.18.4-otp-28 1.19.5-otp-26 \
            1.19.5-otp-27 1.19.5-otp-28 1.20.3-otp-27 1.20.3-otp-28 1.20.3-otp-29";
        let node = [
            ("6.9.2", Some("Boron")),
            ("18.20.8", Some("Hydrogen")),
            ("20.9.0", Some("Iron")),
            ("20.18.0", Some("Iron")),
            ("22.11.0", Some("Jod")),
            ("22.14.0", Some("Jod")),
            ("23.11.0", None),
            ("24.11.0", Some("Krypton")),
            ("26.7.0", None),
        ];
        Self {
            otp: otp
                .iter()
                .map(|(ubuntu, versions)| ((*ubuntu).to_owned(), texts(versions)))
                .collect(),
            elixir: texts(elixir),
            node: node
                .iter()
                .map(|(version, lts)| ((*version).to_owned(), lts.map(str::to_owned)))
                .collect(),
        }
    }

    /// With one more OTP build.
    pub fn with_otp(mut self, ubuntu: &str, version: &str) -> Self {
        let versions = self.otp.entry(ubuntu.to_owned()).or_default();
        versions.push(version.to_owned());
        self
    }

    /// Puts the lists to where `BP_HEX_BUILDS_URL=http://…` and `BP_NODE_DIST_URL=http://…/dist` find them.
    pub fn serve(&self, origin: &Origin) {
        for (ubuntu, versions) in &self.otp {
            let list = lines(versions.iter().map(|version| format!("OTP-{version}")));
            let architectures: &[&str] = match ubuntu.as_str() {
                "22.04" => &["amd64"],
                _ => &["amd64", "arm64"],
            };
            for arch in architectures {
                let path = format!("/builds/otp/{arch}/ubuntu-{ubuntu}/builds.txt");
                origin.file(&path, list.as_bytes());
            }
        }
        let elixir = lines(self.elixir.iter().map(|version| format!("v{version}")));
        origin.file("/builds/elixir/builds.txt", elixir.as_bytes());
        origin.file("/dist/index.json", self.node_index().as_bytes());
    }

    /// `index.json`, newest first.
    fn node_index(&self) -> String {
        let entries: Vec<_> = self
            .node
            .iter()
            .rev()
            .map(|(version, lts)| {
                let lts = lts
                    .as_ref()
                    .map_or("false".to_owned(), |name| format!("{name:?}"));
                format!(
                    r#"{{"version":"v{version}","date":"2026-01-01","files":["linux-arm64","linux-x64"],"npm":"10.9.2","lts":{lts}}}"#
                )
            })
            .collect();
        format!("[\n{}\n]\n", entries.join(",\n"))
    }
}

fn lines(references: impl Iterator<Item = String>) -> String {
    let mut references: Vec<_> = references.collect();
    references.sort();
    references
        .into_iter()
        .fold(String::new(), |mut list, reference| {
            // Writing to a string cannot fail.
            let _ = writeln!(list, "{reference} {REST} {SHA256}");
            list
        })
}
