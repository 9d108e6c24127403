//! What models need of a system: waiting on a word, with one queue for all words (who waits may be woken for nothing; that nobody
//! sleeps for ever is what models look for), and memory.

use super::Wake;
use crate::sync::{AtomicU32, Ordering};
use loom::sync::{Condvar, Mutex};
use std::ptr::NonNull;
use std::time::Duration;

loom::lazy_static! {
    static ref LOT: (Mutex<()>, Condvar) = (Mutex::new(()), Condvar::new());
}

/// Blocks while the word is `expected`. No time passes in models.
pub fn wait(word: &AtomicU32, expected: u32, _timeout: Option<Duration>) -> Wake {
    let guard = LOT.0.lock().expect("no panic");
    // Relaxed: the queue's lock orders it against the waker.
    if word.load(Ordering::Relaxed) == expected {
        drop(LOT.1.wait(guard).expect("no panic"));
    }
    Wake::Woken
}

/// Wakes one thread that waits on the word (here: all).
pub fn wake_one(word: &AtomicU32) {
    wake_all(word);
}

/// Wakes every thread that waits on the word.
pub fn wake_all(_word: &AtomicU32) {
    let _guard = LOT.0.lock().expect("no panic");
    LOT.1.notify_all();
}

/// Memory that reads as zero. Models touch all of their small stacks anyway.
pub fn reserve_zeroed(bytes: usize) -> Option<NonNull<u8>> {
    let words = vec![0u64; bytes / 8].into_boxed_slice();
    Some(NonNull::from(Box::leak(words)).cast())
}

/// Gives memory back.
///
/// # Safety
/// It came from [`reserve_zeroed`] with this size, and nobody uses it any more.
pub unsafe fn release_zeroed(memory: NonNull<u8>, bytes: usize) {
    let words = NonNull::slice_from_raw_parts(memory.cast::<u64>(), bytes / 8);
    // SAFETY: the caller's contract.
    drop(unsafe { Box::from_raw(words.as_ptr()) });
}
