use std::cell::RefCell;
use std::os::unix::fs::symlink;

use proptest::prelude::*;

use super::*;

/// An app's builds one after another, each in a tree of its own.
struct Desk {
    folder: tempfile::TempDir,
    /// What each build left, newest first.
    left: Vec<PathBuf>,
}

struct Given<'a> {
    draft: PathBuf,
    others: &'a [PathBuf],
    tree: PathBuf,
    lent: RefCell<Vec<String>>,
}

impl EarlierFiles for Given<'_> {
    fn draft(&self) -> &Path {
        &self.draft
    }

    fn others(&self) -> io::Result<Vec<PathBuf>> {
        Ok(self.others.to_vec())
    }

    fn lend(&self, path: &str) -> io::Result<()> {
        let there = self.tree.join(path).symlink_metadata().is_ok();
        self.lent.borrow_mut().push(format!("{path} {there}"));
        Ok(())
    }
}

fn digest(content: &str) -> String {
    let bytes = buildpack_core::digest::Digest::of(content.as_bytes());
    bytes.hex()[..32].to_owned()
}

/// As Phoenix calls a file of this content.
fn digested(path: &str, content: &str) -> String {
    let (name, ending) = path.rsplit_once('.').unwrap();
    format!("{name}-{}.{ending}", digest(content))
}

impl Desk {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            left: Vec::new(),
        }
    }

    fn tree(&self) -> PathBuf {
        self.folder.path().join(format!("tree-{}", self.left.len()))
    }

    fn write(&self, path: &str, content: &str) {
        testdata::tree::write(self.tree(), path, content);
    }

    /// Writes files with what `phx.digest` makes of them.
    fn digest(&self, folder: &str, files: &[(&str, &str)]) {
        let (mut latest, mut digests) = (Map::new(), Map::new());
        for (path, content) in files {
            let name = digested(path, content);
            for path in [path, name.as_str()] {
                self.write(&format!("{folder}/{path}"), content);
                self.write(&format!("{folder}/{path}.gz"), content);
            }
            latest.insert((*path).to_owned(), json!(name));
            let facts = json!({ "logical_path": path, "mtime": 63_900_000_000_u64 + self.left.len() as u64, "digest": digest(content) });
            digests.insert(name, facts);
        }
        let manifest =
            json!({ "!comment!": "x", "version": 1, "latest": latest, "digests": digests });
        self.write(&format!("{folder}/{MANIFEST}"), &manifest.to_string());
    }

    /// Ends a build that is given what `count` earlier ones left; what it lent.
    fn build(&mut self, folders: &[&str], count: usize) -> Vec<String> {
        let draft = self.folder.path().join(format!("left-{}", self.left.len()));
        fs_err::create_dir(&draft).unwrap();
        fs_err::create_dir_all(self.tree()).unwrap();
        let others = &self.left[..count.min(self.left.len())];
        let given = Given {
            draft: draft.clone(),
            others,
            tree: self.tree(),
            lent: RefCell::default(),
        };
        let folders: Vec<String> = folders.iter().map(|&folder| folder.to_owned()).collect();
        exchange(&self.tree(), &folders, &given).unwrap();
        let lent = given.lent.into_inner();
        self.left.insert(0, draft);
        lent
    }

    /// Files below a folder of the last build.
    fn files(&self, folder: &str) -> BTreeSet<String> {
        let tree = self
            .folder
            .path()
            .join(format!("tree-{}", self.left.len() - 1));
        files(&tree.join(folder))
    }

    fn manifest(&self, folder: &str) -> Value {
        let tree = self
            .folder
            .path()
            .join(format!("tree-{}", self.left.len() - 1));
        let text = fs_err::read(tree.join(folder).join(MANIFEST)).unwrap();
        serde_json::from_slice(&text).unwrap()
    }
}

fn files(folder: &Path) -> BTreeSet<String> {
    let walk = WalkDir::new(folder).into_iter().flatten();
    let files = walk.filter(|entry| !entry.file_type().is_dir());
    files
        .map(|entry| {
            let path = entry.path().strip_prefix(folder).unwrap();
            path.to_str().unwrap().to_owned()
        })
        .collect()
}

const STATIC: &str = "priv/static";

#[test]
fn as_many_earlier_versions_as_are_given_are_beside_the_newest() {
    let mut desk = Desk::new();
    let css = |number: u8| format!("body {{ margin: {number}px }}");
    for number in 0..4 {
        desk.digest(
            STATIC,
            &[("css/app.css", &css(number)), ("robots.txt", "same")],
        );
        desk.build(&[STATIC], 2);
    }
    let there = desk.files(STATIC);
    let digests = desk.manifest(STATIC)["digests"].clone();
    for (number, stays) in [(0, false), (1, true), (2, true), (3, true)] {
        let name = digested("css/app.css", &css(number));
        assert_eq!(there.contains(&name), stays, "{name}");
        assert_eq!(there.contains(&format!("{name}.gz")), stays, "{name}");
        assert_eq!(digests.get(&name).is_some(), stays, "{name}");
    }
    // Nothing but digested files came from before, and the newest are named as before.
    assert_eq!(there.len(), 1 + 2 * (2 * 2) + 2 * 2);
    let latest = &desk.manifest(STATIC)["latest"];
    assert_eq!(latest["css/app.css"], digested("css/app.css", &css(3)));
    assert_eq!(desk.manifest(STATIC)["!comment!"], "x");
    let name = digested("css/app.css", &css(2));
    assert_eq!(digests[&name]["mtime"], FLOOR);
    assert_eq!(digests[&name]["logical_path"], "css/app.css");
}

#[test]
fn with_nothing_from_before_nothing_is_written() {
    let mut desk = Desk::new();
    desk.digest(STATIC, &[("app.js", "one")]);
    let before = fs_err::read(desk.tree().join(STATIC).join(MANIFEST)).unwrap();
    assert!(desk.build(&[STATIC], 2).is_empty());
    let tree = desk.folder.path().join("tree-0").join(STATIC);
    assert_eq!(fs_err::read(tree.join(MANIFEST)).unwrap(), before);
    // The same again brings nothing either, whenever it was digested.
    desk.digest(STATIC, &[("app.js", "one")]);
    assert!(desk.build(&[STATIC], 2).is_empty());
    let left = |at: usize| fs_err::read(desk.left[at].join(STATIC).join(MANIFEST)).unwrap();
    assert_eq!(left(0), left(1));
}

#[test]
fn what_will_be_written_is_told_before() {
    let mut desk = Desk::new();
    desk.digest(STATIC, &[("app.js", "one")]);
    desk.build(&[STATIC], 1);
    desk.digest(STATIC, &[("app.js", "two")]);
    let name = digested("app.js", "one");
    assert_eq!(
        desk.build(&[STATIC], 1),
        [
            format!("{STATIC}/{name} false"),
            format!("{STATIC}/{name}.gz false"),
            format!("{STATIC}/{MANIFEST} true")
        ]
    );
}

#[test]
fn applications_of_an_umbrella_keep_theirs_apart() {
    let mut desk = Desk::new();
    let folders = ["apps/a/priv/static", "apps/b/priv/static"];
    for round in ["one", "two"] {
        desk.digest(folders[0], &[("a.js", round)]);
        desk.digest(folders[1], &[("b.js", round)]);
        desk.build(&folders, 1);
    }
    let there = desk.files(folders[0]);
    assert!(there.contains(&digested("a.js", "one")));
    assert!(!there.contains(&digested("b.js", "one")));
    assert!(desk.files(folders[1]).contains(&digested("b.js", "one")));
}

#[test]
fn what_is_undigested_or_outside_is_never_left_for_others() {
    let mut desk = Desk::new();
    desk.digest(STATIC, &[("app.js", "one")]);
    desk.write("config/secret.txt", "precious");
    desk.write(&format!("{STATIC}/.env"), "precious");
    let outside = desk.folder.path().join("outside");
    fs_err::create_dir(&outside).unwrap();
    let secret = digested("x.js", "precious");
    fs_err::write(outside.join(&secret), "precious").unwrap();
    symlink(&outside, desk.tree().join(STATIC).join("linked")).unwrap();
    symlink(
        outside.join(&secret),
        desk.tree().join(STATIC).join(&secret),
    )
    .unwrap();
    let plain = digested("app.js", "one");
    let paths = [
        ".env".to_owned(),
        "app.js".to_owned(),
        "../../config/secret.txt".to_owned(),
        format!("linked/{secret}"),
        secret,
        format!("../static/{plain}"),
        "/etc/passwd".to_owned(),
        plain.clone(),
    ];
    let facts = |path: &String| (path.clone(), json!({ "logical_path": path }));
    let manifest = json!({
        "version": 1,
        "latest": paths.iter().map(|path| (path.clone(), json!(path))).collect::<Map<_, _>>(),
        "digests": paths.iter().map(facts).collect::<Map<_, _>>(),
    });
    desk.write(&format!("{STATIC}/{MANIFEST}"), &manifest.to_string());
    desk.build(&[STATIC], 1);
    let left: Vec<String> = files(&desk.left[0]).into_iter().collect();
    let mut expected =
        [MANIFEST, &plain, &format!("{plain}.gz")].map(|name| format!("{STATIC}/{name}"));
    expected.sort();
    assert_eq!(left, expected);
}

#[test]
fn nothing_of_the_app_goes_for_what_is_added() {
    let mut desk = Desk::new();
    let old = [
        ("css/app.css", "old"),
        ("img/a.svg", "old"),
        ("js/app.js", "old"),
    ];
    desk.digest(STATIC, &old);
    desk.build(&[STATIC], 1);
    desk.digest(STATIC, &[("other.js", "new")]);
    // Links, files and folders where those of before were.
    desk.write("elsewhere/x", "precious");
    symlink("../../elsewhere", desk.tree().join(STATIC).join("css")).unwrap();
    desk.write(&format!("{STATIC}/img"), "a file");
    let own = format!("{STATIC}/{}", digested("js/app.js", "old"));
    desk.write(&format!("{own}/x"), "in a folder");
    desk.build(&[STATIC], 1);
    let tree = desk.folder.path().join("tree-1");
    assert!(tree.join(STATIC).join("css").is_symlink());
    assert_eq!(
        files(&tree.join("elsewhere")),
        BTreeSet::from(["x".to_owned()])
    );
    assert!(tree.join(STATIC).join("img").is_file());
    assert!(tree.join(own).join("x").is_file());
}

#[test]
fn a_manifest_of_another_form_is_left_alone() {
    for text in [
        "",
        "{",
        "[]",
        "{\"version\": 2, \"latest\": {}, \"digests\": {}}",
        "{\"version\": 1, \"latest\": [], \"digests\": {}}",
        "{\"version\": 1, \"latest\": {}, \"digests\": 1}",
        "{\"version\": 1}",
    ] {
        let mut desk = Desk::new();
        desk.digest(STATIC, &[("app.js", "one")]);
        desk.build(&[STATIC], 1);
        desk.digest(STATIC, &[("app.js", "two")]);
        desk.write(&format!("{STATIC}/{MANIFEST}"), text);
        assert!(desk.build(&[STATIC], 1).is_empty(), "{text}");
        assert!(files(&desk.left[0]).is_empty(), "{text}");
    }
}

#[test]
fn a_digest_is_told_from_other_names() {
    let digits = "0123456789abcdef0123456789abcdef";
    for name in ["app-D.css", "js/a-b-D.js.map", "LICENSE-D", "a-D-D.x"] {
        assert!(is_digested(&name.replace('D', digits)), "{name}");
    }
    for name in [
        "app.css",
        "app-D0.css",
        "appD.css",
        "D/app.css",
        "app-0123.css",
        "a-Dx.css",
        "",
    ] {
        assert!(!is_digested(&name.replace('D', digits)), "{name}");
    }
}

proptest! {
    #[test]
    fn no_manifest_makes_it_panic(text in "(\\PC|\"version\":1|\"latest\"|\"digests\"|[{}:,\"]|\\.\\./){0,60}") {
        let mut desk = Desk::new();
        desk.write(&format!("{STATIC}/{MANIFEST}"), &text);
        desk.build(&[STATIC], 1);
    }
}
