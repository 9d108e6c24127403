//! `_thread.RLock`: a lock that its holder may acquire again.

use super::lock::RawLock;
use super::ownership::Ownership;
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::{PyResult, overflow_error, runtime_error, type_error};
use orochi_objects::types::{int, tuple};
use orochi_objects::{Obj, PyType, Ref, Thread, Value};

/// A reentrant lock, which its holder may acquire again.
#[pyclass(name = "RLock", module = "_thread", subclassable, weakref)]
#[derive(Trace)]
pub(super) struct PyRLock {
    raw: RawLock,
    holder: Ownership,
}

impl PyRLock {
    fn is_owned(&self, thread: &Thread) -> bool {
        self.holder.is(thread.shared().id())
    }

    /// Releases the lock altogether, whatever the count; the count.
    fn let_go(&self) -> usize {
        let count = self.holder.let_go();
        self.raw.release();
        count
    }
}

#[pymethods]
impl PyRLock {
    #[new]
    #[no_text_signature]
    #[signature(*args, **kwargs)]
    fn new(
        thread: &mut Thread,
        cls: &Obj<PyType>,
        args: orochi_objects::ArgSlice<'_>,
        kwargs: orochi_objects::KwArgs<'_>,
    ) -> PyResult {
        // Arguments are for the `__init__` of subclasses; threading.RLock warns of them.
        let _ = (args, kwargs);
        let lock = PyRLock { raw: RawLock::new(), holder: Ownership::new() };
        Ok(orochi_objects::alloc(thread, cls, lock)?.into_value())
    }

    /// Lock the lock; its holder gets it again at once.
    #[signature(blocking = true, timeout = -1.0)]
    fn acquire(thread: &mut Thread, this: &Obj<Self>, blocking: bool, timeout: f64) -> PyResult<bool> {
        let timeout = super::timeout_of(blocking, timeout)?;
        if this.is_owned(thread) {
            if !this.holder.again() {
                return Err(overflow_error("Internal lock count overflowed"));
            }
            return Ok(true);
        }
        let acquired = this.raw.acquire(thread, timeout)?;
        if acquired {
            this.holder.take(thread.shared().id(), 1);
        }
        Ok(acquired)
    }

    /// Release the lock once; as often as it was acquired, and it is free.
    fn release(thread: &mut Thread, this: &Obj<Self>) -> PyResult<()> {
        if !this.is_owned(thread) {
            return Err(runtime_error("cannot release un-acquired lock"));
        }
        if this.holder.let_go_once() {
            this.raw.release();
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
        if this.is_owned(thread) { this.holder.count() } else { 0 }
    }

    /// For Condition: release altogether, and say what to restore.
    fn _release_save(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        if !this.is_owned(thread) {
            return Err(runtime_error("cannot release un-acquired lock"));
        }
        let owner = int::new(thread, this.holder.owner() as i64)?;
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
        this.holder.take(thread.shared().id(), usize::try_from(count).unwrap_or(1));
        Ok(())
    }

    fn _at_fork_reinit(this: &Obj<Self>) {
        this.holder.let_go();
        this.raw.reset();
    }

    #[slot]
    fn tp_repr(thread: &mut Thread, this: &Obj<Self>) -> PyResult<Value> {
        let state = if this.raw.is_locked() { "locked" } else { "unlocked" };
        let text = format!(
            "<{state} {} object owner={} count={} at {:#x}>",
            orochi_objects::class_of(this.get()).full_name(),
            this.holder.owner(),
            this.holder.count(),
            this.get().word()
        );
        orochi_objects::str::new(thread, &text)
    }
}
