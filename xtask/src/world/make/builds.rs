//! The builds host: Erlang/OTP, Elixir, Hex and rebar3, and the lists of them.

use std::fmt::Write;
use std::path::Path;

use fs_err as fs;
use sha2::{Digest, Sha256, Sha512};

use super::part::{Kitchen, Part, hex, run_recipe};
use super::stack::Stack;
use crate::world::Failure;

const OTP: &str = include_str!("../recipes/otp.sh");
const OTP_INSTALL: &str = include_str!("../recipes/otp-install");
const ELIXIR: &str = include_str!("../recipes/elixir.sh");
const HEX: &str = include_str!("../recipes/hex.sh");
const TOOLS: &str = include_str!("../recipes/tools.sh");
const KEY: &str = include_str!("../recipes/key.sh");
const SIGN: &str = include_str!("../recipes/sign.sh");
/// Raised when the lists below are written in another way.
const LISTS: &str = "2";
const BUILT: &str = "2025-01-01T00:00:00Z";

/// A stack's programs: `OTP-<v>.tar.gz`, `elixir.zip`, `hex.ez`, `rebar3`, and a file `<program>.version` of each.
pub(super) fn tools(kitchen: &Kitchen, stack: &Stack, roots: &Part) -> Result<Part, Failure> {
    let hex = if stack.hex_package { "" } else { HEX };
    let inputs = [roots.key.as_str(), OTP, OTP_INSTALL, ELIXIR, hex, TOOLS];
    kitchen.part(&format!("tools-{}", stack.number), &inputs, |folder| {
        fs::write(folder.join("otp-install"), OTP_INSTALL)?;
        let debs = roots.path.join("debs");
        let settings = [
            ("ROOTS", roots.path.to_str().unwrap_or_default()),
            ("DEBS", debs.to_str().unwrap_or_default()),
            ("INSTALLER", "otp-install"),
        ];
        for recipe in [OTP, ELIXIR, hex, TOOLS] {
            if recipe.is_empty() {
                continue;
            }
            run_recipe(recipe, folder, &settings)?;
        }
        Ok(fs::remove_file(folder.join("otp-install"))?)
    })
}

/// The key pair that signs the `installs` lists: `private.pem`, `public.pem`.
pub(super) fn key_pair(kitchen: &Kitchen) -> Result<Part, Failure> {
    kitchen.part("key", &[KEY], |folder| run_recipe(KEY, folder, &[]))
}

/// What the builds host serves.
pub(super) fn tree(
    kitchen: &Kitchen,
    tools: &[(&Stack, &Part)],
    key: &Part,
) -> Result<Part, Failure> {
    let mut inputs = vec![LISTS, SIGN, &key.key];
    inputs.extend(tools.iter().map(|(_, part)| part.key.as_str()));
    kitchen.part("builds", &inputs, |folder| {
        let mut elixirs = String::new();
        let mut lists = Installs::default();
        for (stack, part) in tools {
            let one = Tools::read(&part.path)?;
            one.otp(stack, folder)?;
            one.elixir(folder, &mut elixirs)?;
            one.installs(folder, &mut lists)?;
        }
        fs::write(folder.join("builds/elixir/builds.txt"), sorted(&elixirs))?;
        let private = key.path.join("private.pem");
        let settings = [("KEY", private.to_str().unwrap_or_default())];
        let installs = folder.join("installs");
        for (name, text) in [
            ("hex-1.x.csv", lists.old_hex),
            ("rebar3-1.x.csv", lists.old_rebar),
            ("hex.csv", lists.hex),
            ("rebar.csv", lists.rebar),
        ] {
            fs::write(installs.join(name), text)?;
        }
        run_recipe(SIGN, &installs, &settings)
    })
}

/// The lists below `installs`: those of one column for Elixir (1.18.3 still reads them), and those that name OTP.
#[derive(Default)]
struct Installs {
    old_hex: String,
    old_rebar: String,
    hex: String,
    rebar: String,
}

/// A stack's programs and their versions.
struct Tools<'a> {
    folder: &'a Path,
    otp: String,
    elixir: String,
}

impl<'a> Tools<'a> {
    fn read(folder: &'a Path) -> Result<Self, Failure> {
        Ok(Self {
            folder,
            otp: version(folder, "otp")?,
            elixir: version(folder, "elixir")?,
        })
    }

    fn otp_major(&self) -> &str {
        self.otp.split('.').next().unwrap_or_default()
    }

    /// The archive and its list, where the builds host has them now and where it had them before it knew of
    /// architectures.
    fn otp(&self, stack: &Stack, tree: &Path) -> Result<(), Failure> {
        let name = format!("OTP-{}", self.otp);
        let archive = self.folder.join(format!("{name}.tar.gz"));
        let row = row(&name, &archive)?;
        for place in ["builds/otp/amd64", "builds/otp"] {
            let folder = tree.join(place).join(stack.ubuntu);
            place_file(&archive, &folder.join(format!("{name}.tar.gz")))?;
            fs::write(folder.join("builds.txt"), &row)?;
        }
        Ok(())
    }

    fn elixir(&self, tree: &Path, list: &mut String) -> Result<(), Failure> {
        let archive = self.folder.join("elixir.zip");
        let plain = format!("v{}", self.elixir);
        for name in [format!("{plain}-otp-{}", self.otp_major()), plain] {
            place_file(&archive, &tree.join(format!("builds/elixir/{name}.zip")))?;
            list.push_str(&row(&name, &archive)?);
        }
        Ok(())
    }

    /// Both kinds of lists know every program: which one an Elixir reads is its own affair.
    fn installs(&self, tree: &Path, lists: &mut Installs) -> Result<(), Failure> {
        let otp = self.otp_major();
        // The lists name the oldest Elixir of a minor release.
        let minor = self.elixir.rsplit_once('.').map_or("", |(minor, _)| minor);
        let elixir = format!("{minor}.0");
        for (file, name, extension) in [("hex.ez", "hex", ".ez"), ("rebar3", "rebar3", "")] {
            let source = self.folder.join(file);
            let version = version(self.folder, name)?;
            let sum = hex(&Sha512::digest(fs::read(&source)?));
            let (plain, naming_otp) = match name {
                "hex" => (&mut lists.old_hex, &mut lists.hex),
                _ => (&mut lists.old_rebar, &mut lists.rebar),
            };
            let places = [
                (plain, String::new(), String::new()),
                (naming_otp, format!(",{otp}"), format!("-otp-{otp}")),
            ];
            for (list, column, suffix) in places {
                writeln!(list, "{version},{sum},{elixir}{column}")
                    .map_err(|cause| Failure::new("cannot write a list", cause))?;
                let at = format!("installs/{elixir}/{name}-{version}{suffix}{extension}");
                place_file(&source, &tree.join(at))?;
            }
        }
        Ok(())
    }
}

fn version(folder: &Path, program: &str) -> Result<String, Failure> {
    let text = fs::read_to_string(folder.join(format!("{program}.version")))?;
    Ok(text.trim().to_owned())
}

/// A row of a `builds.txt`. The commit is made up: nothing here was built from one.
fn row(name: &str, archive: &Path) -> Result<String, Failure> {
    let sum = hex(&Sha256::digest(fs::read(archive)?));
    Ok(format!("{name} {} {BUILT} {sum}\n", &sum[..40]))
}

fn sorted(list: &str) -> String {
    let mut rows: Vec<&str> = list.lines().collect();
    rows.sort_unstable();
    rows.join("\n") + "\n"
}

/// The same file at another place.
fn place_file(source: &Path, target: &Path) -> Result<(), Failure> {
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::hard_link(source, target)?)
}
