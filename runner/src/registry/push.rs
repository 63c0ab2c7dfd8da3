//! Pushing an image: what is there is left, what is elsewhere in the registry is mounted, the rest is sent; then the
//! manifest.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::sync::Arc;
use std::sync::Mutex;

use buildpack_core::digest::Digest;
use buildpack_core::event::EventSink;
use buildpack_core::image::{BASE_PURPOSE, Image};

use super::checked::Meter;
use super::sink::{ImageSink, Push, Pushed};
use super::upload::Put;
use super::wire::lock;
use super::{Access, Reference, Registries, RegistryError, Repository, parallel, standing};

impl ImageSink for Registries {
    fn ready(&self, to: &Reference) -> Result<(), RegistryError> {
        tag(to)?;
        self.repository(to, Access::Push)?.try_login()
    }

    fn image(&self, at: &Reference) -> Result<Image, RegistryError> {
        standing::read(self, at)
    }

    fn push(&self, push: &Push<'_>, events: &dyn EventSink) -> Result<Pushed, RegistryError> {
        let tag = tag(push.to)?;
        let to = self.repository(push.to, Access::Push)?;
        let base = push.base.map(|base| self.repository(base, Access::Pull));
        let base = base.transpose()?;
        let workers = self.wire.settings().parallel;
        let image = push.image;
        let blobs = blobs(push);
        if to.has_manifest(tag)? == Some(image.manifest_digest) {
            return Ok(Pushed {
                digest: image.manifest_digest,
                uploaded: 0,
                mounted: 0,
                there: blobs.len(),
                bytes: 0,
            });
        }
        let one = OnePush {
            push,
            to,
            base,
            workers,
            events,
            what: format!("push {}", push.to),
            meter: Arc::default(),
        };
        let pushed = one.blobs(blobs.clone())?;
        let (pushed, digest) = match one.manifest(tag) {
            Ok(digest) => (pushed, digest),
            // What was there when it was asked for may have been cleared away since.
            Err(error) if error.is_about_a_blob() => {
                (one.blobs(blobs.clone())?, one.manifest(tag)?)
            }
            Err(error) => return Err(error),
        };
        let digests: Vec<_> = blobs.iter().map(|blob| blob.digest).collect();
        push.holders.learn(one.to.host(), one.to.name(), &digests);
        Ok(Pushed {
            digest,
            bytes: pushed.bytes + image.manifest.len() as u64,
            ..pushed
        })
    }
}

/// The tag that an image is put under.
fn tag(to: &Reference) -> Result<&str, RegistryError> {
    match (to.tag(), to.digest()) {
        (Some(tag), None) => Ok(tag),
        _ => Err(RegistryError::NotPushable {
            reference: to.to_string(),
            why: "a push is to a tag, not to a digest".to_owned(),
        }),
    }
}

/// A blob of the image.
#[derive(Debug, Clone, Copy)]
struct Blob<'a> {
    digest: Digest,
    size: u64,
    content: Content<'a>,
}

/// Where the bytes of a blob are.
#[derive(Debug, Clone, Copy)]
enum Content<'a> {
    Memory(&'a [u8]),
    /// Among ours.
    Own,
    /// Among ours, or at the stack's registry.
    Base,
}

/// Config and layers, each once, the largest first: the last to end is then a small one.
fn blobs<'a>(push: &Push<'a>) -> Vec<Blob<'a>> {
    let image = push.image;
    let mut all = BTreeMap::new();
    for layer in &image.layers {
        let content = if layer.purpose == BASE_PURPOSE {
            Content::Base
        } else {
            Content::Own
        };
        all.entry(layer.digest).or_insert(Blob {
            digest: layer.digest,
            size: layer.size,
            content,
        });
    }
    all.insert(
        image.config_digest,
        Blob {
            digest: image.config_digest,
            size: image.config.len() as u64,
            content: Content::Memory(&image.config),
        },
    );
    let mut all: Vec<_> = all.into_values().collect();
    all.sort_by_key(|blob| (Reverse(blob.size), blob.digest));
    all
}

/// One push of one image.
struct OnePush<'a> {
    push: &'a Push<'a>,
    to: Repository,
    base: Option<Repository>,
    workers: usize,
    events: &'a dyn EventSink,
    what: String,
    /// Ended when one blob failed: the others need not be finished.
    meter: Arc<Meter>,
}

impl OnePush<'_> {
    /// Sees to it that all blobs are there.
    fn blobs(&self, blobs: Vec<Blob<'_>>) -> Result<Pushed, RegistryError> {
        let (missing, there) = self.missing(blobs)?;
        let total = missing.iter().map(|blob| blob.size).sum();
        let done = Mutex::new(Pushed {
            digest: self.push.image.manifest_digest,
            uploaded: 0,
            mounted: 0,
            there,
            bytes: 0,
        });
        let progress = |finished| {
            let sent = self.meter.sent().min(total);
            self.events
                .progress(&self.what, sent, Some(total), finished);
        };
        let some = !missing.is_empty();
        let put = parallel::each(
            missing,
            self.workers,
            self.meter.stop(),
            &|| progress(false),
            |blob| {
                let put = self.blob(&blob)?;
                let mut done = lock(&done);
                match put {
                    Put::Mounted => done.mounted += 1,
                    Put::Uploaded => {
                        done.uploaded += 1;
                        done.bytes += blob.size;
                    }
                }
                Ok(())
            },
        );
        if some {
            progress(true);
        }
        put?;
        let done = lock(&done).clone();
        Ok(done)
    }

    /// The blobs that are not there, in their order, and how many are.
    fn missing<'b>(&self, blobs: Vec<Blob<'b>>) -> Result<(Vec<Blob<'b>>, usize), RegistryError> {
        let all = blobs.len();
        let missing = Mutex::new(Vec::new());
        parallel::each(blobs, self.workers, self.meter.stop(), &|| {}, |blob| {
            if !self.to.has_blob(&blob.digest)? {
                lock(&missing).push(blob);
            }
            Ok(())
        })?;
        let mut missing = std::mem::take(&mut *lock(&missing));
        missing.sort_by_key(|blob| (Reverse(blob.size), blob.digest));
        let there = all - missing.len();
        Ok((missing, there))
    }

    fn blob(&self, blob: &Blob<'_>) -> Result<Put, RegistryError> {
        let mut holders = Vec::new();
        if let (Content::Base, Some(base), Some(name)) = (blob.content, &self.base, self.push.base)
        {
            if base.is_beside(&self.to) {
                holders.push(base.name().to_owned());
            } else if name.host() == self.push.to.host() {
                // A mirror gave it, but the registry has it too.
                holders.push(name.repository().to_owned());
            }
        }
        if !matches!(blob.content, Content::Memory(_)) {
            holders.extend(self.push.holders.of(self.to.host(), &blob.digest));
        }
        holders.retain(|name| name != self.to.name());
        holders.dedup();
        let open = || self.open(blob);
        let (digest, size) = (&blob.digest, blob.size);
        self.to.put_blob(digest, size, &open, &holders, &self.meter)
    }

    /// A blob's bytes: from here, else from where the stack comes from.
    fn open(&self, blob: &Blob<'_>) -> Result<Box<dyn Read + Send>, RegistryError> {
        if let Content::Memory(bytes) = blob.content {
            return Ok(Box::new(Cursor::new(bytes.to_vec())));
        }
        let error = match self.push.blobs.open(&blob.digest) {
            Ok(bytes) => return Ok(bytes),
            Err(error) => error,
        };
        if let (io::ErrorKind::NotFound, Content::Base, Some(base)) =
            (error.kind(), blob.content, &self.base)
        {
            return Ok(Box::new(base.get_blob(&blob.digest, blob.size)));
        }
        Err(RegistryError::Source {
            digest: blob.digest,
            why: error.to_string(),
        })
    }

    fn manifest(&self, tag: &str) -> Result<Digest, RegistryError> {
        let image = self.push.image;
        self.to
            .put_manifest(tag, image.media_type(), &image.manifest)
    }
}

#[cfg(test)]
mod tests;
