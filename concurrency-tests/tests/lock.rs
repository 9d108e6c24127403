//! Models of the object lock: mutual exclusion, and no thread sleeps for ever.
#![cfg(orochi_loom)]

mod common;

use common::{fails, model};
use orochi_core::lock::Holder;
use orochi_core::sync::{Arc, AtomicU8, UnsafeCell, thread};

struct Locked {
    byte: AtomicU8,
    state: UnsafeCell<u32>,
}

// SAFETY: the state is reached under the lock, and loom checks it.
unsafe impl Sync for Locked {}
// SAFETY: as above.
unsafe impl Send for Locked {}

fn increment(locked: &Locked, number: u64) {
    let holder = Holder::new(number);
    holder.acquire(&locked.byte);
    // SAFETY: the lock is held.
    locked.state.with_mut(|state| unsafe { *state += 1 });
    holder.release(&locked.byte);
}

fn threads_increment(others: usize) {
    let locked = Arc::new(Locked { byte: AtomicU8::new(0), state: UnsafeCell::new(0) });
    let threads: Vec<_> = (0..others)
        .map(|other| {
            let locked = locked.clone();
            thread::spawn(move || increment(&locked, other as u64 + 1))
        })
        .collect();
    increment(&locked, 0);
    for thread in threads {
        thread.join().expect("no panic");
    }
    Holder::new(0).acquire(&locked.byte);
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
    fails("lock: acquire", || threads_increment(1));
}

#[test]
fn without_release_fails() {
    fails("lock: release", || threads_increment(1));
}
