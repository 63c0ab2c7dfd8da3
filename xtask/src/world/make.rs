//! Making what the world consists of: parts, each kept under a key of all that goes into it.

use std::path::{Path, PathBuf};
use std::thread;

use fs_err as fs;

use super::Failure;
use part::{Kitchen, Part};
use stack::Stack;

mod builds;
mod image;
mod node;
mod packages;
mod part;
mod python;
mod sarif;
mod stack;

/// The stacks that have stand-ins.
pub(crate) const STACKS: [u8; 3] = [22, 24, 26];

/// The stack whose tools build the packages.
const MAKER: u8 = 24;

/// What was made, ready to be served.
pub(crate) struct Made {
    /// Folder with one sub-folder for each host that files are served for.
    pub(crate) tree: PathBuf,
    /// Registry storages, one for each stack.
    pub(crate) layouts: Vec<PathBuf>,
    /// Public half of the key that signs the `installs` lists.
    pub(crate) public_key: PathBuf,
    /// JSON schema of SARIF reports.
    pub(crate) sarif_schema: PathBuf,
}

/// Where the world is kept: only root can make it, and everybody may read it, so it lies where the system's
/// caches lie and not in a home folder.
pub(crate) fn folder() -> Result<PathBuf, Failure> {
    let dir = std::env::var_os("BP_WORLD_DIR")
        .map_or_else(|| "/var/cache/bp-world".into(), PathBuf::from);
    std::path::absolute(&dir)
        .map_err(|cause| Failure::new(format!("cannot use {} for the world", dir.display()), cause))
}

/// A stack's part of the world.
struct StackParts {
    stack: &'static Stack,
    image: Part,
    storage: Part,
    tools: Part,
}

/// Makes what is missing.
pub(crate) fn make(dir: &Path, stacks: &[u8]) -> Result<Made, Failure> {
    let kitchen = Kitchen::new(dir);
    let chosen: Vec<&Stack> = stack::ALL
        .iter()
        .filter(|stack| stack.number == MAKER || stacks.contains(&stack.number))
        .collect();
    let (made, node) = thread::scope(|scope| {
        let node = scope.spawn(|| node::dist(&kitchen));
        let running: Vec<_> = chosen
            .iter()
            .map(|stack| scope.spawn(|| stack_parts(&kitchen, stack)))
            .collect();
        let made = running
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .map_err(|_| Failure::say("a making ended in a panic"))?
            })
            .collect::<Result<Vec<_>, Failure>>()?;
        let node = node
            .join()
            .map_err(|_| Failure::say("making Node's archives ended in a panic"))??;
        Ok::<_, Failure>((made, node))
    })?;
    let maker = made
        .iter()
        .find(|parts| parts.stack.number == MAKER)
        .ok_or_else(|| Failure::say("the stack that builds the packages is missing"))?;
    let key = builds::key_pair(&kitchen)?;
    let tools: Vec<_> = made
        .iter()
        .map(|parts| (parts.stack, &parts.tools))
        .collect();
    let builds = builds::tree(&kitchen, &tools, &key)?;
    let repo = packages::repo(&kitchen, &maker.image, &maker.tools)?;
    let python = python::dist(&kitchen, &maker.image)?;
    let hosts = [
        ("builds.hex.pm", &builds),
        ("nodejs.org/dist", &node),
        ("python.org/dist", &python),
    ];
    let mut inputs: Vec<&str> = hosts.iter().map(|(_, part)| part.key.as_str()).collect();
    inputs.push(&repo.key);
    let tree = kitchen.part("hosts", &inputs, |folder| {
        for (host, part) in &hosts {
            link(&part.path, &folder.join(host))?;
        }
        let packages = folder.join("repo.hex.pm");
        for entry in fs::read_dir(&repo.path)? {
            let entry = entry?;
            link(&entry.path(), &packages.join(entry.file_name()))?;
        }
        // Elixirs before 1.15 look for Hex and rebar3 there.
        link(&builds.path.join("installs"), &packages.join("installs"))?;
        Ok(())
    })?;
    Ok(Made {
        tree: tree.path,
        layouts: made
            .iter()
            .filter(|parts| stacks.contains(&parts.stack.number))
            .map(|parts| parts.storage.path.clone())
            .collect(),
        public_key: key.path.join("public.pem"),
        sarif_schema: sarif::schema(&kitchen)?.path.join("sarif-2.1.0.json"),
    })
}

/// A symbolic link, and the folders above it.
fn link(to: &Path, at: &Path) -> Result<(), Failure> {
    if let Some(parent) = at.parent() {
        fs::create_dir_all(parent)?;
    }
    Ok(fs::os::unix::fs::symlink(to, at)?)
}

fn stack_parts(kitchen: &Kitchen, stack: &'static Stack) -> Result<StackParts, Failure> {
    let image = image::roots(kitchen, stack)?;
    thread::scope(|scope| {
        let storage = scope.spawn(|| image::storage(kitchen, stack, &image));
        let tools = builds::tools(kitchen, stack, &image)?;
        let storage = storage
            .join()
            .map_err(|_| Failure::say("writing an image ended in a panic"))??;
        Ok((storage, tools))
    })
    .map(|(storage, tools)| StackParts {
        stack,
        image,
        storage,
        tools,
    })
}
