//! One blob: whole, in pieces, elsewhere.

use super::*;

/// Longer than what is sent from memory.
const LONG: usize = (4 << 20) + 1000;

fn long() -> World {
    World::of(&[("app", bytes(5, LONG))])
}

/// One blob after the other, so that it is known which upload is whose.
fn alone() -> Registries {
    Registries::new(RegistrySettings {
        parallel: 1,
        ..World::settings()
    })
}

fn pieces(world: &World) -> Vec<(String, usize)> {
    let seen = world.registry.seen();
    let pieces = seen.iter().filter(|it| it.line.starts_with("PATCH"));
    pieces
        .map(|it| (it.headers["content-range"].clone(), it.size))
        .collect()
}

#[test]
fn a_long_blob_is_one_request() {
    let world = long();
    world.push("app:1").unwrap();
    world.check("app", "1");
    assert_eq!(pieces(&world), []);
    let seen = world.registry.seen();
    let mut puts = seen
        .iter()
        .filter(|it| it.line.starts_with("PUT /v2/app/blobs"));
    assert!(puts.any(|it| it.size == LONG));
}

#[test]
fn a_blob_without_bytes_is_one_too() {
    let world = World::of(&[("app", Vec::new())]);
    world.push("app:1").unwrap();
    world.check("app", "1");
}

#[test]
fn what_broke_goes_on_in_pieces_where_it_stopped() {
    let world = long();
    world
        .registry
        .answer("PUT blobs/uploads/upload-1", [Answer::Cut(1_000_000)]);
    world.push_by(&alone(), "app:1", None, &Unknown).unwrap();
    world.check("app", "1");
    let end = LONG - 1;
    assert_eq!(
        pieces(&world),
        [(format!("1000000-{end}"), LONG - 1_000_000)]
    );
    let lines = world.lines();
    let asked = lines.iter().filter(|it| it.starts_with("GET"));
    assert_eq!(asked.count(), 1, "where it goes on is asked once");
}

#[test]
fn a_piece_that_broke_goes_on_too() {
    let world = long();
    world
        .registry
        .answer("PUT blobs/uploads/upload-1", [Answer::Cut(0)]);
    world
        .registry
        .answer("PATCH ", [Answer::Cut(500_000), Answer::Status(502)]);
    world.push_by(&alone(), "app:1", None, &Unknown).unwrap();
    world.check("app", "1");
    let ranges: Vec<_> = pieces(&world).into_iter().map(|(range, _)| range).collect();
    let rest = format!("500000-{}", LONG - 1);
    assert_eq!(ranges, ["0-4194303", &rest, &rest]);
}

#[test]
fn a_session_that_is_lost_is_begun_anew() {
    let world = long();
    world
        .registry
        .answer("PUT blobs/uploads/upload-1", [Answer::Cut(1000)]);
    world
        .registry
        .answer("GET blobs/uploads/upload-1", [Answer::Status(404)]);
    world.push_by(&alone(), "app:1", None, &Unknown).unwrap();
    world.check("app", "1");
}

#[test]
fn who_takes_no_pieces_gets_it_whole() {
    let world = long();
    world.registry.take(Taking {
        no_pieces: true,
        ..Taking::default()
    });
    world
        .registry
        .answer("PUT blobs/uploads/upload-1", [Answer::Cut(10)]);
    world.push_by(&alone(), "app:1", None, &Unknown).unwrap();
    world.check("app", "1");
}

#[test]
fn who_takes_no_long_bodies_gets_pieces() {
    let world = long();
    world.registry.take(Taking {
        most: Some(1 << 20),
        ..Taking::default()
    });
    world.push("app:1").unwrap();
    world.check("app", "1");
    assert!(pieces(&world).iter().any(|(_, size)| *size == 1 << 20));
}

#[test]
fn pieces_are_no_shorter_than_the_registry_takes() {
    let least = 5 << 20;
    let world = World::of(&[("app", bytes(5, 12 << 20))]);
    world.registry.take(Taking {
        least: Some(least),
        ..Taking::default()
    });
    world
        .registry
        .answer("PUT blobs/uploads/upload-1", [Answer::Cut(0)]);
    world.push_by(&alone(), "app:1", None, &Unknown).unwrap();
    world.check("app", "1");
    let sizes: Vec<_> = pieces(&world).into_iter().map(|(_, size)| size).collect();
    assert_eq!(sizes, [least, least, 2 << 20]);
}

#[test]
fn uploads_may_go_on_at_another_host_which_learns_nothing_of_us() {
    let mut world = World::new();
    let temp = tempfile::tempdir().unwrap();
    let elsewhere = world.registry.take_elsewhere().unwrap();
    world
        .registry
        .require(Gate::Basic("user".to_owned(), "hunter22".to_owned()));
    let registries = Registries::new(super::logins::with_login(&world, temp.path()));
    world.push_by(&registries, "app:1", None, &Unknown).unwrap();
    world.check("app", "1");
    let mut there = world.registry.seen();
    there.retain(|it| it.headers.get("host") == Some(&elsewhere));
    assert_eq!(there.len(), 4);
    for request in there {
        assert!(
            !request.headers.contains_key("authorization"),
            "{request:?}"
        );
    }
}

#[test]
fn addresses_of_uploads_may_be_absolute() {
    let world = World::new();
    world.registry.take(Taking {
        absolute: true,
        ..Taking::default()
    });
    world.push("app:1").unwrap();
    world.check("app", "1");
}

#[test]
fn the_repository_is_had_blob_by_blob() {
    let world = World::new();
    let registries = Registries::new(World::settings());
    let to = registries
        .repository(&world.name("cache:x"), Access::Push)
        .unwrap();
    let content = bytes(8, 5000);
    let digest = Digest::of(&content);
    assert!(!to.has_blob(&digest).unwrap());
    assert_eq!(to.put_bytes(&content).unwrap(), digest);
    assert!(to.has_blob(&digest).unwrap());
    let mut read = Vec::new();
    to.get_blob(&digest, 5000).read_to_end(&mut read).unwrap();
    assert!(read == content);
    let manifest = format!(r#"{{"schemaVersion": 2, "config": {{"digest": "{digest}"}}}}"#);
    let kind = "application/vnd.oci.image.manifest.v1+json";
    assert_eq!(to.has_manifest("x").unwrap(), None);
    let put = to.put_manifest("x", kind, manifest.as_bytes()).unwrap();
    assert_eq!(to.has_manifest("x").unwrap(), Some(put));
    let got = to.get_manifest("x").unwrap();
    assert_eq!((got.digest, got.media_type.as_str()), (put, kind));
    assert!(got.bytes == manifest.as_bytes());
    let missing = to.get_manifest("y");
    assert!(matches!(missing, Err(RegistryError::NotFound { .. })));
}
