//! `_thread.lock`: a lock that any thread may release.
//!
//! One word in the object, waited on in the kernel:
//!
//! | value | meaning |
//! |---|---|
//! | FREE | nobody holds it |
//! | HELD | held, nobody waits |
//! | WAITED | held, and somebody waits or is about to |
//!
//! What must hold: a release that finds WAITED wakes one waiter; a woken waiter takes the lock as WAITED, since others may
//! still wait. (Drepper's mutex of "Futexes are tricky".)

use orochi_core::host::{self, Wake};
use orochi_core::sync::{AtomicU32, Ordering, spin_hint};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{PyResult, runtime_error};
use orochi_objects::thread::run_signal_handlers;
use orochi_objects::{Obj, PyType, Thread};
use std::time::{Duration, Instant};

const FREE: u32 = 0;
const HELD: u32 = 1;
const WAITED: u32 = 2;

/// The word of a lock. See the module.
#[derive(Trace)]
pub(crate) struct RawLock(AtomicU32);

impl RawLock {
    pub(crate) fn new() -> RawLock {
        RawLock(AtomicU32::new(FREE))
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.0.load(Ordering::Relaxed) != FREE
    }

    #[inline]
    pub(crate) fn try_acquire(&self) -> bool {
        // Acquire pairs with the Release in `release`.
        self.0.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Tries for some microseconds, which is less than sleeping takes. The time between two looks doubles: who looks takes
    /// the holder's cache line away.
    #[cold]
    fn spin(&self) -> bool {
        for pause in [64, 128, 256] {
            (0..pause).for_each(|_| spin_hint());
            if self.0.load(Ordering::Relaxed) == FREE && self.try_acquire() {
                return true;
            }
        }
        false
    }

    /// Waits for the lock, at most for `timeout`. Signal handlers run while it waits, and may raise.
    pub(crate) fn acquire(&self, thread: &mut Thread, timeout: Option<Duration>) -> PyResult<bool> {
        if self.try_acquire() {
            return Ok(true);
        }
        if timeout == Some(Duration::ZERO) {
            return Ok(false);
        }
        if self.spin() {
            return Ok(true);
        }
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            let remaining = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if remaining == Some(Duration::ZERO) {
                return Ok(false);
            }
            match thread.detached(|| self.wait(remaining)) {
                None => return Ok(true),
                Some(Wake::TimedOut) => return Ok(false),
                Some(Wake::Interrupted) => run_signal_handlers(thread)?,
                Some(Wake::Woken) => {}
            }
        }
    }

    /// Takes the lock (`None`) or sleeps once.
    fn wait(&self, timeout: Option<Duration>) -> Option<Wake> {
        // Acquire as in `try_acquire`; WAITED tells the holder to wake somebody.
        if self.0.swap(WAITED, Ordering::Acquire) == FREE {
            return None;
        }
        Some(host::wait(&self.0, WAITED, timeout))
    }

    /// Releases the lock; false if nobody held it.
    #[inline]
    pub(crate) fn release(&self) -> bool {
        // Release pairs with the Acquire of the next holder.
        match self.0.swap(FREE, Ordering::Release) {
            WAITED => {
                host::wake_one(&self.0);
                true
            }
            before => before == HELD,
        }
    }

    /// Forgets who held it: in the child after a fork.
    pub(crate) fn reset(&self) {
        self.0.store(FREE, Ordering::Relaxed);
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
