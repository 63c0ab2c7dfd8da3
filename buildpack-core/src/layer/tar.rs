//! The entries of a tar, normalised and searched on their way into the compressor.

use std::collections::BTreeSet;
use std::io::{self, Cursor, Read as _, Seek as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use super::blocks::Input;
use super::dense::is_dense;
use super::header::{Head, Kind};
use super::walk::{Entry, What};
use super::{FLOOR, Finding, LayerError, Options};
use crate::digest::{Digest, Hasher};
use crate::event::EventSink;
use crate::libraries::{self, Libraries};
use crate::secret::{Scan, is_packed};

/// Times made of content lie within this many seconds (eight and a half years) before [`FLOOR`]: a file that is newer
/// than what was compiled of it would be compiled again at boot (Mix before 1.17 asks for the time alone).
const SPREAD: u32 = 1 << 28;
pub(super) const PIECE: usize = 128 << 10;
const PROGRESS: u64 = 8 << 20;

/// The tar on its way into the compressor.
pub(super) struct Tar<'t> {
    input: &'t mut Input,
    options: &'t Options<'t>,
    events: &'t dyn EventSink,
    scan: Scan<'t>,
    findings: BTreeSet<Finding>,
    libraries: Libraries,
    /// Bytes so far, and when that was last said.
    done: u64,
    told: u64,
    buffer: Vec<u8>,
}

impl<'t> Tar<'t> {
    pub(super) fn new(
        input: &'t mut Input,
        options: &'t Options<'t>,
        events: &'t dyn EventSink,
    ) -> Self {
        Self {
            input,
            options,
            events,
            scan: Scan::new(options.gate),
            findings: BTreeSet::new(),
            libraries: Libraries::default(),
            done: 0,
            told: 0,
            buffer: vec![0; PIECE],
        }
    }

    pub(super) fn entry(&mut self, entry: &Entry<'_>) -> Result<(), LayerError> {
        match entry.what {
            What::Folder => self.head(entry, Kind::Folder, FLOOR)?,
            What::Synthetic(file) => self.content(entry, &file.content, file.executable)?,
            What::Link(tree) => {
                let path = entry.host(tree);
                let to = std::fs::read_link(&path)
                    .map_err(|source| LayerError::Read { path, source })?;
                let to = to.as_os_str().as_bytes();
                self.scan.feed(to);
                self.head(entry, Kind::Link { to }, FLOOR)?;
            }
            What::File(tree) => self.file(entry, entry.host(tree))?,
        }
        let names = self.scan.finish();
        let gate = self.options.gate;
        if !names.is_empty() && !gate.is_some_and(|gate| gate.allows(&entry.shown())) {
            let path = self.shown(entry);
            self.findings.extend(names.into_iter().map(|name| Finding {
                path: path.clone(),
                name: name.to_owned(),
            }));
        }
        Ok(())
    }

    /// The path for people; where the value stands in the path itself, what of it can be said.
    fn shown(&mut self, entry: &Entry<'_>) -> String {
        let path = entry.shown();
        for (end, _) in path.match_indices('/').chain([(path.len(), "")]).skip(1) {
            self.scan.feed(&path.as_bytes()[..end]);
            if !self.scan.finish().is_empty() {
                let start = path[..end].rfind('/').unwrap_or(0);
                return format!("{}/[its name]", &path[..start]);
            }
        }
        path
    }

    fn file(&mut self, entry: &Entry<'_>, path: PathBuf) -> Result<(), LayerError> {
        let read = |source| LayerError::Read {
            path: path.clone(),
            source,
        };
        let mut file = std::fs::File::open(&path).map_err(read)?;
        let found = file.metadata().map_err(read)?;
        if !found.is_file() {
            return Err(LayerError::Changed { path });
        }
        let executable = found.mode() & 0o100 != 0;
        let size = found.len();
        let mut buffer = std::mem::take(&mut self.buffer);
        // Most files are no longer than one piece, and read by this alone.
        let length = fill(&mut file, &mut buffer, size).map_err(read)?;
        let head = &buffer[..length];
        if self.wanted(entry) {
            let mut content = head.to_vec();
            file.read_to_end(&mut content).map_err(read)?;
            self.buffer = buffer;
            let content = self.rewritten(entry, content);
            return self.content(entry, &content, executable);
        }
        if head.starts_with(&libraries::MAGIC) {
            self.note_libraries(entry, &file);
        }
        let mtime = if self.dated_by_content(entry) {
            let mut hasher = Hasher::new();
            hasher.update(head);
            if head.len() as u64 != size {
                at(&mut file, length).map_err(read)?;
                let mut rest = vec![0; PIECE];
                pieces(&mut file, &mut rest, |piece| {
                    hasher.update(piece);
                    Ok(())
                })
                .map_err(read)?;
            }
            time_of(&hasher.finish())
        } else {
            FLOOR
        };
        self.head(entry, Kind::File { size, executable }, mtime)?;
        self.input.dense(is_dense(head, size));
        let packed = self.options.gate.is_some() && is_packed(head);
        self.scan.feed(head);
        self.put(head)?;
        let mut left = size - length as u64;
        if left > 0 {
            at(&mut file, length).map_err(read)?;
        }
        while left > 0 {
            let length = fill(&mut file, &mut buffer, left).map_err(read)?;
            if length == 0 {
                return Err(LayerError::Changed { path });
            }
            self.scan.feed(&buffer[..length]);
            self.put(&buffer[..length])?;
            left -= length as u64;
        }
        self.input.dense(false);
        self.buffer = buffer;
        if packed {
            self.scan.packed(&mut file);
        }
        self.pad(size)
    }

    /// Notes what an ELF file needs and offers.
    fn note_libraries(&mut self, entry: &Entry<'_>, file: &std::fs::File) {
        if let Some(linked) = libraries::read(file) {
            let path = entry.shown();
            let loaded = (self.options.loads)(&path);
            let architecture = self.options.architecture;
            self.libraries.add(&path, linked, architecture, loaded);
        }
    }

    fn content(
        &mut self,
        entry: &Entry<'_>,
        content: &[u8],
        executable: bool,
    ) -> Result<(), LayerError> {
        let mtime = if self.dated_by_content(entry) {
            time_of(&Digest::of(content))
        } else {
            FLOOR
        };
        let size = content.len() as u64;
        self.head(entry, Kind::File { size, executable }, mtime)?;
        self.scan.feed(content);
        self.scan.packed(&mut Cursor::new(content));
        self.input.dense(is_dense(content, size));
        self.put(content)?;
        self.input.dense(false);
        self.pad(size)
    }

    fn wanted(&self, entry: &Entry<'_>) -> bool {
        utf8(entry).is_some_and(|path| {
            let normalisers = self.options.normalisers;
            normalisers.iter().any(|normalise| normalise.wants(&path))
        })
    }

    fn rewritten(&mut self, entry: &Entry<'_>, mut content: Vec<u8>) -> Vec<u8> {
        let Some(path) = utf8(entry) else {
            return content;
        };
        for normalise in self.options.normalisers {
            if normalise.wants(&path) {
                content = normalise.rewrite(&path, content);
                if self.options.gate.is_some() {
                    for text in normalise.reveal(&path, &content) {
                        self.scan.feed(&text);
                    }
                }
            }
        }
        content
    }

    fn dated_by_content(&self, entry: &Entry<'_>) -> bool {
        utf8(entry).is_some_and(|path| (self.options.mtime_from_content)(&path))
    }

    fn head(&mut self, entry: &Entry<'_>, kind: Kind<'_>, mtime: u64) -> Result<(), LayerError> {
        self.scan.feed(&entry.path);
        let head = Head {
            path: &entry.path,
            kind,
            mtime,
            owner: self.options.owner,
        };
        self.put(&head.blocks())
    }

    fn pad(&mut self, size: u64) -> Result<(), LayerError> {
        let over = usize::try_from(size % 512).unwrap_or(0);
        self.put(&[0; 512][..(512 - over) % 512])
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), LayerError> {
        self.done += bytes.len() as u64;
        if self.done - self.told >= PROGRESS {
            self.told = self.done;
            let name = self.options.name;
            self.events.progress(name, self.done, None, false);
        }
        // Only a failing blob closes the input, and that failure is the one that is reported.
        self.input
            .write_all(bytes)
            .map_err(|source| LayerError::Write {
                path: PathBuf::from(self.options.name),
                source,
            })
    }

    pub(super) fn finish(mut self) -> Result<Libraries, LayerError> {
        if !self.findings.is_empty() {
            return Err(LayerError::Secret {
                findings: self.findings.into_iter().collect(),
            });
        }
        self.put(&[0; 1024])?;
        Ok(self.libraries)
    }
}

fn utf8(entry: &Entry<'_>) -> Option<String> {
    Some(format!("/{}", std::str::from_utf8(&entry.path).ok()?))
}

/// Reads what is left of a file, so far as `buffer` can hold it; less where the file is shorter by now.
fn fill(file: &mut std::fs::File, buffer: &mut [u8], left: u64) -> io::Result<usize> {
    let most = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
    let mut length = 0;
    while length < most {
        match file.read(&mut buffer[length..most]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// Goes on reading there.
fn at(file: &mut std::fs::File, place: usize) -> io::Result<()> {
    file.seek(io::SeekFrom::Start(place as u64)).map(|_| ())
}

fn pieces(
    file: &mut impl io::Read,
    buffer: &mut [u8],
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    loop {
        match file.read(buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => take(&buffer[..length])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

pub(super) fn time_of(content: &Digest) -> u64 {
    let [a, b, c, d, ..] = *content.bytes();
    FLOOR - 1 - u64::from(u32::from_be_bytes([a, b, c, d]) % SPREAD)
}
