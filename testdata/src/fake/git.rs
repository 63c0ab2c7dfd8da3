//! Git repositories, and a web server that gives them out as it is told: by git's own program, as plain files, to nobody
//! without a password, or not at all.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// A repository with files of its own, for a test to commit to.
pub struct Repository {
    folder: PathBuf,
}

impl Repository {
    /// A new repository at `folder`, on the branch `main`, without a commit.
    pub fn new(folder: &Path) -> io::Result<Self> {
        fs_err::create_dir_all(folder)?;
        let repository = Self {
            folder: folder.to_owned(),
        };
        repository.git(&["init", "--quiet", "--initial-branch=main"])?;
        Ok(repository)
    }

    /// A new repository with a buildpack in it that says `version` when it compiles, committed.
    pub fn pack(folder: &Path, version: &str) -> io::Result<Self> {
        let repository = Self::new(folder)?;
        repository.write("bin/detect", "#!/bin/sh\necho Fake\n")?;
        repository.release(version)?;
        Ok(repository)
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes a file, not executable.
    pub fn write(&self, name: &str, text: &str) -> io::Result<()> {
        let path = self.folder.join(name);
        fs_err::create_dir_all(path.parent().unwrap_or(&self.folder))?;
        fs_err::write(path, text)
    }

    /// Commits a pack that says another version; gives the commit.
    pub fn release(&self, version: &str) -> io::Result<String> {
        self.write(
            "bin/compile",
            &format!("#!/bin/sh\necho version {version}\n"),
        )?;
        self.commit(version)
    }

    /// Commits all files; gives the commit, which no repository of another folder has: packs are kept by their commit, and
    /// another test's of the same content would be found in place of this one.
    pub fn commit(&self, message: &str) -> io::Result<String> {
        let message = format!("{message}\n\nOf {}.", self.folder.display());
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--allow-empty", "-m", &message])?;
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git in the folder, as nobody in particular; gives what it says.
    pub fn git(&self, arguments: &[&str]) -> io::Result<String> {
        let output = git(&self.folder)
            .args(arguments)
            .stdin(Stdio::null())
            .output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(io::Error::other(format!("git {arguments:?}: {said}")));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// Git with settings of nobody's.
fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(folder).env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    for (name, value) in [
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_AUTHOR_NAME", "A"),
        ("GIT_AUTHOR_EMAIL", "a@example.com"),
        ("GIT_COMMITTER_NAME", "A"),
        ("GIT_COMMITTER_EMAIL", "a@example.com"),
        ("GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z"),
        ("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z"),
    ] {
        command.env(name, value);
    }
    command.args(["-c", "protocol.file.allow=always"]);
    command
}

/// How repositories are given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// By git's program, by the protocol that the client wants.
    Smart,
    /// By git's program and its first protocol, in which only what has a name may be asked for.
    Old,
    /// As plain files.
    Dumb,
    /// Requests are read and never answered.
    Silent,
}

struct State {
    root: PathBuf,
    manner: Mutex<Manner>,
    login: Mutex<Option<String>>,
    seen: Mutex<Vec<String>>,
    waiting: AtomicUsize,
    stopped: AtomicBool,
}

/// The server; dropped, it stops.
pub struct GitHost {
    address: SocketAddr,
    state: Arc<State>,
}

impl GitHost {
    /// Gives out the repositories below `root`, on a free port of the loopback.
    pub fn start(root: &Path) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            root: root.to_owned(),
            manner: Mutex::new(Manner::Smart),
            login: Mutex::default(),
            seen: Mutex::default(),
            waiting: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
        });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&shared);
                // A client that goes away early is part of the game.
                thread::spawn(move || drop(serve(stream, &shared)));
            }
        });
        Ok(Self { address, state })
    }

    /// The address of a repository: its path below the root.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// The same with a user and a password.
    pub fn url_with(&self, login: &str, path: &str) -> String {
        format!("http://{login}@{}/{path}", self.address)
    }

    /// From now on in this manner.
    pub fn manner(&self, manner: Manner) {
        *lock(&self.state.manner) = manner;
    }

    /// From now on only for who says `login`, in base64 as HTTP has it.
    pub fn only_for(&self, login: &str) {
        *lock(&self.state.login) = Some(login.to_owned());
    }

    /// The requests so far, and none of them from now on: method, path and query.
    pub fn take_seen(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.state.seen))
    }

    /// Waits until nobody waits for an answer any more.
    pub fn wait_until_nobody_waits(&self) {
        while self.state.waiting.load(Ordering::SeqCst) > 0 {
            thread::yield_now();
        }
    }
}

impl Drop for GitHost {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        let _ = TcpStream::connect(self.address);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(stream: TcpStream, state: &State) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_ascii_whitespace();
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default().to_owned();
    if method.is_empty() {
        return Ok(());
    }
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    lock(&state.seen).push(format!("{method} {target}"));
    let manner = *lock(&state.manner);
    if manner == Manner::Silent {
        state.waiting.fetch_add(1, Ordering::SeqCst);
        let ended = io::copy(&mut reader, &mut io::sink());
        state.waiting.fetch_sub(1, Ordering::SeqCst);
        return ended.map(drop);
    }
    let body = body(&mut reader, &headers)?;
    let mut stream = reader.into_inner();
    let login = lock(&state.login).clone();
    let said = headers.get("authorization");
    if login.is_some_and(|login| said != Some(&format!("Basic {login}"))) {
        let head = "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"git\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        return stream.write_all(head.as_bytes());
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let answer = match manner {
        Manner::Dumb => file(&state.root, path),
        _ => backend(state, manner, &method, path, query, &headers, &body)?,
    };
    stream.write_all(&answer)
}

fn body(reader: &mut impl io::BufRead, headers: &BTreeMap<String, String>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if headers
        .get("transfer-encoding")
        .is_some_and(|it| it == "chunked")
    {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size)?;
            let size = usize::from_str_radix(size.trim(), 16).map_err(io::Error::other)?;
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk)?;
            if size == 0 {
                return Ok(body);
            }
            body.extend_from_slice(&chunk[..size]);
        }
    }
    let length = headers
        .get("content-length")
        .and_then(|text| text.parse().ok());
    reader.take(length.unwrap_or(0)).read_to_end(&mut body)?;
    Ok(body)
}

/// A file of a repository as it lies there.
fn file(root: &Path, path: &str) -> Vec<u8> {
    let path = root.join(path.trim_start_matches('/'));
    let inside = !path.components().any(|part| part.as_os_str() == "..");
    let found = path.is_file().then(|| fs_err::read(&path).ok()).flatten();
    match found.filter(|_| inside) {
        Some(content) => response("200 Yes", "", &content),
        None => response("404 No", "", b""),
    }
}

fn response(status: &str, headers: &str, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    [head.as_bytes(), content].concat()
}

/// What `git http-backend` answers (git-http-backend(1)).
fn backend(
    state: &State,
    manner: Manner,
    method: &str,
    path: &str,
    query: &str,
    headers: &BTreeMap<String, String>,
    body: &[u8],
) -> io::Result<Vec<u8>> {
    let header = |name: &str| headers.get(name).map_or("", String::as_str);
    let mut command = git(&state.root);
    command
        .args(["-c", "safe.directory=*", "http-backend"])
        .env("GIT_PROJECT_ROOT", &state.root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("REQUEST_METHOD", method)
        .env("REMOTE_ADDR", "127.0.0.1")
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if manner == Manner::Smart {
        command.env("HTTP_GIT_PROTOCOL", header("git-protocol"));
    }
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // It may have seen enough before the end.
        let _ = stdin.write_all(body);
    }
    let output = child.wait_with_output()?.stdout;
    let end = output.windows(4).position(|part| part == b"\r\n\r\n");
    let Some(end) = end else {
        return Ok(response("500 No", "", b""));
    };
    let (head, content) = (&output[..end], &output[end + 4..]);
    let mut status = "200 Yes".to_owned();
    let mut kept = String::new();
    for line in String::from_utf8_lossy(head).lines() {
        match line.strip_prefix("Status: ") {
            Some(text) => text.clone_into(&mut status),
            None => kept.extend([line, "\r\n"]),
        }
    }
    Ok(response(&status, &kept, content))
}
