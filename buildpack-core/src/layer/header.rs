//! Tar headers that say nothing of the machine: ustar, with a PAX record where ustar has no room
//! (POSIX.1-2017, pax, "ustar Interchange Format" and "pax Extended Header").

use ::tar::{EntryType, Header};

/// What a header says.
pub(super) struct Head<'h> {
    /// Path without a leading slash.
    pub(super) path: &'h [u8],
    pub(super) kind: Kind<'h>,
    /// Seconds since 1970.
    pub(super) mtime: u64,
    /// User and group id.
    pub(super) owner: (u32, u32),
}

/// What kind of entry it is.
#[derive(Clone, Copy)]
pub(super) enum Kind<'h> {
    Folder,
    File { size: u64, executable: bool },
    Link { to: &'h [u8] },
}

const NAME: usize = 100;
const LARGEST_SIZE: u64 = 0o777_7777_7777;
const LARGEST_ID: u32 = 0o777_7777;

impl Head<'_> {
    /// The header's blocks: a PAX header with its records where needed, then the entry's own.
    pub(super) fn blocks(&self) -> Vec<u8> {
        let mut name = self.path.to_vec();
        let (entry_type, mode, size, link): (_, _, _, &[u8]) = match self.kind {
            Kind::Folder => {
                name.push(b'/');
                (EntryType::Directory, 0o755, 0, b"")
            }
            Kind::File { size, executable } => {
                let mode = if executable { 0o755 } else { 0o644 };
                (EntryType::Regular, mode, size, b"")
            }
            Kind::Link { to } => (EntryType::Symlink, 0o777, 0, to),
        };
        let mut records = Vec::new();
        if !fits(&name) {
            record(&mut records, "path", &name);
        }
        if !fits(link) {
            record(&mut records, "linkpath", link);
        }
        if size > LARGEST_SIZE {
            record(&mut records, "size", size.to_string().as_bytes());
        }
        for (key, id) in [("uid", self.owner.0), ("gid", self.owner.1)] {
            if id > LARGEST_ID {
                record(&mut records, key, id.to_string().as_bytes());
            }
        }
        let mut blocks = Vec::with_capacity(512);
        if !records.is_empty() {
            let name = [b"PaxHeaders/", name.as_slice()].concat();
            let length = records.len() as u64;
            blocks.extend(self.ustar(&name, EntryType::XHeader, 0o644, length, b""));
            blocks.extend(&records);
            blocks.resize(blocks.len().next_multiple_of(512), 0);
        }
        blocks.extend(self.ustar(&name, entry_type, mode, size, link));
        blocks
    }

    fn ustar(
        &self,
        name: &[u8],
        entry_type: EntryType,
        mode: u32,
        size: u64,
        link: &[u8],
    ) -> [u8; 512] {
        let mut header = Header::new_ustar();
        header.set_entry_type(entry_type);
        header.set_mode(mode);
        header.set_uid(u64::from(self.owner.0.min(LARGEST_ID)));
        header.set_gid(u64::from(self.owner.1.min(LARGEST_ID)));
        header.set_mtime(self.mtime);
        header.set_size(size.min(LARGEST_SIZE));
        if let Some(ustar) = header.as_ustar_mut() {
            copy(&mut ustar.name, name);
            copy(&mut ustar.linkname, link);
        }
        header.set_cksum();
        *header.as_bytes()
    }
}

/// Whether ustar can say `text` by itself.
fn fits(text: &[u8]) -> bool {
    text.len() <= NAME && text.is_ascii()
}

/// As much of `text` as there is room for; what is no ASCII stands in the PAX record only.
fn copy(field: &mut [u8; NAME], text: &[u8]) {
    for (to, from) in field.iter_mut().zip(text) {
        *to = if from.is_ascii() { *from } else { b'_' };
    }
}

/// `length key=value\n`, where the length counts itself.
fn record(records: &mut Vec<u8>, key: &str, value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    records.extend(format!("{length} {key}=").as_bytes());
    records.extend(value);
    records.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_back(bytes: &[u8]) -> (Vec<u8>, Option<Vec<u8>>, u64, u64) {
        let mut archive = ::tar::Archive::new(bytes);
        let entry = archive.entries().unwrap().next().unwrap().unwrap();
        let path = entry.path_bytes().into_owned();
        let link = entry.link_name_bytes().map(std::borrow::Cow::into_owned);
        (path, link, entry.size(), entry.header().mtime().unwrap())
    }

    /// Without line breaks: the `tar` crate's reader ends a PAX value there, which is its own mistake.
    fn name() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(
            (1_u8..=255).prop_filter("no line break", |byte| *byte != b'\n'),
            1..300,
        )
    }

    proptest! {
        #[test]
        fn any_name_comes_back(path in name(), to in name()) {
            let head = Head { path: &path, kind: Kind::Link { to: &to }, mtime: 7, owner: (1, 2) };
            let (back, link, size, mtime) = read_back(&head.blocks());
            prop_assert_eq!(back, path);
            prop_assert_eq!(link, Some(to));
            prop_assert_eq!((size, mtime), (0, 7));
        }

        #[test]
        fn a_record_counts_itself(value in prop::collection::vec(any::<u8>(), 0..1200)) {
            let mut records = Vec::new();
            record(&mut records, "path", &value);
            let digits = records.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let said: usize = std::str::from_utf8(&records[..digits]).unwrap().parse().unwrap();
            prop_assert_eq!(said, records.len());
        }
    }

    #[test]
    fn a_huge_size_and_a_huge_owner_are_records() {
        let kind = Kind::File {
            size: 9 << 30,
            executable: true,
        };
        let blocks = Head {
            path: b"app/x",
            kind,
            mtime: 0,
            owner: (4_000_000_000, 5),
        }
        .blocks();
        let text = String::from_utf8_lossy(&blocks);
        assert!(text.contains("19 size=9663676416\n"), "{text}");
        assert!(text.contains("18 uid=4000000000\n"), "{text}");
        assert!(!text.contains("gid="), "{text}");
        assert_eq!(blocks.len(), 3 * 512);
    }
}
