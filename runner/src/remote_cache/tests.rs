//! Machines that share a cache, and what strangers put into it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use buildpack_core::digest::Digest;
use buildpack_core::event::{Event, EventSink, Silent};
use buildpack_core::image::{LayerRecord, MediaType, OCI_MANIFEST};
use buildpack_core::libraries::Libraries;
use buildpack_core::secret::SecretGate;
use buildpack_core::store::{Bucket, CacheKey, Store, StoreError};
use serde_json::{Value, json};
use testdata::fake::registry::{Answer, Registry};

use super::*;
use crate::registry::{Registries, RegistrySettings, Unknown};

const SECRET: &str = "correct horse battery staple";
const OTHER: &str = "another secret of other people";

/// Codes of the problems that were told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<&'static str>>>);

impl EventSink for Told {
    fn emit(&self, event: Event) {
        if let Event::Diagnostic { diagnostic } = event {
            self.0.lock().unwrap().push(diagnostic.code.0);
        }
    }
}

/// A builder with a store of its own.
struct Machine {
    folder: tempfile::TempDir,
    store: Store,
    remote: Arc<RemoteCache>,
    told: Told,
}

impl Machine {
    fn new(registry: &Registry, secret: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store")).unwrap();
        let registries = Registries::new(RegistrySettings {
            attempts: 2,
            pause: Duration::ZERO,
            ..RegistrySettings::default()
        });
        let name = format!("{}/team/app:cache", registry.host());
        let place = Some(name.parse().unwrap());
        let places = Places {
            from: place.clone(),
            to: place,
        };
        let secret = secret.map(|text| SharedSecret::new(text).unwrap());
        let told = Told::default();
        let events = Box::new(told.clone());
        let remote = RemoteCache::new(&registries, &places, secret, events).unwrap();
        let remote = Arc::new(remote);
        store.look_elsewhere(Arc::clone(&remote) as _);
        Self {
            folder,
            store,
            remote,
            told,
        }
    }

    /// Makes a tool whose one file holds `text`.
    fn make(&self, key: &CacheKey, text: &str) {
        let fill = |folder: &std::path::Path| {
            fs_err::write(folder.join("file"), text).unwrap();
            Ok::<_, StoreError>(())
        };
        let made = self.store.make_dir(Bucket::Tools, key, &Silent, fill);
        made.unwrap();
    }

    /// What the tool's file holds, here or elsewhere.
    fn look(&self, key: &CacheKey) -> Option<String> {
        let folder = self.store.dir(Bucket::Tools, key)?;
        Some(fs_err::read_to_string(folder.join("file")).unwrap())
    }

    /// Makes a layer of these bytes.
    fn layer(&self, key: &CacheKey, bytes: &[u8]) -> LayerRecord {
        let layer = LayerRecord {
            purpose: "app".to_owned(),
            digest: Digest::of(bytes),
            diff_id: Digest::of(b"tar"),
            size: bytes.len() as u64,
            unpacked_size: 3,
            media_type: MediaType::OciGzip,
            libraries: Libraries::default(),
        };
        let file = self.store.blob_dir().join("sha256");
        fs_err::write(file.join(layer.digest.hex()), bytes).unwrap();
        let record = self.store.keyed_record(Bucket::Layers, "", key);
        record.write(&layer).unwrap();
        layer
    }

    fn send(&self) -> Sent {
        self.send_on(21, &SecretGate::new::<&str, &str>([]))
    }

    fn send_on(&self, day: i8, gate: &SecretGate) -> Sent {
        self.remote.send(&Sending {
            store: &self.store,
            gate,
            today: jiff::civil::date(2026, 11, day),
            cap: 1 << 20,
            holders: &Unknown,
        })
    }

    fn told(&self) -> Vec<&'static str> {
        self.told.0.lock().unwrap().clone()
    }

    fn entries(&self) -> usize {
        let tools = self.folder.path().join("store/tools-v1");
        let all = fs_err::read_dir(tools).unwrap().flatten();
        all.filter(|entry| entry.file_name().len() == 64).count()
    }
}

fn key(name: &str) -> CacheKey {
    CacheKey::new("tool").part("archive", name)
}

fn registry() -> Registry {
    Registry::start().unwrap()
}

fn manifest(registry: &Registry) -> Value {
    let (_, bytes) = registry.manifest("team/app", "cache").unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn put(registry: &Registry, manifest: &Value) {
    let bytes = serde_json::to_vec(manifest).unwrap();
    registry.put_manifest("team/app", Some("cache"), OCI_MANIFEST, &bytes);
}

fn count(registry: &Registry, begins: &str, holds: &str) -> usize {
    let seen = registry.seen();
    seen.iter()
        .filter(|seen| seen.line.starts_with(begins) && seen.line.contains(holds))
        .count()
}

#[test]
fn what_one_machine_made_another_takes_and_no_more() {
    let registry = registry();
    let first = Machine::new(&registry, None);
    assert_eq!(first.look(&key("erlang")), None);
    first.make(&key("erlang"), "erl");
    first.make(&key("node"), "node");
    let made = first.layer(&key("layer"), b"the app's layer");
    let sent = first.send();
    assert_eq!(sent.entries, 3);
    assert!(sent.bytes > 15);
    let second = Machine::new(&registry, None);
    second.remote.begin();
    assert_eq!(second.look(&key("erlang")).as_deref(), Some("erl"));
    assert_eq!(second.look(&key("elixir")), None);
    let layers_key = key("layer");
    let record = second
        .store
        .keyed_record::<LayerRecord>(Bucket::Layers, "", &layers_key);
    assert_eq!(record.get().as_ref(), Some(&made));
    assert_eq!(count(&registry, "GET", "blobs/"), 2, "tool and record");
    assert!(second.store.bring_blob(&made.blob()));
    let blob = second
        .store
        .blob_dir()
        .join("sha256")
        .join(made.digest.hex());
    assert_eq!(fs_err::read(blob).unwrap(), b"the app's layer");
    assert_eq!((first.told(), second.told()), (vec![], vec![]));
    // Nothing new and used on the same day: nothing is written.
    let puts = count(&registry, "PUT", "");
    assert_eq!(second.send(), Sent::default());
    assert_eq!(count(&registry, "PUT", ""), puts);
    // On another day it is only the index.
    let none = SecretGate::new::<&str, &str>([]);
    assert_eq!(second.send_on(22, &none), Sent::default());
    assert_eq!(count(&registry, "PUT", ""), puts + 1);
    let text = manifest(&registry).to_string();
    assert_eq!(text.matches("2026-11-22").count(), 2, "{text}");
    assert_eq!(text.matches("2026-11-21").count(), 1, "{text}");
}

#[test]
fn two_that_write_at_once_lose_nothing() {
    let registry = registry();
    let (one, other) = (Machine::new(&registry, None), Machine::new(&registry, None));
    for (machine, name) in [(&one, "erlang"), (&other, "node")] {
        // Both have read an empty index by now.
        assert_eq!(machine.look(&key(name)), None);
        machine.make(&key(name), name);
    }
    one.send();
    other.send();
    let third = Machine::new(&registry, None);
    for name in ["erlang", "node"] {
        assert_eq!(third.look(&key(name)).as_deref(), Some(name));
    }
}

/// The code that is told, and what spoils the first entry of a cache.
type Spoil = (&'static str, fn(&Registry));

/// All ways in which a cache can be wrong.
const SPOILT: [Spoil; 8] = [
    ("remote-cache-refused", |registry| {
        let digest = manifest(registry)["layers"][0]["digest"].clone();
        let part = format!("blobs/{}", digest.as_str().unwrap());
        registry.answer(&part, [Answer::Altered]);
    }),
    ("remote-cache-refused", |registry| {
        let mut spoilt = manifest(registry);
        spoilt["layers"][0]["size"] = 1.into();
        put(registry, &spoilt);
    }),
    ("remote-cache-refused", |registry| {
        // The entry of another key, under this one.
        let mut spoilt = manifest(registry);
        let other = spoilt["layers"][1]["digest"].clone();
        let size = spoilt["layers"][1]["size"].clone();
        spoilt["layers"][0]["digest"] = other;
        spoilt["layers"][0]["size"] = size;
        put(registry, &spoilt);
    }),
    ("remote-cache-refused", |registry| {
        registry.forget_blobs("team/app");
    }),
    ("remote-cache-unread", |registry| {
        registry.answer(
            "manifests/cache",
            [Answer::Status(500), Answer::Status(500)],
        );
    }),
    ("remote-cache-foreign", |registry| {
        let mut image = manifest(registry);
        image["artifactType"] = Value::Null;
        image.as_object_mut().unwrap().remove("artifactType");
        put(registry, &image);
    }),
    ("remote-cache-foreign", |registry| {
        let mut later = manifest(registry);
        later["artifactType"] = "application/vnd.build.bp.cache.v2+json".into();
        put(registry, &later);
    }),
    ("remote-cache-foreign", |registry| {
        put(registry, &json!({"schemaVersion": 2, "layers": "none"}));
    }),
];

#[test]
fn what_is_spoilt_is_told_once_and_made_anew() {
    for (number, (code, spoil)) in SPOILT.iter().enumerate() {
        let registry = registry();
        let first = Machine::new(&registry, None);
        for name in ["erlang", "node"] {
            first.make(&key(name), name);
        }
        first.send();
        let first = manifest(&registry)["layers"][0]["annotations"]["build.bp.cache.key"].clone();
        let names = ["erlang", "node"];
        let of_first = |name: &&str| key(name).digest().hex() == first.as_str().unwrap();
        let victim = key(names.into_iter().find(of_first).unwrap());
        spoil(&registry);
        let second = Machine::new(&registry, None);
        for _ in 0..2 {
            assert_eq!(second.look(&victim), None, "{number}");
        }
        assert_eq!(second.told(), [*code], "{number}");
        assert_eq!(second.entries(), 0, "{number}");
        second.make(&victim, "made anew");
        second.send();
        let third = Machine::new(&registry, None);
        if *code == "remote-cache-foreign" {
            assert_eq!(third.look(&victim), None, "it is not ours to replace");
        } else if *code == "remote-cache-refused" {
            let made = third.look(&victim);
            assert_eq!(made.as_deref(), Some("made anew"), "{number}");
        }
    }
}

#[test]
fn entries_of_who_does_not_know_the_secret_are_refused() {
    for theirs in [None, Some(OTHER)] {
        let registry = registry();
        let stranger = Machine::new(&registry, theirs);
        stranger.make(&key("erlang"), "evil");
        stranger.send();
        let ours = Machine::new(&registry, Some(SECRET));
        assert_eq!(ours.look(&key("erlang")), None);
        assert_eq!(ours.told(), ["remote-cache-refused"]);
        ours.make(&key("erlang"), "good");
        assert_eq!(ours.send().entries, 1, "it takes the place of theirs");
        let friend = Machine::new(&registry, Some(SECRET));
        assert_eq!(friend.look(&key("erlang")).as_deref(), Some("good"));
        // What is signed is content under a key: moved, it is refused.
        let moved = manifest(&registry)
            .to_string()
            .replace(&key("erlang").digest().hex(), &key("node").digest().hex());
        put(&registry, &serde_json::from_str(&moved).unwrap());
        let friend = Machine::new(&registry, Some(SECRET));
        assert_eq!(friend.look(&key("node")), None);
        assert_eq!(friend.told(), ["remote-cache-refused"]);
    }
}

#[test]
fn nothing_of_an_entry_that_leads_out_is_kept() {
    let registry = registry();
    let first = Machine::new(&registry, None);
    first.make(&key("erlang"), "erl");
    first.send();
    let mut tar = tar::Builder::new(Vec::new());
    let head = json!({"bucket": "tools-v1", "key": key("erlang")}).to_string();
    for (name, content) in [("entry.json", head.as_str()), ("files/../../../x", "evil")] {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, content.as_bytes()).unwrap();
    }
    let packed = zstd::bulk::compress(&tar.into_inner().unwrap(), 3).unwrap();
    let digest = registry.put_blob_in("team/app", &packed);
    let mut spoilt = manifest(&registry);
    spoilt["layers"][0]["digest"] = digest.to_string().into();
    spoilt["layers"][0]["size"] = packed.len().into();
    put(&registry, &spoilt);
    let second = Machine::new(&registry, None);
    assert_eq!(second.look(&key("erlang")), None);
    assert_eq!(second.told(), ["remote-cache-refused"]);
    let found: Vec<PathBuf> = walkdir::WalkDir::new(second.folder.path())
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_name() == "x")
        .map(|entry| entry.path().to_owned())
        .collect();
    assert_eq!((second.entries(), found), (0, vec![]));
}

#[test]
fn what_holds_a_secret_stays_here() {
    let registry = registry();
    let machine = Machine::new(&registry, None);
    machine.make(&key("erlang"), "the token is 0123456789abcdef");
    machine.make(&key("node"), "node");
    let gate = SecretGate::new([("TOKEN", "0123456789abcdef")]);
    assert_eq!(machine.send_on(21, &gate).entries, 1);
    assert_eq!(machine.told(), ["remote-cache-kept-back"]);
    let other = Machine::new(&registry, None);
    assert_eq!(other.look(&key("erlang")), None);
    assert_eq!(other.look(&key("node")).as_deref(), Some("node"));
}

#[test]
fn what_the_registry_lost_is_left_out() {
    let registry = registry();
    let first = Machine::new(&registry, None);
    first.make(&key("erlang"), "erl");
    first.layer(&key("layer"), b"blob");
    first.send();
    registry.forget_blobs("team/app");
    let second = Machine::new(&registry, None);
    second.make(&key("node"), "node");
    registry.answer("PUT manifests/cache", [Answer::Blobless]);
    assert_eq!(second.send().entries, 1);
    assert_eq!(second.told(), Vec::<&str>::new());
    let layers = manifest(&registry)["layers"].as_array().unwrap().len();
    assert_eq!(layers, 1, "only what is there");
    let third = Machine::new(&registry, None);
    assert_eq!(third.look(&key("node")).as_deref(), Some("node"));
}

#[test]
fn a_registry_that_takes_nothing_costs_a_warning() {
    let registry = registry();
    let machine = Machine::new(&registry, None);
    machine.make(&key("erlang"), "erl");
    registry.answer("POST blobs/uploads/", [Answer::Status(403)]);
    assert_eq!(machine.send(), Sent::default());
    assert_eq!(machine.told(), ["remote-cache-unwritten"]);
    assert!(registry.manifest("team/app", "cache").is_none());
}
