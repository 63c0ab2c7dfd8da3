//! What two builders have, in one index: all of both, within bounds.

use std::collections::{BTreeMap, BTreeSet};

use buildpack_core::digest::Digest;

use super::artifact::{Entry, Index};

/// Registries refuse manifests above 4 MiB; the rest is left for what stands around the entries.
const MOST_TOLD: u64 = 3 << 20;
/// Bytes of a manifest that are about a blob.
const TOLD_OF_BLOB: u64 = 200;

/// `theirs` with all of `ours`, which take the place of theirs of the same key, in no more than `cap` bytes of blobs: what
/// was not used for longest is left out. An entry whose blobs nobody has is left out, and so is a blob that no entry names.
pub(super) fn merge(theirs: Index, ours: Index, cap: u64) -> Index {
    let mut blobs = theirs.blobs;
    blobs.extend(ours.blobs);
    let mut entries = theirs.entries;
    for (name, mut entry) in ours.entries {
        if let Some(before) = entries.get(&name) {
            entry.used = entry.used.max(before.used);
        }
        entries.insert(name, entry);
    }
    entries.retain(|_, entry| entry.blobs.iter().all(|digest| blobs.contains_key(digest)));
    let mut newest_first: Vec<_> = entries.into_iter().collect();
    newest_first
        .sort_by(|(one, first), (other, second)| (second.used, one).cmp(&(first.used, other)));
    let (mut stored, mut told) = (0u64, 0u64);
    let mut named: BTreeSet<Digest> = BTreeSet::new();
    let mut kept: BTreeMap<(String, String), Entry> = BTreeMap::new();
    for (name, entry) in newest_first {
        let new: BTreeSet<Digest> = (entry.blobs.iter().copied())
            .filter(|digest| !named.contains(digest))
            .collect();
        let sizes = new
            .iter()
            .filter_map(|digest| Some(blobs.get(digest)?.size));
        let bytes = sizes.fold(entry.stored.size, u64::saturating_add);
        let words = entry.told_in(&name.0, &name.1) + TOLD_OF_BLOB * new.len() as u64;
        if bytes > cap {
            // It would drive out all others, and then itself.
            continue;
        }
        if stored.saturating_add(bytes) > cap || told + words > MOST_TOLD {
            break;
        }
        stored += bytes;
        told += words;
        named.extend(new);
        kept.insert(name, entry);
    }
    blobs.retain(|digest, _| named.contains(digest));
    Index {
        entries: kept,
        blobs,
    }
}

#[cfg(test)]
mod tests {
    use super::super::artifact::{RECORD, Stored};
    use super::*;

    fn stored(name: &str, size: u64) -> Stored {
        Stored {
            media_type: RECORD.to_owned(),
            digest: Digest::of(name.as_bytes()),
            size,
        }
    }

    /// Entries of 10 bytes by key, content and day of November; each names the blob of `blob` where that is not empty.
    fn index(entries: &[(&str, &str, i8, &str)]) -> Index {
        let mut index = Index::default();
        for (key, content, day, blob) in entries {
            let mut blobs = Vec::new();
            if !blob.is_empty() {
                let blob = stored(blob, 100);
                blobs.push(blob.digest);
                index.blobs.insert(blob.digest, blob);
            }
            let entry = Entry {
                stored: stored(content, 10),
                used: jiff::civil::date(2026, 11, *day),
                signature: None,
                blobs,
            };
            index
                .entries
                .insert(("layers-v1".to_owned(), (*key).to_owned()), entry);
        }
        index
    }

    fn keys(index: &Index) -> String {
        index.entries.keys().map(|(_, key)| key.as_str()).collect()
    }

    #[test]
    fn all_of_both_stays_and_ours_replaces_theirs() {
        let theirs = index(&[("a", "1", 5, ""), ("b", "1", 9, "x")]);
        let ours = index(&[("b", "2", 7, "y"), ("c", "3", 7, "")]);
        let merged = merge(theirs, ours, 1000);
        assert_eq!(keys(&merged), "abc");
        let b = &merged.entries[&("layers-v1".to_owned(), "b".to_owned())];
        assert_eq!(b.stored.digest, Digest::of(b"2"));
        assert_eq!(b.used.day(), 9, "the last use counts, whoever told it");
        let blobs: Vec<_> = merged.blobs.keys().copied().collect();
        assert_eq!(blobs, [Digest::of(b"y")], "nobody names the other one");
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let theirs = index(&[("a", "1", 1, "x"), ("b", "2", 2, ""), ("c", "3", 3, "x")]);
        let ours = index(&[("d", "4", 4, "")]);
        // d, then c with its blob, then b; a costs only itself, as its blob is counted.
        for (cap, left) in [(140, "abcd"), (139, "bcd"), (120, "cd"), (119, "d")] {
            let merged = merge(theirs.clone(), ours.clone(), cap);
            assert_eq!(keys(&merged), left, "{cap}");
            assert_eq!(merged.blobs.len(), usize::from(left.contains('c')));
        }
    }

    #[test]
    fn an_entry_without_its_blob_is_worth_nothing() {
        let mut theirs = index(&[("a", "1", 1, "x"), ("b", "2", 2, "")]);
        theirs.blobs.clear();
        assert_eq!(keys(&merge(theirs, Index::default(), 1000)), "b");
    }

    #[test]
    fn a_manifest_stays_below_what_registries_take() {
        let mut ours = Index::default();
        let (name, entry) = index(&[("a", "1", 1, "")]).entries.pop_first().unwrap();
        for number in 0..20_000 {
            let key = format!("{number:064}");
            ours.entries.insert((name.0.clone(), key), entry.clone());
        }
        let merged = merge(Index::default(), ours, u64::MAX);
        let length = merged.write().len();
        assert!((2 << 20..4 << 20).contains(&length), "{length}");
    }
}
