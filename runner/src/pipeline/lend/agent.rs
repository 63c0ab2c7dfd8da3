//! A socket before an SSH agent that lets through what signs, and nothing that changes the agent or its keys
//! (draft-ietf-sshm-ssh-agent).

use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use tempfile::TempDir;

/// `SSH_AGENTC_REQUEST_IDENTITIES`, `SSH_AGENTC_SIGN_REQUEST`.
const LET_THROUGH: [u8; 2] = [11, 13];

/// `SSH_AGENT_FAILURE`, as a message.
const REFUSED: [u8; 5] = [0, 0, 0, 1, 5];

/// Longer messages are refused by agents, too.
const LONGEST: u32 = 256 << 10;

/// Serves until it is dropped.
pub(super) struct Agent {
    socket: PathBuf,
    ended: Arc<AtomicBool>,
    server: Option<JoinHandle<()>>,
    /// Gone with it.
    _folder: TempDir,
}

impl Agent {
    /// Before the agent at `socket`.
    pub(super) fn before(agent: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("bp-agent-").tempdir()?;
        let socket = folder.path().join("agent");
        let listener = UnixListener::bind(&socket)?;
        // The folder is closed to other users; in the sandbox it is another one who asks.
        fs_err::set_permissions(&socket, std::fs::Permissions::from_mode(0o666))?;
        let ended = Arc::new(AtomicBool::new(false));
        let (agent, over) = (agent.to_owned(), Arc::clone(&ended));
        let server = thread::spawn(move || {
            for caller in listener.incoming().flatten() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let agent = agent.clone();
                // Whoever asks sees the end of the connection, and says what it means to them.
                thread::spawn(move || serve(caller, &agent));
            }
        });
        Ok(Self {
            socket,
            ended,
            server: Some(server),
            _folder: folder,
        })
    }

    /// Where it listens.
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // It waits for a caller.
        let woken = UnixStream::connect(&self.socket).is_ok();
        if let Some(server) = self.server.take().filter(|_| woken) {
            let _ = server.join();
        }
    }
}

fn serve(mut caller: UnixStream, agent: &Path) -> io::Result<()> {
    let mut agent = UnixStream::connect(agent)?;
    while let Some(message) = message(&mut caller)? {
        if !message
            .get(4)
            .is_some_and(|kind| LET_THROUGH.contains(kind))
        {
            caller.write_all(&REFUSED)?;
            continue;
        }
        agent.write_all(&message)?;
        let Some(answer) = self::message(&mut agent)? else {
            return Ok(());
        };
        caller.write_all(&answer)?;
    }
    Ok(())
}

/// A message with its length; none where the other side is gone.
fn message(from: &mut UnixStream) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let body = u32::from_be_bytes(length);
    if body > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut message = length.to_vec();
    message.resize(4 + body as usize, 0);
    from.read_exact(&mut message[4..])?;
    Ok(Some(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&length[..], body].concat()
    }

    /// An agent that says back what it was asked.
    fn echo() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("real");
        let listener = UnixListener::bind(&socket).unwrap();
        thread::spawn(move || {
            for mut caller in listener.incoming().flatten() {
                while let Ok(Some(asked)) = message(&mut caller) {
                    caller.write_all(&asked).unwrap();
                }
            }
        });
        (folder, socket)
    }

    #[test]
    fn what_signs_is_let_through_and_nothing_else() {
        let (_folder, real) = echo();
        let agent = Agent::before(&real).unwrap();
        let mut caller = UnixStream::connect(agent.socket()).unwrap();
        for kind in 0..=255 {
            let asked = framed(&[kind, b'x']);
            caller.write_all(&asked).unwrap();
            let answer = message(&mut caller).unwrap().unwrap();
            let expected = if LET_THROUGH.contains(&kind) {
                asked
            } else {
                REFUSED.to_vec()
            };
            assert_eq!(answer, expected, "{kind}");
        }
    }

    #[test]
    fn nobody_answers_when_it_is_over_or_the_agent_is_gone() {
        let (folder, real) = echo();
        let agent = Agent::before(&real).unwrap();
        fs_err::remove_file(&real).unwrap();
        let mut caller = UnixStream::connect(agent.socket()).unwrap();
        assert!(message(&mut caller).unwrap().is_none());
        let socket = agent.socket().to_owned();
        drop((agent, folder));
        assert!(UnixStream::connect(socket).is_err());
    }

    #[test]
    fn an_endless_message_is_not_read() {
        let (_folder, real) = echo();
        let agent = Agent::before(&real).unwrap();
        let mut caller = UnixStream::connect(agent.socket()).unwrap();
        caller.write_all(&[0xff; 8]).unwrap();
        assert!(message(&mut caller).map_or(true, |answer| answer.is_none()));
    }
}
