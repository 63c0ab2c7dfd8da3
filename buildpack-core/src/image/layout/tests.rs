use std::io::Read as _;

use flate2::write::GzEncoder;

use super::*;
use crate::event::Silent;
use crate::image::{LayerRecord, MediaType, archive, assemble, validate};

/// A blob folder with one gzipped tar a text, and the image of them.
pub(crate) fn image(dir: &Path, texts: &[&str]) -> (Image, BlobDir) {
    let blobs = BlobDir::new(dir);
    fs_err::create_dir_all(dir.join("sha256")).unwrap();
    let records: Vec<_> = texts.iter().map(|text| layer(&blobs, text)).collect();
    let mut base = assemble::tests::base();
    base.layers.clear();
    base.config.set_history(None);
    (
        assemble(&base, &records, &assemble::tests::settings()),
        blobs,
    )
}

fn layer(blobs: &BlobDir, text: &str) -> LayerRecord {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_mode(0o644);
    header.set_size(text.len() as u64);
    tar.append_data(&mut header, format!("app/{text}"), text.as_bytes())
        .unwrap();
    let tar = tar.into_inner().unwrap();
    let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&tar).unwrap();
    let blob = gzip.finish().unwrap();
    let digest = Digest::of(&blob);
    fs_err::write(blobs.file(&digest), &blob).unwrap();
    LayerRecord {
        purpose: text.to_owned(),
        digest,
        diff_id: Digest::of(&tar),
        size: blob.len() as u64,
        unpacked_size: tar.len() as u64,
        media_type: MediaType::OciGzip,
        libraries: <_>::default(),
    }
}

/// A source without files, as a registry would be one: its blobs are copied.
struct Streams(BlobDir);

impl BlobSource for Streams {
    fn open(&self, digest: &Digest) -> io::Result<Box<dyn io::Read + Send>> {
        self.0.open(digest)
    }

    fn path(&self, _: &Digest) -> Option<PathBuf> {
        None
    }
}

#[test]
fn what_was_written_is_read_and_other_tags_stay() {
    let temp = tempfile::tempdir().unwrap();
    let (one, blobs) = image(&temp.path().join("blobs"), &["erlang", "app"]);
    let (two, _) = image(&temp.path().join("blobs"), &["erlang", "app two"]);
    let dir = temp.path().join("deep/layout");
    write(&dir, &one, Some("one"), &blobs, &Silent).unwrap();
    write(&dir, &two, Some("two"), &Streams(blobs.clone()), &Silent).unwrap();
    assert_eq!(read(&dir, Some("one")).unwrap(), one);
    assert_eq!(read(&dir, Some("two")).unwrap(), two);

    // A tag moves, and nothing but it.
    write(&dir, &two, Some("one"), &blobs, &Silent).unwrap();
    assert_eq!(read(&dir, Some("one")).unwrap(), two);
    assert_eq!(read(&dir, Some("two")).unwrap(), two);

    let error = read(&dir, Some("three")).unwrap_err();
    assert!(matches!(&error, ImageError::NoSuchImage { there, .. } if there == &["one", "two"]));
    assert!(read(&dir, None).is_err(), "two images, and none was named");
    let in_layout = BlobDir::new(dir.join("blobs"));
    assert_eq!(validate(&one, &in_layout).unwrap(), []);
    assert_eq!(validate(&two, &in_layout).unwrap(), []);
    let leftovers: Vec<_> = walkdir::WalkDir::new(&dir)
        .into_iter()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("tmp"))
        .collect();
    assert_eq!(leftovers, Vec::<String>::new());
}

#[test]
fn an_image_without_a_tag_is_written_once() {
    let temp = tempfile::tempdir().unwrap();
    let (one, blobs) = image(&temp.path().join("blobs"), &["app"]);
    let dir = temp.path().join("layout");
    write(&dir, &one, None, &blobs, &Silent).unwrap();
    let first = fs_err::read(dir.join("index.json")).unwrap();
    write(&dir, &one, None, &blobs, &Silent).unwrap();
    assert_eq!(fs_err::read(dir.join("index.json")).unwrap(), first);
    assert_eq!(read(&dir, None).unwrap(), one);
}

#[test]
fn damaged_and_missing_blobs_are_found() {
    let temp = tempfile::tempdir().unwrap();
    let (one, blobs) = image(&temp.path().join("blobs"), &["erlang", "app"]);
    let file = blobs.file(&one.layers[1].digest);
    let mut bytes = fs_err::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs_err::write(&file, &bytes).unwrap();
    let found = validate(&one, &blobs).unwrap();
    assert!(
        found.iter().any(|it| it.what == "layer 2 (app)"),
        "{found:?}"
    );
    assert!(
        !found.iter().any(|it| it.what.starts_with("layer 1")),
        "{found:?}"
    );
    let dir = temp.path().join("layout");
    let copied = write(&dir, &one, None, &Streams(blobs.clone()), &Silent);
    assert!(matches!(copied, Err(ImageError::Damaged { .. })));
    assert!(!dir.join("index.json").exists(), "a half image is no image");
    let archived = archive::write_oci(Vec::new(), &one, None, &blobs, &Silent);
    assert!(matches!(archived, Err(ImageError::Damaged { .. })));
    fs_err::write(&file, &bytes[..middle]).unwrap();
    assert!(archive::write_oci(Vec::new(), &one, None, &blobs, &Silent).is_err());
    fs_err::remove_file(&file).unwrap();
    assert!(matches!(
        validate(&one, &blobs),
        Err(ImageError::MissingBlob { .. })
    ));
}

#[test]
fn a_record_that_disagrees_with_its_documents_is_found() {
    let temp = tempfile::tempdir().unwrap();
    let (mut one, blobs) = image(&temp.path().join("blobs"), &["erlang", "app"]);
    one.layers.swap(0, 1);
    assert!(!validate(&one, &blobs).unwrap().is_empty());
    let (mut one, blobs) = image(&temp.path().join("blobs"), &["erlang", "app"]);
    one.config.push(b'\n');
    let found = validate(&one, &blobs).unwrap();
    assert!(found.iter().any(|it| it.what == "config"), "{found:?}");
}

#[test]
fn archives_are_the_same_bytes_each_time_and_hold_each_blob_once() {
    let temp = tempfile::tempdir().unwrap();
    let (one, blobs) = image(&temp.path().join("blobs"), &["same", "app", "same"]);
    let names = ["demo:latest".to_owned(), "demo:2".to_owned()];
    let oci = || archive::write_oci(Vec::new(), &one, Some("latest"), &blobs, &Silent).unwrap();
    let docker = || archive::write_docker(Vec::new(), &one, &names, &blobs, &Silent).unwrap();
    assert_eq!(oci(), oci());
    assert_eq!(docker(), docker());

    let dir = temp.path().join("unpacked");
    tar::Archive::new(&oci()[..]).unpack(&dir).unwrap();
    assert_eq!(read(&dir, Some("latest")).unwrap(), one);
    assert_eq!(
        validate(&one, &BlobDir::new(dir.join("blobs"))).unwrap(),
        []
    );

    let archive = docker();
    let mut paths = Vec::new();
    let mut manifest = String::new();
    for entry in tar::Archive::new(&archive[..]).entries().unwrap() {
        let mut entry = entry.unwrap();
        paths.push(entry.path().unwrap().display().to_string());
        if paths.len() == 1 {
            entry.read_to_string(&mut manifest).unwrap();
        }
    }
    assert_eq!(paths.len(), 4, "{paths:?}");
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(manifest[0]["RepoTags"], json!(names));
    let layers = manifest[0]["Layers"].as_array().unwrap();
    assert_eq!(layers[0], layers[2]);
    assert!(
        layers
            .iter()
            .all(|it| paths.contains(&it.as_str().unwrap().to_owned()))
    );
}
