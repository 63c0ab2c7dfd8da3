//! What is written to the screen. Lines of programs that come thick and fast are written many at a time.

use std::io::{self, Write as _};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::screen::Screen;

/// No line is held for longer.
const MOMENT: Duration = Duration::from_millis(20);
/// No more bytes are held.
const MOST: usize = 32 << 10;

/// The screen, and what is about to be written to it.
pub(super) struct Sheet {
    inner: Mutex<Inner>,
    /// Wakes the thread that writes what is held for too long.
    waker: OnceLock<SyncSender<()>>,
}

struct Inner {
    screen: Screen,
    held: Vec<u8>,
    /// When something was last written to `out`.
    written: Option<Instant>,
    /// Why a part of the log could not be written, if one could not.
    unwritten: Option<io::Error>,
}

impl Sheet {
    pub(super) fn new(screen: Screen) -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::new(Inner {
                screen,
                held: Vec::new(),
                written: None,
                unwritten: None,
            }),
            waker: OnceLock::new(),
        })
    }

    /// Writes to standard output what is held, then `text`.
    pub(super) fn write_out(&self, text: &str) {
        self.with(|inner| {
            inner.held.extend_from_slice(text.as_bytes());
            inner.flush();
        });
    }

    /// Writes to standard error, after what is held for standard output.
    pub(super) fn write_err(&self, text: &str) {
        self.with(|inner| {
            inner.flush();
            let err = &mut inner.screen.err;
            // Nobody is left who could be told.
            let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
        });
    }

    /// Writes `text` to standard output, in a moment where a moment ago something was written.
    pub(super) fn write_soon(self: &Arc<Self>, text: &str) {
        let was_empty = self.with(|inner| {
            let first = inner.held.is_empty();
            inner.held.extend_from_slice(text.as_bytes());
            let just_now = inner.written.is_some_and(|at| at.elapsed() < MOMENT);
            if !just_now || inner.held.len() >= MOST {
                inner.flush();
                return false;
            }
            first
        });
        if was_empty {
            let waker = self.waker.get_or_init(|| writer_of(Arc::downgrade(self)));
            // One that is awake needs no second call.
            let _ = waker.try_send(());
        }
    }

    /// Writes what is held.
    pub(super) fn flush(&self) {
        self.with(Inner::flush);
    }

    /// The first error of writing since this was last asked.
    pub(super) fn unwritten(&self) -> Option<io::Error> {
        self.with(|inner| {
            inner.flush();
            inner.unwritten.take()
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Inner {
    fn flush(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let out = &mut self.screen.out;
        let written = out.write_all(&self.held).and_then(|()| out.flush());
        self.held.clear();
        self.written = Some(Instant::now());
        // A reader that has gone away is no error: nobody is left to be told.
        if let Err(error) = written
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            self.unwritten.get_or_insert(error);
        }
    }
}

impl Drop for Sheet {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Starts the thread that writes, a moment after it is woken, what is held then. It ends with the sheet.
fn writer_of(sheet: Weak<Sheet>) -> SyncSender<()> {
    let (waker, woken): (_, Receiver<()>) = sync_channel(1);
    thread::spawn(move || {
        while woken.recv().is_ok() {
            thread::sleep(MOMENT);
            match sheet.upgrade() {
                Some(sheet) => sheet.flush(),
                None => return,
            }
        }
    });
    waker
}
