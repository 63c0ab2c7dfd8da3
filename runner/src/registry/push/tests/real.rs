//! Debian's `docker-registry` behind a wire that fails.

use testdata::fake::fault_proxy::{Fault, FaultProxy};

use super::*;
use crate::registry::{Arrivals, ImageSource};
use crate::rootfs::judges::{have, registry};
use buildpack_core::image::BlobDir;

const MIB: usize = 1 << 20;

/// An image of two long layers, and a config that says for what it is.
fn long() -> World {
    World::of(&[("Erlang", bytes(11, 7 * MIB)), ("app", bytes(12, 5 * MIB))])
}

fn settings() -> RegistrySettings {
    RegistrySettings {
        patience: Duration::from_secs(2),
        attempts: 6,
        ..World::settings()
    }
}

/// Pushes to `host` and says whether the image stands there, by pulling it from the registry itself.
fn pushed_to(world: &World, wire: &FaultProxy, host: &str, tag: &str) -> Result<(), RegistryError> {
    let to = format!("{}/team/app:{tag}", wire.host()).parse().unwrap();
    let push = Push {
        image: &world.image,
        to: &to,
        blobs: &world.memory,
        base: None,
        holders: &Unknown,
    };
    Registries::new(settings()).push(&push, &Silent)?;
    whole(world, host, tag)
}

/// Pulls all of the image.
fn whole(world: &World, host: &str, tag: &str) -> Result<(), RegistryError> {
    let temp = tempfile::tempdir().unwrap();
    let from = format!("{host}/team/app:{tag}").parse().unwrap();
    let registries = Registries::new(settings());
    let image = registries.manifest(&from, "amd64")?;
    assert_eq!(image.digest, world.image.manifest_digest);
    let blobs = BlobDir::new(temp.path());
    let pulled = registries.blobs(&image, &blobs, &Arrivals::default(), &Silent);
    for layer in &image.layers {
        // What is there is right, whether all is there or not.
        if let Ok(content) = fs_err::read(blobs.file(&layer.digest)) {
            assert_eq!(Digest::of(&content), layer.digest);
        }
    }
    let files = fs_err::read_dir(temp.path().join("sha256")).unwrap();
    let whole = files.filter(|it| it.as_ref().unwrap().file_name().len() == 64);
    if pulled.is_ok() {
        assert_eq!(whole.count(), image.layers.len() + 1);
    }
    pulled
}

#[test]
fn a_real_registry_takes_and_gives_over_a_wire_that_fails() {
    if !have(&["docker-registry"]) {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let (_running, host) = registry(temp.path());
    let first = Registries::new(settings());
    let name: Reference = format!("{host}/team/app:0").parse().unwrap();
    let registry = first.repository(&name, Access::Push).unwrap();
    // It tries again by itself while the registry is starting.
    for _ in 0..20 {
        if registry.try_login().is_ok() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let world = long();
    for (number, faults) in [
        vec![],
        vec![Fault::CutRequest(3 * MIB)],
        vec![
            Fault::CutRequest(3 * MIB),
            Fault::CutRequest(MIB),
            Fault::CutRequest(4 * MIB),
        ],
        vec![Fault::CutRequest(10); 3],
        vec![Fault::AlterRequest(2 * MIB)],
        vec![Fault::CutAnswer(20), Fault::CutAnswer(300)],
        vec![Fault::StallAnswer(0)],
    ]
    .into_iter()
    .enumerate()
    {
        let wire = FaultProxy::start(&host).unwrap();
        wire.fail(faults.clone());
        // Other bytes each time, so that all of them are sent.
        let tag = format!("{number}");
        let world = World::of(&[
            ("Erlang", bytes(20 + number, 7 * MIB)),
            ("app", bytes(40 + number, 5 * MIB)),
        ]);
        pushed_to(&world, &wire, &host, &tag)
            .unwrap_or_else(|error| panic!("{faults:?}: {error:?}"));
        assert_eq!(wire.left(), 0, "{faults:?}");
    }

    let wire = FaultProxy::start(&host).unwrap();
    pushed_to(&world, &wire, &host, "pulled").unwrap();
    for faults in [
        vec![Fault::CutAnswer(100)],
        vec![Fault::CutAnswer(5 * MIB), Fault::CutAnswer(2 * MIB)],
        vec![Fault::StallAnswer(MIB)],
        vec![Fault::CutRequest(10), Fault::CutRequest(10)],
    ] {
        wire.fail(faults.clone());
        whole(&world, &wire.host(), "pulled")
            .unwrap_or_else(|error| panic!("{faults:?}: {error:?}"));
        assert_eq!(wire.left(), 0, "{faults:?}");
    }
    // What is altered on the way is not kept.
    wire.fail([Fault::AlterAnswer(3 * MIB)]);
    let altered = whole(&world, &wire.host(), "pulled");
    assert_eq!(
        altered.unwrap_err().diagnostic().code.0,
        "registry-wrong-digest"
    );
}
