//! `phoenix-no-server`: the app would start without its web server.

use buildpack_core::app::{App, ConfigFile};
use buildpack_core::check::CheckContext;
use buildpack_core::diagnostic::{Diagnostic, Origin, Sourced};
use buildpack_core::wanted::Address;

/// The variable that Phoenix's own `config/runtime.exs` looks for.
const VARIABLE: &str = "PHX_SERVER";

/// The script that `mix phx.gen.release` adds to a release: it sets the variable and starts.
const SERVER_SCRIPT: &str = "bin/server";

/// The Elixir pack's config, which says whether a release is made.
const ELIXIR_CONFIG: &str = "elixir_buildpack.config";

/// A file that the start script of a release reads; what it sets is not looked at.
const RELEASE_ENV: &str = "rel/env.sh.eex";

/// How the web process begins.
enum Start {
    /// From a release.
    Release(Origin),
    /// With Mix, but without Phoenix's task that starts the server.
    Mix(Origin),
}

/// What is said of a Phoenix app whose start leaves the server out.
pub(crate) fn check(app: &App, context: &CheckContext<'_>) -> Option<Diagnostic> {
    let start = start(app, context)?;
    let production = |path: &str| path.starts_with("config/");
    let mut configs = app.configs.iter().filter(|config| production(&config.path));
    let asks = configs.clone().any(|config| config.phx_server);
    let serves = configs.any(|config| config.server.is_some());
    if (serves && !asks) || (asks && is_set(app, context)) {
        return None;
    }
    let (origin, what) = match &start {
        Start::Release(origin) => (origin, "the release starts without it"),
        Start::Mix(origin) => (origin, "so does the app without `mix phx.server`"),
    };
    if asks {
        let problem = Diagnostic::note_only(
            "phoenix-no-server",
            format!("the web server starts only where `{VARIABLE}` is set"),
        );
        return Some(
            problem
                .from(origin, what)
                .help(format!("set the config var `{VARIABLE}=true`")),
        );
    }
    let problem = Diagnostic::warning(
        "phoenix-no-server",
        "the app would start without its web server: no file of `config/` sets `server: true`",
    )
    .from(origin, what);
    Some(match start {
        Start::Mix(_) => problem.help("start it with `mix phx.server`"),
        Start::Release(_) => problem.help(format!(
            "add `{}` to `config/runtime.exs`",
            server_line(app)
        )),
    })
}

/// How the web process starts, where that leaves the server to the configuration.
fn start(app: &App, context: &CheckContext<'_>) -> Option<Start> {
    let Some(web) = app.procfile.processes.get("web") else {
        // A release without a Procfile has no web process that could be looked at.
        return release(app, context).map(Start::Release);
    };
    let command = &web.value;
    let words: Vec<&str> = command.split_whitespace().collect();
    let has = |word: &str| words.contains(&word);
    if command.contains("phx.server") || command.contains("phoenix.server") {
        return None;
    }
    let starts = words.windows(2).any(|pair| {
        pair[0].contains("bin/") && matches!(pair[1], "start" | "start_iex" | "foreground")
    });
    if starts || words.iter().any(|word| word.ends_with(SERVER_SCRIPT)) {
        return Some(Start::Release(web.origin.clone()));
    }
    let mix = words
        .windows(2)
        .any(|pair| pair[0] == "mix" && pair[1] == "run");
    (mix || has("iex")).then(|| Start::Mix(web.origin.clone()))
}

/// Where the app asks for a release.
fn release(app: &App, context: &CheckContext<'_>) -> Option<Origin> {
    let evaluated = context.evaluated.get(ELIXIR_CONFIG);
    // What is wrong with that file is the Elixir pack's to say.
    let mut config = ConfigFile::read(app, ELIXIR_CONFIG, &["release"], evaluated).value?;
    let release = config.take_flag("release");
    release.value.then_some(release.origin)
}

/// Whether the variable is set somewhere, or may be.
fn is_set(app: &App, context: &CheckContext<'_>) -> bool {
    // This pack's script in the image sets it.
    let sets = |pack: &Sourced<String>| {
        Address::parse(&pack.value)
            .is_some_and(|pack| pack.repo == "gigalixir-buildpack-phoenix-static")
    };
    let web = app.procfile.processes.get("web");
    let by_command = |web: &Sourced<String>| {
        [VARIABLE, SERVER_SCRIPT]
            .iter()
            .any(|by| web.value.contains(by))
    };
    web.is_some_and(by_command)
        || context.config_vars.contains_key(VARIABLE)
        || app.app_json.env.contains_key(VARIABLE)
        || app
            .buildpacks
            .iter()
            .chain(&app.app_json.buildpacks)
            .any(sets)
        || app.has(RELEASE_ENV)
        // The image's profile does so where a release is asked for.
        || release(app, context).is_some()
}

/// `config :blog, BlogWeb.Endpoint, server: true`, with the names that Phoenix gives them.
fn server_line(app: &App) -> String {
    let name = app.mix_exs.as_ref().and_then(|mix| mix.app.as_ref());
    let name = name.map_or("my_app", |name| name.value.as_str());
    let module: String = name
        .split('_')
        .map(|word| {
            let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
            first.to_ascii_uppercase() + rest
        })
        .collect();
    format!("config :{name}, {module}Web.Endpoint, server: true")
}
