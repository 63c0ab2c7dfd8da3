//! Several things of one image at once.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use super::RegistryError;
use super::wire::lock;

/// Between two words on progress.
const TICK: Duration = Duration::from_millis(200);

/// Does `work` with each of `items`, at most `workers` at once, in their order. The first failure sets `stop`, and no
/// more are begun; it is the one that is told. `tick` is called now and then meanwhile.
pub(crate) fn each<T: Send>(
    items: impl IntoIterator<Item = T>,
    workers: usize,
    stop: &AtomicBool,
    tick: &dyn Fn(),
    work: impl Fn(T) -> Result<(), RegistryError> + Sync,
) -> Result<(), RegistryError> {
    let items: VecDeque<T> = items.into_iter().collect();
    if items.is_empty() {
        return Ok(());
    }
    let workers = workers.clamp(1, items.len());
    let queue = Mutex::new(items);
    let failure = Mutex::new(None);
    let next = || lock(&queue).pop_front();
    std::thread::scope(|scope| {
        let (at_work, all) = channel::<()>();
        for _ in 0..workers {
            let at_work = at_work.clone();
            let (work, failure, next) = (&work, &failure, &next);
            scope.spawn(move || {
                // Dropped at the end, whatever the end is.
                let _at_work = at_work;
                while let Some(item) = next() {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    if let Err(error) = work(item) {
                        lock(failure).get_or_insert(error);
                        stop.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
        drop(at_work);
        while all.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
            tick();
        }
    });
    let failure = lock(&failure).take();
    failure.map_or(Ok(()), Err)
}
