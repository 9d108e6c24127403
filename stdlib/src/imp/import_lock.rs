//! The lock of importlib's table of locks: each module has a lock of its own, which is made, found and forgotten under this one. So
//! two threads that import a module find the same lock, and the module is executed once.
//!
//! It is reentrant, since a module's lock may be forgotten (by a weak reference's callback) while its holder makes another. `OWNER`
//! is changed by the holder alone, so a thread that reads its own number there holds the lock; `COUNT` is the holder's.

use crate::thread::RawLock;
use orochi_core::sync::{AtomicU64, AtomicUsize, Ordering};
use orochi_objects::{PyResult, Thread};
use std::sync::LazyLock;

static LOCK: LazyLock<RawLock> = LazyLock::new(RawLock::new);
static OWNER: AtomicU64 = AtomicU64::new(0);
static COUNT: AtomicUsize = AtomicUsize::new(0);

fn is_own(thread: &Thread) -> bool {
    // Relaxed: only this thread ever writes its own number here.
    OWNER.load(Ordering::Relaxed) == thread.shared().id()
}

/// Waits for the lock. Signal handlers run meanwhile, and may raise.
pub(crate) fn acquire(thread: &mut Thread) -> PyResult<()> {
    if !is_own(thread) {
        LOCK.acquire(thread, None)?;
        OWNER.store(thread.shared().id(), Ordering::Relaxed);
    }
    COUNT.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// Releases the lock once; false if another thread or none holds it.
pub(crate) fn release(thread: &Thread) -> bool {
    if !is_own(thread) {
        return false;
    }
    if COUNT.fetch_sub(1, Ordering::Relaxed) == 1 {
        OWNER.store(0, Ordering::Relaxed);
        LOCK.release();
    }
    true
}

/// Whether some thread holds the lock.
pub(crate) fn is_held() -> bool {
    LOCK.is_locked()
}

/// In the child of a fork: other threads' holds ended with them.
pub(crate) fn after_fork(thread: &Thread) {
    if !is_own(thread) {
        OWNER.store(0, Ordering::Relaxed);
        COUNT.store(0, Ordering::Relaxed);
        LOCK.reset();
    }
}
