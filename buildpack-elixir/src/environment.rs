//! The variables of the build and of the running app.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use buildpack_core::diagnostic::Sourced;
use buildpack_core::pack::PlanContext;
use buildpack_core::plan::{Goal, Tool};

use crate::pack::var_or;
use crate::tools::{Places, Versions};

/// The builds host that Mix asks by itself.
const PUBLIC_BUILDS: &str = "https://builds.hex.pm";

/// Each is a virtual machine with a scheduler for every processor: more of them get in each other's way.
const MOST_PROCESSES: usize = 8;

/// What config vars decide of a build: each wins over the default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `MIX_ENV`.
    pub mix_env: Sourced<String>,
    /// `MIX_HOME`, an absolute path.
    pub mix_home: String,
    /// `HEX_HOME`, an absolute path.
    pub hex_home: String,
}

impl Settings {
    /// The settings of an app in `app_dir` with these config vars.
    pub fn of(app_dir: &str, config_vars: &BTreeMap<String, String>, goal: &Goal) -> Self {
        let (mix_env, rule) = match goal {
            Goal::Build => ("prod", "the config var MIX_ENV is not set"),
            Goal::Test(_) => ("test", "tests run in it; the config var MIX_ENV is not set"),
        };
        let home = |name: &str, folder: &str| {
            let default = format!("{app_dir}/{folder}");
            var_or(config_vars, name, &default, "").value
        };
        Self {
            mix_env: var_or(config_vars, "MIX_ENV", mix_env, rule),
            mix_home: home("MIX_HOME", ".mix"),
            hex_home: home("HEX_HOME", ".hex"),
        }
    }
}

/// Folders that the build's `PATH` begins with.
pub fn path(places: &Places) -> Vec<String> {
    vec![
        format!("{}/bin", places.elixir),
        format!("{}/bin", places.erlang),
    ]
}

/// Variables of every step.
pub fn build(settings: &Settings, places: &Places, tools: &[Tool]) -> BTreeMap<String, String> {
    let mut env = BTreeMap::from(
        [
            ("LC_CTYPE", "en_US.utf8"),
            ("MIX_ENV", &settings.mix_env.value),
            ("MIX_HOME", &places.mix_home),
            ("HEX_HOME", &places.hex_home),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    if let Some(rebar) = tools.iter().find(|tool| tool.id == "rebar3") {
        env.insert("MIX_REBAR3".to_owned(), format!("{}/rebar3", rebar.place));
    }
    env
}

/// Variables that say where Mix and Hex fetch from, where that is not their own default, and in how many processes of
/// their own packages are compiled.
pub fn surroundings(context: &PlanContext<'_>, versions: &Versions) -> BTreeMap<String, String> {
    let upstreams = context.upstreams;
    let mut env = BTreeMap::new();
    let mut set = |name: &str, value: &str| env.insert(name.to_owned(), value.to_owned());
    if let Some(repository) = &upstreams.hex_repository {
        set("HEX_MIRROR", repository);
    }
    if upstreams.hex_unsafe_registry {
        set("HEX_UNSAFE_REGISTRY", "1");
    }
    if upstreams.hex_builds != PUBLIC_BUILDS {
        set("HEX_BUILDS_URL", &upstreams.hex_builds);
    }
    if (versions.elixir.major, versions.elixir.minor) >= (1, 19) {
        let count = context.processors.clamp(1, MOST_PROCESSES).to_string();
        set("MIX_OS_DEPS_COMPILE_PARTITION_COUNT", &count);
    }
    env
}

/// Lets Elixir's virtual machines begin with the boot file at `path`, which stands there with the extension `.boot`.
pub fn boot(path: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("ELIXIR_ERL_OPTIONS".to_owned(), format!("-boot {path}"))])
}

/// Scripts of `.profile.d`: what the running app finds set, where its config vars are silent. Sourced twice, they
/// change nothing the second time.
pub fn profile(settings: &Settings, places: &Places, release: bool) -> BTreeMap<String, String> {
    let mut script = String::new();
    if !release {
        for folder in path(places).iter().rev() {
            let _ = writeln!(
                script,
                "case \":$PATH:\" in *:{folder}:*) ;; *) export PATH=\"{folder}:$PATH\" ;; esac"
            );
        }
    }
    let defaults = [
        ("LC_CTYPE", "en_US.utf8"),
        ("MIX_ENV", settings.mix_env.value.as_str()),
        ("MIX_HOME", places.mix_home.as_str()),
        ("HEX_HOME", places.hex_home.as_str()),
    ];
    let wanted = if release {
        &defaults[..1]
    } else {
        &defaults[..]
    };
    for (name, value) in wanted {
        let _ = writeln!(script, "export {name}=\"${{{name}:-{value}}}\"");
    }
    BTreeMap::from([("elixir_buildpack_paths.sh".to_owned(), script)])
}

#[cfg(test)]
mod tests {
    use buildpack_core::plan::TestOptions;

    use super::*;

    fn places() -> Places {
        Places {
            erlang: "/app/.platform_tools/erlang".to_owned(),
            elixir: "/app/.platform_tools/elixir".to_owned(),
            mix_home: "/app/.mix".to_owned(),
            hex_home: "/app/.hex".to_owned(),
        }
    }

    #[test]
    fn config_vars_win_over_defaults() {
        let vars = BTreeMap::from([
            ("MIX_ENV".to_owned(), "staging".to_owned()),
            ("HEX_HOME".to_owned(), "/elsewhere".to_owned()),
        ]);
        for goal in [Goal::Build, Goal::Test(TestOptions::default())] {
            let settings = Settings::of("/app", &vars, &goal);
            assert_eq!(settings.mix_env.value, "staging");
        }
        let settings = Settings::of("/app", &vars, &Goal::Build);
        assert_eq!(settings.mix_env.origin.to_string(), "$MIX_ENV");
        assert_eq!(settings.hex_home, "/elsewhere");
        assert_eq!(settings.mix_home, "/app/.mix");
    }

    #[test]
    fn the_profile_can_be_sourced_twice_and_leaves_config_vars_alone() {
        let settings = Settings::of("/app", &BTreeMap::new(), &Goal::Build);
        let profile = &profile(&settings, &places(), false)["elixir_buildpack_paths.sh"];
        let script =
            format!("MIX_ENV=mine\nPATH=/bin\n{profile}{profile}\necho $PATH $MIX_ENV $HEX_HOME");
        let output = std::process::Command::new("bash")
            .args(["-euc", &script])
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "/app/.platform_tools/elixir/bin:/app/.platform_tools/erlang/bin:/bin mine /app/.hex\n"
        );
    }

    #[test]
    fn a_release_needs_no_tools_at_run_time() {
        let settings = Settings::of("/app", &BTreeMap::new(), &Goal::Build);
        let profile = &profile(&settings, &places(), true)["elixir_buildpack_paths.sh"];
        assert_eq!(profile, "export LC_CTYPE=\"${LC_CTYPE:-en_US.utf8}\"\n");
    }
}
