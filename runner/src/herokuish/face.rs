//! What the variables of a herokuish image say (compatibility facts 2.2).

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::compat::Compat;
use crate::pipeline::Failure;

/// Reads a variable of the environment.
pub(super) type Lookup<'l> = &'l dyn Fn(&str) -> Option<OsString>;

/// The variables, read once.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a variable that is set or not"
)]
pub(super) struct Face {
    /// `APP_PATH`: where the app lives and runs.
    pub(super) app_path: PathBuf,
    /// `ENV_PATH`: one file for each config var.
    pub(super) env_path: PathBuf,
    /// `BUILD_PATH`: where packs that insist on another folder than the app's would build.
    pub(super) build_path: PathBuf,
    /// `CACHE_PATH`: what packs keep between builds.
    pub(super) cache_path: PathBuf,
    /// `IMPORT_PATH`: a source that is mounted, to be copied to the app's folder.
    pub(super) import_path: PathBuf,
    /// `BUILDPACK_PATH`: installed packs.
    pub(super) buildpack_path: PathBuf,
    /// `slug_path`: the slug that is generated and exported.
    pub(super) slug_path: PathBuf,
    /// `USER`, if it says anything.
    pub(super) user: Option<String>,
    /// `HEROKUISH_SETUIDGUID` is not `false`: processes run as the app's user.
    pub(super) drops: bool,
    /// `HEROKUISH_DISABLE_CHOWN` is not `true`.
    pub(super) may_chown: bool,
    /// `HEROKUISH_WITH_TTY` is set: the app's user belongs to the group `tty`.
    pub(super) with_tty: bool,
    /// `HEROKUISH_ENTROPY` is `true`: `rngd` is started beside the app.
    pub(super) entropy: bool,
    /// `TRACE` is set: say what is done.
    pub(super) trace: bool,
    /// `BASH_BIN`: the bash that runs profile and command.
    pub(super) bash: PathBuf,
    /// `BP_HEROKUISH_COMPAT`.
    pub(super) compat: Compat,
}

impl Face {
    /// The variables that `lookup` finds; what is empty counts as unset.
    pub(super) fn of_environment(lookup: Lookup<'_>) -> Result<Self, Failure> {
        let set = |name: &str| lookup(name).filter(|value| !value.is_empty());
        // The name in lower case is herokuish's own variable, which wins where it is exported.
        let path = |name: &str, default: &str| {
            let found = set(&name.to_ascii_lowercase()).or_else(|| set(name));
            PathBuf::from(found.unwrap_or_else(|| OsString::from(default)))
        };
        let says = |name: &str, value: &str| set(name).is_some_and(|set| set == OsStr::new(value));
        Ok(Self {
            app_path: path("APP_PATH", "/app"),
            env_path: path("ENV_PATH", "/tmp/env"),
            build_path: path("BUILD_PATH", "/tmp/build"),
            cache_path: path("CACHE_PATH", "/tmp/cache"),
            import_path: path("IMPORT_PATH", "/tmp/app"),
            buildpack_path: path("BUILDPACK_PATH", "/tmp/buildpacks"),
            slug_path: path("slug_path", "/tmp/slug.tgz"),
            user: set("USER").map(|user| user.to_string_lossy().into_owned()),
            drops: !says("HEROKUISH_SETUIDGUID", "false"),
            may_chown: !says("HEROKUISH_DISABLE_CHOWN", "true"),
            with_tty: set("HEROKUISH_WITH_TTY").is_some(),
            entropy: says("HEROKUISH_ENTROPY", "true"),
            trace: set("TRACE").is_some(),
            bash: path("BASH_BIN", "/bin/bash"),
            compat: Compat::parse(set(Compat::VARIABLE).as_deref())?,
        })
    }
}

#[cfg(test)]
impl Face {
    /// A face of nothing but these variables.
    pub(super) fn of(variables: &[(&str, &str)]) -> Self {
        Self::of_environment(&|name| {
            let found = variables.iter().find(|(own, _)| *own == name);
            found.map(|(_, value)| value.into())
        })
        .unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unset_or_empty_has_herokuishs_default() {
        let face = Face::of(&[("USER", ""), ("APP_PATH", ""), ("CACHE_PATH", "/cache")]);
        assert_eq!(face.user, None);
        assert_eq!(face.app_path, PathBuf::from("/app"));
        assert_eq!(face.env_path, PathBuf::from("/tmp/env"));
        assert_eq!(face.cache_path, PathBuf::from("/cache"));
        assert_eq!(face.slug_path, PathBuf::from("/tmp/slug.tgz"));
        let face = Face::of(&[("BUILD_PATH", "/build"), ("build_path", "/tmp/app")]);
        assert_eq!(face.build_path, PathBuf::from("/tmp/app"));
        assert!(face.drops && face.may_chown && !face.entropy && !face.with_tty);
    }

    #[test]
    fn switches_have_one_word_each() {
        let face = Face::of(&[
            ("HEROKUISH_SETUIDGUID", "false"),
            ("HEROKUISH_DISABLE_CHOWN", "true"),
            ("HEROKUISH_ENTROPY", "1"),
        ]);
        assert!(!face.drops && !face.may_chown && !face.entropy);
        assert!(Face::of(&[("HEROKUISH_SETUIDGUID", "no")]).drops);
    }
}
