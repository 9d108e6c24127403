//! `_thread.RLock`: a lock that its holder may acquire again.
//!
//! `owner` is the holder's identifier and is changed only by the holder, so a thread that reads its own identifier there
//! holds the lock; `count` belongs to the holder.

use super::lock::RawLock;
use orochi_core::sync::{AtomicU64, AtomicUsize, Ordering};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{PyResult, overflow_error, runtime_error, type_error};
use orochi_objects::types::{int, tuple};
use orochi_objects::{Obj, PyType, Ref, Thread, Value};

/// A reentrant lock, which its holder may acquire again.
#[pyclass(name = "RLock", module = "_thread", subclassable, weakref)]
#[derive(Trace)]
pub(super) struct PyRLock {
    raw: RawLock,
    owner: AtomicU64,
    count: AtomicUsize,
}

impl PyRLock {
    fn is_owned(&self, thread: &Thread) -> bool {
        // Relaxed: only this thread ever writes its own identifier here.
        self.owner.load(Ordering::Relaxed) == thread.shared().id()
    }

    /// Releases the lock altogether, whatever the count; the count.
    fn let_go(&self) -> usize {
        let count = self.count.swap(0, Ordering::Relaxed);
        self.owner.store(0, Ordering::Relaxed);
        self.raw.release();
        count
    }

    fn take(&self, thread: &Thread, count: usize) {
        self.owner.store(thread.shared().id(), Ordering::Relaxed);
        self.count.store(count, Ordering::Relaxed);
    }
}

#[pymethods]
impl PyRLock {
    #[new]
    #[signature(*args, **kwargs)]
    fn new(
        thread: &mut Thread,
        cls: &Obj<PyType>,
        args: orochi_objects::ArgSlice<'_>,
        kwargs: orochi_objects::KwArgs<'_>,
    ) -> PyResult {
        // Arguments are for the `__init__` of subclasses; threading.RLock warns of them.
        let _ = (args, kwargs);
        let lock = PyRLock { raw: RawLock::new(), owner: AtomicU64::new(0), count: AtomicUsize::new(0) };
        Ok(orochi_objects::alloc(thread, cls, lock)?.into_value())
    }

    /// Lock the lock; its holder gets it again at once.
    #[signature(blocking = true, timeout = -1.0)]
    fn acquire(thread: &mut Thread, this: &Obj<Self>, blocking: bool, timeout: f64) -> PyResult<bool> {
        let timeout = super::timeout_of(blocking, timeout)?;
        if this.is_owned(thread) {
            let count = this.count.load(Ordering::Relaxed);
            let more =
                count.checked_add(1).ok_or_else(|| overflow_error("Internal lock count overflowed"))?;
            this.count.store(more, Ordering::Relaxed);
            return Ok(true);
        }
        let acquired = this.raw.acquire(thread, timeout)?;
        if acquired {
            this.take(thread, 1);
        }
        Ok(acquired)
    }

    /// Release the lock once; as often as it was acquired, and it is free.
    fn release(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        if !this.is_owned(thread) {
            return Err(runtime_error("cannot release un-acquired lock"));
        }
        match this.count.load(Ordering::Relaxed) {
            0 | 1 => {
                this.let_go();
            }
            count => this.count.store(count - 1, Ordering::Relaxed),
        }
        Ok(())
    }

    /// Return whether the lock is held.
    fn locked(this: &Obj<Self>) -> bool {
        this.raw.is_locked()
    }

    fn __enter__(thread: &mut Thread, this: &Obj<Self>) -> PyResult<bool> {
        Self::acquire(thread, this, true, -1.0)
    }

    #[signature(*args)]
    fn __exit__(thread: &mut Thread, this: &Obj<Self>, args: orochi_objects::ArgSlice<'_>) -> PyResult<()> {
        let _ = args;
        Self::release(thread, this)
    }

    fn _is_owned(thread: &mut Thread, this: &Obj<Self>) -> bool {
        this.is_owned(thread)
    }

    fn _recursion_count(thread: &mut Thread, this: &Obj<Self>) -> usize {
        if this.is_owned(thread) { this.count.load(Ordering::Relaxed) } else { 0 }
    }

    /// For Condition: release altogether, and say what to restore.
    fn _release_save(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        if !this.is_owned(thread) {
            return Err(runtime_error("cannot release un-acquired lock"));
        }
        let owner = int::new(thread, this.owner.load(Ordering::Relaxed) as i64)?;
        let count = int::new(thread, this.let_go() as i64)?;
        Ok(tuple::new(thread, vec![count, owner])?.into_value())
    }

    /// For Condition: acquire again as it was.
    fn _acquire_restore(thread: &mut Thread, this: &Obj<Self>, state: Ref<'_>) -> PyResult<()> {
        let count = match state.downcast::<tuple::PyTuple>().and_then(|state| state.item(0)) {
            Some(count) => int::index_i64(thread, count)?,
            None => return Err(type_error("the state must be what _release_save() gave")),
        };
        this.raw.acquire(thread, None)?;
        this.take(thread, usize::try_from(count).unwrap_or(1));
        Ok(())
    }

    fn _at_fork_reinit(this: &Obj<Self>) {
        this.owner.store(0, Ordering::Relaxed);
        this.count.store(0, Ordering::Relaxed);
        this.raw.reset();
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Value> {
        let state = if this.raw.is_locked() { "locked" } else { "unlocked" };
        let text = format!(
            "<{state} {} object owner={} count={} at {:#x}>",
            orochi_objects::class_of(this.get()).full_name(),
            this.owner.load(Ordering::Relaxed),
            this.count.load(Ordering::Relaxed),
            this.get().word()
        );
        orochi_objects::str::new(thread, &text)
    }
}
