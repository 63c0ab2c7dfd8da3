use std::io::Write as _;
use std::sync::Mutex;
use std::time::Duration;

use buildpack_core::diagnostic::Explain;
use buildpack_core::event::{Recorder, Silent};
use buildpack_core::image::{ImageError, LayerRecord, MediaType, archive, assemble, layout};

use super::super::unpack::tests::{Made, dir, file, gzip, image, tar};
use std::path::Path;

use super::*;

/// A source that gives what it has, counts how often it is asked, and can be broken.
struct Source {
    base: Mutex<BaseImage>,
    from: BlobDir,
    asked: Mutex<Vec<&'static str>>,
    fails: Mutex<bool>,
}

impl Source {
    fn asked(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    fn break_off(&self) -> Result<(), RegistryError> {
        if *self.fails.lock().unwrap() {
            return Err(RegistryError::Connect {
                url: "http://it".to_owned(),
                why: "refused".to_owned(),
            });
        }
        Ok(())
    }
}

impl ImageSource for Source {
    fn manifest(&self, name: &Reference, _: &str) -> Result<BaseImage, RegistryError> {
        self.asked.lock().unwrap().push("manifest");
        self.break_off()?;
        let mut base = self.base.lock().unwrap().clone();
        base.reference = name.to_string();
        Ok(base)
    }

    fn blobs(
        &self,
        image: &BaseImage,
        into: &BlobDir,
        _: &Arrivals,
        _: &dyn EventSink,
    ) -> Result<(), RegistryError> {
        self.asked.lock().unwrap().push("blobs");
        self.break_off()?;
        fs_err::create_dir_all(into.folder().join("sha256")).unwrap();
        let layers = image.layers.iter().map(|layer| layer.digest);
        for digest in layers.chain([image.config_blob.digest]) {
            fs_err::copy(self.from.file(&digest), into.file(&digest)).unwrap();
        }
        Ok(())
    }
}

struct World {
    temp: tempfile::TempDir,
    stacks: StackStore,
    source: Source,
}

impl World {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let (base, from) = image(&temp.path().join("registry"), &content("one"));
        Self {
            stacks: StackStore::new(Store::open(temp.path().join("store")).unwrap()),
            source: Source {
                base: Mutex::new(base),
                from,
                asked: Mutex::default(),
                fails: Mutex::default(),
            },
            temp,
        }
    }

    fn moves_on(&self) {
        let folder = self.temp.path().join("registry");
        *self.source.base.lock().unwrap() = image(&folder, &content("two")).0;
    }

    fn pull(&self, request: &PullRequest) -> Result<StackImage, StackError> {
        self.stacks.pull(&self.source, request, &Silent)
    }
}

fn content(text: &str) -> [Vec<u8>; 2] {
    let below: [Made; 2] = [dir("etc"), file("etc/a", "below")];
    [tar(&below), tar(&[file("etc/a", text)])]
}

pub(in crate::rootfs) fn request() -> PullRequest {
    PullRequest {
        reference: "heroku/heroku:24-build".parse().unwrap(),
        digest: None,
        architecture: "amd64".to_owned(),
        max_age: Duration::from_hours(1),
        offline: false,
        unpack: true,
        now: "2026-11-21T07:00:00Z".parse().unwrap(),
    }
}

fn text(image: &StackImage) -> String {
    fs_err::read_to_string(image.rootfs.as_ref().unwrap().join("etc/a")).unwrap()
}

#[test]
fn asks_once_and_again_when_it_is_old() {
    let world = World::new();
    assert_eq!(
        world.stacks.get(&request().reference, "amd64").unwrap(),
        None
    );
    let first = world.pull(&request()).unwrap();
    assert_eq!(text(&first), "one");
    assert_eq!(world.source.asked(), ["manifest", "blobs"]);

    world.moves_on();
    let offline = PullRequest {
        offline: true,
        ..request()
    };
    for again in [request(), offline] {
        assert_eq!(world.pull(&again).unwrap().base, first.base);
    }
    assert_eq!(world.source.asked(), Vec::<&str>::new());

    let later = PullRequest {
        now: "2026-11-21T08:00:01Z".parse().unwrap(),
        ..request()
    };
    assert_eq!(text(&world.pull(&later).unwrap()), "two");
    assert_eq!(world.source.asked(), ["manifest", "blobs"]);
    let now = PullRequest {
        max_age: Duration::ZERO,
        ..later
    };
    world.pull(&now).unwrap();
    assert_eq!(world.source.asked(), ["manifest"]);
}

#[test]
fn a_digest_is_asked_for_once_for_all_times() {
    let world = World::new();
    let digest = world.source.base.lock().unwrap().digest;
    let pinned = PullRequest {
        reference: format!("heroku/heroku@{digest}").parse().unwrap(),
        max_age: Duration::ZERO,
        ..request()
    };
    world.pull(&pinned).unwrap();
    world.source.asked();
    world.pull(&pinned).unwrap();
    assert_eq!(world.source.asked(), Vec::<&str>::new());
}

#[test]
fn a_name_that_moved_on_is_had_as_it_was_and_stands_for_todays_beside_it() {
    let world = World::new();
    let before = world.source.base.lock().unwrap().clone();
    world.moves_on();
    assert_eq!(text(&world.pull(&request()).unwrap()), "two");
    *world.source.base.lock().unwrap() = before.clone();
    let held = PullRequest {
        digest: Some(before.digest),
        ..request()
    };
    let then = world.pull(&held).unwrap();
    assert_eq!(text(&then), "one");
    assert_eq!(then.base.reference, "docker.io/heroku/heroku:24-build");
    world.source.asked();
    assert_eq!(text(&world.pull(&request()).unwrap()), "two");
    assert_eq!(text(&world.pull(&held).unwrap()), "one");
    assert_eq!(world.source.asked(), Vec::<&str>::new());
}

#[test]
fn only_what_is_run_is_unpacked() {
    let world = World::new();
    let run = PullRequest {
        unpack: false,
        ..request()
    };
    let image = world.pull(&run).unwrap();
    assert_eq!(image.rootfs, None);
    assert!(world.stacks.is_whole(&image.base));
    let tree = world.stacks.rootfs(&image.base, &Silent).unwrap();
    assert_eq!(world.pull(&run).unwrap().rootfs, Some(tree));
}

#[test]
fn without_a_registry_the_store_serves_and_says_so() {
    let world = World::new();
    let offline = PullRequest {
        offline: true,
        ..request()
    };
    let error = world.pull(&offline).unwrap_err();
    assert_eq!(error.diagnostic().code.0, "stack-offline");
    *world.source.fails.lock().unwrap() = true;
    let error = world.pull(&request()).unwrap_err();
    assert_eq!(error.diagnostic().code.0, "registry-unreachable");

    *world.source.fails.lock().unwrap() = false;
    world.pull(&request()).unwrap();
    *world.source.fails.lock().unwrap() = true;
    let events = Recorder::default();
    let refresh = PullRequest {
        max_age: Duration::ZERO,
        ..request()
    };
    let image = world.stacks.pull(&world.source, &refresh, &events).unwrap();
    assert_eq!(text(&image), "one");
    let warned = events.events().into_iter().any(|event| {
        matches!(event, Event::Diagnostic { diagnostic } if diagnostic.code.0 == "stack-not-refreshed")
    });
    assert!(warned);
}

#[test]
fn a_damaged_layer_leaves_no_tree() {
    let world = World::new();
    let top = world.source.base.lock().unwrap().layers[1].clone();
    fs_err::write(world.source.from.file(&top.digest), gzip(b"other")).unwrap();
    let size = fs_err::metadata(world.source.from.file(&top.digest))
        .unwrap()
        .len();
    world.source.base.lock().unwrap().layers[1].size = size;
    let error = world.pull(&request()).unwrap_err();
    assert_eq!(error.diagnostic().code.0, "stack-damaged-layer");
    let image = world
        .stacks
        .get(&request().reference, "amd64")
        .unwrap()
        .unwrap();
    assert_eq!(image.rootfs, None);
}

#[test]
fn names_are_listed_and_forgotten_and_a_shared_tree_stays() {
    let world = World::new();
    let other = PullRequest {
        reference: "r.example/copy:1".parse().unwrap(),
        ..request()
    };
    let tree = world.pull(&request()).unwrap().rootfs.unwrap();
    world.pull(&other).unwrap();
    let names: Vec<_> = world
        .stacks
        .list()
        .unwrap()
        .into_iter()
        .map(|it| it.base.reference)
        .collect();
    assert_eq!(
        names,
        ["docker.io/heroku/heroku:24-build", "r.example/copy:1"]
    );
    let live = world.stacks.live_blobs().unwrap();
    assert_eq!(live.len(), 3);
    assert!(world.stacks.remove(&request().reference, "amd64").unwrap());
    assert!(!world.stacks.remove(&request().reference, "amd64").unwrap());
    assert!(tree.is_dir());
    assert!(world.stacks.remove(&other.reference, "amd64").unwrap());
    assert!(!tree.exists());
    assert_eq!(world.stacks.list().unwrap(), []);
}

#[test]
fn many_at_once_unpack_once() {
    let world = World::new();
    let pulled = world
        .pull(&PullRequest {
            unpack: false,
            ..request()
        })
        .unwrap();
    let trees: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| world.stacks.rootfs(&pulled.base, &Silent).unwrap()))
            .collect();
        all.into_iter().map(|it| it.join().unwrap()).collect()
    });
    assert!(trees.iter().all(|tree| *tree == trees[0]));
    assert_eq!(
        fs_err::read_to_string(trees[0].join("etc/a")).unwrap(),
        "one"
    );
}

/// A real image of `content`, with its blobs.
pub(in crate::rootfs) fn built(
    folder: &Path,
    texts: &str,
) -> (buildpack_core::image::Image, BlobDir) {
    let tars = content(texts);
    let (mut base, blobs) = image(folder, &tars);
    let layers: Vec<_> = base
        .layers
        .drain(..)
        .zip(&tars)
        .map(|(layer, tar)| LayerRecord {
            purpose: "stack".to_owned(),
            digest: layer.digest,
            diff_id: layer.diff_id,
            size: layer.size,
            unpacked_size: tar.len() as u64,
            media_type: MediaType::OciGzip,
            libraries: <_>::default(),
        })
        .collect();
    let settings = buildpack_core::image::ImageSettings {
        created: "2026-11-21T07:00:00Z".parse().unwrap(),
        architecture: "amd64".to_owned(),
        labels: std::collections::BTreeMap::new(),
        env: vec![("STACK".to_owned(), "heroku-24".to_owned())],
        entrypoint: Vec::new(),
        cmd: vec!["bash".to_owned()],
        user: String::new(),
        working_dir: String::new(),
        exposed_ports: Vec::new(),
        stop_signal: None,
    };
    (assemble(&base, &layers, &settings), blobs)
}

#[test]
fn an_import_serves_like_a_pull_in_each_form() {
    let world = World::new();
    let (built, blobs) = built(&world.temp.path().join("made"), "imported");
    let folder = world.temp.path().join("layout");
    layout::write(&folder, &built, Some("other"), &blobs, &Silent).unwrap();
    let oci = archive::write_oci(Vec::new(), &built, None, &blobs, &Silent).unwrap();
    let docker = archive::write_docker(Vec::new(), &built, &[], &blobs, &Silent).unwrap();
    let files = [
        ("oci.tar", oci.clone()),
        ("oci.tar.gz", gzip(&oci)),
        ("docker.tar", docker),
    ]
    .map(|(name, bytes)| {
        let file = world.temp.path().join(name);
        fs_err::write(&file, bytes).unwrap();
        file
    });
    let now = request().now;
    for from in [folder].iter().chain(&files) {
        let name = &request().reference;
        let image = world
            .stacks
            .import(from, name, "amd64", now, &Silent)
            .unwrap();
        assert_eq!(
            image.base.env(),
            [("STACK".to_owned(), "heroku-24".to_owned())]
        );
        let pulled = world
            .pull(&PullRequest {
                now: "2027-01-01T00:00:00Z".parse().unwrap(),
                ..request()
            })
            .unwrap();
        assert_eq!(pulled.base, image.base);
        assert_eq!(text(&pulled), "imported");
        assert_eq!(
            world.source.asked(),
            Vec::<&str>::new(),
            "an import is believed"
        );
        world.stacks.remove(name, "amd64").unwrap();
    }
}

#[test]
fn plain_tars_of_docker_save_are_kept_compressed() {
    let world = World::new();
    let (built, _) = built(&world.temp.path().join("made"), "saved");
    let [below, above] = content("saved").map(|tar| String::from_utf8(tar).unwrap());
    let manifest =
        r#"[{"Config": "c.json", "RepoTags": null, "Layers": ["0/layer.tar", "1/layer.tar"]}]"#;
    let config = String::from_utf8(built.config).unwrap();
    let saved = tar(&[
        file("manifest.json", manifest),
        file("c.json", &config),
        file("0/layer.tar", &below),
        file("1/layer.tar", &above),
    ]);
    let from = world.temp.path().join("saved.tar");
    fs_err::write(&from, saved).unwrap();
    let name = &request().reference;
    let image = world
        .stacks
        .import(&from, name, "amd64", request().now, &Silent)
        .unwrap();
    assert!(
        image
            .base
            .layers
            .iter()
            .all(|layer| layer.media_type == MediaType::OciGzip)
    );
    assert_eq!(text(&world.pull(&request()).unwrap()), "saved");
}

#[test]
fn what_is_no_image_is_not_imported() {
    let world = World::new();
    let name = &request().reference;
    let climbs = r#"[{"Config": "../../../../../../../../etc/passwd", "Layers": []}]"#;
    for (at, bytes) in [
        Vec::new(),
        b"<!DOCTYPE html>".to_vec(),
        gzip(b"x"),
        tar(&[]),
        tar(&[file("a", "x")]),
        tar(&[file("index.json", "{}")]),
        tar(&[file("index.json", r#"{"manifests": []}"#)]),
        tar(&[file("manifest.json", "[]")]),
        tar(&[file("manifest.json", climbs)]),
        tar(&[file("../manifest.json", climbs)]),
    ]
    .into_iter()
    .enumerate()
    {
        let from = world.temp.path().join("file");
        fs_err::write(&from, bytes).unwrap();
        let error = world
            .stacks
            .import(&from, name, "amd64", request().now, &Silent)
            .unwrap_err();
        assert!(
            matches!(
                error,
                StackError::NotAnImage { .. }
                    | StackError::Image(
                        ImageError::NoSuchImage { .. } | ImageError::Malformed { .. }
                    )
            ),
            "{at}: {error:?}"
        );
    }
    let missing = world.temp.path().join("missing");
    assert!(matches!(
        world
            .stacks
            .import(&missing, name, "amd64", request().now, &Silent),
        Err(StackError::Io { .. })
    ));
    let (built, blobs) = built(&world.temp.path().join("made"), "x");
    let folder = world.temp.path().join("layout");
    layout::write(&folder, &built, None, &blobs, &Silent).unwrap();
    let other = world
        .stacks
        .import(&folder, name, "arm64", request().now, &Silent)
        .unwrap_err();
    assert_eq!(other.diagnostic().code.0, "image-no-platform");
    assert_eq!(world.stacks.list().unwrap(), []);
}

#[test]
fn looking_holds_nothing_and_a_clean_up_takes_what_nobody_uses() {
    let world = World::new();
    let tree = world.pull(&request()).unwrap().rootfs.unwrap();
    // Another process: it looks, and then makes room.
    let store = Store::open(world.temp.path().join("store")).unwrap();
    let stacks = StackStore::new(store.clone());
    let live = stacks.live_blobs().unwrap();
    store.gc(0, &|digest| live.contains(digest)).unwrap();
    assert!(tree.is_dir(), "it was pulled to be used");
    drop(world.stacks);
    store.gc(0, &|digest| live.contains(digest)).unwrap();
    assert!(!tree.exists(), "nobody uses it any more");
    let image = stacks.get(&request().reference, "amd64").unwrap().unwrap();
    assert_eq!(image.rootfs, None);
    let again = PullRequest {
        offline: true,
        ..request()
    };
    assert_eq!(
        text(&stacks.pull(&world.source, &again, &Silent).unwrap()),
        "one"
    );
}

/// A source whose blobs come in pieces; the first try of each breaks off where that is wanted.
struct Slow<'a> {
    source: &'a Source,
    breaks_off: bool,
}

impl ImageSource for Slow<'_> {
    fn manifest(&self, name: &Reference, arch: &str) -> Result<BaseImage, RegistryError> {
        self.source.manifest(name, arch)
    }

    fn blobs(
        &self,
        image: &BaseImage,
        into: &BlobDir,
        arrivals: &Arrivals,
        _: &dyn EventSink,
    ) -> Result<(), RegistryError> {
        fs_err::create_dir_all(into.folder().join("sha256")).unwrap();
        let layers = image.layers.iter().map(|layer| layer.digest);
        for digest in layers.chain([image.config_blob.digest]) {
            let bytes = fs_err::read(self.source.from.file(&digest)).unwrap();
            let draft = into.folder().join("draft");
            for breaks_off in [true, false] {
                if breaks_off && !self.breaks_off {
                    continue;
                }
                fs_err::write(&draft, b"").unwrap();
                arrivals.begin(&digest, &draft).unwrap();
                let (one, other) = bytes.split_at(bytes.len() / 2);
                for piece in [one, if breaks_off { b"" } else { other }] {
                    let mut file = fs_err::OpenOptions::new()
                        .append(true)
                        .open(&draft)
                        .unwrap();
                    file.write_all(piece).unwrap();
                    arrivals.grow(&digest, piece.len() as u64);
                    thread::sleep(Duration::from_millis(5));
                }
                arrivals.end(&digest, !breaks_off);
            }
            fs_err::rename(&draft, into.file(&digest)).unwrap();
        }
        Ok(())
    }
}

#[test]
fn what_is_unpacked_while_it_comes_is_the_same_tree_even_if_it_broke_off() {
    for breaks_off in [false, true] {
        let world = World::new();
        let slow = Slow {
            source: &world.source,
            breaks_off,
        };
        let image = world.stacks.pull(&slow, &request(), &Silent).unwrap();
        assert_eq!(text(&image), "one", "{breaks_off}");
        assert!(world.stacks.is_whole(&image.base));
    }
}
