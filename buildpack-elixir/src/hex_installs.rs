//! Which Hex client and which rebar3 an Elixir takes, from the signed lists below `installs/` of the Hex builds host.
//!
//! Facts: `Mix.Local`, `Mix.Tasks.Local.Hex` and `Mix.Tasks.Local.Rebar` of Elixir 1.13 to 1.19.

use semver::Version;

/// Hex's public key, which signs the lists (`Mix.Local`, Elixir 1.13 to 1.18).
pub const HEX_BUILDS_KEY: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAslPz1mAfyAvRv8W8xOdv
HQMbDJkDKfRhsL4JBGwGH7qw0xh+TbaUlNaM3pF+i8VUjS/4FeXjT/OAUEAHu5Y2
rBVlx00QcH8Dpbyf+H73XiCs0MXnTSecqDgzx6i6NMi8knklHT7yHySHtuuPmPuN
Po8QTKolCKftwPE/iNDeyZfwufd+hTCoCQdoTVcB01SElfNtvKRtoKbx35q80IPr
rOcGsALmr58+bWqCTY/51kFeRxzrPJ5LdcLU/AebyWddD4IUfPDxk16jTiCagMWA
JPSwo8NUrWDIBbD+rEUp06y0ek276rG5Tzm/3Bma56RN/u6nAqBTBE8F2Hu2QBKj
lQIDAQAB
-----END PUBLIC KEY-----
";

/// What is installed from such a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// The Hex client, a Mix archive.
    Hex,
    /// rebar3, an escript.
    Rebar3,
}

/// One build of a program, chosen for an Elixir and an OTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    /// Its version.
    pub version: String,
    /// SHA-512 of the file, 128 hex digits.
    pub sha512: String,
    /// Path below the builds host.
    pub path: String,
}

/// Elixir and OTP that programs are chosen for.
#[derive(Debug, Clone, Copy)]
pub struct Host<'a> {
    /// Elixir's version.
    pub elixir: &'a Version,
    /// OTP's major version.
    pub otp_major: u32,
}

impl Host<'_> {
    /// From Elixir 1.18.4 on, lists and folders name the OTP release as well (its change notes).
    fn names_otp(self) -> bool {
        let Version {
            major,
            minor,
            patch,
            ..
        } = *self.elixir;
        (major, minor, patch) >= (1, 18, 4)
    }

    /// The list of `program`, as a path below the builds host; its signature is at the same path and `.signed`.
    pub fn list(self, program: Program) -> &'static str {
        match (program, self.names_otp()) {
            (Program::Hex, true) => "installs/hex.csv",
            (Program::Hex, false) => "installs/hex-1.x.csv",
            (Program::Rebar3, true) => "installs/rebar.csv",
            (Program::Rebar3, false) => "installs/rebar3-1.x.csv",
        }
    }

    /// The folder below `MIX_HOME` in which Mix looks for `rebar3`.
    pub fn rebar_folder(self) -> String {
        let Version { major, minor, .. } = self.elixir;
        if self.names_otp() {
            format!("elixir/{major}-{minor}-otp-{}", self.otp_major)
        } else {
            format!("elixir/{major}-{minor}")
        }
    }

    /// The newest build of `program` that this host can run, from the text of its list; newest is last.
    pub fn choose(self, program: Program, list: &str) -> Option<Install> {
        list.lines()
            .rev()
            .find_map(|row| self.row(program, row.trim()))
    }

    fn row(self, program: Program, row: &str) -> Option<Install> {
        let mut fields = row.split(',');
        let (version, sha512) = (fields.next()?, fields.next()?);
        if sha512.len() != 128 || !sha512.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let name = match program {
            Program::Hex => "hex",
            Program::Rebar3 => "rebar3",
        };
        let extension = match program {
            Program::Hex => ".ez",
            Program::Rebar3 => "",
        };
        let path = if self.names_otp() {
            let (elixir, otp) = (fields.next()?, fields.next()?);
            let runs = self.runs(elixir) && otp.parse::<u32>().ok()? <= self.otp_major;
            runs.then(|| format!("installs/{elixir}/{name}-{version}-otp-{otp}{extension}"))
        } else {
            fields
                .find(|elixir| self.runs(elixir))
                .map(|elixir| format!("installs/{elixir}/{name}-{version}{extension}"))
        }?;
        Some(Install {
            version: version.to_owned(),
            sha512: sha512.to_ascii_lowercase(),
            path,
        })
    }

    fn runs(self, built_with: &str) -> bool {
        Version::parse(built_with).is_ok_and(|version| version <= *self.elixir)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(digit: &str) -> String {
        digit.repeat(128)
    }

    fn choose(elixir: &str, otp_major: u32, program: Program, list: &str) -> Option<Install> {
        let elixir = Version::parse(elixir).unwrap();
        Host {
            elixir: &elixir,
            otp_major,
        }
        .choose(program, list)
    }

    #[test]
    fn old_elixirs_take_the_last_row_with_an_elixir_they_reach() {
        let list = format!(
            "2.0.0,{},1.12.0,1.11.0\n2.0.6,{},1.14.0,1.13.0\n2.1.0,{},1.15.0\n",
            sum("a"),
            sum("b"),
            sum("c")
        );
        assert_eq!(
            choose("1.14.0", 25, Program::Hex, &list).unwrap(),
            Install {
                version: "2.0.6".to_owned(),
                sha512: sum("b"),
                path: "installs/1.14.0/hex-2.0.6.ez".to_owned(),
            }
        );
        assert_eq!(
            choose("1.13.4", 25, Program::Rebar3, &list).unwrap().path,
            "installs/1.13.0/rebar3-2.0.6"
        );
        assert_eq!(choose("1.10.0", 22, Program::Hex, &list), None);
    }

    #[test]
    fn new_elixirs_take_otp_into_account() {
        let list = format!(
            "2.1.1,{},1.14.0,25\n2.1.1,{},1.18.0,26\n2.1.1,{},1.18.0,28\n",
            sum("a"),
            sum("b"),
            sum("c")
        );
        assert_eq!(
            choose("1.18.4", 27, Program::Hex, &list).unwrap().path,
            "installs/1.18.0/hex-2.1.1-otp-26.ez"
        );
        assert_eq!(choose("1.18.4", 24, Program::Hex, &list), None);
    }

    #[test]
    fn an_error_page_is_no_list() {
        let page = "<html>\n<body>2.0.6,not found,1.14.0</body>\n</html>";
        assert_eq!(choose("1.14.0", 25, Program::Hex, page), None);
        assert_eq!(choose("1.18.3", 27, Program::Hex, ""), None);
    }

    #[test]
    fn rebar_lies_where_mix_looks() {
        let (old, new) = (
            Version::parse("1.18.3").unwrap(),
            Version::parse("1.18.4").unwrap(),
        );
        let host = |elixir| Host {
            elixir,
            otp_major: 27,
        };
        assert_eq!(host(&old).rebar_folder(), "elixir/1-18");
        assert_eq!(host(&new).rebar_folder(), "elixir/1-18-otp-27");
    }
}
