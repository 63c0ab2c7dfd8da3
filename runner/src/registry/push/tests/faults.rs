//! What registries and what stands before them do wrong: each a recovery or a clear error, and no tag moved.

use super::*;

/// The push succeeds.
const WELL: &str = "";
/// Each time.
const ALWAYS: usize = 99;

/// Where it goes wrong, how, how often, and the code that it ends with.
fn faults() -> Vec<(&'static str, Answer, usize, &'static str)> {
    let (head, blob) = ("HEAD manifests/1", "HEAD blobs");
    let (post, put, tag) = ("POST blobs/uploads/", "PUT upload", "PUT manifests/1");
    let date = "Wed, 21 Oct 2015 07:28:00 GMT";
    let mut all = Vec::new();
    for place in [head, blob, post, put, tag] {
        all.extend([
            (place, Answer::Status(500), 1, WELL),
            (place, Answer::Status(502), 3, WELL),
            (place, Answer::Status(503), ALWAYS, "registry-refused"),
            (place, Answer::RetryAfter(429, "0"), 2, WELL),
            (place, Answer::RetryAfter(429, date), 1, WELL),
            (
                place,
                Answer::RetryAfter(429, "0"),
                ALWAYS,
                "registry-rate-limit",
            ),
            (place, Answer::Cut(0), 1, WELL),
            (place, Answer::Cut(0), ALWAYS, "registry-broke-off"),
            (place, Answer::Status(403), ALWAYS, "registry-push-denied"),
            (place, Answer::Status(401), ALWAYS, "registry-push-denied"),
        ]);
    }
    let space = "write /var/lib/x: no space left on device";
    let quota = "adding 1 MiB would exceed the quota";
    for place in [post, put, tag] {
        all.extend([
            (place, Answer::Cut(1000), 1, WELL),
            (place, Answer::Silent, 1, WELL),
            (place, Answer::Status(507), ALWAYS, "registry-full"),
            (place, Answer::Status(413), ALWAYS, "registry-full"),
            (place, Answer::Said(500, space), ALWAYS, "registry-full"),
            (place, Answer::Said(403, quota), ALWAYS, "registry-full"),
            (
                place,
                Answer::Redirect(302, "/login".to_owned()),
                ALWAYS,
                "registry-unexpected",
            ),
        ]);
    }
    all.extend([
        (post, Answer::Status(404), ALWAYS, "registry-no-repository"),
        (tag, Answer::Status(404), ALWAYS, "registry-no-repository"),
        (post, Answer::Status(405), ALWAYS, "registry-takes-none"),
        (post, Answer::Page, ALWAYS, "registry-unexpected"),
        // A session that is lost, and bytes that are altered on the way: begun anew.
        (put, Answer::Status(404), 1, WELL),
        (put, Answer::Altered, 1, WELL),
        (put, Answer::Altered, ALWAYS, "registry-refused"),
        (put, Answer::OtherDigest, 1, WELL),
        (put, Answer::OtherDigest, ALWAYS, "registry-wrong-digest"),
        (put, Answer::Page, ALWAYS, "registry-unexpected"),
        (tag, Answer::Page, ALWAYS, "registry-unexpected"),
        (head, Answer::OtherDigest, 1, WELL),
        (head, Answer::Page, 1, WELL),
        (blob, Answer::Page, ALWAYS, "registry-unexpected"),
    ]);
    all
}

#[test]
fn each_fault_of_a_push_is_overcome_or_told() {
    for (place, answer, times, code) in faults() {
        let mut world = World::new();
        // What stands under the tag before.
        world
            .registry
            .put_manifest("app", Some("1"), DOCKER_MANIFEST, b"{}");
        world.changed(bytes(6, 10_000));
        let layers = world.image.layers.iter();
        let ends: Vec<String> = match place {
            "HEAD blobs" => layers
                .map(|it| format!("HEAD blobs/{}", it.digest))
                .collect(),
            "PUT upload" => (1..=40)
                .map(|id| format!("PUT blobs/uploads/upload-{id}"))
                .collect(),
            place => vec![place.to_owned()],
        };
        // What is to be overcome happens to one blob.
        let first = if times == ALWAYS { ends.len() } else { 1 };
        for end in &ends[..first] {
            let answers = std::iter::repeat_n(answer.clone(), times);
            world.registry.answer(end, answers);
        }
        let case = format!("{place}: {times} times {answer:?}");
        let pushed = world.push("app:1");
        if code == WELL {
            pushed.unwrap_or_else(|error| panic!("{case}: {error:?}"));
            world.check("app", "1");
            continue;
        }
        let error = pushed.map(|_| ()).expect_err(&case);
        let told = error.diagnostic();
        assert_eq!(told.code.0, code, "{case}: {error:?}");
        assert!(!told.helps.is_empty(), "{case}");
        let (_, kept) = world.registry.manifest("app", "1").unwrap();
        assert!(kept == b"{}", "{case} moved the tag");
    }
}

#[test]
fn a_redirect_takes_no_credentials_along() {
    let temp = tempfile::tempdir().unwrap();
    let world = World::new();
    let stranger = Registry::start().unwrap();
    world
        .registry
        .require(Gate::Basic("user".to_owned(), "hunter22".to_owned()));
    let registries = Registries::new(super::logins::with_login(&world, temp.path()));
    let away = |path: &str| {
        let to = format!("http://{}/v2/app/{path}", stranger.host());
        [Answer::Redirect(307, to)]
    };
    let lead = |part: &str| {
        world
            .registry
            .answer(part, away(part.split_once(' ').unwrap().1));
    };
    lead("HEAD manifests/1");
    lead("POST blobs/uploads/");
    lead("PUT manifests/1");
    // Whatever the stranger takes is none of our business.
    drop(world.push_by(&registries, "app:1", None, &Unknown));
    let seen = stranger.seen();
    assert!(seen.len() > 2, "{seen:?}");
    for request in seen {
        assert!(
            !request.headers.contains_key("authorization"),
            "{request:?}"
        );
    }
}
