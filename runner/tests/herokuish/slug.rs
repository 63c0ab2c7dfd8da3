//! Slugs: what goes into one, what comes out of one, and what is none.

use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use testdata::fake::origin::{Answer, Origin};

use crate::desk::{Desk, Ran};

/// Runs `herokuish slug …` with the slug in the test's folder.
fn slug(desk: &Desk, words: &[&str], compat: &str) -> Ran {
    let mut command = desk.called("herokuish");
    command
        .arg("slug")
        .args(words)
        .env("slug_path", desk.path("slug.tgz"))
        .env("BP_HEROKUISH_COMPAT", compat);
    desk.ran(&mut command)
}

/// The archive's names, as GNU tar lists them.
fn listed(slug: &Path) -> Vec<String> {
    let output = Command::new("tar").arg("-tzf").arg(slug).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Gives `bytes` to `herokuish slug import`.
fn imported(desk: &Desk, bytes: &[u8], variables: &[(&str, &str)]) -> Ran {
    let path = desk.path("given");
    fs_err::write(&path, bytes).unwrap();
    let mut command = desk.called("herokuish");
    command
        .args(["slug", "import"])
        .envs(variables.iter().copied())
        .stdin(Stdio::from(
            fs_err::File::open(path).unwrap().into_parts().0,
        ));
    desk.ran(&mut command)
}

#[test]
fn a_slug_holds_the_app_and_gives_it_back_as_it_was() {
    let long = format!("{}/{}", "d".repeat(90), "f".repeat(90));
    let desk = Desk::new(&[
        ("Procfile", "web: true"),
        (&long, "long"),
        ("lib/.git/x", ""),
        (".git/HEAD", ""),
    ]);
    let app = desk.path("app");
    fs_err::set_permissions(app.join("Procfile"), PermissionsExt::from_mode(0o754)).unwrap();
    symlink("/app/lib", app.join("absolute")).unwrap();
    symlink(&long, app.join("long-link")).unwrap();
    fs_err::hard_link(app.join("Procfile"), app.join("same")).unwrap();
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs_err::File::open(app.join(&long))
        .unwrap()
        .file()
        .set_modified(old)
        .unwrap();
    let said = slug(&desk, &["generate"], "").fine();
    assert!(
        said.starts_with("\u{1b}[1G-----> Compiled slug size is 0."),
        "{said:?}"
    );
    let names = listed(&desk.path("slug.tgz"));
    let folder = format!("./{}/", "d".repeat(90));
    let file = format!("./{long}");
    assert_eq!(
        names,
        [
            "./",
            "./Procfile",
            "./absolute",
            &folder,
            &file,
            "./lib/",
            "./long-link",
            "./same"
        ]
    );

    let bytes = fs_err::read(desk.path("slug.tgz")).unwrap();
    let other = Desk::new(&[]);
    imported(&other, &bytes, &[]).fine();
    let back = other.path("app");
    assert_eq!(
        fs_err::read_to_string(back.join("long-link")).unwrap(),
        "long"
    );
    assert_eq!(
        fs_err::metadata(back.join(&long)).unwrap().mtime(),
        1_000_000_000
    );
    let one = fs_err::metadata(back.join("Procfile")).unwrap();
    assert_eq!((one.mode() & 0o777, one.nlink()), (0o754, 2));
    assert_eq!(
        fs_err::read_link(back.join("absolute")).unwrap(),
        Path::new("/app/lib")
    );
    assert_eq!(fs_err::read_dir(&back).unwrap().count(), 6);
}

#[test]
fn slugignore_is_heroku_s_and_tar_s_by_its_name() {
    let files = [
        (".slugignore", "/docs\n*.psd\n!keep.psd\n"),
        ("docs/a", ""),
        ("lib/docs/b", ""),
        ("lib/x.psd", ""),
    ];
    let desk = Desk::new(&files);
    let ran = slug(&desk, &["generate"], "");
    ran.told(0, &["`!keep.psd` in .slugignore is passed over"]);
    assert_eq!(
        listed(&desk.path("slug.tgz")),
        [
            "./",
            "./.slugignore",
            "./lib/",
            "./lib/docs/",
            "./lib/docs/b"
        ]
    );
    slug(&desk, &["generate"], "tar-exclude").fine();
    assert_eq!(
        listed(&desk.path("slug.tgz")),
        [
            "./",
            "./.slugignore",
            "./docs/",
            "./docs/a",
            "./lib/",
            "./lib/docs/",
            "./lib/docs/b"
        ]
    );
}

#[test]
fn what_is_no_slug_leaves_nothing() {
    let gzip = |bytes: &[u8]| {
        let mut child = Command::new("gzip")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(bytes).unwrap();
        child.wait_with_output().unwrap().stdout
    };
    let desk = Desk::new(&[("Procfile", "web: true")]);
    slug(&desk, &["generate"], "").fine();
    let whole = fs_err::read(desk.path("slug.tgz")).unwrap();
    let cut = &whole[..whole.len() / 2];
    for bytes in [
        &b"<html>not found</html>"[..],
        b"",
        cut,
        &gzip(b"no tar at all"),
    ] {
        let empty = Desk::new(&[]);
        imported(&empty, bytes, &[]).told(1, &["slug-unreadable", "nothing was unpacked"]);
        assert_eq!(fs_err::read_dir(empty.path("app")).unwrap().count(), 0);
    }
    imported(&desk, &whole, &[]).told(1, &["slug-app-not-empty"]);
}

#[test]
fn who_unpacks_as_root_gives_the_files_to_the_apps_user() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let desk = Desk::new(&[("a/b", "")]);
    for path in ["app", "app/a", "app/a/b"] {
        chown(desk.path(path), Some(4242), Some(4243)).unwrap();
    }
    slug(&desk, &["generate"], "").fine();
    let bytes = fs_err::read(desk.path("slug.tgz")).unwrap();
    for (user, owner) in [("", (4242, 4243)), ("77:78", (77, 78))] {
        let other = Desk::new(&[]);
        imported(&other, &bytes, &[("USER", user)]).fine();
        for path in ["app", "app/a", "app/a/b"] {
            let found = other.path(path).metadata().unwrap();
            assert_eq!((found.uid(), found.gid()), owner, "{path}");
        }
    }
}

#[test]
fn a_slug_is_exported_where_there_is_one() {
    let desk = Desk::new(&[("Procfile", "web: true")]);
    slug(&desk, &["export"], "").told(1, &["slug-missing", "herokuish slug generate"]);
    slug(&desk, &["generate"], "").fine();
    let output = desk
        .called("herokuish")
        .args(["slug", "export"])
        .env("slug_path", desk.path("slug.tgz"))
        .output()
        .unwrap();
    assert!(output.stdout == fs_err::read(desk.path("slug.tgz")).unwrap());
    slug(&desk, &["export", "ftp://user:hunter2@host/x"], "")
        .told(4, &["slug-upload", "`ftp://host/x`"]);
}

#[test]
fn servers_take_and_give_slugs_and_are_asked_again() {
    let desk = Desk::new(&[("Procfile", "web: true")]);
    slug(&desk, &["generate"], "").fine();
    let bytes = fs_err::read(desk.path("slug.tgz")).unwrap();
    let origin = Origin::start().unwrap();
    origin.answers(
        "/put?key=hunter2",
        [Answer::Status(503), Answer::Status(200)],
    );
    slug(&desk, &["export", &origin.url("/put?key=hunter2")], "").fine();
    let seen = origin.seen();
    assert_eq!(seen.len(), 2);
    for request in seen {
        assert!(
            request.line.starts_with("PUT /put?key=hunter2 "),
            "{}",
            request.line
        );
        assert_eq!(request.headers.get("transfer-encoding"), None);
        assert!(request.body == bytes);
    }
    origin.answers("/closed?key=hunter2", [Answer::Status(403)]);
    let ran = slug(&desk, &["export", &origin.url("/closed?key=hunter2")], "");
    assert!(!ran.err.contains("hunter2"), "{ran:?}");
    ran.told(4, &["slug-upload", "the server answered 403"]);

    origin.file("/slug.tgz", &bytes);
    origin.answers("/slug.tgz", [Answer::Truncate(100)]);
    let other = Desk::new(&[]);
    slug(&other, &["import", &origin.url("/slug.tgz")], "").fine();
    assert!(other.path("app/Procfile").is_file());
    origin.file("/page", b"");
    origin.answers("/page", [Answer::Page]);
    let other = Desk::new(&[]);
    slug(&other, &["import", &origin.url("/page")], "").told(1, &["slug-unreadable", "no slug"]);
    slug(&other, &["import", &origin.url("/gone")], "").told(4, &["download-not-found"]);
    assert_eq!(fs_err::read_dir(other.path("app")).unwrap().count(), 0);
}
