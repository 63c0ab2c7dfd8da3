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
    let reference = request.target.stack.run_image;
    Ok(pull(
        reference,
        request.target.arch,
        false,
        UNTIL_PULLED,
        services,
    )?
    .base)
}

/// The build image, unpacked.
pub(super) fn build_image(request: &Request, services: &Services) -> Result<StackImage, Failure> {
    let reference = request.target.stack.build_image;
    pull(reference, request.target.arch, true, UNTIL_PULLED, services)
}

/// A stack image, from the store if it was resolved within `max_age`, else from its registry.
pub fn pull(
    reference: &str,
    arch: stacks::Arch,
    unpack: bool,
    max_age: Duration,
    services: &Services,
) -> Result<StackImage, Failure> {
    let request = ask(reference, arch, unpack, max_age, services)?;
    Ok(services
        .stacks
        .pull(&*services.images, &request, &*services.events)?)
}

fn ask(
    reference: &str,
    arch: stacks::Arch,
    unpack: bool,
    max_age: Duration,
    services: &Services,
) -> Result<PullRequest, Failure> {
    Ok(PullRequest {
        reference: parse(reference)?,
        architecture: arch.oci().to_owned(),
        max_age,
        offline: services.offline,
        unpack,
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
    let stack = request.target.stack;
    let resolve = |reference| {
        let asked = ask(
            reference,
            request.target.arch,
            false,
            UNTIL_PULLED,
            services,
        )
        .ok()?;
        let resolved = (services.stacks).resolve(&*services.images, &asked, &*services.events);
        Some(resolved.ok()?.base)
    };
    // What goes wrong is told where the image itself is needed.
    let (build, run) = std::thread::scope(|scope| {
        let build = (!in_place).then(|| scope.spawn(|| resolve(stack.build_image)));
        let run = resolve(stack.run_image);
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
    let stack = request.target.stack;
    let arch = request.target.arch.oci();
    let get = |reference: &str| -> Result<Option<BaseImage>, Failure> {
        let image = services.stacks.get(&parse(reference)?, arch)?;
        Ok(image.map(|image| image.base))
    };
    let Some(run) = get(stack.run_image)? else {
        return Ok(None);
    };
    if in_place {
        return Ok(Some((None, run)));
    }
    Ok(get(stack.build_image)?.map(|build| (Some(build), run)))
}

/// The name of an image.
pub fn parse(reference: &str) -> Result<Reference, Failure> {
    let parsed: Result<Reference, _> = reference.parse();
    Ok(parsed.map_err(RegistryError::from)?)
}
