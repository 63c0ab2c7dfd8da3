use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use buildpack_core::diagnostic::Explain;
use buildpack_core::event::Silent;
use buildpack_core::image::{BlobSource, DOCKER_MANIFEST, Image, ImageLayer, MediaType};
use serde_json::json;
use testdata::fake::registry::{Access as Gate, Answer, Registry, Taking};

use super::*;
use crate::registry::{Holders, RegistrySettings, Unknown};

mod faults;
mod logins;
mod real;
mod uploads;

/// Blobs in memory that count how often each was opened.
#[derive(Default)]
struct Memory {
    blobs: BTreeMap<Digest, Vec<u8>>,
    opened: Mutex<Vec<Digest>>,
}

impl BlobSource for Memory {
    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Read + Send>> {
        lock(&self.opened).push(*digest);
        match self.blobs.get(digest) {
            Some(bytes) => Ok(Box::new(Cursor::new(bytes.clone()))),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn path(&self, _: &Digest) -> Option<PathBuf> {
        None
    }
}

/// A registry, an image, and its blobs.
struct World {
    registry: Registry,
    memory: Memory,
    image: Image,
}

/// Bytes that differ from those of another `seed`.
fn bytes(seed: usize, length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| (at.wrapping_mul(seed + 7) / 13 % 251).to_le_bytes()[0])
        .collect()
}

/// The image of these layers: purpose, bytes.
fn image(layers: &[(&str, Vec<u8>)]) -> Image {
    let config = json!({
        "architecture": "amd64", "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": layers.iter().map(|(_, it)| Digest::of(it)).collect::<Vec<_>>()},
        "history": layers.iter().map(|(purpose, _)| json!({"created_by": format!("bp layer: {purpose}")})).collect::<Vec<_>>(),
    })
    .to_string()
    .into_bytes();
    let layers: Vec<_> = layers
        .iter()
        .map(|(purpose, bytes)| ImageLayer {
            purpose: (*purpose).to_owned(),
            digest: Digest::of(bytes),
            diff_id: Digest::of(bytes),
            size: bytes.len() as u64,
            media_type: MediaType::OciGzip,
        })
        .collect();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": Digest::of(&config), "size": config.len()},
        "layers": layers.iter().map(|it| json!({"mediaType": it.media_type, "digest": it.digest, "size": it.size})).collect::<Vec<_>>(),
    })
    .to_string()
    .into_bytes();
    Image {
        manifest_digest: Digest::of(&manifest),
        config_digest: Digest::of(&config),
        manifest,
        config,
        layers,
    }
}

impl World {
    /// With a stack's layer, a tool's and the app's.
    fn new() -> Self {
        Self::of(&[
            ("stack", bytes(1, 300_000)),
            ("Erlang", bytes(2, 200_000)),
            ("app", bytes(3, 50_000)),
        ])
    }

    fn of(layers: &[(&str, Vec<u8>)]) -> Self {
        let blobs = layers.iter().map(|(_, it)| (Digest::of(it), it.clone()));
        Self {
            registry: Registry::start().unwrap(),
            memory: Memory {
                blobs: blobs.collect(),
                opened: Mutex::default(),
            },
            image: image(layers),
        }
    }

    /// The same with another app.
    fn changed(&mut self, app: Vec<u8>) {
        let layers: Vec<_> = self
            .image
            .layers
            .iter()
            .map(|layer| {
                let bytes = if layer.purpose == "app" {
                    app.clone()
                } else {
                    self.memory.blobs[&layer.digest].clone()
                };
                (layer.purpose.clone(), bytes)
            })
            .collect();
        let layers: Vec<_> = layers
            .iter()
            .map(|(purpose, bytes)| (purpose.as_str(), bytes.clone()))
            .collect();
        self.memory.blobs.insert(Digest::of(&app), app);
        self.image = image(&layers);
        lock(&self.memory.opened).clear();
    }

    fn settings() -> RegistrySettings {
        RegistrySettings {
            pause: Duration::from_millis(1),
            patience: Duration::from_millis(500),
            helper_patience: Duration::from_millis(500),
            slowest: 1 << 30,
            attempts: 4,
            ..RegistrySettings::default()
        }
    }

    fn name(&self, rest: &str) -> Reference {
        format!("{}/{rest}", self.registry.host()).parse().unwrap()
    }

    fn push(&self, rest: &str) -> Result<Pushed, RegistryError> {
        self.push_by(&Registries::new(Self::settings()), rest, None, &Unknown)
    }

    fn push_by(
        &self,
        registries: &Registries,
        rest: &str,
        base: Option<&Reference>,
        holders: &dyn Holders,
    ) -> Result<Pushed, RegistryError> {
        let push = Push {
            image: &self.image,
            to: &self.name(rest),
            blobs: &self.memory,
            base,
            holders,
        };
        registries.push(&push, &Silent)
    }

    /// Whether the image stands there, whole, under the tag.
    fn check(&self, repository: &str, tag: &str) {
        let (_, manifest) = self.registry.manifest(repository, tag).unwrap();
        assert!(manifest == self.image.manifest);
        for layer in &self.image.layers {
            assert!(
                self.registry.has_blob(repository, &layer.digest),
                "{}",
                layer.purpose
            );
        }
        assert!(
            self.registry
                .has_blob(repository, &self.image.config_digest)
        );
    }

    fn lines(&self) -> Vec<String> {
        self.registry.seen().into_iter().map(|it| it.line).collect()
    }

    fn opened(&self) -> usize {
        lock(&self.memory.opened).len()
    }
}

#[test]
fn pushes_what_is_missing_and_the_manifest_last() {
    let world = World::new();
    let pushed = world.push("team/app:1").unwrap();
    world.check("team/app", "1");
    assert_eq!(pushed.digest, world.image.manifest_digest);
    assert_eq!((pushed.uploaded, pushed.mounted, pushed.there), (4, 0, 0));
    assert_eq!(pushed.bytes, world.image.total_size());
    assert!(
        world
            .lines()
            .last()
            .unwrap()
            .starts_with("PUT /v2/team/app/manifests/1")
    );
    let (kind, _) = world.registry.manifest("team/app", "1").unwrap();
    assert_eq!(kind, "application/vnd.oci.image.manifest.v1+json");
}

#[test]
fn an_unchanged_push_is_one_request_and_reads_nothing() {
    let world = World::new();
    world.push("team/app:1").unwrap();
    let (requests, opened) = (world.lines().len(), world.opened());
    let pushed = world.push("team/app:1").unwrap();
    assert_eq!(world.lines()[requests..], ["HEAD /v2/team/app/manifests/1"]);
    assert_eq!(world.opened(), opened);
    assert_eq!((pushed.uploaded, pushed.there, pushed.bytes), (0, 4, 0));
}

#[test]
fn a_change_of_the_app_moves_its_layer_and_little_more() {
    let mut world = World::new();
    world.push("team/app:1").unwrap();
    let before = world.registry.seen().len();
    world.changed(bytes(4, 60_000));
    let pushed = world.push("team/app:1").unwrap();
    world.check("team/app", "1");
    assert_eq!((pushed.uploaded, pushed.there), (2, 2));
    let sent: usize = world.registry.seen()[before..]
        .iter()
        .map(|it| it.size)
        .sum();
    assert_eq!(pushed.bytes, sent as u64);
    assert!(sent > 60_000 && sent <= 60_000 + (10 << 10), "{sent}");
    // No other layer is even opened.
    let app = world.image.layers[2].digest;
    assert_eq!(*lock(&world.memory.opened), [app]);
}

#[test]
fn another_tag_moves_nothing_but_the_manifest() {
    let world = World::new();
    world.push("team/app:1").unwrap();
    let pushed = world.push("team/app:2").unwrap();
    assert_eq!((pushed.uploaded, pushed.mounted, pushed.there), (0, 0, 4));
    assert_eq!(pushed.bytes, world.image.manifest.len() as u64);
    world.check("team/app", "2");
}

#[test]
fn docker_s_names_are_another_manifest_of_the_same_blobs() {
    let mut world = World::new();
    world.push("team/app:1").unwrap();
    world.image = world.image.to_docker().unwrap();
    let pushed = world.push("team/app:1").unwrap();
    assert_eq!((pushed.uploaded, pushed.there), (0, 4));
    let (kind, _) = world.registry.manifest("team/app", "1").unwrap();
    assert_eq!(kind, DOCKER_MANIFEST);
    world.check("team/app", "1");
}

#[test]
fn the_largest_come_first() {
    let world = World::new();
    let one_by_one = Registries::new(RegistrySettings {
        parallel: 1,
        ..World::settings()
    });
    world.push_by(&one_by_one, "app:1", None, &Unknown).unwrap();
    let seen = world.registry.seen();
    let sizes: Vec<usize> = seen
        .iter()
        .filter(|it| it.line.starts_with("PUT") && it.line.contains("/blobs/"))
        .map(|it| it.size)
        .collect();
    assert_eq!(sizes[..3], [300_000, 200_000, 50_000]);
}

/// Remembers what it is told.
#[derive(Default)]
struct Notes(Mutex<BTreeMap<Digest, Vec<String>>>);

impl Holders for Notes {
    fn of(&self, host: &str, digest: &Digest) -> Vec<String> {
        let all = lock(&self.0).get(digest).cloned().unwrap_or_default();
        let own = all
            .into_iter()
            .filter_map(|it| Some(it.strip_prefix(host)?.to_owned()));
        own.collect()
    }

    fn learn(&self, host: &str, repository: &str, digests: &[Digest]) {
        for digest in digests {
            lock(&self.0)
                .entry(*digest)
                .or_default()
                .push(format!("{host}{repository}"));
        }
    }
}

#[test]
fn what_another_repository_has_is_mounted() {
    for gate in [Gate::Open, Gate::AnonymousToken] {
        let world = World::new();
        world.registry.require(gate);
        let notes = Notes::default();
        let registries = Registries::new(World::settings());
        world.push_by(&registries, "first:1", None, &notes).unwrap();
        let before = world.opened();
        let pushed = world
            .push_by(&registries, "second:1", None, &notes)
            .unwrap();
        // A config is small, and sent.
        assert_eq!((pushed.uploaded, pushed.mounted), (1, 3));
        assert_eq!(world.opened(), before, "no layer is read");
        world.check("second", "1");
    }
}

#[test]
fn a_mount_that_is_refused_goes_on_as_an_upload() {
    let world = World::new();
    let notes = Notes::default();
    let registries = Registries::new(World::settings());
    world.push_by(&registries, "first:1", None, &notes).unwrap();
    // What the notes say is not so any more, or the registry mounts nothing.
    for forgets in [true, false] {
        if forgets {
            world.registry.forget_blobs("first");
        } else {
            world.registry.take(Taking {
                no_mounts: true,
                ..Taking::default()
            });
        }
        let before = world.lines().len();
        let to = format!("second-{forgets}");
        let pushed = world
            .push_by(&registries, &format!("{to}:1"), None, &notes)
            .unwrap();
        assert_eq!((pushed.uploaded, pushed.mounted), (4, 0));
        let begun = world.lines()[before..]
            .iter()
            .filter(|it| it.starts_with("POST"))
            .count();
        assert_eq!(begun, 4, "the session that the answer opened is used");
        world.check(&to, "1");
    }
}

#[test]
fn the_stack_s_layers_come_from_its_repository() {
    // On the same registry they are mounted, from another they pass through.
    let mut world = World::new();
    let other = Registry::start().unwrap();
    let stack = world.image.layers[0].digest;
    let content = world.memory.blobs.remove(&stack).unwrap();
    world.registry.put_blob_in("heroku/heroku", &content);
    other.put_blob_in("heroku/heroku", &content);
    let registries = Registries::new(World::settings());
    let base = world.name("heroku/heroku:24");
    let pushed = world
        .push_by(&registries, "app:1", Some(&base), &Unknown)
        .unwrap();
    assert_eq!((pushed.uploaded, pushed.mounted), (3, 1));
    world.check("app", "1");

    other.answer(
        &format!("GET blobs/{stack}"),
        [Answer::Truncate(100_000), Answer::Status(503)],
    );
    let base = format!("{}/heroku/heroku:24", other.host())
        .parse()
        .unwrap();
    let pushed = world
        .push_by(&registries, "copied:1", Some(&base), &Unknown)
        .unwrap();
    assert_eq!((pushed.uploaded, pushed.mounted), (4, 0));
    world.check("copied", "1");
    let ranges: Vec<_> = other
        .seen()
        .iter()
        .filter_map(|it| it.headers.get("range").cloned())
        .collect();
    assert_eq!(ranges, ["bytes=100000-"; 2], "it goes on where it broke");

    other.answer(
        &format!("GET blobs/{stack}"),
        std::iter::repeat_n(Answer::Altered, 20),
    );
    let error = world
        .push_by(&registries, "damaged:1", Some(&base), &Unknown)
        .unwrap_err();
    assert_eq!(
        error.diagnostic().code.0,
        "registry-wrong-digest",
        "{error:?}"
    );
    assert!(!world.registry.has_blob("damaged", &stack));
    assert!(world.registry.manifest("damaged", "1").is_none());
}

#[test]
fn a_blob_of_ours_that_is_damaged_or_gone_is_not_pushed() {
    for gone in [true, false] {
        let mut world = World::new();
        let digest = world.image.layers[1].digest;
        if gone {
            world.memory.blobs.remove(&digest);
        } else {
            world.memory.blobs.get_mut(&digest).unwrap()[7] ^= 1;
        }
        let error = world.push("app:1").unwrap_err();
        assert_eq!(error.diagnostic().code.0, "push-blob", "{error:?}");
        assert!(!world.registry.has_blob("app", &digest));
        assert!(world.registry.manifest("app", "1").is_none());
    }
}

#[test]
fn a_push_to_a_digest_is_none() {
    let world = World::new();
    let error = world
        .push(&format!("app@{}", Digest::of(b"x")))
        .unwrap_err();
    assert_eq!(error.diagnostic().code.0, "push-impossible");
    assert_eq!(world.lines(), [""; 0]);
}

#[test]
fn two_pushes_of_one_tag_both_end_well() {
    let one = World::new();
    let mut other = World::new();
    other.registry = Registry::start().unwrap();
    other.changed(bytes(9, 70_000));
    let push = |world: &World| {
        let to = one.name("app:1");
        let push = Push {
            image: &world.image,
            to: &to,
            blobs: &world.memory,
            base: None,
            holders: &Unknown,
        };
        Registries::new(World::settings())
            .push(&push, &Silent)
            .map(|_| ())
    };
    for _ in 0..10 {
        one.registry.forget_blobs("app");
        std::thread::scope(|scope| {
            let pushes = [scope.spawn(|| push(&one)), scope.spawn(|| push(&other))];
            for ended in pushes {
                ended.join().unwrap().unwrap();
            }
        });
        let (_, manifest) = one.registry.manifest("app", "1").unwrap();
        let whole = [&one, &other]
            .into_iter()
            .find(|it| it.image.manifest == manifest)
            .unwrap();
        for layer in &whole.image.layers {
            assert!(one.registry.has_blob("app", &layer.digest));
        }
    }
}

#[test]
fn blobs_that_were_cleared_away_meanwhile_are_sent_again() {
    let world = World::new();
    world.registry.answer("PUT manifests/1", [Answer::Blobless]);
    let pushed = world.push("app:1").unwrap();
    assert_eq!(pushed.there, 4);
    world.check("app", "1");
}
