//! A pushed image onto another run image, in its registry: the stack's layers change below those of the app, which stay
//! where they are.

use std::collections::BTreeMap;

use buildpack_core::diagnostic::{Class, Diagnostic};
use buildpack_core::digest::Digest;
use buildpack_core::event::Event;
use buildpack_core::image::{BaseImage, Image, rebase as onto};
use buildpack_core::libraries::Libraries;
use serde::Deserialize;

use super::failure::Failure;
use super::holders::Remembered;
use super::image::label;
use super::services::Services;
use super::stack_images::parse;
use crate::registry::{Arrivals, Holders as _, Push, Reference};
use crate::rootfs::System;

/// How many missing libraries are told.
const TOLD: usize = 8;

/// What to rebase.
pub struct Rebase {
    /// The image, in its registry.
    pub image: Reference,
    /// The run image to stand on; by default the newest of the name that it stands on now.
    pub onto: Option<Reference>,
    /// Where the new image goes; by default the tag is moved.
    pub to: Reference,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebased {
    /// The run image's name.
    pub onto: String,
    /// The run image's manifest digest, before and now.
    pub base: (Digest, Digest),
    /// The digest of the image.
    pub digest: Digest,
}

/// What an image of ours says of itself.
#[derive(Deserialize)]
struct Config {
    architecture: String,
    #[serde(default)]
    config: Execution,
}

#[derive(Default, Deserialize)]
struct Execution {
    #[serde(default, rename = "Labels")]
    labels: Option<BTreeMap<String, String>>,
}

/// Puts the image onto its run image of today, or another one, and pushes that. Refused where the new run image is of
/// another stack, architecture or system, or lacks a library that the app's files have of the one that they stand on.
pub fn rebase(request: &Rebase, services: &Services) -> Result<Rebased, Failure> {
    let image = services.sink.image(&request.image)?;
    let shown = request.image.to_string();
    let said: Config = serde_json::from_slice(&image.config).map_err(|_| foreign(&shown))?;
    let labels = said.config.labels.unwrap_or_default();
    let of = |name: &str| labels.get(name).ok_or_else(|| foreign(&shown));
    let (stack, base) = (of(label::STACK)?, of(label::BASE_NAME)?);
    let before: Digest = of(label::BASE_DIGEST)?
        .parse()
        .map_err(|_| foreign(&shown))?;
    let name = match &request.onto {
        Some(name) => name.clone(),
        None => parse(base)?,
    };
    let new = services.images.manifest(&name, &said.architecture)?;
    let (mut rebased, base) = (image, (before, new.digest));
    if before != new.digest {
        let system = system(&new, services)?;
        let refused = refusals(&labels, stack, &name, &system);
        if !refused.is_empty() {
            return Err(unfit(&shown, &name, refused));
        }
        let labels = BTreeMap::from([
            (label::BASE_NAME.to_owned(), new.reference.clone()),
            (label::BASE_DIGEST.to_owned(), new.digest.to_string()),
        ]);
        rebased = onto(&rebased, &new, &labels)?;
    }
    if before != new.digest || request.to != request.image {
        push(&rebased, request, &name, services)?;
    }
    Ok(Rebased {
        onto: new.reference,
        base,
        digest: rebased.manifest_digest,
    })
}

/// The system of a run image; its layers are fetched the first time.
fn system(base: &BaseImage, services: &Services) -> Result<System, Failure> {
    if let Some(known) = services.stacks.known_system(base) {
        return Ok(known);
    }
    let events = &*services.events;
    events.detail(&format!("Looking into {}", base.reference));
    services
        .images
        .blobs(base, &services.stacks.blobs(), &Arrivals::default(), events)?;
    Ok(services.stacks.system(base)?)
}

fn push(
    image: &Image,
    request: &Rebase,
    base: &Reference,
    services: &Services,
) -> Result<(), Failure> {
    let holders = Remembered(&services.store);
    let digests: Vec<_> = image.layers.iter().map(|layer| layer.digest).collect();
    // Where it stands now, so that another repository of that registry takes the layers from there.
    let from = &request.image;
    holders.learn(from.host(), from.repository(), &digests);
    let pushed = services.sink.push(
        &Push {
            image,
            to: &request.to,
            blobs: &services.stacks.blobs(),
            base: Some(base),
            holders: &holders,
        },
        &*services.events,
    )?;
    services.events.emit(Event::Pushed {
        reference: request.to.to_string(),
        digest: pushed.digest,
        uploaded: pushed.uploaded,
        mounted: pushed.mounted,
        there: pushed.there,
        bytes: pushed.bytes,
    });
    Ok(())
}

/// Why an image with these labels can't stand on a run image.
fn refusals(
    labels: &BTreeMap<String, String>,
    stack: &str,
    name: &Reference,
    system: &System,
) -> Vec<String> {
    let mut all = Vec::new();
    let other = stacks::all().iter().find(|stack| {
        let same = |known: &str| known.parse().is_ok_and(|known: Reference| known == *name);
        same(stack.run_image) || same(stack.build_image)
    });
    if let Some(other) = other.filter(|other| other.name != stack) {
        all.push(format!(
            "the app was built for {stack}, and this is {}",
            other.name
        ));
    }
    let release = (labels.get(label::SYSTEM), &system.release);
    if let (Some(before), Some(now)) = release
        && before != now
    {
        all.push(format!("the app was built for {before}, and this is {now}"));
    }
    let wanted: Libraries = labels
        .get(label::LIBRARIES)
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let missing = wanted.missing_in(&system.libraries);
    let told = missing.iter().take(TOLD);
    all.extend(told.map(|missing| format!("`{}` needs {missing}, which it lacks", missing.file)));
    if missing.len() > TOLD {
        all.push(format!("and {} more", missing.len() - TOLD));
    }
    all
}

fn unfit(image: &str, name: &Reference, refused: Vec<String>) -> Failure {
    let error = Diagnostic::error(
        "rebase-unfit",
        Class::Config,
        format!("`{image}` can't stand on `{name}`"),
    );
    let error = refused.into_iter().fold(error, Diagnostic::note);
    Failure::of(error.help("build the app again: `bp build` with that stack"))
}

fn foreign(image: &str) -> Failure {
    Failure::of(
        Diagnostic::error(
            "rebase-foreign",
            Class::Usage,
            format!("`{image}` has no labels of an image that `bp` built"),
        )
        .help("rebase what `bp build --push` or `bp push` put there"),
    )
}

#[cfg(test)]
mod tests {
    use buildpack_core::libraries::Linked;
    use stacks::Arch;

    use super::*;

    fn linked(needs: &[&str], offers: Option<&str>) -> Linked {
        let named = |name: &str| (name.to_owned(), <_>::default());
        Linked {
            architecture: Some(Arch::Amd64),
            needs: needs.iter().map(|name| named(name)).collect(),
            offers: offers.map(named),
        }
    }

    #[test]
    fn says_all_that_does_not_fit() {
        let mut wanted = Libraries::default();
        for number in 0..10 {
            let name = format!("lib{number}.so");
            wanted.add("/app/nif", linked(&[&name], None), Arch::Amd64, false);
        }
        let labels = BTreeMap::from([
            (label::SYSTEM.to_owned(), "ubuntu 24.04".to_owned()),
            (
                label::LIBRARIES.to_owned(),
                serde_json::to_string(&wanted).unwrap(),
            ),
        ]);
        let mut system = System {
            release: Some("ubuntu 22.04".to_owned()),
            ..System::default()
        };
        system.libraries.add(
            "/lib/lib0.so",
            linked(&[], Some("lib0.so")),
            Arch::Amd64,
            false,
        );
        let name: Reference = "docker.io/heroku/heroku:22".parse().unwrap();
        let all = refusals(&labels, "heroku-24", &name, &system);
        assert_eq!(
            all[..3],
            [
                "the app was built for heroku-24, and this is heroku-22",
                "the app was built for ubuntu 24.04, and this is ubuntu 22.04",
                "`/app/nif` needs lib1.so, which it lacks",
            ]
        );
        assert_eq!(all.last().unwrap(), "and 1 more");
        let own: Reference = "registry.example/base:7".parse().unwrap();
        let fits = System {
            release: Some("ubuntu 24.04".to_owned()),
            libraries: (0..10).fold(Libraries::default(), |mut all, number| {
                let name = format!("lib{number}.so");
                all.add("/lib", linked(&[], Some(&name)), Arch::Amd64, false);
                all
            }),
            ..System::default()
        };
        assert!(refusals(&labels, "heroku-24", &own, &fits).is_empty());
        // An older image says nothing of it.
        assert!(refusals(&BTreeMap::new(), "heroku-24", &own, &system).is_empty());
    }
}
