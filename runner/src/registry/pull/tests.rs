use std::time::Duration;

use buildpack_core::diagnostic::Explain;
use buildpack_core::event::{Event, Recorder, Silent};
use buildpack_core::image::{OCI_CONFIG, OCI_INDEX, OCI_MANIFEST};
use serde_json::json;
use testdata::fake::registry::{Access, Answer, Registry};

use super::*;
use crate::registry::{Credentials, RegistrySettings};

/// A registry with `heroku/heroku:24` for two architectures; the layers' blobs are any bytes.
struct World {
    registry: Registry,
    layers: Vec<(Digest, Vec<u8>)>,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let registry = Registry::start().unwrap();
        let layers: Vec<_> = [70_000, 300_000, 300_001]
            .into_iter()
            .enumerate()
            .map(|(at, size)| {
                let bytes: Vec<u8> = (0..size)
                    .map(|i: usize| (i * (at + 7) % 251).to_le_bytes()[0])
                    .collect();
                (registry.put_blob(&bytes), bytes)
            })
            .collect();
        let entries: Vec<_> = ["amd64", "arm64"]
            .map(|architecture| {
                let (digest, size) = put_image(&registry, architecture, &layers);
                json!({"mediaType": OCI_MANIFEST, "digest": digest, "size": size, "platform": {"os": "linux", "architecture": architecture}})
            })
            .into();
        let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries});
        registry.put_manifest(
            "heroku/heroku",
            Some("24"),
            OCI_INDEX,
            index.to_string().as_bytes(),
        );
        Self {
            registry,
            layers,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn settings(&self) -> RegistrySettings {
        RegistrySettings {
            mirrors: vec![(
                "docker.io".to_owned(),
                format!("http://{}", self.registry.host()),
            )],
            pause: Duration::from_millis(1),
            patience: Duration::from_millis(300),
            attempts: 4,
            ..RegistrySettings::default()
        }
    }

    fn blobs(&self) -> BlobDir {
        BlobDir::new(self.folder.path())
    }

    fn pull(&self, settings: RegistrySettings) -> Result<BaseImage, RegistryError> {
        let puller = Registries::new(settings);
        let image = puller.manifest(&"heroku/heroku:24".parse().unwrap(), "amd64")?;
        puller.blobs(&image, &self.blobs(), &Arrivals::default(), &Silent)?;
        Ok(image)
    }

    /// Whether exactly the image's blobs are there, with the right bytes, and nothing beside them.
    fn check(&self, image: &BaseImage) {
        for (digest, bytes) in &self.layers {
            assert!(fs_err::read(self.blobs().file(digest)).unwrap() == *bytes);
        }
        let config = fs_err::read(self.blobs().file(&image.config_blob.digest)).unwrap();
        assert_eq!(Digest::of(&config), image.config_blob.digest);
        assert_eq!(self.files(), self.layers.len() + 1);
    }

    fn files(&self) -> usize {
        fs_err::read_dir(self.folder.path().join("sha256")).map_or(0, Iterator::count)
    }

    fn blob_part(&self, layer: usize) -> String {
        format!("blobs/{}", self.layers[layer].0)
    }

    fn requests(&self, part: &str) -> usize {
        let seen = self.registry.seen();
        seen.iter().filter(|it| it.line.contains(part)).count()
    }
}

fn put_image(
    registry: &Registry,
    architecture: &str,
    layers: &[(Digest, Vec<u8>)],
) -> (Digest, usize) {
    let config = json!({
        "architecture": architecture, "os": "linux", "config": {"Env": ["A=b"]},
        "rootfs": {"type": "layers", "diff_ids": layers.iter().map(|(digest, _)| digest).collect::<Vec<_>>()},
    })
    .to_string();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": {"mediaType": OCI_CONFIG, "digest": registry.put_blob(config.as_bytes()), "size": config.len()},
        "layers": layers.iter().map(|(digest, bytes)| json!({
            "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest, "size": bytes.len(),
        })).collect::<Vec<_>>(),
    })
    .to_string();
    let digest = registry.put_manifest(
        "heroku/heroku",
        Some(architecture),
        OCI_MANIFEST,
        manifest.as_bytes(),
    );
    (digest, manifest.len())
}

#[test]
fn pulls_the_image_of_an_architecture_once() {
    let world = World::new();
    let image = world.pull(world.settings()).unwrap();
    assert_eq!(image.reference, "docker.io/heroku/heroku:24");
    assert_eq!(image.config.architecture().to_string(), "amd64");
    assert_eq!(image.env(), [("A".to_owned(), "b".to_owned())]);
    world.check(&image);
    let before = world.requests("/blobs/");
    let puller = Registries::new(world.settings());
    let events = Recorder::default();
    puller
        .blobs(&image, &world.blobs(), &Arrivals::default(), &events)
        .unwrap();
    assert_eq!(
        world.requests("/blobs/"),
        before,
        "what is there is not asked for again"
    );
    assert_eq!(events.events(), []);
}

#[test]
fn a_digest_an_architecture_s_own_tag_and_a_direct_host_work_too() {
    let world = World::new();
    let image = world.pull(world.settings()).unwrap();
    let puller = Registries::new(RegistrySettings {
        mirrors: Vec::new(),
        ..world.settings()
    });
    let host = world.registry.host();
    for name in [
        format!("{host}/heroku/heroku@{}", image.digest),
        format!("{host}/heroku/heroku:amd64"),
    ] {
        let found = puller.manifest(&name.parse().unwrap(), "amd64").unwrap();
        assert_eq!(found.digest, image.digest, "{name}");
    }
    for (name, wanted) in [
        ("heroku/heroku:amd64", "arm64"),
        ("heroku/heroku:24", "s390x"),
    ] {
        let error = puller
            .manifest(&format!("{host}/{name}").parse().unwrap(), wanted)
            .unwrap_err();
        assert!(
            matches!(error, RegistryError::NoPlatform { .. }),
            "{error:?}"
        );
    }
}

#[test]
fn progress_adds_up() {
    let world = World::new();
    let puller = Registries::new(world.settings());
    let image = puller
        .manifest(&"heroku/heroku:24".parse().unwrap(), "amd64")
        .unwrap();
    world.registry.answer(
        &world.blob_part(1),
        [Answer::Truncate(200_000), Answer::Whole],
    );
    let events = Recorder::default();
    puller
        .blobs(&image, &world.blobs(), &Arrivals::default(), &events)
        .unwrap();
    let total = image.size() + image.config_blob.size;
    let last = events.events().pop().unwrap();
    assert!(
        matches!(last, Event::Progress { done, total: Some(all), finished: true, .. } if done == total && all == total),
        "{last:?}"
    );
}

#[test]
fn tries_again_what_is_worth_it_and_goes_on_where_it_broke() {
    for answers in [
        vec![Answer::Status(500), Answer::Status(503)],
        vec![Answer::RetryAfter(429, "0")],
        vec![Answer::RetryAfter(429, "Wed, 21 Oct 2015 07:28:00 GMT")],
        vec![Answer::Cut(0), Answer::Status(408)],
        vec![Answer::Silent],
        vec![
            Answer::Truncate(0),
            Answer::Truncate(100_000),
            Answer::Truncate(50_000),
        ],
        vec![Answer::Stall(1000)],
        vec![Answer::Truncate(1000), Answer::Whole],
        vec![Answer::Truncate(1000), Answer::Status(416)],
        vec![Answer::Truncate(200_000), Answer::Altered],
    ] {
        let world = World::new();
        world.registry.answer(&world.blob_part(1), answers.clone());
        world
            .registry
            .answer("manifests/24", [Answer::Status(502), Answer::Truncate(10)]);
        let image = world
            .pull(world.settings())
            .unwrap_or_else(|error| panic!("{answers:?}: {error:?}"));
        world.check(&image);
        if matches!(answers[..], [Answer::Truncate(0), ..]) {
            let ranges: Vec<_> = world
                .registry
                .seen()
                .into_iter()
                .filter_map(|it| it.headers.get("range").cloned())
                .collect();
            assert_eq!(ranges, ["bytes=100000-", "bytes=150000-"]);
        }
    }
}

#[test]
fn gives_up_with_the_reason_and_leaves_nothing_behind() {
    for (part, answer, code) in [
        ("blob", Answer::Status(500), "registry-refused"),
        ("blob", Answer::Status(404), "registry-not-found"),
        ("blob", Answer::RetryAfter(429, "0"), "registry-rate-limit"),
        ("blob", Answer::Truncate(0), "registry-broke-off"),
        ("blob", Answer::Stall(0), "registry-stalled"),
        ("blob", Answer::Altered, "registry-wrong-digest"),
        ("blob", Answer::Longer, "registry-unexpected"),
        ("blob", Answer::Page, "registry-unexpected"),
        ("24", Answer::Page, "registry-unexpected"),
        ("24", Answer::Status(403), "registry-denied"),
        ("24", Answer::Status(404), "registry-not-found"),
        ("blob", Answer::Cut(0), "registry-broke-off"),
        ("blob", Answer::Silent, "registry-stalled"),
        ("blob", Answer::Status(401), "registry-denied"),
        ("blob", Answer::Status(403), "registry-denied"),
        ("blob", Answer::Status(413), "registry-refused"),
        ("24", Answer::OtherDigest, "registry-wrong-digest"),
        ("24", Answer::Altered, "registry-wrong-digest"),
        ("24", Answer::Cut(0), "registry-broke-off"),
        ("24", Answer::Status(401), "registry-denied"),
        ("24", Answer::Status(500), "registry-refused"),
    ] {
        let world = World::new();
        let end = if part == "blob" {
            world.blob_part(2)
        } else {
            part.to_owned()
        };
        world
            .registry
            .answer(&end, std::iter::repeat_n(answer.clone(), 20));
        let error = world
            .pull(RegistrySettings {
                attempts: 2,
                ..world.settings()
            })
            .unwrap_err();
        let diagnostic = error.diagnostic();
        assert_eq!(diagnostic.code.0, code, "{answer:?}: {error:?}");
        assert!(!diagnostic.helps.is_empty(), "{code}");
        let tries = world.requests(&end);
        assert!(tries <= 2, "{answer:?} was asked for {tries} times");
        assert!(!world.blobs().file(&world.layers[2].0).exists());
        let odd = fs_err::read_dir(world.folder.path().join("sha256")).map_or(0, |all| {
            all.filter(|it| it.as_ref().unwrap().file_name().len() != 64)
                .count()
        });
        assert_eq!(odd, 0, "{answer:?} left temporary files");
    }
}

#[test]
fn blobs_may_be_elsewhere_and_credentials_stay_here() {
    let world = World::new();
    let other = Registry::start().unwrap();
    let file = world.folder.path().join("config.json");
    let host = world.registry.host();
    // base64 of `user:hunter22`.
    let auths = json!({"auths": {host: {"auth": "dXNlcjpodW50ZXIyMg=="}}});
    fs_err::write(&file, auths.to_string()).unwrap();
    let gate = Access::Basic("user".to_owned(), "hunter22".to_owned());
    world.registry.require(gate);
    for (_, bytes) in &world.layers {
        other.put_blob(bytes);
    }
    for layer in 0..world.layers.len() {
        let to = format!("http://{}/v2/x/{}", other.host(), world.blob_part(layer));
        let answer = Answer::Redirect(307, to);
        world.registry.answer(&world.blob_part(layer), [answer]);
    }
    let image = world
        .pull(RegistrySettings {
            credential_files: vec![file],
            ..world.settings()
        })
        .unwrap();
    world.check(&image);
    let seen = other.seen();
    assert_eq!(seen.len(), world.layers.len());
    for request in seen {
        assert!(
            !request.headers.contains_key("authorization"),
            "{request:?}"
        );
    }
}

#[test]
fn a_manifest_by_digest_is_checked() {
    let world = World::new();
    let image = world.pull(world.settings()).unwrap();
    world
        .registry
        .answer(&format!("manifests/{}", image.digest), [Answer::Altered]);
    let error = world.pull(world.settings()).unwrap_err();
    assert!(
        matches!(
            error,
            RegistryError::WrongDigest { .. } | RegistryError::Unexpected { .. }
        ),
        "{error:?}"
    );
}

#[test]
fn shows_who_it_is_as_it_is_asked() {
    let world = World::new();
    let file = world.folder.path().join("config.json");
    let host = world.registry.host();
    let config = |auth: serde_json::Value| {
        fs_err::write(&file, json!({"auths": {host.as_str(): auth}}).to_string()).unwrap();
    };
    let with_file = || RegistrySettings {
        credential_files: vec![file.clone()],
        ..world.settings()
    };
    world.registry.require(Access::AnonymousToken);
    world.pull(world.settings()).unwrap();

    let (user, password) = ("user", "hunter22");
    world
        .registry
        .require(Access::Token(user.to_owned(), password.to_owned()));
    let denied = world.pull(world.settings()).unwrap_err();
    assert!(
        matches!(
            denied,
            RegistryError::Denied {
                had_credentials: false,
                ..
            }
        ),
        "{denied:?}"
    );
    // base64 of `user:hunter22`.
    config(json!({"auth": "dXNlcjpodW50ZXIyMg=="}));
    world.pull(with_file()).unwrap();
    config(json!({"identitytoken": "user-hunter22"}));
    world.pull(with_file()).unwrap();
    config(json!({"auth": "dXNlcjp3cm9uZzEyMw=="}));
    let denied = world.pull(with_file()).unwrap_err();
    assert!(
        matches!(
            denied,
            RegistryError::Denied {
                had_credentials: true,
                ..
            }
        ),
        "{denied:?}"
    );
    assert!(!format!("{denied:?} {denied} {:?}", denied.diagnostic()).contains("wrong123"));

    world
        .registry
        .require(Access::Basic(user.to_owned(), password.to_owned()));
    let denied = world.pull(world.settings()).unwrap_err();
    assert_eq!(denied.diagnostic().code.0, "registry-denied");
    let mut settings = world.settings();
    settings.mirrors[0].1 = format!("http://{user}:{password}@{host}");
    world.pull(settings).unwrap();
}

#[test]
fn a_token_that_ran_out_is_fetched_anew() {
    let world = World::new();
    world.registry.require(Access::AnonymousToken);
    let puller = Registries::new(RegistrySettings {
        parallel: 1,
        ..world.settings()
    });
    let image = puller
        .manifest(&"heroku/heroku:24".parse().unwrap(), "amd64")
        .unwrap();
    assert_eq!(world.requests("/token"), 1, "one token serves all requests");
    world.registry.expire_tokens();
    puller
        .blobs(&image, &world.blobs(), &Arrivals::default(), &Silent)
        .unwrap();
    assert_eq!(world.requests("/token"), 2);
}

#[test]
fn a_registry_that_is_not_there_is_said_to_be_so() {
    let host = {
        let registry = Registry::start().unwrap();
        registry.host()
    };
    let settings = RegistrySettings {
        attempts: 2,
        pause: Duration::from_millis(1),
        ..RegistrySettings::default()
    };
    let name = format!("{host}/a:b").parse().unwrap();
    let error = Registries::new(settings)
        .manifest(&name, "amd64")
        .unwrap_err();
    // The listener may take one last connection before it goes.
    assert!(error.is_worth_a_retry(), "{error:?}");
    assert!(error.to_string().contains(&host), "{error}");
}

#[test]
fn secrets_of_settings_are_in_no_error() {
    let settings = RegistrySettings {
        mirrors: vec![(
            "docker.io".to_owned(),
            "http://user:secret@127.0.0.1:1".to_owned(),
        )],
        attempts: 1,
        ..RegistrySettings::default()
    };
    let error = Registries::new(settings)
        .manifest(&"a/b".parse().unwrap(), "amd64")
        .unwrap_err();
    assert!(!format!("{error:?} {error} {:?}", error.diagnostic()).contains("secret"));
    let shown = Credentials::Basic("user".to_owned(), "pw".to_owned());
    assert!(shown == Credentials::Basic("user".to_owned(), "pw".to_owned()));
}

#[test]
fn plain_http_needs_no_authorities() {
    let world = World::new();
    let image = world
        .pull(RegistrySettings {
            ca_file: Some(world.folder.path().join("missing.pem")),
            ..world.settings()
        })
        .unwrap();
    world.check(&image);
    let secure = RegistrySettings {
        ca_file: Some(world.folder.path().join("missing.pem")),
        mirrors: vec![("docker.io".to_owned(), "https://127.0.0.1:1".to_owned())],
        ..world.settings()
    };
    let error = world.pull(secure).unwrap_err();
    assert_eq!(error.diagnostic().code.0, "tls-ca-file");
}
