//! From flags and settings to services.

use std::path::{Path, PathBuf};

use buildpack_core::app::App;
use buildpack_core::diagnostic::{Class, Diagnostic, Explain};
use buildpack_core::event::{Event, EventSink};
use buildpack_core::store::Store;
use buildpack_core::toolchain::{Fetch, Offline};
use stacks::{Arch, Stack, Support, Target};

use super::args::{self, Cli};
use super::{parsed, ui, vars};
use crate::http::HttpFetch;
use crate::pipeline::{ConfigVars, Failure, Parts, Services};
use crate::registry::{Puller, RegistrySettings};
use crate::sandbox::{self, Mode};
use crate::ui::{Redactor, Ui};

/// What a command works with.
pub(super) struct Context {
    pub(super) ui: Ui,
    pub(super) services: Services,
}

/// A variable of the environment, if it is set to something.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Context {
    /// Services as flags and settings say; the values of `vars` are never drawn.
    pub(super) fn new(cli: &Cli, vars: &ConfigVars) -> Result<Self, Failure> {
        crate::tls::install();
        let redactor = Redactor::new(vars.secrets(&[]));
        let ui = ui(cli, redactor);
        let store = Store::open(cache_folder(cli)?)?;
        let offline = cli.global.offline || variable("BP_OFFLINE").is_some_and(|v| v != "0");
        let mode: Mode = match cli
            .global
            .sandbox
            .clone()
            .or_else(|| variable("BP_SANDBOX"))
        {
            Some(mode) => parsed("--sandbox or BP_SANDBOX", &mode)?,
            None => Mode::Auto,
        };
        let fetch: Box<dyn Fetch> = if offline {
            Box::new(Offline)
        } else {
            Box::new(HttpFetch::new(variable("SSL_CERT_FILE").map(PathBuf::from)))
        };
        let root = store.root().to_owned();
        let mut services = Services::new(Parts {
            store,
            fetch,
            images: Box::new(Puller::new(registry_settings(cli)?)),
            events: Box::new(ui.clone()),
            sandbox: Box::new(move || {
                sandbox::choose(mode, &root, in_stack_image())
                    .map_err(|e| Failure::of(e.diagnostic()))
            }),
            now: jiff::Timestamp::now(),
        });
        services.offline = offline;
        upstreams(&mut services)?;
        Ok(Self { ui, services })
    }

    /// The target of a command: the stack that a flag, `BP_STACK` or app.json names, else heroku-24.
    pub(super) fn target(&self, stack: Option<&str>, app: &Path) -> Result<Target, Failure> {
        let (name, origin) = match (stack, variable("BP_STACK")) {
            (Some(stack), _) => (stack.to_owned(), "--stack"),
            (None, Some(stack)) => (stack, "BP_STACK"),
            // What is wrong with the app is said when it is planned.
            (None, None) => match App::read(app).value.and_then(|app| app.app_json.stack) {
                Some(stack) => (stack.value, "app.json"),
                None => ("heroku-24".to_owned(), "default"),
            },
        };
        let stack = find_stack(&name)?;
        self.warn_of_end(stack);
        self.ui
            .heading(&format!("Building on the {} stack ({origin})", stack.name));
        let arch = arch()?;
        Target::new(stack, arch).map_err(|error| {
            let others: Vec<_> = error.alternatives().iter().map(|s| s.name).collect();
            Failure::of(
                Diagnostic::error("stack-architecture", Class::Config, error.to_string()).help(
                    format!("take a stack that is made for it: {}", others.join(", ")),
                ),
            )
        })
    }

    fn warn_of_end(&self, stack: &Stack) {
        let today = self.services.now.to_zoned(jiff::tz::TimeZone::UTC).date();
        let message = match stack.support(today) {
            Support::Supported => return,
            Support::Deprecated { until } => {
                format!(
                    "{} is deprecated: Heroku supports it until {until}",
                    stack.name
                )
            }
            Support::Ended { since } => {
                format!("{} is retired: its support ended on {since}", stack.name)
            }
        };
        let newest = stacks::all().last().map_or("", |stack| stack.name);
        self.ui.emit(Event::Diagnostic {
            diagnostic: Diagnostic::warning("stack-support", message)
                .help(format!("move to a newer stack, such as {newest}")),
        });
    }
}

/// Config vars and a context that does not draw them.
pub(super) fn with_vars(cli: &Cli, flags: &args::Vars) -> Result<(Context, ConfigVars), Failure> {
    let vars = vars::read(flags, &|name| std::env::var(name).ok())?;
    Ok((Context::new(cli, &vars)?, vars))
}

/// The architecture of this machine.
pub(super) fn arch() -> Result<Arch, Failure> {
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
        let problem = Diagnostic::error("unknown-stack", Class::Usage, error.to_string());
        Failure::of(match error.nearest {
            Some(nearest) => problem.help(format!("did you mean `{}`?", nearest.name)),
            None => problem.help("`bp stack list` shows what is known of each"),
        })
    })
}

/// The folder of everything that is kept.
pub(super) fn cache_folder(cli: &Cli) -> Result<PathBuf, Failure> {
    let named = cli
        .global
        .cache_dir
        .clone()
        .or_else(|| variable("BP_CACHE_DIR").map(PathBuf::from));
    let folder = match named {
        Some(folder) => folder,
        None => variable("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .filter(|folder| folder.is_absolute())
            .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".cache")))
            .map(|folder| folder.join("bp"))
            .ok_or_else(|| {
                Failure::of(
                    Diagnostic::error(
                        "no-cache-folder",
                        Class::Usage,
                        "there is no folder to keep things in: HOME is not set",
                    )
                    .help("name one with `--cache-dir` or `BP_CACHE_DIR`"),
                )
            })?,
    };
    std::path::absolute(&folder).map_err(|error| {
        Failure::of(Diagnostic::error(
            "no-cache-folder",
            Class::Usage,
            format!("`{}` is no folder: {error}", folder.display()),
        ))
    })
}

fn registry_settings(cli: &Cli) -> Result<RegistrySettings, Failure> {
    let mut settings = RegistrySettings::default();
    let variables = variable("BP_REGISTRY_MIRROR");
    let texts = cli
        .global
        .registry_mirror
        .iter()
        .map(String::as_str)
        .chain(variables.iter().flat_map(|text| text.split(',')));
    for text in texts {
        let (host, url) = text.trim().split_once('=').ok_or_else(|| {
            Failure::of(
                Diagnostic::error(
                    "registry-mirror",
                    Class::Usage,
                    format!("`{text}` is no registry mirror"),
                )
                .help("write it as `HOST=URL`, for instance `docker.io=http://127.0.0.1:5000`"),
            )
        })?;
        settings.mirrors.push((host.to_owned(), url.to_owned()));
    }
    Ok(settings)
}

fn upstreams(services: &mut Services) -> Result<(), Failure> {
    if let Some(url) = variable("BP_HEX_BUILDS_URL") {
        services.upstreams.hex_builds = url.trim_end_matches('/').to_owned();
    }
    services.upstreams.hex_repository =
        variable("BP_HEX_REPO_URL").map(|url| url.trim_end_matches('/').to_owned());
    services.upstreams.hex_unsafe_registry =
        variable("BP_HEX_UNSAFE_REGISTRY").is_some_and(|value| value != "0");
    if let Some(path) = variable("BP_HEX_BUILDS_KEY") {
        services.hex_builds_key = fs_err::read_to_string(&path).map_err(|error| {
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
fn in_stack_image() -> bool {
    variable("STACK").is_some_and(|stack| stacks::find(&stack).is_ok())
        && Path::new("/app").is_dir()
}

/// Reads an app without a word.
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
