//! The lock of importlib's table of locks: each module has a lock of its own, which is made, found and forgotten under this one. So
//! two threads that import a module find the same lock, and the module is executed once.
//!
//! It is reentrant, since a module's lock may be forgotten (by a weak reference's callback) while its holder makes another.

use crate::thread::{Ownership, RawLock};
use orochi_objects::error::overflow_error;
use orochi_objects::{PyResult, Thread};
use std::sync::LazyLock;

struct ImportLock {
    raw: RawLock,
    holder: Ownership,
}

static LOCK: LazyLock<ImportLock> =
    LazyLock::new(|| ImportLock { raw: RawLock::new(), holder: Ownership::new() });

/// Waits for the lock. Signal handlers run meanwhile, and may raise.
pub(crate) fn acquire(thread: &mut Thread) -> PyResult<()> {
    let me = thread.shared().id();
    if LOCK.holder.is(me) {
        return if LOCK.holder.again() {
            Ok(())
        } else {
            Err(overflow_error("Internal lock count overflowed"))
        };
    }
    LOCK.raw.acquire(thread, None)?;
    LOCK.holder.take(me, 1);
    Ok(())
}

/// Releases the lock once; false if another thread or none holds it.
pub(crate) fn release(thread: &Thread) -> bool {
    let own = LOCK.holder.is(thread.shared().id());
    if own && LOCK.holder.let_go_once() {
        LOCK.raw.release();
    }
    own
}

/// Whether some thread holds the lock.
pub(crate) fn is_held() -> bool {
    LOCK.raw.is_locked()
}

/// In the child of a fork: other threads' holds ended with them.
pub(crate) fn after_fork(thread: &Thread) {
    if !LOCK.holder.is(thread.shared().id()) {
        LOCK.holder.let_go();
        LOCK.raw.reset();
    }
}
