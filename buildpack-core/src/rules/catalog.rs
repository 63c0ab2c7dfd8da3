//! All rules by which an app is judged before it is built: what `--deny` and `--allow` take, and what reports list.

use crate::diagnostic::Severity;

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// The version of Erlang/OTP.
    Erlang,
    /// The version of Elixir, alone and with Erlang/OTP.
    Elixir,
    /// The versions of Node and npm.
    Node,
    /// What asks for versions, whichever tool it is.
    Versions,
    /// The stack.
    Stack,
    /// Support that ends.
    Eol,
    /// How the app's files are written.
    Files,
    /// The buildpacks that the app names.
    Packs,
    /// How the app is built and started.
    App,
    /// Whether there is an app, and its files can be read.
    Reading,
    /// The lists that versions are looked up in.
    Lists,
}

/// One rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The code of its diagnostics.
    pub code: &'static str,
    /// How bad it is, unless somebody says otherwise.
    pub severity: Severity,
    /// What it is about.
    pub group: Group,
    /// What it says, in one sentence without a full stop.
    pub summary: &'static str,
    /// Whether `--fix` mends it, or some of it.
    pub fixable: bool,
}

impl Rule {
    /// Path of the page that explains it, in the repository.
    pub fn page(&self) -> String {
        match self.group {
            Group::Reading | Group::Lists => "docs/check-versions.md".to_owned(),
            _ => format!("docs/diagnostics/{}.md", self.code),
        }
    }
}

const fn row(code: &'static str, severity: Severity, group: Group, summary: &'static str) -> Rule {
    Rule {
        code,
        severity,
        group,
        summary,
        fixable: false,
    }
}

const fn fixable(rule: Rule) -> Rule {
    Rule {
        fixable: true,
        ..rule
    }
}

/// All rules, by group.
pub const RULES: &[Rule] = &[
    fixable(row(
        "otp-known-bad",
        Severity::Warning,
        Group::Erlang,
        "This version of Erlang/OTP has a defect that breaks builds",
    )),
    row(
        "otp-malformed",
        Severity::Error,
        Group::Erlang,
        "What stands where a version of Erlang/OTP belongs is none",
    ),
    fixable(row(
        "otp-not-built",
        Severity::Error,
        Group::Erlang,
        "Erlang/OTP of this version was never built for the stack and architecture",
    )),
    row(
        "otp-unknown",
        Severity::Warning,
        Group::Erlang,
        "Nobody can tell whether Erlang/OTP of this version was built for the stack",
    ),
    row(
        "elixir-malformed",
        Severity::Error,
        Group::Elixir,
        "What stands where a version of Elixir belongs is none",
    ),
    fixable(row(
        "elixir-not-built",
        Severity::Error,
        Group::Elixir,
        "Elixir of this version was never published",
    )),
    row(
        "elixir-otp-mismatch",
        Severity::Error,
        Group::Elixir,
        "Elixir of this version was not built for the chosen Erlang/OTP",
    ),
    row(
        "elixir-requirement",
        Severity::Error,
        Group::Elixir,
        "`mix.exs` does not allow the Elixir that the config asks for",
    ),
    row(
        "elixir-unknown",
        Severity::Warning,
        Group::Elixir,
        "Nobody can tell whether Elixir of this version was published",
    ),
    row(
        "node-engines",
        Severity::Warning,
        Group::Node,
        "`package.json` does not allow the Node that will be taken",
    ),
    row(
        "node-malformed",
        Severity::Error,
        Group::Node,
        "What stands where a version of Node belongs is none",
    ),
    fixable(row(
        "node-not-published",
        Severity::Error,
        Group::Node,
        "Node of this version was never published",
    )),
    row(
        "node-unknown",
        Severity::Warning,
        Group::Node,
        "Nobody can tell whether Node of this version was published",
    ),
    row(
        "npm-version",
        Severity::Warning,
        Group::Node,
        "This npm is no version, or does not run on the Node that will be taken",
    ),
    row(
        "lock-file-format",
        Severity::Error,
        Group::Node,
        "The npm that will be taken cannot read the app's lock file",
    ),
    row(
        "lock-file-missing",
        Severity::Warning,
        Group::Node,
        "Packages would be installed without a lock file",
    ),
    row(
        "lock-files",
        Severity::Warning,
        Group::Node,
        "Lock files of several package managers stand side by side",
    ),
    row(
        "package-manager-conflict",
        Severity::Error,
        Group::Node,
        "The applications of an umbrella want different versions of one package manager",
    ),
    row(
        "package-manager-digest",
        Severity::Error,
        Group::Node,
        "What stands behind the version in `packageManager` is no digest",
    ),
    row(
        "package-manager-malformed",
        Severity::Error,
        Group::Node,
        "`packageManager` names no version of a package manager",
    ),
    row(
        "package-manager-unsupported",
        Severity::Error,
        Group::Node,
        "The assets want a package manager that cannot be had",
    ),
    row(
        "yarn-version",
        Severity::Error,
        Group::Node,
        "`yarn_version` is no version of yarn 1",
    ),
    row(
        "version-conflict",
        Severity::Warning,
        Group::Versions,
        "Two files ask for different versions of one tool",
    ),
    row(
        "version-dynamic",
        Severity::Note,
        Group::Versions,
        "Only bash can tell which version is asked for",
    ),
    row(
        "version-missing",
        Severity::Error,
        Group::Versions,
        "Nothing says which Erlang/OTP or which Elixir to take",
    ),
    row(
        "stack-arch",
        Severity::Error,
        Group::Stack,
        "The stack does not exist for this architecture",
    ),
    fixable(row(
        "stack-unknown",
        Severity::Error,
        Group::Stack,
        "There is no stack of this name",
    )),
    row(
        "elixir-eol",
        Severity::Warning,
        Group::Eol,
        "This line of Elixir gets no security patches any more",
    ),
    row(
        "node-eol",
        Severity::Warning,
        Group::Eol,
        "The Node project no longer mends this line",
    ),
    row(
        "otp-eol",
        Severity::Warning,
        Group::Eol,
        "The Erlang/OTP team no longer mends this line",
    ),
    row(
        "stack-eol",
        Severity::Warning,
        Group::Eol,
        "Heroku is about to stop supporting this stack, or has stopped",
    ),
    fixable(row(
        "config-deprecated-key",
        Severity::Warning,
        Group::Files,
        "This key is a leftover of older buildpacks",
    )),
    fixable(row(
        "config-encoding",
        Severity::Warning,
        Group::Files,
        "A file holds characters that bash does not read as they look",
    )),
    fixable(row(
        "config-syntax",
        Severity::Error,
        Group::Files,
        "A config file is not the bash that it should be",
    )),
    fixable(row(
        "config-unknown-key",
        Severity::Warning,
        Group::Files,
        "No buildpack knows this key",
    )),
    row(
        "procfile-shell",
        Severity::Note,
        Group::Files,
        "herokuish runs this command otherwise than Heroku does",
    ),
    row(
        "procfile-syntax",
        Severity::Warning,
        Group::Files,
        "A line of the Procfile is none that platforms read",
    ),
    row(
        "pack-abandoned",
        Severity::Warning,
        Group::Packs,
        "Nobody looks after this pack any more",
    ),
    fixable(row(
        "pack-order",
        Severity::Warning,
        Group::Packs,
        "The Phoenix static pack stands before the Elixir pack",
    )),
    row(
        "pack-reference",
        Severity::Error,
        Group::Packs,
        "What stands where the address of a buildpack belongs is none",
    ),
    row(
        "pack-twice",
        Severity::Warning,
        Group::Packs,
        "The same buildpack is named twice",
    ),
    row(
        "pack-unpinned",
        Severity::Note,
        Group::Packs,
        "The address of a pack names no commit, tag or branch",
    ),
    row(
        "assets-missing-script",
        Severity::Warning,
        Group::App,
        "Nothing would build the assets",
    ),
    row(
        "assets-path",
        Severity::Error,
        Group::App,
        "The config names a folder for the assets that is none of the app's",
    ),
    row(
        "assets-binary-version",
        Severity::Warning,
        Group::App,
        "A Mix task would download a program by itself, for no version of it can be read",
    ),
    row(
        "phoenix-no-server",
        Severity::Warning,
        Group::App,
        "The release would start without its web server",
    ),
    row(
        "secret-at-compile-time",
        Severity::Warning,
        Group::App,
        "A secret is read while the app is compiled",
    ),
    row(
        "packs-too-many",
        Severity::Error,
        Group::Reading,
        "More buildpacks are named than build an app",
    ),
    row(
        "no-pack",
        Severity::Error,
        Group::Reading,
        "No buildpack is for this folder",
    ),
    row(
        "app-file",
        Severity::Error,
        Group::Reading,
        "A file of the app cannot be read",
    ),
    row(
        "app-json",
        Severity::Error,
        Group::Reading,
        "`app.json` is not JSON",
    ),
    row(
        "app-settings",
        Severity::Error,
        Group::Reading,
        "The app's `bp.toml` is not TOML, or holds something else than secrets by step",
    ),
    row(
        "package-json",
        Severity::Error,
        Group::Reading,
        "A `package.json` is not JSON",
    ),
    row(
        "mise-toml",
        Severity::Warning,
        Group::Reading,
        "A `mise.toml` is not TOML",
    ),
    row(
        "mix-lock",
        Severity::Warning,
        Group::Reading,
        "`mix.lock` is not what Mix writes",
    ),
    row(
        "config-runtime-path",
        Severity::Error,
        Group::Reading,
        "`runtime_path` of a config cannot be had",
    ),
    row(
        "config-command",
        Severity::Note,
        Group::Reading,
        "A config file holds commands, which a check does not run",
    ),
    row(
        "build-list-missing",
        Severity::Warning,
        Group::Lists,
        "A list of builds could not be had",
    ),
    row(
        "build-list-malformed",
        Severity::Warning,
        Group::Lists,
        "What a host gave is no list of builds",
    ),
    row(
        "build-list-old",
        Severity::Warning,
        Group::Lists,
        "A kept or built-in list stood in for that of the host",
    ),
    row(
        "list-shrunken",
        Severity::Warning,
        Group::Lists,
        "A list of builds lost much since it was last had",
    ),
];

/// The rule of this code.
pub fn rule(code: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.code == code)
}
