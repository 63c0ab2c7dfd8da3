//! What the store remembers of registries: which repository took which blobs last.

use buildpack_core::digest::Digest;
use buildpack_core::store::{Bucket, Record, Share, Store};
use serde::{Deserialize, Serialize};

use crate::registry::Holders;

/// Repositories of one registry that are remembered.
const MOST: usize = 200;

/// What one repository holds: the blobs of the image that was pushed there last, which its manifest keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    repository: String,
    digests: Vec<Digest>,
}

/// Memory in the store; a hint that may be wrong, and may be lost.
pub(super) struct Remembered<'s>(pub(super) &'s Store);

impl Remembered<'_> {
    /// Newest pushes first.
    fn record(&self, host: &str) -> Record<Vec<Held>> {
        self.0.record(Bucket::Images, &format!("holders {host}"))
    }
}

impl Holders for Remembered<'_> {
    fn of(&self, host: &str, digest: &Digest) -> Vec<String> {
        let all = self.record(host).get().unwrap_or_default();
        all.into_iter()
            .filter(|held| held.digests.contains(digest))
            .map(|held| held.repository)
            .collect()
    }

    fn learn(&self, host: &str, repository: &str, digests: &[Digest]) {
        let record = self.record(host);
        let name = format!("holders {host}");
        // Who pushes beside us learns something too. A memory that cannot be kept is no reason to fail.
        let Ok(_lock) = self.0.lock(Bucket::Images, &name, Share::Exclusive, &|| {}) else {
            return;
        };
        let mut all = record.get().unwrap_or_default();
        let new = Held {
            repository: repository.to_owned(),
            digests: digests.to_vec(),
        };
        if all.first() == Some(&new) {
            return;
        }
        all.retain(|held| held.repository != repository);
        all.insert(0, new);
        all.truncate(MOST);
        let _ = record.write(&all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_push_of_a_repository_is_remembered_by_host() {
        let temp = tempfile::tempdir().unwrap();
        let store = Store::open(temp.path().to_owned()).unwrap();
        let memory = Remembered(&store);
        let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
        assert!(memory.of("r.example", &one).is_empty());
        memory.learn("r.example", "a", &[one]);
        memory.learn("r.example", "b", &[one, two]);
        memory.learn("other.example", "c", &[two]);
        assert_eq!(memory.of("r.example", &one), ["b", "a"]);
        memory.learn("r.example", "b", &[two]);
        assert_eq!(memory.of("r.example", &one), ["a"]);
        assert_eq!(memory.of("r.example", &two), ["b"]);
        for number in 0..MOST {
            memory.learn("r.example", &format!("n{number}"), &[two]);
        }
        assert!(memory.of("r.example", &one).is_empty());
        assert_eq!(memory.of("r.example", &two).len(), MOST);
    }
}
