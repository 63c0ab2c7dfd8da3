//! What the pipeline reaches the world through; a test or an embedder brings its own.

use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use buildpack_core::event::EventSink;
use buildpack_core::lists::NPM_REGISTRY;
use buildpack_core::pack::{DETECT_LIMIT, Upstreams};
use buildpack_core::sandbox::Sandbox;
use buildpack_core::store::Store;
use buildpack_core::toolchain::{Fetch, RetryPolicy};
use buildpack_phoenix_static::TAILWIND_RELEASES;

use crate::packs;
use crate::registry::{ImageSink, ImageSource, Registries, RegistrySettings};
use crate::remote_cache::RemoteCache;
use crate::rootfs::StackStore;

use super::failure::Failure;
use super::limits::BuildLimits;
use super::network::Network;

/// Makes the sandbox when the first program runs.
pub type MakeSandbox = Box<dyn Fn() -> Result<Box<dyn Sandbox>, Failure> + Send + Sync>;

/// The services of a pipeline.
pub struct Services {
    /// What is kept between builds.
    pub store: Store,
    /// Stack images, in the same folder.
    pub stacks: StackStore,
    /// Downloads.
    pub fetch: Box<dyn Fetch>,
    /// The registry that stack images come from.
    pub images: Box<dyn ImageSource>,
    /// The registries that built images are pushed to.
    pub sink: Box<dyn ImageSink>,
    /// What other machines keep, where that is shared.
    pub remote_cache: Option<Arc<RemoteCache>>,
    /// Where events go.
    pub events: Box<dyn EventSink>,
    /// Where tools and packages come from.
    pub upstreams: Upstreams,
    /// Where packs of Heroku's registry come from, as `OWNER/NAME.tgz` below; no slash at its end.
    pub pack_registry: String,
    /// Whether packages of Hex are fetched and compiled for each app alone.
    pub own_packages: bool,
    /// How long `bin/detect` of a pack may take, in whole seconds.
    pub detect_limit: Duration,
    /// PEM public key that signs the install lists of the Hex builds host.
    pub hex_builds_key: String,
    /// Whether nothing may be fetched.
    pub offline: bool,
    /// Whether it is told which stream a program's lines came from. Between the two, their order is then not sure.
    pub streams_apart: bool,
    /// How the programs of a build reach the network.
    pub network: Network,
    /// What the programs of a build may use of the machine.
    pub limits: BuildLimits,
    /// The time of this run.
    pub now: jiff::Timestamp,
    /// Threads for work of our own.
    pub threads: usize,
    make_sandbox: MakeSandbox,
    sandbox: OnceLock<Box<dyn Sandbox>>,
}

/// The parts of [`Services`] that have no default.
pub struct Parts {
    /// What is kept between builds.
    pub store: Store,
    /// Downloads.
    pub fetch: Box<dyn Fetch>,
    /// The registry that stack images come from.
    pub images: Box<dyn ImageSource>,
    /// Where events go.
    pub events: Box<dyn EventSink>,
    /// The sandbox, made when the first program runs: an unchanged build needs none.
    pub sandbox: MakeSandbox,
    /// The time of this run.
    pub now: jiff::Timestamp,
}

impl Services {
    /// Services over `parts`, with the public upstreams, and registries as nobody says anything of them.
    pub fn new(parts: Parts) -> Self {
        Self {
            stacks: StackStore::new(parts.store.clone()),
            store: parts.store,
            fetch: parts.fetch,
            images: parts.images,
            sink: Box::new(Registries::new(RegistrySettings::default())),
            remote_cache: None,
            events: parts.events,
            upstreams: Upstreams {
                hex_builds: "https://builds.hex.pm".to_owned(),
                node_dist: "https://nodejs.org/dist".to_owned(),
                npm_registry: NPM_REGISTRY.to_owned(),
                tailwind: TAILWIND_RELEASES.to_owned(),
                hex_repository: None,
                hex_unsafe_registry: false,
            },
            pack_registry: packs::REGISTRY.to_owned(),
            own_packages: false,
            detect_limit: DETECT_LIMIT,
            hex_builds_key: buildpack_elixir::hex_installs::HEX_BUILDS_KEY.to_owned(),
            offline: false,
            streams_apart: false,
            network: Network::default(),
            limits: BuildLimits::default(),
            now: parts.now,
            threads: thread::available_parallelism().map_or(1, std::num::NonZero::get),
            make_sandbox: parts.sandbox,
            sandbox: OnceLock::new(),
        }
    }

    /// Shares what is kept with other machines from now on.
    pub fn share(&mut self, remote: RemoteCache) {
        let remote = Arc::new(remote);
        remote.begin();
        self.store.look_elsewhere(Arc::clone(&remote) as _);
        self.remote_cache = Some(remote);
    }

    /// The sandbox.
    pub fn sandbox(&self) -> Result<&dyn Sandbox, Failure> {
        if let Some(sandbox) = self.sandbox.get() {
            return Ok(sandbox.as_ref());
        }
        let made = (self.make_sandbox)()?;
        Ok(self.sandbox.get_or_init(|| made).as_ref())
    }

    /// How downloads are tried again.
    pub(super) fn retries() -> RetryPolicy<'static> {
        RetryPolicy::new(&thread::sleep)
    }
}
