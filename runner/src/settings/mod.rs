//! What people set: flags, then `BP_*` variables, then bp.toml in the user's config folder. [`KEYS`] lists all.

mod file;
mod keys;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use buildpack_core::diagnostic::{Class, Diagnostic, Origin, Outcome, Sourced};
use buildpack_core::layer::Compression;
use buildpack_core::lists::NPM_REGISTRY;
use buildpack_core::pack::DETECT_LIMIT;
use buildpack_core::sandbox::Cpus;
use buildpack_phoenix_static::TAILWIND_RELEASES;
use jiff::SignedDuration;

use crate::packs::REGISTRY;
use crate::registry::Reference;
use crate::sandbox::Mode;
use crate::ui::parse_bytes;
use file::Said;

pub use keys::{KEYS, Key, page};

/// What the command line says; what it leaves open is `None`, empty or false.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--cache-dir`.
    pub cache_dir: Option<PathBuf>,
    /// `--stack`.
    pub stack: Option<String>,
    /// `--sandbox`.
    pub sandbox: Option<String>,
    /// `--offline`.
    pub offline: bool,
    /// `--keep-assets`.
    pub keep_assets: Option<String>,
    /// `--compression`.
    pub compression: Option<String>,
    /// `--memory`.
    pub memory: Option<String>,
    /// `--cpus`.
    pub cpus: Option<String>,
    /// `--timeout`.
    pub timeout: Option<String>,
    /// `--cache-from`.
    pub cache_from: Option<String>,
    /// `--cache-to`.
    pub cache_to: Option<String>,
    /// `--registry-mirror`, each as `HOST=URL`. They stand before those of other places.
    pub registry_mirrors: Vec<String>,
    /// `--insecure-registry`. They count beside those of other places.
    pub insecure_registries: Vec<String>,
}

/// All settings, each with where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Folder of everything that is kept.
    pub cache_dir: Sourced<PathBuf>,
    /// Bytes that the kept things are to fit into.
    pub cache_cap: Sourced<u64>,
    /// The remote cache that is read, if there is one.
    pub cache_from: Option<Sourced<Reference>>,
    /// The remote cache that is written, if there is one.
    pub cache_to: Option<Sourced<Reference>>,
    /// Bytes that a remote cache may have.
    pub remote_cache_cap: Sourced<u64>,
    /// File of the secret that builders share.
    pub cache_secret_file: Option<Sourced<PathBuf>>,
    /// Stack to build on, if anybody says.
    pub stack: Option<Sourced<String>>,
    /// Where steps run.
    pub sandbox: Sourced<Mode>,
    /// Whether nothing may be fetched.
    pub offline: Sourced<bool>,
    /// How many earlier versions of an app's static files its image holds besides the newest.
    pub keep_assets: Sourced<usize>,
    /// How layers are packed.
    pub compression: Sourced<Compression>,
    /// Registries to ask in place of others: host and URL. The first that fits counts.
    pub registry_mirrors: Vec<Sourced<(String, String)>>,
    /// Hosts of registries spoken to without TLS.
    pub insecure_registries: Sourced<Vec<String>>,
    /// Where lists of builds, OTP, Elixir, Hex and rebar3 come from; like all URLs here, without a slash at its end.
    pub hex_builds_url: Sourced<String>,
    /// PEM file of the key that signs the install lists there.
    pub hex_builds_key: Option<Sourced<PathBuf>>,
    /// Where Hex packages come from.
    pub hex_repo_url: Option<Sourced<String>>,
    /// Whether packages may come from a registry that is not signed with Hex's key.
    pub hex_unsafe_registry: Sourced<bool>,
    /// Where Node comes from.
    pub node_dist_url: Sourced<String>,
    /// Where npm packages come from.
    pub npm_registry_url: Sourced<String>,
    /// Where releases of Tailwind come from.
    pub tailwind_url: Sourced<String>,
    /// Where buildpacks of Heroku's registry come from.
    pub buildpack_registry_url: Sourced<String>,
    /// Whether the versions of `buildpacks.lock` are taken, and none else.
    pub locked: Sourced<bool>,
    /// Whether packs of Elixir and Phoenix are run themselves.
    pub no_native: Sourced<bool>,
    /// Whether packages are no other app's.
    pub own_packages: Sourced<bool>,
    /// How long `bin/detect` of a pack may take.
    pub detect_limit: Sourced<Duration>,
    /// Bytes of memory that the programs of a step may use together, if there is a limit.
    pub memory: Option<Sourced<u64>>,
    /// Processors that they may use together, if there is a limit.
    pub cpus: Option<Sourced<Cpus>>,
    /// How long all steps of a build may take together, if there is a limit.
    pub timeout: Option<Sourced<Duration>>,
}

/// A variable of the environment by name.
pub type Env<'e> = &'e dyn Fn(&str) -> Option<OsString>;

impl Settings {
    /// Reads all settings: `env` is the process environment. Every mistake is reported; none is passed over.
    pub fn load(env: Env<'_>, flags: &Flags) -> Outcome<Self> {
        let mut wrong = Vec::new();
        let said = config_file(env)
            .and_then(|(path, needed)| read_file(&path, needed, &mut wrong))
            .unwrap_or_default();
        let mut reader = Reader { env, said, wrong };
        let settings = reader.settings(flags);
        match settings {
            Some(settings) => Outcome::with(settings, reader.wrong),
            None => Outcome::failed(reader.wrong),
        }
    }
}

/// The path of bp.toml, and whether it must exist.
fn config_file(env: Env<'_>) -> Option<(PathBuf, bool)> {
    if let Some(path) = set(env, "BP_CONFIG") {
        return Some((path.into(), true));
    }
    Some((
        folder(env, "XDG_CONFIG_HOME", ".config")?.join("bp/bp.toml"),
        false,
    ))
}

fn read_file(
    path: &Path,
    needed: bool,
    wrong: &mut Vec<Diagnostic>,
) -> Option<HashMap<&'static str, Said>> {
    match fs_err::read_to_string(path) {
        Ok(text) => Some(file::read(path, text, wrong)),
        // Nobody named the file: what is not there, or belongs to the user that HOME still names, says nothing.
        Err(error)
            if !needed
                && matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
                ) =>
        {
            None
        }
        Err(error) => {
            wrong.push(
                Diagnostic::error(
                    "settings-unreadable",
                    Class::Usage,
                    format!("cannot read the settings: {error}"),
                )
                .help("mend the file, or name another with `BP_CONFIG`"),
            );
            None
        }
    }
}

/// A folder of the XDG rules: its variable if it is absolute, else below HOME.
fn folder(env: Env<'_>, variable: &str, below_home: &str) -> Option<PathBuf> {
    set(env, variable)
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
        .or_else(|| Some(PathBuf::from(set(env, "HOME")?).join(below_home)))
}

fn set(env: Env<'_>, name: &str) -> Option<OsString> {
    env(name).filter(|value| !value.is_empty())
}

struct Reader<'e> {
    env: Env<'e>,
    said: HashMap<&'static str, Said>,
    wrong: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn settings(&mut self, flags: &Flags) -> Option<Settings> {
        let cache_dir = self.cache_dir(flags);
        let settings = Settings {
            cache_cap: self
                .parsed(&keys::CACHE_CAP, None, parse_bytes)
                .unwrap_or_else(|| default(10 << 30, &keys::CACHE_CAP)),
            cache_from: self.parsed(&keys::CACHE_FROM, flags.cache_from.clone(), cache_name),
            cache_to: self.parsed(&keys::CACHE_TO, flags.cache_to.clone(), cache_name),
            remote_cache_cap: self
                .parsed(&keys::REMOTE_CACHE_CAP, None, parse_bytes)
                .unwrap_or_else(|| default(10 << 30, &keys::REMOTE_CACHE_CAP)),
            cache_secret_file: self.path(&keys::CACHE_SECRET_FILE),
            stack: self.parsed(
                &keys::STACK,
                flags.stack.clone(),
                |text| Ok(text.to_owned()),
            ),
            sandbox: self
                .parsed(&keys::SANDBOX, flags.sandbox.clone(), Mode::from_str)
                .unwrap_or_else(|| default(Mode::Auto, &keys::SANDBOX)),
            offline: self.switch(&keys::OFFLINE, flags.offline.then(|| "true".to_owned())),
            keep_assets: self
                .parsed(&keys::KEEP_ASSETS, flags.keep_assets.clone(), versions)
                .unwrap_or_else(|| default(0, &keys::KEEP_ASSETS)),
            compression: self
                .parsed(
                    &keys::COMPRESSION,
                    flags.compression.clone(),
                    Compression::from_str,
                )
                .unwrap_or_else(|| default(Compression::Gzip, &keys::COMPRESSION)),
            registry_mirrors: self.mirrors(&flags.registry_mirrors),
            insecure_registries: self.insecure(&flags.insecure_registries),
            hex_builds_url: self.url_or(&keys::HEX_BUILDS_URL, "https://builds.hex.pm"),
            hex_builds_key: self.path(&keys::HEX_BUILDS_KEY),
            hex_repo_url: self.parsed(&keys::HEX_REPO_URL, None, url),
            hex_unsafe_registry: self.switch(&keys::HEX_UNSAFE_REGISTRY, None),
            node_dist_url: self.url_or(&keys::NODE_DIST_URL, "https://nodejs.org/dist"),
            tailwind_url: self.url_or(&keys::TAILWIND_URL, TAILWIND_RELEASES),
            npm_registry_url: self.url_or(&keys::NPM_REGISTRY_URL, NPM_REGISTRY),
            buildpack_registry_url: self.url_or(&keys::BUILDPACK_REGISTRY_URL, REGISTRY),
            locked: self.switch(&keys::LOCKED, None),
            no_native: self.switch(&keys::NO_NATIVE, None),
            own_packages: self.switch(&keys::OWN_PACKAGES, None),
            detect_limit: self
                .parsed(&keys::DETECT_LIMIT, None, seconds)
                .unwrap_or_else(|| default(DETECT_LIMIT, &keys::DETECT_LIMIT)),
            memory: self.parsed(&keys::MEMORY, flags.memory.clone(), memory),
            cpus: self.parsed(&keys::CPUS, flags.cpus.clone(), Cpus::from_str),
            timeout: self.parsed(&keys::TIMEOUT, flags.timeout.clone(), time),
            cache_dir: cache_dir?,
        };
        Some(settings)
    }

    /// What the first place that says anything says.
    fn find(&mut self, key: &Key, flag: Option<String>) -> Option<Said> {
        if let (Some(value), Some(flag)) = (flag, key.flag) {
            return Some(Sourced::new(vec![value], Origin::Flag(flag.to_owned())));
        }
        match set(self.env, key.variable).map(OsString::into_string) {
            Some(Ok(text)) => {
                let values = if key.list {
                    let parts = text
                        .split(',')
                        .map(str::trim)
                        .filter(|part| !part.is_empty());
                    parts.map(str::to_owned).collect()
                } else {
                    vec![text]
                };
                Some(Sourced::new(values, Origin::Env(key.variable.to_owned())))
            }
            Some(Err(_)) => {
                let origin = Origin::Env(key.variable.to_owned());
                self.refuse(key, &origin, "it is not UTF-8 text");
                None
            }
            None => self.said.remove(key.name),
        }
    }

    fn refuse(&mut self, key: &Key, origin: &Origin, why: &str) {
        let problem = Diagnostic::error(
            "settings-value",
            Class::Usage,
            format!("the setting `{}` cannot be used: {why}", key.name),
        );
        self.wrong
            .push(problem.from(origin, "it is set here").help(key.doc));
    }

    fn parsed<T>(
        &mut self,
        key: &Key,
        flag: Option<String>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Sourced<T>> {
        let said = self.find(key, flag)?;
        match said.value.first().map(|text| parse(text)) {
            Some(Ok(value)) => Some(Sourced::new(value, said.origin)),
            Some(Err(why)) => {
                self.refuse(key, &said.origin, &why);
                None
            }
            None => None,
        }
    }

    fn switch(&mut self, key: &Key, flag: Option<String>) -> Sourced<bool> {
        let parse = |text: &str| match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(true),
            "0" | "false" | "no" | "off" => Ok(false),
            _ => Err("expected `true` or `false`".to_owned()),
        };
        self.parsed(key, flag, parse)
            .unwrap_or_else(|| default(false, key))
    }

    fn url_or(&mut self, key: &Key, otherwise: &str) -> Sourced<String> {
        self.parsed(key, None, url)
            .unwrap_or_else(|| default(otherwise.to_owned(), key))
    }

    fn list(&mut self, key: &Key) -> Option<Said> {
        self.find(key, None)
    }

    fn mirrors(&mut self, flags: &[String]) -> Vec<Sourced<(String, String)>> {
        let key = &keys::REGISTRY_MIRROR;
        let flags = Sourced::new(flags.to_vec(), Origin::Flag("--registry-mirror".to_owned()));
        let mut mirrors = Vec::new();
        for said in [Some(flags), self.list(key)].into_iter().flatten() {
            for text in &said.value {
                match text
                    .trim()
                    .split_once('=')
                    .filter(|(host, _)| !host.is_empty())
                {
                    Some((host, to)) => match url(to) {
                        Ok(to) => {
                            mirrors.push(Sourced::new((host.to_owned(), to), said.origin.clone()));
                        }
                        Err(why) => self.refuse(key, &said.origin, &why),
                    },
                    None => self.refuse(key, &said.origin, "a mirror is `HOST=URL`"),
                }
            }
        }
        mirrors
    }

    fn insecure(&mut self, flags: &[String]) -> Sourced<Vec<String>> {
        let key = &keys::INSECURE_REGISTRY;
        let said = self.list(key);
        if flags.is_empty() {
            return said.unwrap_or_else(|| default(Vec::new(), key));
        }
        let mut hosts = flags.to_vec();
        hosts.extend(said.into_iter().flat_map(|said| said.value));
        Sourced::new(hosts, Origin::Flag("--insecure-registry".to_owned()))
    }

    /// A path; one of bp.toml starts at the folder of the file.
    fn path(&mut self, key: &Key) -> Option<Sourced<PathBuf>> {
        if let Some(path) = set(self.env, key.variable) {
            return Some(Sourced::new(
                path.into(),
                Origin::Env(key.variable.to_owned()),
            ));
        }
        let said = self.said.remove(key.name)?;
        let path = said.value.into_iter().next()?;
        let base = match &said.origin {
            Origin::File(span) => span.source.path.parent().map(Path::to_owned),
            _ => None,
        };
        Some(Sourced::new(
            base.unwrap_or_default().join(path),
            said.origin,
        ))
    }

    fn cache_dir(&mut self, flags: &Flags) -> Option<Sourced<PathBuf>> {
        let key = &keys::CACHE_DIR;
        let flag = flags.cache_dir.clone();
        let said = flag
            .map(|folder| Sourced::new(folder, Origin::Flag("--cache-dir".to_owned())))
            .or_else(|| self.path(key))
            .or_else(|| {
                Some(default(
                    folder(self.env, "XDG_CACHE_HOME", ".cache")?.join("bp"),
                    key,
                ))
            });
        let Some(said) = said else {
            self.wrong.push(
                Diagnostic::error(
                    "no-cache-folder",
                    Class::Usage,
                    "there is no folder to keep things in: HOME is not set",
                )
                .help("name one with `--cache-dir` or `BP_CACHE_DIR`"),
            );
            return None;
        };
        match std::path::absolute(&said.value) {
            Ok(folder) => Some(Sourced::new(folder, said.origin)),
            Err(error) => {
                self.refuse(key, &said.origin, &error.to_string());
                None
            }
        }
    }
}

fn default<T>(value: T, key: &Key) -> Sourced<T> {
    Sourced::new(value, Origin::Default(key.default.to_owned()))
}

/// A number of versions. More than a few are no help to anybody.
fn versions(text: &str) -> Result<usize, String> {
    let number = text.trim().parse().ok().filter(|number| *number < 100);
    number.ok_or_else(|| format!("expected a number from 0 to 99, found `{text}`"))
}

/// A tag of a repository, with its registry: no default decides where things go.
fn cache_name(text: &str) -> Result<Reference, String> {
    let name = Reference::in_full(text.trim()).map_err(|error| error.to_string())?;
    if name.digest().is_some() {
        return Err("a cache has a tag, and no digest".to_owned());
    }
    Ok(name)
}

/// Whole seconds, up to an hour.
fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.trim().parse().ok();
    let number = number.filter(|number| (1..=3600).contains(number));
    number
        .map(Duration::from_secs)
        .ok_or_else(|| format!("expected a number of seconds from 1 to 3600, found `{text}`"))
}

/// Bytes that a program can at least begin with.
fn memory(text: &str) -> Result<u64, String> {
    match parse_bytes(text)? {
        bytes if bytes < 16 << 20 => Err(format!(
            "`{text}` of memory is too little to run anything: 16 MiB are the least"
        )),
        bytes => Ok(bytes),
    }
}

/// A time with units, or seconds; from one second.
fn time(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let time = match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => (text.parse::<SignedDuration>().ok()).and_then(|time| time.try_into().ok()),
    };
    time.filter(|time| *time >= Duration::from_secs(1))
        .ok_or_else(|| {
            format!("`{text}` is no time: expected `15m`, `1h30m` or the like, from one second")
        })
}

/// An http or https URL without a slash at its end. The error never repeats it: it may hold a password.
fn url(text: &str) -> Result<String, String> {
    let text = text.trim().trim_end_matches('/');
    let parsed = reqwest::Url::parse(text).map_err(|error| format!("it is no URL: {error}"))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err("expected a URL with `http://` or `https://`".to_owned());
    }
    if parsed.query().is_some() || parsed.fragment().is_some() {
        return Err("a URL that paths are added to has no `?` and no `#`".to_owned());
    }
    Ok(text.to_owned())
}
