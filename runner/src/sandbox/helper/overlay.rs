//! The room's root: the image's folders read-only, the scratch over them.

use std::ffi::CString;
use std::fs::DirBuilder;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::mount::MountFlags;

use super::trouble::{During, Trouble};
use crate::sandbox::Step;
use crate::sandbox::wire::Spec;

/// What mount(2) takes of options: one page, its last byte zero.
const OPTIONS: usize = 4096;

/// Mounts the overlay and gives its root.
pub(super) fn mount(spec: &Spec) -> Result<OwnedFd, Trouble> {
    let scratch = spec.scratch.path();
    let mut folders = Vec::new();
    for name in ["upper", "work", "root", "empty"] {
        let path = scratch.join(name);
        make(&path).during(Step::Scratch, path.display())?;
        folders.push(open(&path).during(Step::Scratch, path.display())?);
    }
    let mut layers = Vec::new();
    for layer in spec.root.iter().rev() {
        let path = layer.path();
        layers.push(open(&path).during(Step::Overlay, path.display())?);
    }
    let lower = if layers.is_empty() {
        link(&folders[3])
    } else {
        layers.iter().map(link).collect::<Vec<_>>().join(":")
    };
    // Links to descriptors instead of paths: many layers fit in the page that the kernel takes, and no character
    // of a path can be taken for a separator.
    let options = format!(
        "userxattr,lowerdir={lower},upperdir={},workdir={}",
        link(&folders[0]),
        link(&folders[1]),
    );
    // The kernel would cut the rest off without a word.
    if options.len() >= OPTIONS {
        return Err(rustix::io::Errno::TOOBIG).during(Step::Overlay, scratch.display());
    }
    let options = CString::new(options)
        .map_err(io::Error::from)
        .during(Step::Overlay, "")?;
    let merged = scratch.join("root");
    rustix::mount::mount(
        "overlay",
        link(&folders[2]),
        "overlay",
        MountFlags::NOSUID | MountFlags::NODEV,
        options.as_c_str(),
    )
    .during(Step::Overlay, scratch.display())?;
    open(&merged).during(Step::Overlay, merged.display())
}

fn make(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o755).create(path)
}

fn open(path: &Path) -> io::Result<OwnedFd> {
    Ok(openat(
        CWD,
        path,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?)
}

/// A path that leads to what `fd` has open.
pub(super) fn link(fd: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}
