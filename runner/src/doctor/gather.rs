//! Looking at the machine and asking hosts, all at once.

use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use buildpack_core::diagnostic::{Diagnostic, Explain};
use buildpack_core::sandbox::{Held, Limits, Sandbox as _};
use buildpack_core::store::Store;
use buildpack_core::toolchain::{Cause, TimeLimits, redact_url};
use jiff::{SignedDuration, Timestamp};

use super::facts::{
    Answer, Authorities, Facts, Host, Kept, Place, Question, Restrictions, SandboxFacts, Space,
};
use crate::http::{HttpFetch, Proxies};
use crate::pipeline;
use crate::rootfs::StackStore;
use crate::sandbox::{self, NamespaceSandbox};
use crate::tls;

/// How long a host may take: a build has more patience, a person has not.
const PATIENCE: TimeLimits = TimeLimits {
    connect: Duration::from_secs(4),
    stall: Duration::from_secs(5),
};

/// What to look at.
pub struct Asked {
    /// The folder of everything that is kept.
    pub cache_dir: PathBuf,
    /// Whether the network may not be used.
    pub offline: bool,
    /// What `SSL_CERT_FILE` names.
    pub authorities: Option<PathBuf>,
    /// Proxies of the environment.
    pub proxies: Proxies,
    /// The hosts that builds ask, by what is set.
    pub hosts: Vec<Question>,
    /// Names of the default stack's images, and the architecture that they are wanted for.
    pub stack_images: (Vec<&'static str>, &'static str),
    /// Whether `bp` stands inside a stack's image.
    pub in_stack_image: bool,
    /// Whether something in the environment says that this is a container.
    pub in_container: bool,
    /// `PATH`.
    pub path: Option<std::ffi::OsString>,
    /// The name of the user, where the environment has it.
    pub user: Option<String>,
}

/// Looks at everything that is asked.
pub fn gather(asked: &Asked) -> Facts {
    let fetch = HttpFetch::new(asked.authorities.clone()).behind(asked.proxies.clone());
    thread::scope(|scope| {
        let questions = if asked.offline { &[] } else { &asked.hosts[..] };
        let hosts: Vec<_> = (questions.iter())
            .map(|question| scope.spawn(|| ask(&fetch, &asked.proxies, question)))
            .collect();
        let kept = kept(asked);
        let sandbox = sandbox_facts(asked);
        let hosts: Vec<_> = hosts
            .into_iter()
            .filter_map(|host| host.join().ok())
            .collect();
        Facts {
            limits: limits(),
            place: Place {
                is_root: rustix::process::geteuid().is_root(),
                in_container: asked.in_container
                    || ["/.dockerenv", "/run/.containerenv"]
                        .iter()
                        .any(|mark| Path::new(mark).exists()),
                has_systemd: Path::new("/run/systemd/system").is_dir(),
            },
            space: space(&asked.cache_dir).map_err(|error| error.to_string()),
            cache_dir: asked.cache_dir.clone(),
            kept,
            sandbox,
            proxies: (asked.proxies.variables())
                .map(|(name, value)| (name.to_owned(), redact_url(value)))
                .collect(),
            authorities: authorities(asked.authorities.as_deref()),
            ahead: hosts.iter().find_map(|(_, ahead)| *ahead),
            hosts: hosts.into_iter().map(|(host, _)| host).collect(),
            offline: asked.offline,
            has_git: (asked.path.iter())
                .flat_map(std::env::split_paths)
                .any(|folder| folder.join("git").is_file()),
        }
    })
}

fn ask(
    fetch: &HttpFetch,
    proxies: &Proxies,
    question: &Question,
) -> (Host, Option<SignedDuration>) {
    let answer = fetch.glance(&question.url, PATIENCE, question.direct);
    let ahead = (answer.as_ref().ok())
        .and_then(|answer| answer.date)
        .map(|date| Timestamp::now().duration_since(date));
    let proxy = proxies.of(&question.url).filter(|_| !question.direct);
    let host = Host {
        question: question.clone(),
        proxy: proxy.map(redact_url),
        answer: match answer {
            Ok(answer) => Answer::Status(answer.status),
            Err(cause) => sorted(cause, proxy.is_some()),
        },
    };
    (host, ahead)
}

fn sorted(cause: Cause, by_proxy: bool) -> Answer {
    /// What resolvers say of names that they don't know.
    const NO_NAME: [&str; 3] = ["dns error", "failed to lookup", "Name or service not known"];
    match cause {
        Cause::Tls(why) => Answer::Distrusted(why),
        Cause::Stalled(time) => Answer::Silent(time),
        Cause::Invalid(why) => Answer::Invalid(why),
        Cause::Status { status, .. } => Answer::Status(status),
        // Behind a proxy, it is the proxy's name that was not found.
        Cause::Connect(why) if !by_proxy && NO_NAME.iter().any(|words| why.contains(words)) => {
            Answer::NoName(why)
        }
        other => Answer::NoWay(other.to_string()),
    }
}

fn kept(asked: &Asked) -> Result<Kept, Box<Diagnostic>> {
    let store = Store::open(asked.cache_dir.clone());
    let store = store.map_err(|error| Box::new(error.diagnostic()))?;
    let images = StackStore::new(store.clone()).list();
    let images = images.map_err(|error| Box::new(error.diagnostic()))?;
    let (names, architecture) = &asked.stack_images;
    let has = |name: &&str| {
        let wanted = pipeline::parse_image_name(name);
        let Ok(wanted) = wanted.map(|wanted| wanted.to_string()) else {
            return false;
        };
        images.iter().any(|image| {
            image.base.reference == wanted
                && image.base.config.architecture().to_string() == *architecture
        })
    };
    Ok(Kept {
        images: pipeline::record::all_named(&store).len(),
        stacks: images.len(),
        has_stack: names.iter().all(has),
        flaws: (pipeline::glance(&store, &images).iter())
            .map(Explain::diagnostic)
            .collect(),
    })
}

fn sandbox_facts(asked: &Asked) -> SandboxFacts {
    let probe = sandbox::probe(&asked.cache_dir);
    let switch = |name: &str| {
        let text = fs_err::read_to_string(Path::new("/proc/sys").join(name)).ok()?;
        text.trim().parse().ok()
    };
    SandboxFacts {
        failure: probe.failure.map(|failure| Box::new(failure.diagnostic())),
        in_stack_image: asked.in_stack_image,
        restrictions: Restrictions {
            most_namespaces: switch("user/max_user_namespaces"),
            unprivileged: switch("kernel/unprivileged_userns_clone"),
            apparmor: switch("kernel/apparmor_restrict_unprivileged_userns"),
        },
        subuid_ranges: subuids(
            &fs_err::read_to_string("/etc/subuid").unwrap_or_default(),
            asked.user.as_deref(),
            rustix::process::geteuid().as_raw(),
        ),
        program: std::env::current_exe().unwrap_or_else(|_| PathBuf::from("/usr/local/bin/bp")),
    }
}

/// Lines of `/etc/subuid` that are about a user, by name or by number (`subuid(5)`).
fn subuids(text: &str, user: Option<&str>, id: u32) -> usize {
    let id = id.to_string();
    let owner = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
    text.lines()
        .map(owner)
        .filter(|owner| *owner == id || Some(owner.as_str()) == user)
        .count()
}

/// What would hold limits, found out by small ones.
fn limits() -> Held {
    let limits = Limits {
        memory: Some(64 << 20),
        cpus: "1".parse().ok(),
        deadline: None,
    };
    NamespaceSandbox::new().held(&limits)
}

/// Room on the disk of a folder, or of the nearest above it that is there.
fn space(folder: &Path) -> io::Result<Space> {
    let there = folder.ancestors().find(|folder| folder.metadata().is_ok());
    let there = there.unwrap_or(Path::new("/"));
    let found = rustix::fs::statvfs(there)?;
    Ok(Space {
        bytes: found.f_bavail.saturating_mul(found.f_frsize),
        files: (found.f_files > 0).then_some(found.f_favail),
    })
}

fn authorities(file: Option<&Path>) -> Result<Authorities, Box<Diagnostic>> {
    let counted = match file {
        Some(file) => {
            tls::count_authorities(file).map(|count| Authorities::File(file.into(), count))
        }
        None => tls::client(reqwest::blocking::Client::builder(), tls::Trust::System)
            .map(|_| Authorities::System),
    };
    counted.map_err(|error| Box::new(error.diagnostic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_counted_by_name_and_number() {
        let text = "me:100000:65536\n1000:200000:65536\nother:1:1\n\n";
        assert_eq!(subuids(text, Some("me"), 1000), 2);
        assert_eq!(subuids(text, None, 1000), 1);
        assert_eq!(subuids("", Some("me"), 1000), 0);
    }

    #[test]
    fn a_folder_that_is_not_there_yet_has_the_room_of_the_one_above() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("not/yet/there");
        assert!(space(&deep).unwrap().bytes > 0);
    }

    #[test]
    fn a_name_that_leads_nowhere_is_told_from_a_host_that_refuses() {
        let connect = |why: &str| Cause::Connect(why.to_owned());
        let lost = || connect("dns error: failed to lookup address information");
        assert!(matches!(sorted(lost(), false), Answer::NoName(_)));
        assert!(matches!(sorted(lost(), true), Answer::NoWay(_)));
        let refused = connect("tcp connect error: Connection refused");
        assert!(matches!(sorted(refused, false), Answer::NoWay(_)));
    }
}
