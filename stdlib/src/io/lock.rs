//! The lock of a stream that does I/O while it is held.
//!
//! Object locks are leaf locks, under which nothing may block. A buffered stream has to keep other threads out during the
//! read or write of its raw stream, so it has this lock besides: a futex word, and the holder's number, by which a thread
//! that comes again (a signal handler, a callback of the raw stream) is recognised. Waiting threads are detached.
//!
//! | word | state |
//! |---|---|
//! | 0 | free |
//! | 1 | held |
//! | 2 | held, and somebody may wait |

use orochi_core::host;
use orochi_objects::{PyResult, Thread};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// See the module.
pub(super) struct IoLock {
    word: AtomicU32,
    /// Number of the holding thread; 0: nobody.
    holder: AtomicU64,
}

// SAFETY: holds no fields.
#[allow(unsafe_code, reason = "atomics of the standard library, which reach no Python objects")]
unsafe impl orochi_core::Trace for IoLock {
    const HAS_FIELDS: bool = false;
    fn trace(&self, _visit: &mut dyn FnMut(&orochi_core::Field)) {}
}

/// Holds the lock; nothing if the thread held it already.
pub(super) struct Held<'a>(Option<&'a IoLock>);

impl IoLock {
    /// A free lock.
    pub(super) fn new() -> IoLock {
        IoLock { word: AtomicU32::new(0), holder: AtomicU64::new(0) }
    }

    /// Whether this thread holds the lock.
    pub(super) fn is_mine(&self, thread: &Thread) -> bool {
        // Relaxed: only this thread ever stores its own number.
        self.holder.load(Ordering::Relaxed) == thread.shared().id()
    }

    /// Takes the lock. A thread that holds it already gets an empty guard.
    pub(super) fn enter(&self, thread: &mut Thread) -> PyResult<Held<'_>> {
        if self.is_mine(thread) {
            return Ok(Held(None));
        }
        // Acquire pairs with the Release in `drop`: the last holder's writes are visible.
        if self.word.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_err() {
            self.enter_slow(thread)?;
        }
        self.holder.store(thread.shared().id(), Ordering::Relaxed);
        Ok(Held(Some(self)))
    }

    #[cold]
    fn enter_slow(&self, thread: &mut Thread) -> PyResult<()> {
        // Acquire: as in `enter`.
        while self.word.swap(2, Ordering::Acquire) != 0 {
            let wake = thread.detached(|| host::wait(&self.word, 2, None));
            if wake == host::Wake::Interrupted {
                crate::os_support::check_signals(thread)?;
            }
        }
        Ok(())
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(lock) = self.0 {
            lock.holder.store(0, Ordering::Relaxed);
            // Release pairs with the Acquire of the next holder.
            if lock.word.swap(0, Ordering::Release) == 2 {
                host::wake_one(&lock.word);
            }
        }
    }
}
