//! Becoming another user for good.

use std::io;

use rustix::process::{Gid, Uid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

/// Makes this process's only thread that user's, with `gid` and `groups` and no other; what is executed from then on
/// is the user's too, and nothing leads back. To be called where there is one thread: the kernel counts users by thread.
pub(crate) fn become_user(uid: u32, gid: u32, groups: &[u32]) -> io::Result<()> {
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    let groups: Vec<Gid> = [gid]
        .into_iter()
        .chain(groups.iter().map(|&group| Gid::from_raw(group)))
        .collect();
    set_thread_groups(&groups)?;
    set_thread_res_gid(gid, gid, gid)?;
    Ok(set_thread_res_uid(uid, uid, uid)?)
}
