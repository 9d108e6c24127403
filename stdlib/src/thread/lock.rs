//! `_thread.lock`: a lock that any thread may release.

use super::lock_word::{LockWord, PATIENCE};
use orochi_core::host::Wake;
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{PyResult, runtime_error};
use orochi_objects::thread::run_signal_handlers;
use orochi_objects::{Obj, PyType, Thread};
use std::time::{Duration, Instant};

/// A lock's word, and how threads wait for it.
#[derive(Trace)]
pub(crate) struct RawLock(LockWord);

impl RawLock {
    pub(crate) fn new() -> RawLock {
        RawLock(LockWord::new())
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.0.is_locked()
    }

    #[inline]
    pub(crate) fn try_acquire(&self) -> bool {
        self.0.try_acquire()
    }

    /// Waits for the lock, at most for `timeout`. Signal handlers run while it waits, and may raise.
    pub(crate) fn acquire(&self, thread: &mut Thread, timeout: Option<Duration>) -> PyResult<bool> {
        if self.try_acquire() {
            return Ok(true);
        }
        if timeout == Some(Duration::ZERO) {
            return Ok(false);
        }
        if self.0.spin(|| thread.poll() != 0) {
            return Ok(true);
        }
        self.acquire_slow(thread, timeout)
    }

    #[cold]
    fn acquire_slow(&self, thread: &mut Thread, timeout: Option<Duration>) -> PyResult<bool> {
        let start = Instant::now();
        let deadline = timeout.and_then(|timeout| start.checked_add(timeout));
        loop {
            let now = Instant::now();
            let remaining = deadline.map(|deadline| deadline.saturating_duration_since(now));
            if remaining == Some(Duration::ZERO) {
                return Ok(self.0.withdraw());
            }
            let demand = now.duration_since(start) >= PATIENCE;
            match thread.detached(|| self.0.wait(remaining, demand)) {
                None => return Ok(true),
                Some(Wake::Woken | Wake::TimedOut) => {}
                Some(Wake::Interrupted) => {
                    // The handlers may take long, or want the lock themselves.
                    if self.0.withdraw() {
                        return Ok(true);
                    }
                    run_signal_handlers(thread)?;
                }
            }
        }
    }

    /// Releases the lock; false if nobody held it.
    #[inline]
    pub(crate) fn release(&self) -> bool {
        self.0.release()
    }

    /// Forgets who held it: in the child after a fork.
    pub(crate) fn reset(&self) {
        self.0.reset();
    }
}

/// A lock object is a synchronization primitive.  To create a lock,
/// call threading.Lock().
#[pyclass(name = "lock", module = "_thread", weakref)]
#[derive(Trace)]
pub(super) struct PyLock {
    raw: RawLock,
}

impl PyLock {
    pub(crate) fn new_unlocked() -> PyLock {
        PyLock { raw: RawLock::new() }
    }
}

#[pymethods]
impl PyLock {
    #[new]
    fn new(thread: &mut Thread, cls: &Obj<PyType>) -> PyResult {
        Ok(orochi_objects::alloc(thread, cls, PyLock::new_unlocked())?.into_value())
    }

    /// Lock the lock. Without argument, wait until it is free.
    #[signature(blocking = true, timeout = -1.0)]
    fn acquire(thread: &mut Thread, this: &Obj<Self>, blocking: bool, timeout: f64) -> PyResult<bool> {
        let timeout = super::timeout_of(blocking, timeout)?;
        this.raw.acquire(thread, timeout)
    }

    /// Release the lock, whoever holds it.
    fn release(this: &Obj<Self>) -> PyResult<()> {
        if this.raw.release() { Ok(()) } else { Err(runtime_error("release unlocked lock")) }
    }

    /// Return whether the lock is held.
    fn locked(this: &Obj<Self>) -> bool {
        this.raw.is_locked()
    }

    /// An obsolete synonym of acquire().
    #[signature(blocking = true, timeout = -1.0)]
    fn acquire_lock(thread: &mut Thread, this: &Obj<Self>, blocking: bool, timeout: f64) -> PyResult<bool> {
        Self::acquire(thread, this, blocking, timeout)
    }

    /// An obsolete synonym of release().
    fn release_lock(this: &Obj<Self>) -> PyResult<()> {
        Self::release(this)
    }

    /// An obsolete synonym of locked().
    fn locked_lock(this: &Obj<Self>) -> bool {
        Self::locked(this)
    }

    fn __enter__(thread: &mut Thread, this: &Obj<Self>) -> PyResult<bool> {
        this.raw.acquire(thread, None)
    }

    #[signature(*args)]
    fn __exit__(this: &Obj<Self>, args: orochi_objects::ArgSlice<'_>) -> PyResult<()> {
        let _ = args;
        Self::release(this)
    }

    fn _at_fork_reinit(this: &Obj<Self>) {
        this.raw.reset();
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        let state = if this.raw.is_locked() { "locked" } else { "unlocked" };
        let class = orochi_objects::class_of(this.get()).name();
        orochi_objects::str::new(
            thread,
            &format!("<{state} _thread.{class} object at {:#x}>", this.get().word()),
        )
    }
}
