//! The `git` program at work on one repository.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::super::Reach;
use super::super::error::Why;
use super::said;
use super::{Tip, own_folder};

/// Variables that would send git to another repository, or change what it says and does. `git rev-parse
/// --local-env-vars` names most of them; the others are set in hooks, or would ask or tell somebody.
const UNSET: [&str; 33] = [
    "GIT_ALLOW_PROTOCOL",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_ATTR_SOURCE",
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DEFAULT_HASH",
    "GIT_DIR",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_EXTERNAL_DIFF",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PAGER",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_TEMPLATE_DIR",
    "GIT_TRACE",
    "GIT_TRACE2",
    "GIT_TRACE2_EVENT",
    "GIT_TRACE_CURL",
    "GIT_TRACE_PACKET",
    "GIT_TRACE_SETUP",
    "GIT_WORK_TREE",
    "SSH_ASKPASS",
];

/// Settings for every call, against those of the user and of the repository.
const SETTINGS: [&str; 19] = [
    "advice.detachedHead=false",
    "core.autocrlf=false",
    "core.eol=lf",
    "core.fileMode=true",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.symlinks=true",
    "fetch.fsckObjects=false",
    "fetch.recurseSubmodules=false",
    "gc.auto=0",
    "init.defaultBranch=main",
    "maintenance.auto=false",
    "protocol.allow=never",
    "protocol.git.allow=always",
    "protocol.http.allow=always",
    "protocol.https.allow=always",
    "protocol.ssh.allow=always",
    "submodule.recurse=false",
];

/// How ssh is called where nobody says otherwise: it asks nothing and waits for nobody.
const SSH: &str =
    "ssh -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=15 -o ServerAliveCountMax=4";

/// For what takes nobody else.
const LOCAL: Duration = Duration::from_mins(1);

/// More of what git says is not read.
const LONGEST_ANSWER: u64 = 64 << 20;

/// A repository in a folder of ours, and the one that it is fetched from.
pub(super) struct Repository<'a> {
    folder: PathBuf,
    aside: PathBuf,
    url: &'a str,
    local: bool,
    ssh: Option<&'static str>,
    reach: &'a Reach<'a>,
}

/// How a call of git ended.
struct Ended {
    status: ExitStatus,
    said: Vec<String>,
    answer: String,
}

impl<'a> Repository<'a> {
    /// An empty repository in the new folder `folder`, to be filled from `url`, an address or a path.
    pub(super) fn new(folder: &Path, url: &'a str, reach: &'a Reach<'a>) -> Result<Self, Why> {
        fs_err::create_dir(folder).map_err(|error| Why::disk("write", folder, error))?;
        let mut repository = Self {
            folder: folder.to_owned(),
            aside: folder.with_extension("said"),
            url,
            local: url.starts_with('/'),
            ssh: None,
            reach,
        };
        repository.demand(
            "make a repository",
            &["init", "--quiet", "--template="],
            LOCAL,
        )?;
        repository.name_origin()?;
        let own = repository.run(&["config", "--get", "core.sshCommand"], LOCAL)?;
        let by_variable = ["GIT_SSH_COMMAND", "GIT_SSH"]
            .iter()
            .any(|name| std::env::var_os(name).is_some());
        if !own.is_some_and(|own| own.status.success()) && !by_variable {
            repository.ssh = Some(SSH);
        }
        Ok(repository)
    }

    /// Its folder, with the files of the commit once that was checked out.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// All names there with what they mean, `HEAD` too; a tag of its own stands twice, the second time with `^{}`.
    pub(super) fn names(&self) -> Result<Vec<(String, String)>, Why> {
        let doing = said::ASK;
        let answer = self.demand(doing, &["ls-remote", "origin"], self.reach.patience.answer)?;
        Ok(answer
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .map(|(object, name)| (object.to_owned(), name.to_owned()))
            .collect())
    }

    /// Fetches all branches and tags with their whole history.
    pub(super) fn fetch_all(&self) -> Result<(), Why> {
        let all = [
            "fetch",
            "--quiet",
            "--force",
            "--no-tags",
            "origin",
            "+refs/heads/*:refs/there/heads/*",
            "+refs/tags/*:refs/there/tags/*",
        ];
        self.demand(said::FETCH, &all, self.reach.patience.transfer)?;
        Ok(())
    }

    /// The whole id of a commit that is here.
    pub(super) fn commit_of(&self, text: &str) -> Result<Option<String>, Why> {
        let commit = format!("{text}^{{commit}}");
        let arguments = [
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &commit,
        ];
        let ended = self.run(&arguments, LOCAL)?;
        Ok(ended
            .filter(|ended| ended.status.success())
            .map(|ended| ended.answer.trim().to_owned()))
    }

    /// Fetches a commit, as little of it as the other side lets us have, and checks it out with its submodules.
    pub(super) fn obtain(&self, tip: &Tip) -> Result<(), Why> {
        let limit = self.reach.patience.transfer;
        if self.commit_of(&tip.commit)?.is_none() {
            self.fetch(tip)?;
        }
        let checkout = ["checkout", "--quiet", "--detach", &tip.commit];
        self.demand("check out the commit", &checkout, limit)?;
        if self.folder.join(".gitmodules").is_file() {
            let arguments = ["submodule", "--quiet", "update", "--init", "--recursive"];
            self.demand("fetch the submodules", &arguments, limit)?;
        }
        Ok(())
    }

    fn fetch(&self, tip: &Tip) -> Result<(), Why> {
        let limit = self.reach.patience.transfer;
        let shown = self.url_shown();
        self.reach
            .events
            .heading(&format!("Fetching buildpack {shown}"));
        let shallow = |what: &str| -> Result<bool, Why> {
            let arguments = ["fetch", "--quiet", "--no-tags", "--depth=1", "origin", what];
            let ended = self.run(&arguments, limit)?.ok_or(Why::TimedOut {
                doing: said::FETCH,
                limit,
            })?;
            Ok(ended.status.success() && self.commit_of(&tip.commit)?.is_some())
        };
        // Not every server gives a commit by its id, and a plain web server gives nothing but all.
        if shallow(&tip.commit)? {
            return Ok(());
        }
        if let Some(name) = &tip.name
            && shallow(name)?
        {
            return Ok(());
        }
        self.unshallow()?;
        self.fetch_all()?;
        match self.commit_of(&tip.commit)? {
            Some(_) => Ok(()),
            None => Err(Why::NoReference {
                reference: tip.commit.clone(),
                alike: None,
            }),
        }
    }

    /// Forgets that only a part of the history is here.
    fn unshallow(&self) -> Result<(), Why> {
        let file = own_folder(&self.folder).join("shallow");
        match fs_err::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Why::disk("remove", &file, error))
            }
            _ => Ok(()),
        }
    }

    /// Writes the address into the repository's settings, which only the user can read.
    fn name_origin(&self) -> Result<(), Why> {
        let path = own_folder(&self.folder).join("config");
        let fail = |error| Why::disk("write", &path, error);
        let quoted = self.url.replace('\\', "\\\\").replace('"', "\\\"");
        let section = format!("[remote \"origin\"]\n\turl = \"{quoted}\"\n");
        fs_err::remove_file(&path).map_err(fail)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(fail)?;
        let core = "[core]\n\trepositoryFormatVersion = 0\n\tbare = false\n";
        file.write_all(format!("{core}{section}").as_bytes())
            .map_err(fail)
    }

    fn url_shown(&self) -> String {
        buildpack_core::wanted::without_credentials(self.url)
    }

    /// Runs git, whose success is needed; gives its answer.
    fn demand(
        &self,
        doing: &'static str,
        arguments: &[&str],
        limit: Duration,
    ) -> Result<String, Why> {
        let ended = self
            .run(arguments, limit)?
            .ok_or(Why::TimedOut { doing, limit })?;
        if ended.status.success() {
            return Ok(ended.answer);
        }
        Err(said::sort(doing, ended.said))
    }

    /// Runs git; none where it took too long and was ended.
    fn run(&self, arguments: &[&str], limit: Duration) -> Result<Option<Ended>, Why> {
        let fail = |error| Why::disk("write", &self.aside, error);
        // What it says goes to files: a helper that it leaves behind must not hold a pipe of ours.
        let answer = self.aside.with_extension("answer");
        let out = fs_err::File::create(&answer).map_err(fail)?;
        let err = fs_err::File::create(&self.aside).map_err(fail)?;
        let mut command = self.command(arguments);
        command
            .stdin(Stdio::null())
            .stdout(out.into_parts().0)
            .stderr(err.into_parts().0)
            .process_group(0);
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(Why::NoGit),
            Err(error) => return Err(Why::disk("start", Path::new("git"), error)),
        };
        let deadline = Instant::now() + limit;
        let mut pause = Duration::from_millis(1);
        let status = loop {
            let wait = child.try_wait();
            match wait.map_err(|error| Why::disk("wait for", Path::new("git"), error))? {
                Some(status) => break Some(status),
                None if Instant::now() >= deadline => break None,
                None => {
                    thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(25));
                }
            }
        };
        let Some(status) = status else {
            if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                // It may have ended in between.
                let _ = kill_process_group(group, Signal::KILL);
            }
            let _ = child.wait();
            return Ok(None);
        };
        let said = read(&self.aside, 1 << 20).map_err(fail)?;
        Ok(Some(Ended {
            status,
            said: said::lines(&said, self.url),
            answer: read(&answer, LONGEST_ANSWER).map_err(fail)?,
        }))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        // A repository of this machine may name others of it as its submodules; a stranger's may not.
        let file = if self.local { "always" } else { "never" };
        command.arg("-c").arg(format!("protocol.file.allow={file}"));
        command.args(arguments).current_dir(&self.folder);
        for name in UNSET {
            command.env_remove(name);
        }
        command
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GCM_INTERACTIVE", "never")
            .env("SSH_ASKPASS_REQUIRE", "never")
            .env("GIT_HTTP_LOW_SPEED_LIMIT", "1")
            .env("GIT_HTTP_LOW_SPEED_TIME", "60")
            .env("LC_ALL", "C");
        if let Some(ssh) = self.ssh {
            command.env("GIT_SSH_COMMAND", ssh);
        }
        let by_user = std::env::var_os("GIT_SSL_CAINFO").is_some();
        if let Some(authorities) = self.reach.authorities.filter(|_| !by_user) {
            command.env("GIT_SSL_CAINFO", authorities);
        }
        command
    }
}

fn read(path: &Path, most: u64) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    fs_err::File::open(path)?
        .take(most)
        .read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
