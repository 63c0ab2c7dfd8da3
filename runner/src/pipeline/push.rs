//! A built image into registries.

use std::fmt;
use std::str::FromStr;

use buildpack_core::diagnostic::{Class, Diagnostic};
use buildpack_core::event::Event;

use super::away::Fetched;
use super::failure::Failure;
use super::holders::Remembered;
use super::record::BuildRecord;
use super::services::Services;
use crate::registry::{Push, Reference, RegistryError};

/// Under whose names the parts of an image go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Names {
    /// OCI's.
    #[default]
    Oci,
    /// Docker's, version 2, schema 2, for who knows no others. The manifest has another digest.
    Docker,
}

impl FromStr for Names {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "oci" => Ok(Self::Oci),
            "docker" => Ok(Self::Docker),
            other => Err(format!("expected `oci` or `docker`, found `{other}`")),
        }
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Oci => "oci",
            Self::Docker => "docker",
        })
    }
}

/// Reads the name of an image in a registry: with the registry, which no default decides.
pub fn in_registry(text: &str) -> Result<Reference, Failure> {
    let name = Reference::in_full(text).map_err(RegistryError::from);
    name.map_err(|error| not_a_target(text, &error.to_string()))
}

/// Reads where an image is to be pushed to: a name with its registry and without a digest.
pub fn push_target(text: &str) -> Result<Reference, Failure> {
    let name = in_registry(text)?;
    if name.digest().is_some() {
        return Err(not_a_target(text, "a push is to a tag, not to a digest"));
    }
    Ok(name)
}

fn not_a_target(text: &str, why: &str) -> Failure {
    Failure::of(
        Diagnostic::error(
            "push-target",
            Class::Usage,
            format!("nothing can be pushed to `{text}`"),
        )
        .note(why.to_owned())
        .help("name registry, repository and tag: `registry.example/team/app:tag`, `docker.io/team/app:tag`"),
    )
}

/// Whether the registry knows who we are: to be asked before a build whose image goes there.
pub fn ready_to_push(to: &Reference, services: &Services) -> Result<(), Failure> {
    refuse_offline(services)?;
    Ok(services.sink.ready(to)?)
}

fn refuse_offline(services: &Services) -> Result<(), Failure> {
    if !services.offline {
        return Ok(());
    }
    Err(Failure::of(
        Diagnostic::error(
            "push-offline",
            Class::Usage,
            "an image can't be pushed while registries may not be asked",
        )
        .help("leave out `--offline`, or push later with `bp push`"),
    ))
}

/// Puts a built image into registries, one after the other: what the first has, the next can mount.
pub fn push(
    record: &BuildRecord,
    to: &[Reference],
    names: Names,
    services: &Services,
) -> Result<(), Failure> {
    refuse_offline(services)?;
    let image = match names {
        Names::Oci => record.image.clone(),
        Names::Docker => record.image.to_docker()?,
    };
    // A layout that was imported may have no such name.
    let base: Option<Reference> = record.run_image.reference.parse().ok();
    let blobs = Fetched::of_app(record, services);
    for reference in to {
        let push = Push {
            image: &image,
            to: reference,
            blobs: &blobs,
            base: base.as_ref(),
            holders: &Remembered(&services.store),
        };
        let pushed = services
            .sink
            .push(&push, &*services.events)
            .map_err(|error| kept(record, reference, error.into()))?;
        services.events.emit(Event::Pushed {
            reference: reference.to_string(),
            digest: pushed.digest,
            uploaded: pushed.uploaded,
            mounted: pushed.mounted,
            there: pushed.there,
            bytes: pushed.bytes,
        });
    }
    Ok(())
}

/// A failed push loses nothing.
fn kept(record: &BuildRecord, to: &Reference, mut failure: Failure) -> Failure {
    if let Some(first) = failure.diagnostics.first_mut() {
        *first = first.clone().help(format!(
            "the image is kept: `bp push {} {to}` tries again, and sends only what is not there",
            record.name
        ));
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_says_its_registry_and_has_a_tag() {
        let name = push_target("127.0.0.1:5000/team/app").unwrap();
        assert_eq!(name.to_string(), "127.0.0.1:5000/team/app:latest");
        let digest = format!("r.example/app@{}", buildpack_core::digest::Digest::of(b"x"));
        for text in ["app", "app:1", "team/app", "r.example/App", &digest] {
            let failure = push_target(text).unwrap_err();
            assert_eq!(failure.class(), Class::Usage, "{text}");
        }
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for names in [Names::Oci, Names::Docker] {
            assert_eq!(names.to_string().parse(), Ok(names));
        }
        assert!("v2s2".parse::<Names>().is_err());
    }
}
