//! `_queue`: SimpleQueue, an unbounded queue whose `put` never waits.
//!
//! Items lie under the queue's lock. Who finds none counts itself among the waiters, reads `news`, looks again, and sleeps
//! in the kernel until `news` has changed. Who puts an item changes `news` and wakes one sleeper, if there are waiters.
//!
//! What must hold: no wake-up is lost. The second look and the put both take the queue's lock: if the look came first, its
//! lock orders the waiter's count before the put, which then sees it; if the put came first, the look finds the item. A
//! waiter that gives up (its time is over, a signal handler raised) may have been the one that was woken: it wakes another
//! when items are left.

use crate::time::{Rounding, duration};
use orochi_core::host::{self, Wake};
use orochi_core::sync::{AtomicU32, Ordering};
use orochi_macros::{Trace, pyclass, pymethods, pymodule};
use orochi_objects::error::value_error;
use orochi_objects::thread::run_signal_handlers;
use orochi_objects::{
    Field, Guarded, ModuleExt, Obj, PyErr, PyModule, PyResult, PyType, Ref, Thread, Value, alloc,
};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

crate::exception!(EMPTY: "Empty" in "_queue", Exception, "Exception raised by Queue.get(block=0)/get_nowait().");

/// Simple, unbounded, reentrant FIFO queue.
#[pyclass(name = "SimpleQueue", module = "_queue", subclassable, weakref, generic)]
#[derive(Trace)]
struct SimpleQueue {
    items: Guarded<VecDeque<Field>>,
    /// How many threads wait or are about to.
    waiters: AtomicU32,
    /// Changes with each item that is put while there are waiters.
    news: AtomicU32,
}

impl SimpleQueue {
    fn push(thread: &Thread, this: &Obj<Self>, item: Value) {
        this.items.with(this, thread, |items, owner| items.push_back(owner.store(item)));
        // Relaxed: the lock orders it after the count of every waiter whose second look missed the item.
        if this.waiters.load(Ordering::Relaxed) > 0 {
            this.wake_one();
        }
    }

    fn wake_one(&self) {
        // Release pairs with the Acquire in `wait_for_item`; the sleeper compares the word in the kernel.
        self.news.fetch_add(1, Ordering::Release);
        host::wake_one(&self.news);
    }

    fn pop(thread: &Thread, this: &Obj<Self>) -> Option<Value> {
        this.items.with(this, thread, |items, _| items.pop_front()).and_then(Field::into_value)
    }

    fn len(thread: &Thread, this: &Obj<Self>) -> usize {
        this.items.with(this, thread, |items, _| items.len())
    }

    /// The next item, waited for until `deadline`; `None` if the time is over.
    fn wait_for_item(
        thread: &mut Thread,
        this: &Obj<Self>,
        deadline: Option<Instant>,
    ) -> PyResult<Option<Value>> {
        loop {
            let seen = this.news.load(Ordering::Acquire);
            if let Some(item) = Self::pop(thread, this) {
                return Ok(Some(item));
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Ok(None);
            }
            if thread.detached(|| host::wait(&this.news, seen, left)) == Wake::Interrupted {
                run_signal_handlers(thread)?;
            }
        }
    }

    fn take(thread: &mut Thread, this: &Obj<Self>, wait: Option<Option<Instant>>) -> PyResult {
        let empty = || PyErr::bare(&EMPTY);
        if let Some(item) = Self::pop(thread, this) {
            return Ok(item);
        }
        let deadline = wait.ok_or_else(empty)?;
        // Relaxed: ordered by the queue's lock, which the next look takes.
        this.waiters.fetch_add(1, Ordering::Relaxed);
        let result = Self::wait_for_item(thread, this, deadline);
        let others = this.waiters.fetch_sub(1, Ordering::Relaxed) > 1;
        if !matches!(result, Ok(Some(_))) && others && Self::len(thread, this) > 0 {
            this.wake_one();
        }
        result?.ok_or_else(empty)
    }
}

/// When a wait ends (`None`: never).
fn deadline(thread: &mut Thread, timeout: Option<Ref<'_>>) -> PyResult<Option<Instant>> {
    let Some(timeout) = timeout else { return Ok(None) };
    let nanoseconds = duration(thread, timeout, Rounding::Ceiling)?;
    let nanoseconds =
        u64::try_from(nanoseconds).map_err(|_| value_error("'timeout' must be a non-negative number"))?;
    Ok(Instant::now().checked_add(Duration::from_nanos(nanoseconds)))
}

#[pymethods]
impl SimpleQueue {
    #[new]
    fn new(thread: &mut Thread, cls: &Obj<PyType>) -> PyResult {
        let queue = SimpleQueue {
            items: Guarded::new(VecDeque::new()),
            waiters: AtomicU32::new(0),
            news: AtomicU32::new(0),
        };
        Ok(alloc(thread, cls, queue)?.into_value())
    }

    /// Put the item on the queue.
    ///
    /// The optional 'block' and 'timeout' arguments are ignored, as this method
    /// never blocks.  They are provided for compatibility with the Queue class.
    #[signature(item, block=true, timeout=None)]
    fn put(thread: &mut Thread, this: &Obj<Self>, item: Ref<'_>, block: bool, timeout: Option<Ref<'_>>) {
        let _ = (block, timeout);
        Self::push(thread, this, item.to_owned());
    }

    /// Put an item into the queue without blocking.
    ///
    /// This is exactly equivalent to `put(item)` and is only provided
    /// for compatibility with the Queue class.
    #[signature(item)]
    fn put_nowait(thread: &mut Thread, this: &Obj<Self>, item: Ref<'_>) {
        Self::push(thread, this, item.to_owned());
    }

    /// Remove and return an item from the queue.
    ///
    /// If optional args 'block' is true and 'timeout' is None (the default),
    /// block if necessary until an item is available. If 'timeout' is
    /// a non-negative number, it blocks at most 'timeout' seconds and raises
    /// the Empty exception if no item was available within that time.
    /// Otherwise ('block' is false), return an item if one is immediately
    /// available, else raise the Empty exception ('timeout' is ignored
    /// in that case).
    #[signature(block=true, timeout=None)]
    fn get(thread: &mut Thread, this: &Obj<Self>, block: bool, timeout: Option<Ref<'_>>) -> PyResult {
        let wait = if block { Some(deadline(thread, timeout)?) } else { None };
        Self::take(thread, this, wait)
    }

    /// Remove and return an item from the queue without blocking.
    ///
    /// Only get an item if one is immediately available. Otherwise
    /// raise the Empty exception.
    fn get_nowait(thread: &mut Thread, this: &Obj<Self>) -> PyResult {
        Self::take(thread, this, None)
    }

    /// Return True if the queue is empty, False otherwise (not reliable!).
    fn empty(thread: &mut Thread, this: &Obj<Self>) -> bool {
        Self::len(thread, this) == 0
    }

    /// Return the approximate size of the queue (not reliable!).
    fn qsize(thread: &mut Thread, this: &Obj<Self>) -> usize {
        Self::len(thread, this)
    }

    /// Returns size in memory, in bytes.
    fn __sizeof__(thread: &mut Thread, this: &Obj<Self>) -> usize {
        let room = this.items.with(this, thread, |items, _| items.capacity());
        size_of::<Obj<Self>>() + room * size_of::<Field>()
    }
}

/// C implementation of the Python queue module.
///
/// This module is an implementation detail, please do not use it directly.
#[pymodule(name = "_queue", classes(SimpleQueue))]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    module.add(thread, "Empty", EMPTY.get().to_value())
}
