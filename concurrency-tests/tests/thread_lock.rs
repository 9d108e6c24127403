//! Models of `threading.Lock`'s word: mutual exclusion, and no waiter sleeps on a free lock.
#![cfg(orochi_loom)]

mod common;

use common::{fails, model};
use orochi_core::sync::{Arc, UnsafeCell, thread};

#[path = "../../stdlib/src/thread/lock_word.rs"]
#[allow(dead_code, reason = "a module of another crate")]
mod lock_word;
use lock_word::LockWord;

struct Locked {
    word: LockWord,
    state: UnsafeCell<u32>,
}

// SAFETY: the state is reached under the lock, and loom checks it.
unsafe impl Sync for Locked {}
// SAFETY: as above.
unsafe impl Send for Locked {}

fn increment(locked: &Locked) {
    if !locked.word.try_acquire() {
        while locked.word.wait(None).is_some() {}
    }
    // SAFETY: the lock is held.
    locked.state.with_mut(|state| unsafe { *state += 1 });
    assert!(locked.word.release());
}

fn threads_increment(others: usize) {
    let locked = Arc::new(Locked { word: LockWord::new(), state: UnsafeCell::new(0) });
    let threads: Vec<_> = (0..others)
        .map(|_| {
            let locked = locked.clone();
            thread::spawn(move || increment(&locked))
        })
        .collect();
    increment(&locked);
    for thread in threads {
        thread.join().expect("no panic");
    }
    assert!(!locked.word.is_locked());
    assert!(locked.word.try_acquire());
    // SAFETY: the lock is held.
    locked.state.with(|state| assert_eq!(unsafe { *state }, others as u32 + 1));
}

#[test]
fn two_threads() {
    model(|| threads_increment(1));
}

#[test]
fn three_threads() {
    model(|| threads_increment(2));
}

#[test]
fn without_acquire_fails() {
    fails("thread lock: acquire", || threads_increment(1));
}

#[test]
fn without_release_fails() {
    fails("thread lock: release", || threads_increment(1));
}
