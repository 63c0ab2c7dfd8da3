//! From flags and settings to services.

use std::path::{Path, PathBuf};

use buildpack_core::app::App;
use buildpack_core::diagnostic::{Class, Diagnostic, Explain, Origin, Outcome, Sourced};
use buildpack_core::event::{Event, EventSink};
use buildpack_core::rules;
use buildpack_core::store::Store;
use buildpack_core::toolchain::{Fetch, Offline};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use stacks::{Arch, Stack, Target};

use super::Call;
use super::args::{Cli, Command, LimitFlags, RemoteFlags};
use super::remote_cache::SECRET;
use crate::http::{HttpFetch, Proxies, credentials, passwords};
use crate::pipeline::{BuildLimits, Failure, MakeSandbox, Network, Parts, Services, choose_target};
use crate::registry::{Registries, RegistrySettings};
use crate::sandbox;
use crate::settings::{Flags, Settings};
use crate::ui::{Style, Ui};

/// What a command works with.
pub(super) struct Context {
    pub(super) ui: Ui,
    pub(super) services: Services,
    pub(super) settings: Settings,
}

/// A variable of the environment, if it is set to something.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Context {
    /// Services as flags and settings say.
    pub(super) fn new(call: &Call) -> Result<Self, Failure> {
        crate::tls::install();
        let ui = call.ui.clone();
        let settings = settings(&call.cli, &ui)?;
        let mode = settings.sandbox.value;
        let root = settings.cache_dir.value.clone();
        let sandbox = move || {
            sandbox::choose(mode, &root, in_stack_image()).map_err(|e| Failure::of(e.diagnostic()))
        };
        let services = services(&settings, &ui, Box::new(sandbox))?;
        Ok(Self {
            ui,
            services,
            settings,
        })
    }

    /// The target of a command: the stack that a flag, the settings or app.json name, else heroku-24. Says which it is.
    pub(super) fn target(&self, stack: Option<&str>, app: &Path) -> Result<Target, Failure> {
        let target = self.quiet_target(stack, app)?;
        self.say_target(&target);
        Ok(target.value)
    }

    /// Says which stack it is, and who named it.
    pub(super) fn say_target(&self, target: &Sourced<Target>) {
        self.ui.heading(&format!(
            "Building on the {} stack ({})",
            target.value.stack.name,
            match &target.origin {
                Origin::File(span) => span.source.path.display().to_string(),
                Origin::Default(_) => "default".to_owned(),
                other => other.to_string(),
            }
        ));
    }

    /// The target of a command, and who named its stack.
    pub(super) fn quiet_target(
        &self,
        stack: Option<&str>,
        app: &Path,
    ) -> Result<Sourced<Target>, Failure> {
        self.target_of(self.wanted_stack(stack).as_ref(), app)
    }

    /// The same of a stack that is named somewhere, or nowhere.
    pub(super) fn target_of(
        &self,
        wanted: Option<&Sourced<String>>,
        app: &Path,
    ) -> Result<Sourced<Target>, Failure> {
        // What else is wrong with the app is said when it is planned.
        let app = App::read(app).value;
        let chosen = choose_target(wanted, app.as_ref(), arch()?, self.today());
        let Some(target) = chosen.target else {
            return Err(Failure::all(chosen.diagnostics));
        };
        for diagnostic in chosen.diagnostics {
            self.services.events.emit(Event::Diagnostic { diagnostic });
        }
        Ok(Sourced::new(target, chosen.name.origin))
    }

    /// The stack that a flag or the settings name.
    pub(super) fn wanted_stack(&self, flag: Option<&str>) -> Option<Sourced<String>> {
        match flag {
            Some(stack) => {
                let origin = Origin::Flag("--stack".to_owned());
                Some(Sourced::new(stack.to_owned(), origin))
            }
            None => self.settings.stack.clone(),
        }
    }

    /// The day of this run.
    pub(super) fn today(&self) -> Date {
        day_of(self.services.now)
    }
}

/// The day of this run, without services.
pub(super) fn day() -> Date {
    day_of(jiff::Timestamp::now())
}

fn day_of(now: jiff::Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

/// Services as settings say, drawn on `ui`, whose programs run in what `sandbox` makes.
pub(crate) fn services(
    settings: &Settings,
    ui: &Ui,
    sandbox: MakeSandbox,
) -> Result<Services, Failure> {
    let offline = settings.offline.value;
    let fetch: Box<dyn Fetch> = if offline {
        Box::new(Offline)
    } else {
        let authorities = variable("SSL_CERT_FILE").map(PathBuf::from);
        Box::new(HttpFetch::new(authorities).behind(Proxies::read(variable)))
    };
    let registries = registries(settings);
    let mut services = Services::new(Parts {
        store: Store::open(settings.cache_dir.value.clone())?,
        fetch,
        images: Box::new(registries.clone()),
        events: Box::new(ui.clone()),
        sandbox,
        now: jiff::Timestamp::now(),
    });
    services.sink = Box::new(registries);
    services.offline = offline;
    services.streams_apart = ui.style() == Style::Json;
    services.network = network();
    services.own_packages = settings.own_packages.value;
    services.detect_limit = settings.detect_limit.value;
    services.limits = BuildLimits {
        memory: settings.memory.as_ref().map(|memory| memory.value),
        cpus: settings.cpus.as_ref().map(|cpus| cpus.value),
        timeout: settings.timeout.as_ref().map(|time| time.value),
    };
    upstreams(&mut services, settings)?;
    Ok(services)
}

/// What stands between this machine and the net, as programs know it.
fn network() -> Network {
    let file = variable("SSL_CERT_FILE").map(PathBuf::from);
    Network {
        // Where it is none, `bp` itself has said so.
        authorities: file.and_then(|file| std::path::absolute(file).ok()),
        proxies: Proxies::read(variable),
    }
}

/// The architecture of this machine.
pub(crate) fn arch() -> Result<Arch, Failure> {
    Arch::host().ok_or_else(|| {
        Failure::of(
            Diagnostic::error(
                "host-architecture",
                Class::Surroundings,
                format!(
                    "no stack is made for this machine's `{}`",
                    std::env::consts::ARCH
                ),
            )
            .help("build on amd64 or arm64"),
        )
    })
}

/// The stack that `name` stands for.
pub(super) fn find_stack(name: &str) -> Result<&'static Stack, Failure> {
    stacks::find(name).map_err(|error| {
        let origin = Origin::Flag("--stack".to_owned());
        Failure::of(rules::stack::unknown(&error, &origin, Class::Usage))
    })
}

/// Flags, variables and bp.toml.
pub(super) fn settings(cli: &Cli, ui: &Ui) -> Result<Settings, Failure> {
    let outcome = load(cli);
    match outcome.value {
        Some(settings) => {
            for diagnostic in &outcome.diagnostics {
                ui.diagnostic(diagnostic);
            }
            Ok(settings)
        }
        None => Err(Failure::all(outcome.diagnostics)),
    }
}

fn load(cli: &Cli) -> Outcome<Settings> {
    let limits = match &cli.command {
        Command::Build(args) => args.limits.clone(),
        Command::Test(args) => args.limits.clone(),
        _ => LimitFlags::default(),
    };
    let remote = match &cli.command {
        Command::Build(args) => args.remote.clone(),
        Command::Test(args) => args.remote.clone(),
        _ => RemoteFlags::default(),
    };
    let flags = Flags {
        cache_dir: cli.global.cache_dir.clone(),
        stack: None,
        sandbox: cli.global.sandbox.clone(),
        offline: cli.global.offline,
        keep_assets: match &cli.command {
            Command::Build(args) => args.keep_assets.clone(),
            _ => None,
        },
        compression: match &cli.command {
            Command::Build(args) => args.compression.clone(),
            _ => None,
        },
        memory: limits.memory,
        cpus: limits.cpus,
        timeout: limits.timeout,
        cache_from: remote.cache_from,
        cache_to: remote.cache_to,
        registry_mirrors: cli.global.registry_mirror.clone(),
        insecure_registries: cli.global.insecure_registry.clone(),
    };
    Settings::load(&|name| std::env::var_os(name), &flags)
}

/// Passwords in addresses of proxies and upstreams, in all forms that might be drawn, and the secret of remote caches; each
/// by the name of what names it.
pub(super) fn passwords_of_addresses(cli: &Cli) -> Vec<(String, String)> {
    passwords_in(load(cli).value.as_ref())
}

/// As [`passwords_of_addresses`], of settings that have been read.
pub(crate) fn passwords_in(settings: Option<&Settings>) -> Vec<(String, String)> {
    let proxies = Proxies::read(variable);
    let mut addresses: Vec<(String, String)> = proxies
        .variables()
        .map(|(name, url)| (name.to_owned(), url.to_owned()))
        .collect();
    if let Some(settings) = settings {
        let own = [
            ("BP_HEX_BUILDS_URL", Some(&settings.hex_builds_url)),
            ("BP_HEX_REPO_URL", settings.hex_repo_url.as_ref()),
            ("BP_NODE_DIST_URL", Some(&settings.node_dist_url)),
            ("BP_NPM_REGISTRY_URL", Some(&settings.npm_registry_url)),
            ("BP_TAILWIND_URL", Some(&settings.tailwind_url)),
            (
                "BP_BUILDPACK_REGISTRY_URL",
                Some(&settings.buildpack_registry_url),
            ),
        ];
        let own = (own.into_iter()).filter_map(|(name, url)| Some((name, &url?.value)));
        let mirrors = settings.registry_mirrors.iter();
        let mirrors = mirrors.map(|mirror| ("BP_REGISTRY_MIRROR", &mirror.value.1));
        let all = own.chain(mirrors);
        addresses.extend(all.map(|(name, url)| (name.to_owned(), url.clone())));
    }
    let forms = |(name, url): &(String, String)| {
        let forms = credentials(url).into_iter().chain(passwords(url));
        forms.map(|form| (name.clone(), form)).collect::<Vec<_>>()
    };
    let secret = variable(SECRET).map(|secret| (SECRET.to_owned(), secret));
    addresses.iter().flat_map(forms).chain(secret).collect()
}

/// Registries as settings say.
pub(super) fn registries(settings: &Settings) -> Registries {
    Registries::new(registry_settings(settings))
}

pub(super) fn registry_settings(settings: &Settings) -> RegistrySettings {
    let mut registry = RegistrySettings::default();
    registry.read_environment(|name| std::env::var_os(name));
    let mirrors = settings.registry_mirrors.iter();
    registry.mirrors = mirrors.map(|mirror| mirror.value.clone()).collect();
    registry
        .insecure
        .clone_from(&settings.insecure_registries.value);
    registry
}

fn upstreams(services: &mut Services, settings: &Settings) -> Result<(), Failure> {
    services
        .upstreams
        .hex_builds
        .clone_from(&settings.hex_builds_url.value);
    services
        .upstreams
        .node_dist
        .clone_from(&settings.node_dist_url.value);
    services
        .upstreams
        .npm_registry
        .clone_from(&settings.npm_registry_url.value);
    services
        .upstreams
        .tailwind
        .clone_from(&settings.tailwind_url.value);
    services
        .pack_registry
        .clone_from(&settings.buildpack_registry_url.value);
    services.upstreams.hex_repository = settings.hex_repo_url.as_ref().map(|url| url.value.clone());
    services.upstreams.hex_unsafe_registry = settings.hex_unsafe_registry.value;
    if let Some(path) = &settings.hex_builds_key {
        services.hex_builds_key = fs_err::read_to_string(&path.value).map_err(|error| {
            Failure::of(
                Diagnostic::error(
                    "hex-builds-key",
                    Class::Usage,
                    format!("cannot read the key of the Hex builds host: {error}"),
                )
                .help("`BP_HEX_BUILDS_KEY` must name a PEM file with a public key"),
            )
        })?;
    }
    Ok(())
}

/// Whether `bp` stands inside a stack's own image, where steps can run in place: the stack names itself there.
pub(super) fn in_stack_image() -> bool {
    variable("STACK").is_some_and(|stack| stacks::find(&stack).is_ok())
        && Path::new("/app").is_dir()
}

/// The name of an app's folder, as an image may be called.
pub(super) fn app_name(folder: &Path) -> Option<String> {
    let name = fs_err::canonicalize(folder).ok()?;
    let name: String = name
        .file_name()?
        .to_string_lossy()
        .to_lowercase()
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect();
    let name = name.trim_matches(['-', '.', '_']).to_owned();
    (!name.is_empty()).then_some(name)
}
