//! What models need of a system: waiting on a word (that nobody sleeps for ever is what models look for), and memory.

use super::Wake;
use crate::sync::{AtomicU32, Ordering};
use loom::sync::{Arc, Condvar, Mutex};
use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::time::Duration;

loom::lazy_static! {
    /// A queue for each word that somebody has waited on.
    static ref LOT: Mutex<BTreeMap<usize, Arc<Condvar>>> = Mutex::new(BTreeMap::new());
}

fn key(word: &AtomicU32) -> usize {
    std::ptr::from_ref(word) as usize
}

/// Blocks while the word is `expected`. No time passes in models.
pub fn wait(word: &AtomicU32, expected: u32, _timeout: Option<Duration>) -> Wake {
    let mut lot = LOT.lock().expect("no panic");
    let queue = lot.entry(key(word)).or_insert_with(|| Arc::new(Condvar::new())).clone();
    // Relaxed: the lot's lock orders it against the waker.
    if word.load(Ordering::Relaxed) == expected {
        drop(queue.wait(lot).expect("no panic"));
    }
    Wake::Woken
}

/// Wakes one thread that waits on the word.
pub fn wake_one(word: &AtomicU32) {
    if let Some(queue) = LOT.lock().expect("no panic").get(&key(word)) {
        queue.notify_one();
    }
}

/// Wakes every thread that waits on the word.
pub fn wake_all(word: &AtomicU32) {
    if let Some(queue) = LOT.lock().expect("no panic").get(&key(word)) {
        queue.notify_all();
    }
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
