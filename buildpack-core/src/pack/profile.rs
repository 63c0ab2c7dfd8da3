//! How the environment of a running app is made: by the scripts of `.profile.d`, then by `.profile`.

use std::collections::BTreeMap;

/// Bash that sources them; the app's folder is the current one.
pub const LOAD_PROFILE: &str = r#"# In the order of their bytes, whatever the app's locale is.
list() { local LC_ALL=C; scripts=(.profile.d/*.sh); }
list
unset -f list
for script in "${scripts[@]}"; do
  if [ -f "$script" ]; then . "$script"; fi
done
if [ -f .profile ]; then . ./.profile; fi
unset script scripts
"#;

/// The command that makes the environment of a running app, then becomes `argv`. Scripts that its packs have for
/// `.profile.d`, and that are no files yet, are those of `profile`. The app's folder is the current one.
pub fn with_profile(profile: &BTreeMap<String, String>, argv: &[String]) -> Vec<String> {
    let scripts: Vec<&str> = profile.values().map(String::as_str).collect();
    let scripts = scripts.join("\n");
    let load = format!("{scripts}\n{LOAD_PROFILE}exec \"$@\"");
    let bash = ["bash", "-c", &load, "bash"].map(str::to_owned);
    bash.into_iter().chain(argv.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn scripts_run_in_order_and_arguments_stay_apart() {
        let app = tempfile::tempdir().unwrap();
        fs_err::create_dir(app.path().join(".profile.d")).unwrap();
        for (file, text) in [
            (".profile.d/b.sh", "export ORDER=\"$ORDER b\""),
            (".profile.d/B.sh", "export ORDER=\"$ORDER B\""),
            (".profile.d/a.sh", "export ORDER=\"$ORDER a\""),
            (".profile.d/c.txt", "export ORDER=\"$ORDER never\""),
            (".profile", "export ORDER=\"$ORDER profile\""),
        ] {
            fs_err::write(app.path().join(file), text).unwrap();
        }
        let of_packs = [(
            "z.sh".to_owned(),
            "# A comment\nexport ORDER=pack".to_owned(),
        )];
        let show = "printf '[%s]' \"$ORDER\" \"${script-gone}\" \"$@\"";
        let argv = ["bash", "-c", show, "bash", "x y", ""].map(str::to_owned);
        let argv = with_profile(&of_packs.into(), &argv);
        let output = Command::new(&argv[0])
            .args(&argv[1..])
            .current_dir(app.path())
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "[pack B a b profile][gone][x y][]"
        );
    }
}
