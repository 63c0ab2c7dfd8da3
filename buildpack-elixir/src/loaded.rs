//! Which ELF files of an image the running app is sure to load.

use std::path::Path;

/// Programs without which Erlang does not start (`erlexec` starts `beam.smp`, which starts the others).
const PROGRAMS: [&str; 5] = [
    "beam.smp",
    "epmd",
    "erl_child_setup",
    "erlexec",
    "inet_gethost",
];

/// Applications of OTP with libraries that are loaded only where somebody asks for them.
const ON_DEMAND: [&str; 4] = ["megaco", "odbc", "runtime_tools", "wx"];

/// Whether the file at `path` of an image whose app lies in `app_dir` is one: the virtual machine, or native code of an
/// application, which Erlang loads with the module that it belongs to. Below `priv` it stands where `elixir_make`,
/// `rustler` and OTP have it; what lies deeper is what such code brings along.
pub(crate) fn is_loaded(app_dir: &str, path: &str) -> bool {
    let below = path
        .strip_prefix(app_dir)
        .and_then(|path| path.strip_prefix('/'));
    let Some(below) = below else { return false };
    let parts: Vec<&str> = below.split('/').collect();
    match parts.as_slice() {
        [.., erts, "bin", program] if erts.starts_with("erts-") => PROGRAMS.contains(program),
        [folders @ .., "priv", file] | [folders @ .., "priv", "lib" | "native", file] => {
            Path::new(file).extension().is_some_and(|it| it == "so") && is_application(folders)
        }
        _ => false,
    }
}

/// Whether it is the folder of an application whose native code is loaded with it: the app itself, one of an umbrella's, a
/// dependency, or one in a `lib` of what was compiled.
fn is_application(folders: &[&str]) -> bool {
    match folders {
        [] | ["deps" | "apps", _] | ["_build", _, "lib", _] => true,
        [before @ .., "lib", application] => {
            let name = application.split('-').next().unwrap_or_default();
            let of_tools = before == [".platform_tools", "erlang"];
            let of_release = matches!(before, ["_build", _, "rel", _]);
            (of_tools || of_release) && !ON_DEMAND.contains(&name)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn native_code_of_applications_is_loaded_and_what_else_lies_about_is_not() {
        for path in [
            ".platform_tools/erlang/erts-15.2/bin/beam.smp",
            ".platform_tools/erlang/lib/crypto-5.5/priv/lib/crypto.so",
            "_build/prod/rel/shop/erts-15.2/bin/erlexec",
            "_build/prod/rel/shop/lib/bcrypt_elixir-3.1.0/priv/bcrypt_nif.so",
            "_build/prod/lib/jiffy/priv/jiffy.so",
            "deps/explorer/priv/native/libexplorer-v0.9-nif-2.15.so",
            "apps/web/priv/web_nif.so",
            "priv/nif.so",
        ] {
            assert!(is_loaded("/app", &format!("/app/{path}")), "{path}");
        }
        for path in [
            ".platform_tools/erlang/erts-15.2/bin/dialyzer",
            ".platform_tools/erlang/lib/wx-2.4/priv/wxe_driver.so",
            ".platform_tools/node/bin/node",
            "_build/prod/rel/shop/lib/odbc-2.14/priv/lib/odbc.so",
            "deps/exla/priv/xla_extension/lib/libxla.so",
            "deps/a/priv/tool",
            "deps/a/deps/b/priv/x.so",
            "node_modules/sharp/build/sharp.node",
            "vendor/priv/x.so",
            "lib/priv/x.so",
        ] {
            assert!(!is_loaded("/app", &format!("/app/{path}")), "{path}");
        }
        assert!(!is_loaded("/app", "/usr/lib/priv/x.so"));
    }
}
