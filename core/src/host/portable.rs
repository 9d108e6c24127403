//! Systems without futexes: a condition variable for all waiters, looked at again every few milliseconds so that signals
//! are noticed.

use super::Wake;
use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

static LOT: (Mutex<()>, Condvar) = (Mutex::new(()), Condvar::new());
const SLICE: Duration = Duration::from_millis(20);

/// Blocks while the word is `expected`, at most for `timeout`.
pub fn wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) -> Wake {
    let guard = LOT.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if word.load(Ordering::SeqCst) != expected {
        return Wake::Woken;
    }
    let slice = timeout.map_or(SLICE, |timeout| timeout.min(SLICE));
    let woken = LOT.1.wait_timeout(guard, slice);
    let timed_out = woken.map_or(false, |(_, result)| result.timed_out());
    match timeout {
        Some(timeout) if timed_out && timeout <= SLICE => Wake::TimedOut,
        _ if timed_out => Wake::Interrupted,
        _ => Wake::Woken,
    }
}

/// Reserves memory that reads as zero. To be given back by [`release_zeroed`].
pub fn reserve_zeroed(bytes: usize) -> Option<NonNull<u8>> {
    let layout = Layout::from_size_align(bytes, 16).ok().filter(|layout| layout.size() != 0)?;
    // SAFETY: the layout is not empty.
    NonNull::new(unsafe { System.alloc_zeroed(layout) })
}

/// Gives memory back.
///
/// # Safety
/// It came from [`reserve_zeroed`] with this size, and nobody uses it any more.
pub unsafe fn release_zeroed(memory: NonNull<u8>, bytes: usize) {
    if let Ok(layout) = Layout::from_size_align(bytes, 16) {
        // SAFETY: the caller's contract.
        unsafe { System.dealloc(memory.as_ptr(), layout) }
    }
}

/// Wakes one thread that waits on the word (here: all).
pub fn wake_one(word: &AtomicU32) {
    wake_all(word);
}

/// Wakes every thread that waits on the word.
pub fn wake_all(_word: &AtomicU32) {
    let _guard = LOT.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    LOT.1.notify_all();
}

/// The lowest usable address of this OS thread's stack, estimated from the present position.
pub fn native_stack_limit() -> usize {
    let here = 0u8;
    (&raw const here as usize).saturating_sub(1 << 19)
}

/// A number for the calling thread.
pub fn native_thread_id() -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    std::thread::current().id().hash(&mut hasher);
    hasher.finish()
}

/// Names the calling thread, where the system has names for threads.
pub fn set_thread_name(_name: &str) {}
