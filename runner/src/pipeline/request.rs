//! What a build is asked for.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use buildpack_core::diagnostic::Sourced;
use buildpack_core::digest::Digest;
use buildpack_core::layer::Compression;
use buildpack_core::pack::ScriptDirs;
use buildpack_core::sandbox::MemoryFile;
use buildpack_core::store::{Bucket, OWN, Share, Store};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use stacks::Target;

use super::failure::{Failure, disk};
use super::secrets::BuildSecrets;
use crate::records::{Held, Record, VarHashes};
use crate::registry::Reference;

/// A build to make.
#[derive(Clone)]
pub struct Request {
    /// The app's folder.
    pub app: PathBuf,
    /// The name that the image is kept under.
    pub name: String,
    /// Stack and architecture.
    pub target: Target,
    /// The app's config vars: steps see them, images, logs and the cache never do.
    pub config_vars: ConfigVars,
    /// `SOURCE_DATE_EPOCH`, if it is set.
    pub source_date_epoch: Option<String>,
    /// Whether nothing that earlier builds of this app left may be used.
    pub clear_cache: bool,
    /// How many earlier versions of the app's static files the image holds, too.
    pub keep_assets: usize,
    /// How the app's layers are packed.
    pub compression: Compression,
    /// `TERM` of the person at the terminal, for shells.
    pub terminal: Option<String>,
    /// Config vars whose values may stand in the image, because the app wants it so.
    pub public_vars: Vec<String>,
    /// What single steps are lent, and no other sees.
    pub secrets: BuildSecrets,
    /// Libraries that the app's files may need though nothing in the image has them: the platform brings them.
    pub allowed_missing: Vec<String>,
    /// Packs that are asked for in place of those that the app's files name, as they are written.
    pub buildpacks: Vec<Sourced<String>>,
    /// Whether built-in packs may take the place of those that they are made after.
    pub native: bool,
    /// What becomes of `buildpacks.lock`.
    pub lock: Lock,
    /// Where packs that are scripts see what they are given.
    pub script_dirs: ScriptDirs,
    /// What a build finds on the machine that it is made on, where the app is to stay there and no image is made.
    pub here: Option<Here>,
    /// The record of another build, whose digests this one takes in place of what is newest.
    pub like: Option<Arc<Record>>,
    /// Where the image goes, if it is wanted nowhere else: layers that are there already need not come to this machine.
    pub only_to: Option<Reference>,
}

impl Request {
    /// A build that asks for nothing but the app: no config vars, no secrets, the packs that its files name. Its image is
    /// kept under no name until one is set.
    pub fn new(app: impl Into<PathBuf>, target: Target) -> Self {
        Self {
            app: app.into(),
            name: String::new(),
            target,
            config_vars: ConfigVars::default(),
            source_date_epoch: None,
            clear_cache: false,
            keep_assets: 0,
            compression: Compression::default(),
            terminal: None,
            public_vars: Vec::new(),
            secrets: BuildSecrets::default(),
            allowed_missing: Vec::new(),
            buildpacks: Vec::new(),
            native: true,
            lock: Lock::None,
            script_dirs: ScriptDirs::default(),
            here: None,
            like: None,
            only_to: None,
        }
    }

    /// What the build is held to; nothing where it is to be like none.
    pub fn held(&self) -> Held {
        let like = self.like.as_ref();
        like.map(|record| record.held(self.target.arch.oci()))
            .unwrap_or_default()
    }
}

/// The machine that an app is built on and stays on: a container that a platform makes an image of. Programs run in
/// place, and the folders that scripts are given are the machine's own.
#[derive(Clone, Default)]
pub struct Here {
    /// Its variables, which programs see below all others.
    pub env: BTreeMap<String, String>,
    /// Packs that it brings along by name and folder. Where nobody asks for any and no built-in one applies, the first
    /// that says that it applies is taken.
    pub packs: Vec<(String, PathBuf)>,
    /// Whether what was built is taken as it is, whether it will start or not.
    pub unchecked: bool,
}

/// What becomes of `buildpacks.lock`, in which the versions of packs stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Lock {
    /// It is not looked at.
    #[default]
    None,
    /// It is written.
    Write,
    /// Packs that are not the ones it names are refused.
    Refuse,
}

/// Config vars by name. There is no way to print their values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ConfigVars(pub BTreeMap<String, String>);

/// Names that never reach a step's environment, as Heroku's packs have it: they would break the build's own tools.
const NOT_EXPORTED: [&str; 6] = [
    "PATH",
    "GIT_DIR",
    "CPATH",
    "CPPATH",
    "LD_PRELOAD",
    "LIBRARY_PATH",
];

/// The folder of ENV_DIR in the sandbox, a file system in memory.
pub const ENV_DIR: &str = "/tmp/env";

impl ConfigVars {
    /// The variables that steps see in their environment.
    pub fn exported(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0
            .iter()
            .filter(|(name, _)| !NOT_EXPORTED.contains(&name.as_str()))
    }

    /// ENV_DIR: one file for each variable, its content the value as it is.
    pub fn env_dir(&self) -> Vec<MemoryFile> {
        self.0
            .iter()
            .filter(|(name, _)| !name.contains('/') && !name.is_empty())
            .map(|(name, value)| MemoryFile {
                target: PathBuf::from(ENV_DIR).join(name),
                content: value.clone().into_bytes(),
            })
            .collect()
    }

    /// A hash of names and values: equal for equal vars, and no way back. Its key never leaves the store's machine, unless
    /// machines share one; a hash that other machines don't come to begins with [`OWN`].
    pub fn keyed_hash(&self, store: &Store) -> Result<String, Failure> {
        if self.0.is_empty() {
            return Ok("none".to_owned());
        }
        let (mark, key) = hash_key(store)?;
        let mut context = hmac::Context::with_key(&key);
        for (name, value) in &self.0 {
            for field in [name, value] {
                context.update(&(field.len() as u64).to_le_bytes());
                context.update(field.as_bytes());
            }
        }
        let hash = Digest::of(context.sign().as_ref()).hex();
        Ok(format!("{mark}{hash}"))
    }

    /// Names, and of each value a hash under the key of [`keyed_hash`](Self::keyed_hash). Equal values of two names have
    /// two hashes.
    pub fn hashes(&self, store: &Store) -> Result<VarHashes, Failure> {
        if self.0.is_empty() {
            return Ok(VarHashes::default());
        }
        let (_, key) = hash_key(store)?;
        let sign = |words: &[&str]| {
            let mut context = hmac::Context::with_key(&key);
            for word in words {
                context.update(&(word.len() as u64).to_le_bytes());
                context.update(word.as_bytes());
            }
            Digest::of(context.sign().as_ref()).hex()
        };
        let vars = self.0.iter();
        Ok(VarHashes {
            key: sign(&["name of this key"])[..16].to_owned(),
            vars: vars
                .map(|(name, value)| (name.clone(), sign(&["config var", name, value])))
                .collect(),
        })
    }

    /// Variables whose values would tell a secret, by name and value: what the finished layers are searched for.
    ///
    /// Short values, plain words and host names stand in many files by right; what counts is a value that looks made
    /// up, or a name that says what it is.
    pub fn secrets<'a>(&'a self, public: &'a [String]) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0
            .iter()
            .filter(|(name, value)| !public.contains(name) && is_secret(name, value))
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

fn is_secret(name: &str, value: &str) -> bool {
    const WORDS: [&str; 9] = [
        "SECRET",
        "TOKEN",
        "PASSWORD",
        "PASSWD",
        "KEY",
        "COOKIE",
        "CREDENTIAL",
        "DATABASE_URL",
        "DSN",
    ];
    let name = name.to_ascii_uppercase();
    let digits = value.bytes().any(|byte| byte.is_ascii_digit());
    let letters = value.bytes().any(|byte| byte.is_ascii_alphabetic());
    WORDS.iter().any(|word| name.contains(word))
        || value.contains("://") && value.contains('@')
        || value.len() >= 12 && digits && letters && !value.contains(['.', '/', ' '])
}

/// Random characters that stay the same for the same words on the store's machine: 64 hex digits.
pub(super) fn made_up_secret(store: &Store, words: &[&str]) -> Result<String, Failure> {
    let mut context = hmac::Context::with_key(&secret_key(store)?);
    for word in ["made-up secret"].iter().chain(words) {
        context.update(&(word.len() as u64).to_le_bytes());
        context.update(word.as_bytes());
    }
    Ok(Digest::of(context.sign().as_ref()).hex())
}

/// The key that config vars are hashed under, with what stands before hashes that other machines don't come to.
fn hash_key(store: &Store) -> Result<(&'static str, hmac::Key), Failure> {
    Ok(match store.shared_key() {
        Some(key) => ("", hmac::Key::new(hmac::HMAC_SHA256, key)),
        None => (OWN, secret_key(store)?),
    })
}

/// The store's own key, made when it is first wanted.
fn secret_key(store: &Store) -> Result<hmac::Key, Failure> {
    const NAME: &str = "key of config var hashes";
    let record = store.record::<Vec<u8>>(Bucket::Pins, NAME);
    // Of two first builds at once, one makes the key for both.
    let _alone = store.lock(Bucket::Pins, NAME, Share::Exclusive, &|| ())?;
    let bytes = match record.read()? {
        Some(bytes) if bytes.len() == 32 => bytes,
        _ => {
            let mut bytes = vec![0; 32];
            SystemRandom::new()
                .fill(&mut bytes)
                .map_err(|_| disk("get random bytes", &std::io::Error::other("no source")))?;
            record.write(&bytes)?;
            bytes
        }
    };
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars(entries: &[(&str, &str)]) -> ConfigVars {
        ConfigVars(
            entries
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        )
    }

    #[test]
    fn secrets_are_told_from_settings() {
        for (name, value) in [
            ("SECRET_KEY_BASE", "abc"),
            ("DATABASE_URL", "ecto://localhost/db"),
            ("REDIS", "redis://user:pw@host/0"),
            ("STRIPE", "sk51H8xyzzy0plugh"),
        ] {
            assert!(is_secret(name, value), "{name}");
        }
        for (name, value) in [
            ("MIX_ENV", "prod"),
            ("LANG", "en_US.UTF-8"),
            ("PHX_HOST", "app1.example.com"),
            ("POOL_SIZE", "10"),
            ("GREETING", "good morning"),
        ] {
            assert!(!is_secret(name, value), "{name}");
        }
    }

    #[test]
    fn what_would_break_tools_is_not_exported_but_stands_in_env_dir() {
        let vars = vars(&[("PATH", "/evil"), ("A", "1"), ("../B", "2")]);
        assert_eq!(vars.exported().count(), 2);
        let files: Vec<_> = vars.env_dir().into_iter().map(|file| file.target).collect();
        assert_eq!(files, ["/tmp/env/A", "/tmp/env/PATH"].map(PathBuf::from));
    }

    #[test]
    fn the_hash_is_of_the_values_and_keeps_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store")).unwrap();
        let hash = |entries| vars(entries).keyed_hash(&store).unwrap();
        assert_eq!(hash(&[("A", "1")]), hash(&[("A", "1")]));
        assert_ne!(hash(&[("A", "1")]), hash(&[("A", "2")]));
        assert_ne!(hash(&[("A", "1B2")]), hash(&[("A1", "B2")]));
    }

    #[test]
    fn each_value_has_a_hash_of_its_own_that_names_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let hashes = |name: &str, key: Option<[u8; 32]>, entries| {
            let store = Store::open(folder.path().join(name)).unwrap();
            if let Some(key) = key {
                store.set_shared_key(key);
            }
            vars(entries).hashes(&store).unwrap()
        };
        let own = hashes("one", None, &[("A", "1"), ("B", "1")]);
        assert_eq!(own, hashes("one", None, &[("B", "1"), ("A", "1")]));
        assert_ne!(own.vars["A"], own.vars["B"]);
        let other = hashes("two", None, &[("A", "1")]);
        assert!(own.key != other.key && own.vars["A"] != other.vars["A"]);
        let shared = |name| hashes(name, Some([7; 32]), &[("A", "1")]);
        assert_eq!(shared("one"), shared("two"));
    }

    #[test]
    fn machines_come_to_the_same_hash_where_they_share_a_key() {
        let folder = tempfile::tempdir().unwrap();
        let hash = |name: &str, key: Option<[u8; 32]>, entries| {
            let store = Store::open(folder.path().join(name)).unwrap();
            if let Some(key) = key {
                store.set_shared_key(key);
            }
            vars(entries).keyed_hash(&store).unwrap()
        };
        let some: &[_] = &[("A", "1")];
        let own = hash("one", None, some);
        assert!(own.starts_with(OWN));
        assert_ne!(own, hash("two", None, some));
        let shared = hash("one", Some([7; 32]), some);
        assert!(!shared.starts_with(OWN));
        assert_eq!(shared, hash("two", Some([7; 32]), some));
        assert_ne!(shared, hash("two", Some([8; 32]), some));
        assert_eq!(hash("one", None, &[]), hash("two", Some([7; 32]), &[]));
    }

    #[test]
    fn first_builds_at_once_agree_on_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store")).unwrap();
        let begin = std::sync::Barrier::new(8);
        let hashes: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        begin.wait();
                        vars(&[("A", "1")]).keyed_hash(&store).unwrap()
                    })
                })
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{hashes:?}");
    }
}
