//! A page of a Phoenix app's image as a browser paints it: `target/screenshots/phoenix_npm.png`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use fs_err as fs;

use crate::bp::checkout;
use crate::debian;
use crate::page;
use crate::world::{Failure, World};
use picture::{Colour, Picture};

mod picture;

/// The app of `testdata/apps` that is shown.
const APP: &str = "phoenix_npm";

/// The least part of the picture, in percent, that has the colour of the styles' background: text and logo
/// cover little of it, and without the styles none of it has that colour.
const COVERED: usize = 75;

/// `cargo xtask screenshot`: exits with 0 only if the page is painted with its styles.
pub(crate) fn run(args: &[String]) -> ExitCode {
    if !args.is_empty() {
        eprintln!("usage: cargo xtask screenshot");
        return ExitCode::from(2);
    }
    match screenshot() {
        Ok(picture) => {
            println!("== {}", picture.display());
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("xtask screenshot: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn screenshot() -> Result<PathBuf, Failure> {
    debian::need(&[("chromium", "chromium")])?;
    let app = checkout().join("testdata/apps").join(APP);
    let background = background(&fs::read_to_string(app.join("assets/css/app.css"))?)
        .ok_or_else(|| Failure::say("assets/css/app.css has no `background: #rrggbb`"))?;
    let bp = crate::bp::release()?;
    let world = World::start(&[24])?;
    let temp = tempfile::Builder::new()
        .prefix("bp-screenshot-")
        .tempdir()?;
    let target = checkout().join("target/screenshots");
    fs::create_dir_all(&target)?;
    let file = target.join(format!("{APP}.png"));
    // What an earlier call painted must not pass for this one's.
    if file.exists() {
        fs::remove_file(&file)?;
    }
    let paint = Paint {
        bp: &bp,
        world: &world,
        folder: temp.path(),
    };
    paint.build(&app)?;
    paint.page(&file)?;
    check(&file, background)?;
    Ok(file)
}

/// What the steps share; image, cache and browser profile lie in the folder, which is gone afterwards.
struct Paint<'a> {
    bp: &'a Path,
    world: &'a World,
    folder: &'a Path,
}

impl Paint<'_> {
    fn bp(&self) -> Command {
        let settings = self.world.settings().iter();
        let mut command = dies_with_us(self.bp);
        command
            .envs(settings.map(|(name, value)| (name, value)))
            .env("BP_CACHE_DIR", self.folder.join("cache"));
        command
    }

    fn image(&self) -> String {
        format!("oci:{}", self.folder.join("image").display())
    }

    fn build(&self, app: &Path) -> Result<(), Failure> {
        let mut build = self.bp();
        build
            .arg("build")
            .arg(app)
            .args(["--stack", "heroku-24", "--output", &self.image()]);
        succeed(&mut build, "bp build")
    }

    /// Starts the image and lets a browser paint its page.
    fn page(&self, file: &Path) -> Result<(), Failure> {
        let port = page::free_port()?;
        let secret = format!("SECRET_KEY_BASE={}", "0123456789abcdef".repeat(5));
        let mut run = self.bp();
        run.args(["run", &self.image(), "--port", &port.to_string()])
            .args(["--env", &secret]);
        let mut app = run
            .spawn()
            .map_err(|cause| Failure::new("cannot start `bp run`", cause))?;
        let painted = page::get(port, "/", &mut app).and_then(|_| {
            let log = fs::File::create(self.folder.join("chromium.log"))?;
            succeed(
                // Browsers may wait forever for what their surroundings lack.
                Command::new("timeout")
                    .args(["--kill-after=5", "120", "chromium"])
                    .stdin(Stdio::null())
                    // Root, and containers without user namespaces, have no sandbox for it; the page is ours.
                    .args(["--headless", "--no-sandbox", "--disable-gpu"])
                    .args(["--disable-dev-shm-usage", "--hide-scrollbars"])
                    .args(["--no-proxy-server", "--window-size=800,600"])
                    .arg(option("--user-data-dir=", &self.folder.join("profile")))
                    .arg(option("--screenshot=", file))
                    .arg(format!("http://127.0.0.1:{port}/"))
                    .env("HOME", self.folder)
                    .stdout(Stdio::null())
                    .stderr(log.into_parts().0),
                "chromium",
            )
        });
        // Both fail only when it has ended already.
        app.kill().ok();
        app.wait().ok();
        painted.inspect_err(|_| self.show_log())
    }

    /// A browser says much of no use; it is shown where something went wrong.
    fn show_log(&self) {
        if let Ok(log) = fs::read_to_string(self.folder.join("chromium.log")) {
            eprint!("{log}");
        }
    }
}

/// A program without input that ends when this process does, however that happens.
fn dies_with_us(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL", "--"])
        .arg(program)
        .stdin(Stdio::null());
    command
}

fn option(name: &str, value: &Path) -> std::ffi::OsString {
    let mut whole = std::ffi::OsString::from(name);
    whole.push(value);
    whole
}

fn succeed(command: &mut Command, name: &str) -> Result<(), Failure> {
    let status = command
        .status()
        .map_err(|cause| Failure::new(format!("cannot start `{name}`"), cause))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::say(format!("`{name}` failed ({status})")))
}

/// The first `background: #rrggbb` of a style sheet: that of the whole page.
fn background(styles: &str) -> Option<Colour> {
    let (_, rest) = styles.split_once("background: #")?;
    let channel = |at: usize| u8::from_str_radix(rest.get(at..at + 2)?, 16).ok();
    Some([channel(0)?, channel(2)?, channel(4)?])
}

/// Whether the picture has the styles' background, and something on it.
fn check(file: &Path, background: Colour) -> Result<(), Failure> {
    let picture = Picture::read(file)?;
    let part = picture.part_of(background);
    let colours = picture.colours();
    println!(
        "   {} by {} pixels, {colours} colours, {part} % of it #{}",
        picture.width,
        picture.height,
        background.map(|channel| format!("{channel:02x}")).concat()
    );
    if colours < 2 {
        return Err(Failure::say(format!("{} is blank", file.display())));
    }
    if part < COVERED {
        return Err(Failure::say(format!(
            "{} lacks the page's styles: {part} % of it has their background, expected at least {COVERED} %",
            file.display()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::background;

    #[test]
    fn the_background_is_the_first_of_the_styles() {
        let styles = "body {\n  background: #4b1e6d;\n}\nh1 { background: #ffffff; }";
        assert_eq!(background(styles), Some([0x4b, 0x1e, 0x6d]));
        for wrong in [
            "",
            "background: #4b1e",
            "background: #é€ab",
            "color: #4b1e6d",
        ] {
            assert_eq!(background(wrong), None, "{wrong}");
        }
    }
}
