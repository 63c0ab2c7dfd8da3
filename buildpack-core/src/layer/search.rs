//! Layers and folders that are kept, searched again for values that were no secret when they were written.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::io::{self, BufReader, Cursor, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::{Compression, Finding, Normalise};
use crate::secret::{Scan, SecretGate};

/// A larger file is searched as it comes, and not what is packed in it.
const LARGEST_HELD: u64 = 256 << 20;

/// A search through files, one after the other.
pub struct FileSearch<'s> {
    gate: &'s SecretGate,
    normalisers: &'s [&'s dyn Normalise],
    scan: Scan<'s>,
    findings: BTreeSet<Finding>,
}

impl<'s> FileSearch<'s> {
    /// For what `gate` knows, also in what the `normalisers` reveal.
    pub fn new(gate: &'s SecretGate, normalisers: &'s [&'s dyn Normalise]) -> Self {
        Self {
            gate,
            normalisers,
            scan: Scan::new(Some(gate)),
            findings: BTreeSet::new(),
        }
    }

    /// Searches the name of a file, and the target of a link.
    pub fn name(&mut self, shown: &str, name: &[u8]) {
        self.scan.feed(name);
        self.note(shown, true);
    }

    /// Searches a file of `size` bytes, called `shown` in the image or in the sandbox.
    pub fn file(&mut self, shown: &str, size: u64, mut content: impl Read) -> io::Result<()> {
        if size > LARGEST_HELD {
            let mut buffer = vec![0; 128 << 10];
            loop {
                match content.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(read) => self.scan.feed(&buffer[..read]),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        } else {
            let mut held = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
            content.read_to_end(&mut held)?;
            self.content(shown, &held);
        }
        self.note(shown, false);
        Ok(())
    }

    /// Searches bytes that are called `shown`.
    pub fn bytes(&mut self, shown: &str, content: &[u8]) {
        self.content(shown, content);
        self.note(shown, false);
    }

    /// Searches a layer, tar entry by tar entry.
    pub fn layer(&mut self, blob: impl Read, compression: Compression) -> io::Result<()> {
        let blob = BufReader::with_capacity(128 << 10, blob);
        match compression {
            Compression::Gzip => self.tar(MultiGzDecoder::new(blob)),
            Compression::Zstd => self.tar(zstd::Decoder::with_buffer(blob)?),
        }
    }

    fn tar(&mut self, tar: impl Read) -> io::Result<()> {
        for entry in ::tar::Archive::new(tar).entries()? {
            let mut entry = entry?;
            let path = entry.path_bytes().into_owned();
            let shown = format!("/{}", String::from_utf8_lossy(&path).trim_end_matches('/'));
            self.name(&shown, &path);
            if let Some(to) = entry.link_name_bytes().map(std::borrow::Cow::into_owned) {
                self.scan.feed(&to);
                self.note(&shown, false);
            }
            let size = entry.size();
            self.file(&shown, size, &mut entry)?;
        }
        Ok(())
    }

    /// Searches all below `folder`, which is called `shown` in the sandbox, but for what `passes` says no to.
    pub fn folder(
        &mut self,
        folder: &Path,
        shown: &str,
        passes: &dyn Fn(&Metadata) -> bool,
    ) -> io::Result<()> {
        for entry in walkdir::WalkDir::new(folder).min_depth(1) {
            let entry = entry?;
            let below = entry.path().strip_prefix(folder).unwrap_or(entry.path());
            let metadata = entry.metadata()?;
            if !metadata.is_dir() && passes(&metadata) {
                self.on_disk(entry.path(), &metadata, shown, below)?;
            }
        }
        Ok(())
    }

    /// Searches the file or link at `path`, which is `below` the folder called `shown` in the sandbox.
    pub fn on_disk(
        &mut self,
        path: &Path,
        metadata: &Metadata,
        shown: &str,
        below: &Path,
    ) -> io::Result<()> {
        let shown = format!("{shown}/{}", below.display());
        self.name(&shown, below.as_os_str().as_bytes());
        if metadata.is_symlink() {
            let to = fs_err::read_link(path)?;
            self.bytes(&shown, to.as_os_str().as_bytes());
        } else if metadata.is_file() {
            let file = fs_err::File::open(path)?;
            self.file(&shown, metadata.len(), file)?;
        }
        Ok(())
    }

    /// What was found, in the order of paths.
    pub fn findings(self) -> Vec<Finding> {
        self.findings.into_iter().collect()
    }

    fn content(&mut self, shown: &str, content: &[u8]) {
        self.scan.feed(content);
        self.scan.packed(&mut Cursor::new(content));
        for normaliser in self.normalisers.iter().filter(|it| it.wants(shown)) {
            for text in normaliser.reveal(shown, content) {
                self.scan.feed(&text);
            }
        }
    }

    fn note(&mut self, shown: &str, in_name: bool) {
        let names = self.scan.finish();
        if names.is_empty() || self.gate.allows(shown) {
            return;
        }
        let path = if in_name {
            // The value is a part of it.
            format!(
                "{}/[its name]",
                shown.rsplit_once('/').map_or("", |(folder, _)| folder)
            )
        } else {
            shown.to_owned()
        };
        let in_folder = in_name && !self.gate.names_in(path.as_bytes()).is_empty();
        let path = if in_folder {
            "[its name]".to_owned()
        } else {
            path
        };
        self.findings.extend(names.into_iter().map(|name| Finding {
            path: path.clone(),
            name: name.to_owned(),
        }));
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::event::Silent;
    use crate::layer::{Options, Selection, Tree, write};

    struct Reversed;

    impl Normalise for Reversed {
        fn wants(&self, path: &str) -> bool {
            path.ends_with(".reversed")
        }
        fn rewrite(&self, _: &str, content: Vec<u8>) -> Vec<u8> {
            content
        }
        fn reveal(&self, _: &str, content: &[u8]) -> Vec<Vec<u8>> {
            vec![content.iter().rev().copied().collect()]
        }
    }

    fn shown(findings: &[Finding]) -> Vec<String> {
        findings
            .iter()
            .map(|it| format!("{} {}", it.path, it.name))
            .collect()
    }

    fn tree() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs_err::write(root.path().join(name), text).unwrap();
        put("plain", "x hunter2-plain x");
        put("a.reversed", "nialp-2retnuh");
        put("allowed", "hunter2-plain");
        put("nothing", "hunter2");
        symlink("/hunter2-plain", root.path().join("link")).unwrap();
        fs_err::create_dir(root.path().join("hunter2-plain")).unwrap();
        put("hunter2-plain/file", "");
        root
    }

    const FOUND: [&str; 4] = [
        "/app/a.reversed KEY",
        "/app/link KEY",
        "/app/plain KEY",
        "[its name] KEY",
    ];

    #[test]
    fn a_layer_is_searched_as_when_it_was_written() {
        let (root, blobs) = (tree(), tempfile::tempdir().unwrap());
        for compression in [Compression::Gzip, Compression::Zstd] {
            let selection = Selection::new().tree(Tree::new(root.path(), "/app"));
            let options = Options {
                owner: (1000, 1000),
                home: "/app",
                name: "app",
                mtime_from_content: &|_| false,
                normalisers: &[],
                loads: &|_| false,
                gate: None,
                architecture: stacks::Arch::Amd64,
                compression,
                threads: 1,
            };
            let layer = write(&selection, &options, blobs.path(), &Silent)
                .unwrap()
                .unwrap();
            let blob = fs_err::File::open(blobs.path().join(layer.digest.hex())).unwrap();
            let gate =
                SecretGate::new([("KEY", "hunter2-plain")]).allow_in(["/app/allowed".to_owned()]);
            let mut search = FileSearch::new(&gate, &[&Reversed]);
            search.layer(blob, compression).unwrap();
            let found = shown(&search.findings());
            assert!(
                FOUND[..3]
                    .iter()
                    .all(|it| found.contains(&(*it).to_owned())),
                "{found:?}"
            );
            assert!(
                found.iter().all(|it| !it.contains("hunter2-plain")),
                "{found:?}"
            );
        }
    }

    #[test]
    fn a_folder_is_searched_but_for_what_is_passed_over() {
        let root = tree();
        let gate =
            SecretGate::new([("KEY", "hunter2-plain")]).allow_in(["/app/allowed".to_owned()]);
        let mut search = FileSearch::new(&gate, &[&Reversed]);
        search.folder(root.path(), "/app", &|_| true).unwrap();
        assert_eq!(shown(&search.findings()), FOUND);
        let mut search = FileSearch::new(&gate, &[]);
        search
            .folder(root.path(), "/app", &|found| found.len() == 17)
            .unwrap();
        assert_eq!(shown(&search.findings()), ["/app/plain KEY"]);
    }
}
