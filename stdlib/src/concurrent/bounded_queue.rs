//! The queue of `orochi.concurrent`: a bounded one for many producers and consumers.
//!
//! Items lie under the object's lock, which is held for a few instructions (the collectors have to visit them, so they can't lie in a
//! structure that knows only how to put and take). Who finds no item, or no room, counts itself among those who wait for it, reads the
//! number of news, looks again, and sleeps in the kernel until there are news.
//!
//! What must hold: no wake-up is lost. The second look and the change that it waits for both take the lock: if the look
//! came first, the lock orders the waiter's count before the change, which then sees it; if the change came first, the look finds it.
//! A waiter that gives up may have been the one that was woken: it wakes another if there is something to do.

use orochi_core::host::{self, Wake};
use orochi_core::sync::{AtomicU32, Ordering};
use orochi_macros::{Trace, pyclass, pymethods};
use orochi_objects::error::value_error;
use orochi_objects::thread::run_signal_handlers;
use orochi_objects::{Field, Guarded, Obj, PyResult, PyType, Ref, Thread, Value, alloc};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Threads that wait for one thing.
#[derive(Trace)]
struct Waiters {
    /// How many wait or are about to.
    count: AtomicU32,
    /// Changes with each wake-up.
    news: AtomicU32,
}

impl Waiters {
    fn new() -> Waiters {
        Waiters { count: AtomicU32::new(0), news: AtomicU32::new(0) }
    }

    fn wake_one(&self) {
        // Relaxed: the queue's lock orders it after the count of every waiter whose second look came before.
        if self.count.load(Ordering::Relaxed) > 0 {
            // Release pairs with the Acquire in `until`; the sleeper compares the word in the kernel.
            self.news.fetch_add(1, Ordering::Release);
            host::wake_one(&self.news);
        }
    }

    /// Calls `f` until it gives something, and sleeps between the calls; `None` when the deadline has passed.
    fn until<R>(
        &self,
        thread: &mut Thread,
        deadline: Option<Instant>,
        mut f: impl FnMut(&mut Thread) -> Option<R>,
    ) -> PyResult<Option<R>> {
        // Relaxed: ordered by the queue's lock, which the next look takes.
        self.count.fetch_add(1, Ordering::Relaxed);
        let result = loop {
            let seen = self.news.load(Ordering::Acquire);
            if let Some(found) = f(thread) {
                break Ok(Some(found));
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                break Ok(None);
            }
            if thread.detached(|| host::wait(&self.news, seen, left)) == Wake::Interrupted
                && let Err(error) = run_signal_handlers(thread)
            {
                break Err(error);
            }
        };
        self.count.fetch_sub(1, Ordering::Relaxed);
        if !matches!(result, Ok(Some(_))) {
            // This one may have been woken for nothing, and another sleeps.
            self.wake_one();
        }
        result
    }
}

/// A bounded queue for many producers and consumers.
#[pyclass(name = "_Queue", module = "orochi.concurrent", subclassable, weakref)]
#[derive(Trace)]
pub(super) struct BoundedQueue {
    items: Guarded<VecDeque<Field>>,
    capacity: usize,
    for_items: Waiters,
    for_room: Waiters,
}

impl BoundedQueue {
    /// Puts the item at the end, or gives it back.
    fn push(thread: &mut Thread, this: &Obj<Self>, item: Value) -> Result<(), Value> {
        let item = this.items.with(this, thread, |items, owner| {
            if items.len() >= this.capacity {
                return Some(item);
            }
            items.push_back(owner.store(item));
            None
        });
        match item {
            Some(item) => Err(item),
            None => {
                this.for_items.wake_one();
                Ok(())
            }
        }
    }

    fn pop(thread: &mut Thread, this: &Obj<Self>) -> Option<Value> {
        let item = this.items.with(this, thread, |items, _| items.pop_front()).and_then(Field::into_value);
        if item.is_some() {
            this.for_room.wake_one();
        }
        item
    }

    fn len(thread: &Thread, this: &Obj<Self>) -> usize {
        this.items.with(this, thread, |items, _| items.len())
    }
}

/// When a wait of so many seconds ends; the outer `None`: now.
fn deadline(seconds: f64) -> Option<Option<Instant>> {
    if seconds < 0.0 {
        return Some(None);
    }
    let duration = Duration::try_from_secs_f64(seconds).ok().filter(|duration| *duration != Duration::ZERO);
    match duration {
        Some(duration) => Some(Instant::now().checked_add(duration)),
        None if seconds == 0.0 => None,
        None => Some(None),
    }
}

#[pymethods]
impl BoundedQueue {
    #[new]
    #[signature(capacity, /)]
    fn new(thread: &mut Thread, cls: &Obj<PyType>, capacity: i64) -> PyResult {
        let capacity = usize::try_from(capacity).ok().filter(|capacity| *capacity > 0);
        let capacity = capacity.ok_or_else(|| value_error("the capacity must be positive"))?;
        let queue = BoundedQueue {
            items: Guarded::new(VecDeque::new()),
            capacity,
            for_items: Waiters::new(),
            for_room: Waiters::new(),
        };
        Ok(alloc(thread, cls, queue)?.into_value())
    }

    /// How many items there is room for.
    #[getter]
    fn capacity(this: &Obj<Self>) -> usize {
        this.capacity
    }

    /// Put an item; wait for room for so many seconds (-1: for ever). Return whether it was put.
    #[signature(item, seconds, /)]
    fn _put(thread: &mut Thread, this: &Obj<Self>, item: Ref<'_>, seconds: f64) -> PyResult<bool> {
        if Self::push(thread, this, item.to_owned()).is_ok() {
            return Ok(true);
        }
        let Some(deadline) = deadline(seconds) else { return Ok(false) };
        let put =
            this.for_room.until(thread, deadline, |thread| Self::push(thread, this, item.to_owned()).ok())?;
        Ok(put.is_some())
    }

    /// Take an item; wait for one for so many seconds (-1: for ever). Return default if there is none.
    #[signature(seconds, default, /)]
    fn _get(thread: &mut Thread, this: &Obj<Self>, seconds: f64, default: Ref<'_>) -> PyResult {
        if let Some(item) = Self::pop(thread, this) {
            return Ok(item);
        }
        let Some(deadline) = deadline(seconds) else { return Ok(default.to_owned()) };
        let item = this.for_items.until(thread, deadline, |thread| Self::pop(thread, this))?;
        Ok(item.unwrap_or_else(|| default.to_owned()))
    }

    /// Return how many items there are now.
    fn qsize(thread: &mut Thread, this: &Obj<Self>) -> usize {
        Self::len(thread, this)
    }

    #[slot]
    fn sq_length(thread: &mut Thread, this: &Obj<Self>) -> usize {
        Self::len(thread, this)
    }
}
