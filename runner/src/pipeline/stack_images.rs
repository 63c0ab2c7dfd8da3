//! The stack's two images: the one that programs are built in, the one that the app runs on.

use std::time::Duration;

use buildpack_core::image::BaseImage;

use super::failure::Failure;
use super::request::Request;
use super::services::Services;
use crate::registry::{Reference, RegistryError};
use crate::rootfs::{PullRequest, StackImage};

/// A stack image that is in the store is used until `bp stack pull` asks for a newer one.
pub(super) const UNTIL_PULLED: Duration = Duration::MAX;

/// The run image, its blobs in the store.
pub(super) fn run_image(request: &Request, services: &Services) -> Result<BaseImage, Failure> {
    let asked = of_run(request, services)?;
    Ok(held(&asked, take(&asked, services))?.base)
}

/// The build image, unpacked.
pub(super) fn build_image(request: &Request, services: &Services) -> Result<StackImage, Failure> {
    let asked = PullRequest {
        unpack: true,
        ..of_build(request, services)?
    };
    held(&asked, take(&asked, services))
}

/// The run image of a request, to be looked at.
fn of_run(request: &Request, services: &Services) -> Result<PullRequest, Failure> {
    let stack = request.target.stack;
    let asked = ask(stack.run_image, request.target.arch, UNTIL_PULLED, services)?;
    Ok(PullRequest {
        digest: request.held().run_image,
        ..asked
    })
}

/// The same of the build image.
fn of_build(request: &Request, services: &Services) -> Result<PullRequest, Failure> {
    let stack = request.target.stack;
    let asked = ask(
        stack.build_image,
        request.target.arch,
        UNTIL_PULLED,
        services,
    )?;
    Ok(PullRequest {
        digest: request.held().build_image,
        ..asked
    })
}

fn take(asked: &PullRequest, services: &Services) -> Result<StackImage, Failure> {
    let stacks = &services.stacks;
    Ok(stacks.pull(&*services.images, asked, &*services.events)?)
}

/// What came of a request, with the ways out where a record says what it has to be.
fn held<T>(asked: &PullRequest, taken: Result<T, Failure>) -> Result<T, Failure> {
    taken.map_err(|mut failure| {
        if let (Some(digest), Some(first)) = (asked.digest, failure.diagnostics.first_mut()) {
            *first = first
                .clone()
                .note(format!(
                    "the record was made on `{}` at {digest}",
                    asked.reference
                ))
                .help("import that very image with `bp stack import`, or build without `--like`");
        }
        failure
    })
}

/// A stack image, from the store if it was resolved within `max_age`, else from its registry.
pub fn pull(
    reference: &str,
    arch: stacks::Arch,
    unpack: bool,
    max_age: Duration,
    services: &Services,
) -> Result<StackImage, Failure> {
    let asked = PullRequest {
        unpack,
        ..ask(reference, arch, max_age, services)?
    };
    take(&asked, services)
}

fn ask(
    reference: &str,
    arch: stacks::Arch,
    max_age: Duration,
    services: &Services,
) -> Result<PullRequest, Failure> {
    Ok(PullRequest {
        reference: parse(reference)?,
        digest: None,
        architecture: arch.oci().to_owned(),
        max_age,
        offline: services.offline,
        unpack: false,
        now: services.now,
    })
}

/// Both images as far as that is needed to name them: build image (unless programs run in place), run image. None where the
/// store does not know them, and what other machines made is not asked for either.
pub(super) fn known(
    request: &Request,
    services: &Services,
    in_place: bool,
) -> Result<Option<(Option<BaseImage>, BaseImage)>, Failure> {
    let kept = kept(request, services, in_place)?;
    if kept.is_some() || !services.store.looks_elsewhere() || services.offline {
        return Ok(kept);
    }
    let resolve = |asked: Result<PullRequest, Failure>| {
        let resolved =
            (services.stacks).resolve(&*services.images, &asked.ok()?, &*services.events);
        Some(resolved.ok()?.base)
    };
    // What goes wrong is told where the image itself is needed.
    let (build, run) = std::thread::scope(|scope| {
        let build = (!in_place).then(|| scope.spawn(|| resolve(of_build(request, services))));
        let run = resolve(of_run(request, services));
        (build.map(|build| build.join().ok().flatten()), run)
    });
    Ok(match (build, run) {
        (Some(None), _) | (_, None) => None,
        (build, Some(run)) => Some((build.flatten(), run)),
    })
}

/// Both images, if the store has them: build image (unless programs run in place), run image.
fn kept(
    request: &Request,
    services: &Services,
    in_place: bool,
) -> Result<Option<(Option<BaseImage>, BaseImage)>, Failure> {
    let Some(run) = kept_of(&of_run(request, services)?, services)? else {
        return Ok(None);
    };
    if in_place {
        return Ok(Some((None, run)));
    }
    let build = kept_of(&of_build(request, services)?, services)?;
    Ok(build.map(|build| (Some(build), run)))
}

fn kept_of(asked: &PullRequest, services: &Services) -> Result<Option<BaseImage>, Failure> {
    Ok(services.stacks.known(asked)?.map(|image| image.base))
}

/// What the store knows of both images, as far as it does: build image, run image.
pub(super) fn named(request: &Request, services: &Services) -> [Option<BaseImage>; 2] {
    [of_build(request, services), of_run(request, services)]
        .map(|asked| kept_of(&asked.ok()?, services).ok().flatten())
}

/// The name of an image.
pub fn parse(reference: &str) -> Result<Reference, Failure> {
    let parsed: Result<Reference, _> = reference.parse();
    Ok(parsed.map_err(RegistryError::from)?)
}
