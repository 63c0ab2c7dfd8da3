use std::os::unix::fs::{MetadataExt, PermissionsExt};

use buildpack_core::image::{BlobDir, Descriptor};
use flate2::Compression;
use flate2::write::GzEncoder;
use oci_spec::image::ImageConfiguration;
use proptest::prelude::*;

use super::*;

/// An entry of a tar that is to be made: headers are written as they are, so that they can be hostile.
#[derive(Debug, Clone)]
pub(in crate::rootfs) struct Made {
    kind: EntryType,
    path: Vec<u8>,
    target: Vec<u8>,
    mode: u32,
    content: Vec<u8>,
}

fn made(kind: EntryType, path: &str, target: &str, content: &[u8]) -> Made {
    Made {
        kind,
        path: path.into(),
        target: target.into(),
        mode: 0o755,
        content: content.to_owned(),
    }
}

pub(in crate::rootfs) fn file(path: &str, content: &str) -> Made {
    made(EntryType::Regular, path, "", content.as_bytes())
}

pub(in crate::rootfs) fn dir(path: &str) -> Made {
    made(EntryType::Directory, path, "", b"")
}

fn link(path: &str, target: &str) -> Made {
    made(EntryType::Symlink, path, target, b"")
}

fn hard(path: &str, target: &str) -> Made {
    made(EntryType::Link, path, target, b"")
}

fn pax(records: &[(&str, &str)]) -> Made {
    let mut content = String::new();
    for (name, value) in records {
        // The length counts its own digits.
        let rest = format!(" {name}={value}\n");
        let mut length = rest.len() + 1;
        while length != rest.len() + length.to_string().len() {
            length += 1;
        }
        content.push_str(&length.to_string());
        content.push_str(&rest);
    }
    made(EntryType::XHeader, "pax", "", content.as_bytes())
}

pub(in crate::rootfs) fn tar(entries: &[Made]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(entry.kind);
        header.set_mode(entry.mode);
        header.set_size(entry.content.len() as u64);
        header.set_mtime(1_000_000_000);
        for (field, value) in [(0..100, &entry.path), (157..257, &entry.target)] {
            if value.len() > 100 {
                let mut long = tar::Header::new_gnu();
                let kind = if field.start == 0 {
                    EntryType::GNULongName
                } else {
                    EntryType::GNULongLink
                };
                long.set_entry_type(kind);
                long.set_size(value.len() as u64 + 1);
                long.set_cksum();
                bytes.extend(long.as_bytes());
                push_content(&mut bytes, &[value.as_slice(), b"\0"].concat());
            }
            let cut = value.len().min(100);
            header.as_mut_bytes()[field.start..field.start + cut].copy_from_slice(&value[..cut]);
        }
        header.set_cksum();
        bytes.extend(header.as_bytes());
        push_content(&mut bytes, &entry.content);
    }
    bytes.extend([0; 1024]);
    bytes
}

fn push_content(bytes: &mut Vec<u8>, content: &[u8]) {
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
}

pub(in crate::rootfs) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// An image of these tars, each a gzipped layer, its blobs in `folder`.
pub(in crate::rootfs) fn image(folder: &Path, tars: &[Vec<u8>]) -> (BaseImage, BlobDir) {
    let blobs = BlobDir::new(folder);
    fs_err::create_dir_all(folder.join("sha256")).unwrap();
    let layers = tars
        .iter()
        .map(|tar| {
            let blob = gzip(tar);
            let digest = Digest::of(&blob);
            fs_err::write(blobs.file(&digest), &blob).unwrap();
            BaseLayer {
                digest,
                diff_id: Digest::of(tar),
                size: blob.len() as u64,
                media_type: MediaType::OciGzip,
            }
        })
        .collect();
    let base = BaseImage {
        reference: "docker.io/a/b:c".to_owned(),
        digest: Digest::of(&tars.concat()),
        config_blob: Descriptor {
            media_type: String::new(),
            digest: Digest::of(b"{}"),
            size: 2,
        },
        config: ImageConfiguration::default(),
        layers,
    };
    fs_err::write(blobs.file(&base.config_blob.digest), "{}").unwrap();
    (base, blobs)
}

struct Place {
    // Beside the tree stands a file that nothing may touch.
    temp: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        fs_err::create_dir(temp.path().join("tree")).unwrap();
        fs_err::write(temp.path().join("outside"), "untouched").unwrap();
        Self { temp }
    }

    fn tree(&self) -> std::path::PathBuf {
        self.temp.path().join("tree")
    }

    fn unpack(&self, layers: &[Vec<Made>]) -> Result<(), StackError> {
        self.unpack_within(layers, Limits::default())
    }

    fn unpack_within(&self, layers: &[Vec<Made>], limits: Limits) -> Result<(), StackError> {
        let tars: Vec<_> = layers.iter().map(|layer| tar(layer)).collect();
        let (image, blobs) = image(&self.temp.path().join("blobs"), &tars);
        let result = unpack_image(&image, &blobs, &self.tree(), limits, &|_| {});
        let outside = fs_err::read_to_string(self.temp.path().join("outside")).unwrap();
        assert_eq!(outside, "untouched");
        let beside = fs_err::read_dir(self.temp.path()).unwrap().count();
        assert_eq!(beside, 3, "something was made beside the tree");
        result
    }

    /// All paths of the tree; files with their content, links with their target.
    fn listing(&self) -> Vec<String> {
        let tree = self.tree();
        let mut all: Vec<_> = walkdir::WalkDir::new(&tree)
            .min_depth(1)
            .into_iter()
            .map(|entry| {
                let entry = entry.unwrap();
                let path = entry.path();
                let name = path.strip_prefix(&tree).unwrap().display().to_string();
                if entry.path_is_symlink() {
                    format!("{name} -> {}", fs_err::read_link(path).unwrap().display())
                } else if entry.file_type().is_dir() {
                    format!("{name}/")
                } else {
                    format!("{name}: {}", fs_err::read_to_string(path).unwrap())
                }
            })
            .collect();
        all.sort();
        all
    }
}

#[test]
fn later_layers_lie_over_earlier_ones() {
    let place = Place::new();
    let below = vec![
        dir("./"),
        dir("./etc/"),
        file("./etc/a", "one"),
        file("etc/b", "one"),
        dir("usr"),
        dir("usr/lib"),
        link("lib", "usr/lib"),
        file("gone/deep/x", "one"),
        dir("was/dir"),
        file("was/dir/x", "one"),
        file("file", "one"),
    ];
    let above = vec![
        file("etc/a", "two"),
        file("lib/c.so", "two"),
        hard("lib/d.so", "usr/lib/c.so"),
        file(".wh.gone", ""),
        file("was/dir", "now a file"),
        dir("file"),
        file("file/inside", "two"),
        link("absolute", "/etc"),
        file("absolute/through", "two"),
    ];
    place.unpack(&[below, above]).unwrap();
    assert_eq!(
        place.listing(),
        [
            "absolute -> /etc",
            "etc/",
            "etc/a: two",
            "etc/b: one",
            "etc/through: two",
            "file/",
            "file/inside: two",
            "lib -> usr/lib",
            "usr/",
            "usr/lib/",
            "usr/lib/c.so: two",
            "usr/lib/d.so: two",
            "was/",
            "was/dir: now a file",
        ]
    );
    let inode = |name| fs_err::metadata(place.tree().join(name)).unwrap().ino();
    assert_eq!(inode("usr/lib/c.so"), inode("usr/lib/d.so"));
}

#[test]
fn however_a_layer_is_packed_it_is_the_same_tree() {
    let layer = tar(&[dir("etc"), file("etc/a", "one")]);
    for (packing, blob) in [
        (MediaType::OciTar, layer.clone()),
        (MediaType::OciZstd, zstd::encode_all(&layer[..], 3).unwrap()),
        // Frames one after another, as tools that pack in parallel write them.
        (
            MediaType::OciZstd,
            layer
                .chunks(700)
                .flat_map(|part| zstd::encode_all(part, 1).unwrap())
                .collect(),
        ),
    ] {
        let place = Place::new();
        let (mut base, blobs) = image(
            &place.temp.path().join("blobs"),
            std::slice::from_ref(&layer),
        );
        let described = &mut base.layers[0];
        described.media_type = packing;
        described.digest = Digest::of(&blob);
        described.size = blob.len() as u64;
        let path = blobs.file(&described.digest);
        fs_err::write(&path, &blob).unwrap();
        let unpack = |base: &BaseImage, tree: &Path| {
            unpack_image(base, &blobs, tree, Limits::default(), &|_| {})
        };
        unpack(&base, &place.tree()).unwrap();
        assert_eq!(place.listing(), ["etc/", "etc/a: one"]);
        let cut = &blob[..blob.len() - 600.min(blob.len() / 2)];
        fs_err::write(&path, cut).unwrap();
        base.layers[0].digest = Digest::of(cut);
        fs_err::write(blobs.file(&base.layers[0].digest), cut).unwrap();
        let other = tempfile::tempdir().unwrap();
        let error = unpack(&base, other.path()).unwrap_err();
        assert!(
            matches!(error, StackError::Damaged { .. }),
            "{packing}: {error}"
        );
    }
}

#[test]
fn whiteouts_hide_what_is_below_and_only_that() {
    let place = Place::new();
    let below = vec![
        file("a/old", "1"),
        file("a/sub/old", "1"),
        file("b/old", "1"),
        file("c", "1"),
        file("keep/x", "1"),
    ];
    let above = vec![
        // Before and after what they don't hide, as different tools write them.
        file("a/new", "2"),
        file("a/sub/new", "2"),
        file("a/.wh..wh..opq", ""),
        file("b/.wh..wh..opq", ""),
        file("b/new", "2"),
        file("c", "2"),
        file(".wh.c", ""),
        file(".wh.never-there", ""),
        file("no/such/.wh.x", ""),
        file("no/such/.wh..wh..opq", ""),
        file(".wh..wh.plnk", ""),
    ];
    place.unpack(&[below, above]).unwrap();
    assert_eq!(
        place.listing(),
        [
            "a/",
            "a/new: 2",
            "a/sub/",
            "a/sub/new: 2",
            "b/",
            "b/new: 2",
            "c: 2",
            "keep/",
            "keep/x: 1"
        ]
    );
}

#[test]
fn everything_can_be_read_by_the_caller_and_nothing_is_setuid() {
    let place = Place::new();
    let mode = |mode, mut entry: Made| {
        entry.mode = mode;
        entry
    };
    place
        .unpack(&[vec![
            mode(0o000, dir("locked")),
            mode(0o000, file("locked/file", "x")),
            mode(0o6755, file("setuid", "x")),
            mode(0o1777, dir("tmp")),
            mode(0o555, file("program", "x")),
            made(EntryType::Char, "dev/null", "", b""),
            made(EntryType::Fifo, "pipe", "", b""),
        ]])
        .unwrap();
    let metadata = |name: &str| fs_err::symlink_metadata(place.tree().join(name)).unwrap();
    for (name, mode) in [
        ("locked", 0o700),
        ("locked/file", 0o600),
        ("setuid", 0o755),
        ("tmp", 0o1777),
        ("program", 0o755),
    ] {
        assert_eq!(metadata(name).permissions().mode() & 0o7777, mode, "{name}");
        assert_eq!(metadata(name).uid(), rustix::process::geteuid().as_raw());
        assert_eq!(metadata(name).mtime(), 1_000_000_000, "{name}");
    }
    assert!(!place.tree().join("dev/null").exists() && !place.tree().join("pipe").exists());
}

#[test]
fn long_names_and_pax_names_are_kept() {
    let place = Place::new();
    let long = format!("{}/{}", "d".repeat(200), "f".repeat(200));
    let paxed = format!("{}/x", "p".repeat(150));
    place
        .unpack(&[vec![
            file(&long, "gnu"),
            pax(&[("path", &paxed)]),
            file("short", "pax"),
            link("to-long", &long),
        ]])
        .unwrap();
    assert_eq!(
        fs_err::read_to_string(place.tree().join(&long)).unwrap(),
        "gnu"
    );
    assert_eq!(
        fs_err::read_to_string(place.tree().join(&paxed)).unwrap(),
        "pax"
    );
    assert_eq!(
        fs_err::read_to_string(place.tree().join("to-long")).unwrap(),
        "gnu"
    );
    assert!(!place.tree().join("short").exists());
}

#[test]
fn hostile_entries_are_refused_by_name() {
    let deep = vec!["d"; 600].join("/");
    let cases: Vec<(&str, Vec<Made>)> = vec![
        ("climbs", vec![file("../outside", "x")]),
        ("climbs in the middle", vec![file("a/../../outside", "x")]),
        ("climbing folder", vec![dir("..")]),
        ("climbing hard link", vec![hard("x", "../outside")]),
        ("hard link to nothing", vec![hard("x", "nothing")]),
        ("hard link to a folder", vec![dir("d"), hard("x", "d")]),
        ("hard link to the root", vec![hard("x", "/")]),
        ("file in place of the root", vec![file("/", "x")]),
        ("link in place of the root", vec![link("./", "/etc")]),
        ("whiteout of the folder above", vec![file("a/.wh...", "")]),
        ("whiteout of nothing", vec![file(".wh.", "")]),
        ("through a file", vec![file("f", "x"), file("f/x", "x")]),
        (
            "circle",
            vec![link("a", "b"), link("b", "a"), file("a/x", "x")],
        ),
        (
            "through a link to nowhere",
            vec![link("a", "nowhere"), file("a/x", "x")],
        ),
        ("too deep", vec![dir(&deep)]),
        ("name too long", vec![file(&"n".repeat(300), "x")]),
        (
            "path too long",
            vec![file(&vec!["p".repeat(200); 30].join("/"), "x")],
        ),
        (
            "NUL in a pax name",
            vec![pax(&[("path", "a\0b")]), file("x", "x")],
        ),
        ("empty link", vec![pax(&[("linkpath", "")]), link("x", "")]),
        (
            "unknown kind",
            vec![made(EntryType::new(b'Z'), "x", "", b"")],
        ),
    ];
    for (name, entries) in cases {
        let place = Place::new();
        let error = place.unpack(&[entries]).unwrap_err();
        assert!(
            matches!(error, StackError::Unsafe { .. }),
            "{name}: {error:?}"
        );
    }
}

#[test]
fn links_out_of_the_tree_lead_nowhere_outside() {
    let place = Place::new();
    let up = "../".repeat(20);
    let outside = place.temp.path().display().to_string();
    place
        .unpack(&[
            vec![
                // Absolute and climbing targets are kept as they are, and resolved inside.
                dir(&outside[1..]),
                link("abs", &outside),
                link("up", &format!("{up}{}", &outside[1..])),
                link("direct", &format!("{outside}/outside")),
            ],
            vec![
                file("abs/outside", "harm"),
                file("up/outside2", "harm"),
                file("direct", "replaced, not followed"),
                file("abs/.wh.outside3", ""),
            ],
        ])
        .unwrap();
    let inside = place.tree().join(&outside[1..]);
    assert_eq!(
        fs_err::read_to_string(inside.join("outside")).unwrap(),
        "harm"
    );
    assert_eq!(
        fs_err::read_to_string(inside.join("outside2")).unwrap(),
        "harm"
    );
    assert!(!place.tree().join("direct").is_symlink());
    // A link through proc's magic leads out where links of the text kind can't.
    let place = Place::new();
    let magic = place.unpack(&[vec![link("p", "/proc/self/root"), file("p/etc/harm", "x")]]);
    assert!(magic.is_err());
}

#[test]
fn a_folder_that_became_a_link_is_not_written_through() {
    let place = Place::new();
    place
        .unpack(&[
            vec![dir("a"), file("a/x", "1"), dir("b")],
            vec![
                file(".wh.a", ""),
                link("a", "b"),
                file("a/y", "2"),
                dir("a"),
                file("a/z", "3"),
            ],
        ])
        .unwrap();
    // A folder entry takes the link's place, as in an overlay.
    assert_eq!(place.listing(), ["a/", "a/z: 3", "b/", "b/y: 2"]);
}

#[test]
fn caps_are_kept() {
    let entries: Vec<_> = (0..20)
        .map(|at| file(&format!("f{at}"), "0123456789"))
        .collect();
    for limits in [
        Limits {
            entries: 19,
            bytes: 1000,
        },
        Limits {
            entries: 100,
            bytes: 199,
        },
    ] {
        let error = Place::new()
            .unpack_within(std::slice::from_ref(&entries), limits)
            .unwrap_err();
        assert!(matches!(error, StackError::Unsafe { .. }), "{error:?}");
    }
    Place::new()
        .unpack_within(
            &[entries],
            Limits {
                entries: 20,
                bytes: 200,
            },
        )
        .unwrap();
}

type Change = fn(&mut BaseImage, &mut Vec<u8>);

#[test]
fn damage_is_found_wherever_it_is() {
    let entries = vec![file("a", "content"), file("b", &"long".repeat(10_000))];
    let change: [Change; 6] = [
        |image, _| image.layers[0].diff_id = Digest::of(b"other"),
        |image, _| image.layers[0].digest = Digest::of(b"other"),
        |_, blob| blob.truncate(blob.len() / 2),
        |_, blob| blob.extend(b"trailing"),
        |_, blob| blob[0] = 0,
        |image, _| image.layers[0].media_type = MediaType::OciTar,
    ];
    for (at, change) in change.iter().enumerate() {
        let place = Place::new();
        let (mut image, blobs) = image(&place.temp.path().join("blobs"), &[tar(&entries)]);
        let mut blob = fs_err::read(blobs.file(&image.layers[0].digest)).unwrap();
        change(&mut image, &mut blob);
        fs_err::write(blobs.file(&image.layers[0].digest), &blob).unwrap();
        let error =
            unpack_image(&image, &blobs, &place.tree(), Limits::default(), &|_| {}).unwrap_err();
        assert!(
            matches!(error, StackError::Damaged { .. }),
            "{at}: {error:?}"
        );
    }
}

#[test]
fn what_follows_the_end_of_a_tar_counts_for_the_digest() {
    let place = Place::new();
    let mut bytes = tar(&[file("a", "x")]);
    bytes.extend(vec![0; 20 * 512]);
    // Two gzip members, as parallel compressors write them.
    let (front, back) = bytes.split_at(700);
    let blob = [gzip(front), gzip(back)].concat();
    let (mut image, blobs) = image(&place.temp.path().join("blobs"), &[bytes]);
    image.layers[0].digest = Digest::of(&blob);
    fs_err::write(blobs.file(&image.layers[0].digest), &blob).unwrap();
    unpack_image(&image, &blobs, &place.tree(), Limits::default(), &|_| {}).unwrap();
    assert_eq!(place.listing(), ["a: x"]);
}

fn hostile_path() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(vec![
            "a",
            "b",
            "c",
            ".",
            "..",
            "",
            ".wh.a",
            ".wh.b",
            ".wh..wh..opq",
        ]),
        1..5,
    )
    .prop_map(|parts| parts.join("/"))
}

fn any_entry() -> impl Strategy<Value = Made> {
    let kind = prop::sample::select(vec![
        EntryType::Regular,
        EntryType::Directory,
        EntryType::Symlink,
        EntryType::Link,
    ]);
    (kind, hostile_path(), hostile_path()).prop_map(|(kind, path, target)| {
        let content: &[u8] = if kind == EntryType::Regular {
            b"x"
        } else {
            b""
        };
        made(kind, &path, &target, content)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// `Place` looks whether anything was touched outside.
    #[test]
    fn no_tar_leads_out(layers in prop::collection::vec(prop::collection::vec(any_entry(), 0..12), 1..4)) {
        let result = Place::new().unpack(&layers);
        let told = matches!(result, Ok(()) | Err(StackError::Unsafe { .. } | StackError::Damaged { .. }));
        prop_assert!(told, "{:?}", result);
    }

    #[test]
    fn no_bytes_make_it_fall(mut bytes in prop::collection::vec(any::<u8>(), 0..2000), at in 0usize..1500) {
        let place = Place::new();
        let _ = unpack_plain(&bytes[..], &place.tree(), Limits::default());
        let mut good = tar(&[file("a", "x"), dir("b"), link("c", "b"), hard("d", "a")]);
        bytes.truncate(8);
        let end = (at + bytes.len()).min(good.len());
        good[at..end].copy_from_slice(&bytes[..end - at]);
        let place = Place::new();
        let _ = unpack_plain(&good[..], &place.tree(), Limits::default());
        prop_assert!(place.temp.path().join("outside").exists());
    }
}
