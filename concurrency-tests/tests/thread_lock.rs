//! Models of `threading.Lock`'s word: mutual exclusion, and no waiter sleeps on a free lock, also when some demand it and some give
//! up.
#![cfg(orochi_loom)]

mod common;

use common::{fails, model};
use orochi_core::host::Wake;
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

impl Locked {
    fn new() -> Arc<Locked> {
        Arc::new(Locked { word: LockWord::new(), state: UnsafeCell::new(0) })
    }

    fn change(&self) {
        // SAFETY: the lock is held.
        self.state.with_mut(|state| unsafe { *state += 1 });
        assert!(self.word.release());
    }
}

fn increment(locked: &Locked) {
    if !locked.word.try_acquire() {
        while locked.word.wait(None, false).is_some() {}
    }
    locked.change();
}

/// Takes the lock as one that has waited for long already.
fn demand(locked: &Locked) {
    while locked.word.wait(None, true).is_some() {}
    locked.change();
}

/// Waits once at most.
fn try_once(locked: &Locked, demand: bool) {
    match locked.word.wait(None, demand) {
        None => locked.change(),
        Some(Wake::Woken) if locked.word.withdraw() => locked.change(),
        Some(_) => {}
    }
}

/// Two threads that wait, each in its way, for a lock that a third one takes twice.
fn waiters(first: fn(&Locked), second: fn(&Locked)) {
    let locked = Locked::new();
    let (one, two) = (locked.clone(), locked.clone());
    let one = thread::spawn(move || first(&one));
    let two = thread::spawn(move || second(&two));
    for _ in 0..2 {
        if locked.word.try_acquire() {
            locked.change();
        }
    }
    one.join().expect("no panic");
    two.join().expect("no panic");
    assert!(!locked.word.is_locked());
}

fn threads_increment(others: usize) {
    let locked = Locked::new();
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

#[test]
fn one_demands() {
    model(|| waiters(demand, increment));
}

#[test]
fn both_demand() {
    model(|| waiters(demand, demand));
}

#[test]
fn one_gives_up() {
    model(|| waiters(|locked| try_once(locked, false), increment));
}

#[test]
fn one_demands_and_gives_up() {
    model(|| waiters(|locked| try_once(locked, true), increment));
}

#[test]
fn leaving_without_withdrawing_fails() {
    fails("thread lock: nothing to put right", || waiters(|locked| try_once(locked, true), increment));
}

#[test]
fn handing_over_without_waking_fails() {
    fails("thread lock: nobody to wake", || waiters(demand, increment));
}
