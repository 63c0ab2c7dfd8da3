//! The user that an app's programs run as, from the system's tables (`passwd(5)`, `group(5)`).

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use buildpack_core::diagnostic::{Class, Diagnostic};
use rustix::process::geteuid;

use super::face::Face;
use crate::pipeline::Failure;
use crate::sandbox::become_user;

/// A user and its groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    /// The name, or the number where there is no name.
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Further groups.
    pub(super) groups: Vec<u32>,
}

/// The system's tables, as text.
struct Tables {
    passwd: String,
    group: String,
}

/// The user to become for the app: `USER`, else whoever owns the app's folder. None where there is nothing to become:
/// that user is who runs already, or whoever runs may become nobody else.
pub(super) fn of_app(face: &Face) -> Result<Option<User>, Failure> {
    if !face.drops || !geteuid().is_root() {
        return Ok(None);
    }
    let tables = Tables::read();
    let mut user = match &face.user {
        Some(name) => tables.named(name).ok_or_else(|| unknown(name))?,
        None => match face.app_path.metadata() {
            Ok(found) => tables.owner(found.uid(), found.gid()),
            // The folder is missed when it is entered.
            Err(_) => return Ok(None),
        },
    };
    if user.uid == 0 {
        return Ok(None);
    }
    if face.with_tty {
        user.groups.extend(tables.group("tty"));
    }
    Ok(Some(user))
}

/// The user to build an app as: `USER`, else herokuish's own, else whoever owns the app's folder, else the stacks' own. A
/// fixed one, where herokuish makes up another each time: the same app has the same owner. None where there is nothing to
/// become.
pub(super) fn of_build(face: &Face) -> Result<Option<User>, Failure> {
    if !face.drops || !geteuid().is_root() {
        return Ok(None);
    }
    let tables = Tables::read();
    let owner = || {
        let found = face.app_path.metadata().ok()?;
        let owner = tables.owner(found.uid(), found.gid());
        (owner.uid != 0).then_some(owner)
    };
    let named = face.user.as_ref();
    let mut user = match named.map(|name| tables.named(name).ok_or_else(|| unknown(name))) {
        Some(found) => found?,
        None => (tables.named(HEROKUISH).or_else(owner))
            .or_else(|| tables.named(HEROKU))
            .ok_or_else(nobody)?,
    };
    if user.uid == 0 {
        return Ok(None);
    }
    if face.with_tty {
        user.groups.extend(tables.group("tty"));
    }
    Ok(Some(user))
}

/// The user of herokuish's images, and that of Heroku's.
const HEROKUISH: &str = "herokuishuser";
const HEROKU: &str = "heroku";

fn nobody() -> Failure {
    Failure::of(
        Diagnostic::error(
            "build-user",
            Class::Surroundings,
            "there is no user to build as: `USER` is not set, and the app's folder is root's",
        )
        .help("set `USER` to a user of this image, such as herokuishuser"),
    )
}

impl User {
    /// Makes `home` the user's home in the system's table, for programs that look there and not at `HOME`, such as ssh.
    /// Where the table can't be written, they will find another.
    pub(super) fn set_home(&self, home: &Path) {
        let path = Path::new("/etc/passwd");
        let home = home.to_string_lossy();
        if let Ok(text) = fs_err::read_to_string(path)
            && let Some(text) = with_home(&text, &self.name, &home)
            && let Ok(mut draft) = tempfile::Builder::new()
                .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
                .tempfile_in("/etc")
            && std::io::Write::write_all(&mut draft, text.as_bytes()).is_ok()
        {
            let _ = draft.persist(path);
        }
    }

    /// Becomes this user, for good.
    pub(super) fn become_it(&self) -> Result<(), Failure> {
        become_user(self.uid, self.gid, &self.groups).map_err(|error| {
            Failure::of(
                Diagnostic::error(
                    "user-not-entered",
                    Class::Surroundings,
                    format!("cannot become the user `{}`: {error}", self.name),
                )
                .help(
                    "give the container the capabilities SETUID and SETGID, or start it as that user \
                     with `HEROKUISH_SETUIDGUID=false`",
                ),
            )
        })
    }
}

impl Tables {
    fn read() -> Self {
        let read = |path: &str| {
            let bytes = fs_err::read(Path::new(path)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Self {
            passwd: read("/etc/passwd"),
            group: read("/etc/group"),
        }
    }

    /// Each user's name, number and group.
    fn users(&self) -> impl Iterator<Item = (&str, u32, u32)> {
        self.passwd.lines().filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let uid = fields.nth(1)?.parse().ok()?;
            Some((name, uid, fields.next()?.parse().ok()?))
        })
    }

    /// The user of that name or number; a number may have a group's behind a colon.
    fn named(&self, name: &str) -> Option<User> {
        let user = |name: &str, uid, gid| User {
            name: name.to_owned(),
            uid,
            gid,
            groups: Vec::new(),
        };
        if let Some((_, uid, gid)) = self.users().find(|(own, ..)| *own == name) {
            return Some(user(name, uid, gid));
        }
        let (uid, gid) = name.split_once(':').unwrap_or((name, name));
        Some(user(name, uid.parse().ok()?, gid.parse().ok()?))
    }

    /// The owner of a folder: with the group from the table, as far as it is in there.
    fn owner(&self, uid: u32, gid: u32) -> User {
        let known = self.users().find(|(_, own, _)| *own == uid);
        let (name, gid) = known.map_or((uid.to_string(), gid), |(name, _, gid)| {
            (name.to_owned(), gid)
        });
        User {
            name,
            uid,
            gid,
            groups: Vec::new(),
        }
    }

    /// The number of a group.
    fn group(&self, name: &str) -> Option<u32> {
        self.group.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == name).then_some(())?;
            fields.nth(1)?.parse().ok()
        })
    }
}

/// The table with another home for a user; none where nothing is to be changed.
fn with_home(passwd: &str, name: &str, home: &str) -> Option<String> {
    let mut changed = false;
    let lines = passwd.lines().map(|line| {
        let mut fields: Vec<&str> = line.split(':').collect();
        if fields.len() == 7 && fields[0] == name && fields[5] != home && !home.contains(':') {
            fields[5] = home;
            changed = true;
        }
        fields.join(":") + "\n"
    });
    let text: String = lines.collect();
    changed.then_some(text)
}

fn unknown(name: &str) -> Failure {
    Failure::of(
        Diagnostic::error(
            "user-unknown",
            Class::Usage,
            format!("`USER` names `{name}`, and there is no such user here"),
        )
        .help("name a user of this image's /etc/passwd, or unset `USER` to take the owner of the app's folder"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> Tables {
        Tables {
            passwd: "root:x:0:0:root:/root:/bin/bash\nbroken\nnobody:x:65534:65533::/:/bin/false\n\
                     herokuishuser:x:32767:32767:,,,:/app:/bin/bash\n"
                .to_owned(),
            group: "root:x:0:\ntty:x:5:herokuishuser\nnogroup:x:65533:\n".to_owned(),
        }
    }

    fn ids(user: Option<User>) -> Option<(String, u32, u32)> {
        user.map(|user| (user.name, user.uid, user.gid))
    }

    #[test]
    fn users_have_the_group_of_the_table() {
        for (name, uid, gid) in [
            ("herokuishuser", 32767, 32767),
            // Its group is called nogroup.
            ("nobody", 65534, 65533),
            ("1000", 1000, 1000),
            ("1000:50", 1000, 50),
        ] {
            let found = ids(tables().named(name));
            assert_eq!(found, Some((name.to_owned(), uid, gid)));
        }
        for name in ["herokuish", "", "broken", "a:b"] {
            assert_eq!(tables().named(name), None, "{name}");
        }
    }

    #[test]
    fn a_home_is_changed_where_it_is_another() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\napp:x:1:1::/home/app:/bin/sh\nbroken\n";
        assert_eq!(
            with_home(passwd, "app", "/app").unwrap(),
            passwd.replace("/home/app", "/app")
        );
        for (name, home) in [("app", "/home/app"), ("nobody", "/app"), ("broken", "/app")] {
            assert_eq!(with_home(passwd, name, home), None, "{name}");
        }
    }

    #[test]
    fn an_owner_needs_no_name() {
        let owner = |uid| ids(Some(tables().owner(uid, 7))).unwrap();
        assert_eq!(owner(65534), ("nobody".to_owned(), 65534, 65533));
        assert_eq!(owner(4242), ("4242".to_owned(), 4242, 7));
        assert_eq!(tables().group("tty"), Some(5));
        assert_eq!(tables().group("audio"), None);
    }
}
