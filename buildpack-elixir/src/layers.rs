//! Which layer a file of the finished app belongs to.

use buildpack_core::layer::Purpose;
use buildpack_core::pack::Built;

/// Applications that Elixir's own releases bring.
const ELIXIR_APPLICATIONS: [&str; 6] = ["elixir", "eex", "ex_unit", "iex", "logger", "mix"];

/// For an app that runs from its source with Mix: dependencies and what was compiled of them are one layer.
pub fn of_source(mix_env: &str, built: &Built, path: &str) -> Option<Purpose> {
    let parts: Vec<&str> = path.split('/').collect();
    Some(match parts.as_slice() {
        // Mounted while building; the tools have layers of their own.
        [".platform_tools" | ".bp", ..] => return None,
        ["deps", ..] => Purpose::Dependencies,
        ["_build", env, "lib", name, ..]
            if *env == mix_env && built.dependencies.contains(*name) =>
        {
            Purpose::Dependencies
        }
        // Releases and other environments that a hook may have made are the app's.
        [".mix" | ".hex", ..] => Purpose::HexRebar,
        _ => Purpose::App,
    })
}

/// For an app that runs from its release: the release by its parts, and the app's source without what only a build
/// needs.
pub fn of_release(mix_env: &str, built: &Built, path: &str) -> Option<Purpose> {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["_build", env, "rel", release, rest @ ..]
            if *env == mix_env && built.releases.iter().any(|name| name == release) =>
        {
            Some(match rest {
                [erts, ..] if erts.starts_with("erts-") => Purpose::Erlang,
                ["lib", application, ..] => {
                    let name = application
                        .rsplit_once('-')
                        .map_or(*application, |(name, _)| name);
                    if ELIXIR_APPLICATIONS.contains(&name) {
                        Purpose::Elixir
                    } else if built.dependencies.contains(name) {
                        Purpose::Dependencies
                    } else if is_app(built, name) {
                        Purpose::App
                    } else {
                        Purpose::Erlang
                    }
                }
                _ => Purpose::App,
            })
        }
        [
            ".platform_tools" | ".bp" | "_build" | "deps" | ".mix" | ".hex",
            ..,
        ] => None,
        _ => Some(Purpose::App),
    }
}

/// Whether an application of a release is the app's own rather than OTP's.
fn is_app(built: &Built, name: &str) -> bool {
    built.releases.iter().any(|release| release == name) || built.applications.contains(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built() -> Built {
        Built {
            dependencies: ["jason"].map(str::to_owned).into(),
            applications: ["hello", "hello_web"].map(str::to_owned).into(),
            releases: vec!["hello".to_owned()],
            ..Built::default()
        }
    }

    #[test]
    fn a_changed_line_of_the_app_leaves_the_dependencies_layer_alone() {
        let of = |path: &str| of_source("prod", &built(), path);
        assert_eq!(of("_build/prod/lib/hello/ebin/a.beam"), Some(Purpose::App));
        assert_eq!(
            of("_build/prod/lib/jason/ebin/a.beam"),
            Some(Purpose::Dependencies)
        );
        assert_eq!(of("deps/jason/mix.exs"), Some(Purpose::Dependencies));
        assert_eq!(of("lib/hello.ex"), Some(Purpose::App));
        assert_eq!(of(".mix/config"), Some(Purpose::HexRebar));
        assert_eq!(of(".platform_tools/erlang/bin/erl"), None);
    }

    #[test]
    fn a_release_image_has_the_release_and_the_source_and_no_build_folders() {
        let of = |path: &str| of_release("prod", &built(), path);
        let release = "_build/prod/rel/hello";
        for (path, purpose) in [
            ("erts-15.2/bin/beam.smp", Purpose::Erlang),
            ("lib/stdlib-6.2/ebin/lists.beam", Purpose::Erlang),
            ("lib/elixir-1.18.3/ebin/elixir.app", Purpose::Elixir),
            ("lib/jason-1.4.4/ebin/a.beam", Purpose::Dependencies),
            ("lib/hello_web-0.1.0/ebin/a.beam", Purpose::App),
            ("releases/0.1.0/start.boot", Purpose::App),
            ("bin/hello", Purpose::App),
        ] {
            assert_eq!(of(&format!("{release}/{path}")), Some(purpose), "{path}");
        }
        assert_eq!(of("_build/prod/lib/hello/ebin/a.beam"), None);
        assert_eq!(of("deps/jason/mix.exs"), None);
        assert_eq!(of("priv/static/app.css"), Some(Purpose::App));
    }
}
