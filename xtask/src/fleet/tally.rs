//! What builds told of themselves, added up.

use std::collections::BTreeMap;

use serde_json::Value;

/// How often something was looked for, and how often it was there.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Looked {
    /// It was there.
    pub(super) hits: u64,
    /// It was not.
    pub(super) misses: u64,
}

/// The sum of builds' events.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// By kind.
    pub(super) kinds: BTreeMap<&'static str, Looked>,
    /// Entries that came from the remote cache, and those that were sent there.
    pub(super) taken: u64,
    /// See `taken`.
    pub(super) sent: u64,
    /// Bytes of the entries that were taken.
    pub(super) taken_bytes: u64,
    /// Blobs that pushes sent, mounted, and found.
    pub(super) blobs: [u64; 3],
    /// Codes of warnings and errors, and how often each was told.
    pub(super) codes: BTreeMap<String, u64>,
}

/// How a build ended, by its own words.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// The image's digest.
    pub(super) image: Option<String>,
    /// The digest that a tag of a registry names now.
    pub(super) pushed: Option<String>,
}

impl Tally {
    /// Takes in a build's events, a line each. Of a build that was killed the last line may be a part of one.
    pub(super) fn take(&mut self, events: &str) -> Told {
        let mut told = Told::default();
        let events = events.lines().map_while(|line| {
            let event: Result<Value, _> = serde_json::from_str(line);
            event.ok()
        });
        for event in events {
            let digest = || event["digest"].as_str().map(str::to_owned);
            match event["event"].as_str().unwrap_or_default() {
                "cache" => {
                    let what = event["what"].as_str().unwrap_or_default();
                    self.look(kind(what), event["hit"] == true);
                }
                "layer" => self.look("layers", event["reused"] == true),
                "remote-cache" => {
                    self.taken += number(&event["taken"]);
                    self.taken_bytes += number(&event["taken_bytes"]);
                    self.sent += number(&event["sent"]);
                }
                "diagnostic" => {
                    let code = event["diagnostic"]["code"].as_str().unwrap_or("?");
                    *self.codes.entry(code.to_owned()).or_default() += 1;
                }
                "image" => told.image = digest(),
                "pushed" => {
                    let parts = ["uploaded", "mounted", "there"];
                    for (sum, part) in self.blobs.iter_mut().zip(parts) {
                        *sum += number(&event[part]);
                    }
                    told.pushed = digest();
                }
                _ => {}
            }
        }
        told
    }

    fn look(&mut self, kind: &'static str, hit: bool) {
        let looked = self.kinds.entry(kind).or_default();
        if hit {
            looked.hits += 1;
        } else {
            looked.misses += 1;
        }
    }

    /// The sum of both.
    pub(super) fn add(&mut self, other: &Self) {
        for (kind, looked) in &other.kinds {
            let sum = self.kinds.entry(kind).or_default();
            sum.hits += looked.hits;
            sum.misses += looked.misses;
        }
        self.taken += other.taken;
        self.taken_bytes += other.taken_bytes;
        self.sent += other.sent;
        for (sum, part) in self.blobs.iter_mut().zip(other.blobs) {
            *sum += part;
        }
        for (code, count) in &other.codes {
            *self.codes.entry(code.clone()).or_default() += count;
        }
    }
}

/// The kind of what a `cache` event is about.
fn kind(what: &str) -> &'static str {
    let begins = [
        ("image ", "stack images"),
        ("source of ", "package sources"),
        ("compiled ", "compiled packages"),
        ("build tree", "build trees"),
    ];
    let found = begins.iter().find(|(begin, _)| what.starts_with(begin));
    match found {
        _ if what.ends_with(" in the remote cache") => "remote cache",
        Some((_, kind)) => kind,
        None => "tools and downloads",
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_add_up_until_the_one_that_a_kill_cut_off() {
        let mut tally = Tally::default();
        let told = tally.take(
            "{\"event\":\"cache\",\"what\":\"compiled jiffy\",\"hit\":true}\n\
             {\"event\":\"cache\",\"what\":\"image docker.io/heroku/heroku:24\",\"hit\":false}\n\
             {\"event\":\"layer\",\"purpose\":\"app\",\"reused\":false}\n\
             {\"event\":\"remote-cache\",\"taken\":3,\"taken_bytes\":70,\"sent\":1,\"sent_bytes\":5}\n\
             {\"event\":\"image\",\"digest\":\"sha256:1\"}\n\
             {\"event\":\"pushed\",\"digest\":\"sha256:1\",\"uploaded\":2,\"mounted\":1,\"there\":4}\n",
        );
        assert_eq!(told.image.as_deref(), Some("sha256:1"));
        assert_eq!(told.pushed, told.image);
        let cut = tally.take("{\"event\":\"layer\",\"reused\":true}\n{\"event\":\"pushed\",\"dig");
        assert_eq!(cut, Told::default());
        let mut sum = Tally::default();
        sum.add(&tally);
        sum.add(&tally);
        let looked = |hits, misses| Looked { hits, misses };
        assert_eq!(sum.kinds["compiled packages"], looked(2, 0));
        assert_eq!(sum.kinds["stack images"], looked(0, 2));
        assert_eq!(sum.kinds["layers"], looked(2, 2));
        assert_eq!((sum.taken, sum.taken_bytes, sum.sent), (6, 140, 2));
        assert_eq!(sum.blobs, [4, 2, 8]);
    }
}
