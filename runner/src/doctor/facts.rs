//! What was found out about a machine, before anybody says what it means.

use std::path::PathBuf;
use std::time::Duration;

use buildpack_core::diagnostic::Diagnostic;
use buildpack_core::sandbox::Held;
use jiff::SignedDuration;

/// What was found out about a machine.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Whether steps can be kept apart from the machine.
    pub sandbox: SandboxFacts,
    /// What would hold a limit of memory and one of processors.
    pub limits: Held,
    /// Who we are, and where.
    pub place: Place,
    /// The folder of everything that is kept.
    pub cache_dir: PathBuf,
    /// Room on its disk, or why nobody can tell.
    pub space: Result<Space, String>,
    /// The store, or why it can't be opened.
    pub kept: Result<Kept, Box<Diagnostic>>,
    /// Proxies that the environment names: variable and address, without user and password.
    pub proxies: Vec<(String, String)>,
    /// Whom TLS connections trust, or why nobody can be trusted.
    pub authorities: Result<Authorities, Box<Diagnostic>>,
    /// The hosts that builds ask; empty where the network may not be used.
    pub hosts: Vec<Host>,
    /// Whether the network may not be used.
    pub offline: bool,
    /// How far this machine's clock is ahead of a host's, where one told its time.
    pub ahead: Option<SignedDuration>,
    /// Whether there is a program `git`.
    pub has_git: bool,
}

/// Who we are, and where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    /// Whether this is root.
    pub is_root: bool,
    /// Whether this is inside a container.
    pub in_container: bool,
    /// Whether systemd runs this machine.
    pub has_systemd: bool,
}

/// Whether steps can be kept apart from the machine.
#[derive(Debug, Clone, Default)]
pub struct SandboxFacts {
    /// Why namespaces do not work; absent where they do.
    pub failure: Option<Box<Diagnostic>>,
    /// Whether `bp` stands inside a stack's image, where steps can run in place.
    pub in_stack_image: bool,
    /// The kernel's switches.
    pub restrictions: Restrictions,
    /// Ranges of user ids that `/etc/subuid` gives to this user.
    pub subuid_ranges: usize,
    /// The program that `AppArmor` would have to know.
    pub program: PathBuf,
}

/// The kernel's switches on user namespaces; absent where the kernel has no such switch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Restrictions {
    /// `user.max_user_namespaces`.
    pub most_namespaces: Option<u64>,
    /// `kernel.unprivileged_userns_clone`.
    pub unprivileged: Option<u64>,
    /// `kernel.apparmor_restrict_unprivileged_userns`.
    pub apparmor: Option<u64>,
}

/// Room on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes that we may still write.
    pub bytes: u64,
    /// Files that may still be made; absent where the file system knows no such limit.
    pub files: Option<u64>,
}

/// What is kept.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// Built images that have a name.
    pub images: usize,
    /// Stack images.
    pub stacks: usize,
    /// Whether both images of the default stack are here, so that no registry is needed.
    pub has_stack: bool,
    /// What is not whole.
    pub flaws: Vec<Diagnostic>,
}

/// Whom TLS connections trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorities {
    /// The system's.
    System,
    /// So many of a file that `SSL_CERT_FILE` names.
    File(PathBuf, usize),
}

/// A host to ask.
#[derive(Debug, Clone)]
pub struct Question {
    /// Its name.
    pub host: String,
    /// What is asked for; it may hold a password.
    pub url: String,
    /// What comes from it.
    pub purpose: &'static str,
    /// Which builds need it.
    pub need: Need,
    /// The line for a shell that names another.
    pub elsewhere: String,
    /// Whether no proxy is used for it.
    pub direct: bool,
}

/// Which builds need a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Every build whose parts are not kept yet.
    Every,
    /// The first build on a stack.
    Stack,
    /// Some apps.
    Some,
}

/// A host, and what came of asking it.
#[derive(Debug, Clone)]
pub struct Host {
    /// What was asked.
    pub question: Question,
    /// The proxy in between, without user and password.
    pub proxy: Option<String>,
    /// What came of it.
    pub answer: Answer,
}

/// What came of asking a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// An answer with this HTTP status.
    Status(u16),
    /// Its name leads nowhere.
    NoName(String),
    /// No connection.
    NoWay(String),
    /// No TLS connection.
    Distrusted(String),
    /// Nothing came for so long.
    Silent(Duration),
    /// The address is none.
    Invalid(String),
}
