//! Models of `threading.Lock`'s word: mutual exclusion, and no waiter sleeps on a free lock, also when some demand it and some give
//! up; of RLock's ownership; and of what Condition does with them: a waiter's lock that is released once to wake it. Importing a module
//! once rests on the same lock (`stdlib/src/imp/import_lock.rs`).
#![cfg(orochi_loom)]

mod common;

use common::{fails, model};
use orochi_core::host::Wake;
use orochi_core::sync::{Arc, UnsafeCell, check, thread};

#[path = "../../stdlib/src/thread/lock_word.rs"]
#[allow(dead_code, reason = "a module of another crate")]
mod lock_word;
use lock_word::LockWord;
#[path = "../../stdlib/src/thread/ownership.rs"]
#[allow(dead_code, reason = "a module of another crate")]
mod ownership;
use ownership::Ownership;

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

/// A reentrant lock around a state.
struct Reentrant {
    locked: Arc<Locked>,
    holder: Ownership,
}

impl Reentrant {
    fn acquire(&self, me: u64) {
        if check("thread lock: already mine", self.holder.is(me)) {
            assert!(self.holder.again());
            return;
        }
        if !self.locked.word.try_acquire() {
            while self.locked.word.wait(None, false).is_some() {}
        }
        self.holder.take(me, 1);
    }

    fn release(&self, me: u64) {
        assert!(self.holder.is(me), "who releases holds the lock");
        if self.holder.let_go_once() {
            assert!(self.locked.word.release());
        }
    }

    fn change(&self) {
        // SAFETY: the lock is held.
        self.locked.state.with_mut(|state| unsafe { *state += 1 });
    }
}

/// Two threads that hold the lock twice, and change the state between the acquisitions and the releases.
fn reentrant() {
    let lock = Arc::new(Reentrant { locked: Locked::new(), holder: Ownership::new() });
    let second = lock.clone();
    let twice = |lock: &Reentrant, me: u64| {
        lock.acquire(me);
        lock.acquire(me);
        lock.change();
        lock.release(me);
        lock.change();
        lock.release(me);
    };
    let other = thread::spawn(move || twice(&second, 2));
    twice(&lock, 1);
    other.join().expect("no panic");
    assert!(!lock.locked.word.is_locked());
    lock.acquire(3);
    // SAFETY: the lock is held.
    lock.locked.state.with(|state| assert_eq!(unsafe { *state }, 4));
}

#[test]
fn reentrant_lock() {
    model(reentrant);
}

#[test]
fn reentrant_lock_that_does_not_ask_who_holds_it_fails() {
    fails("thread lock: already mine", reentrant);
}

/// `Condition.wait` against `notify`, as `threading.py` has them: who waits makes a lock and takes it, makes it known under the
/// condition's lock, lets go of that, and takes its own lock again, which `notify` releases.
fn condition() {
    let condition = Locked::new();
    let waiter = Arc::new(LockWord::new());
    let (notifier, notified) = (condition.clone(), waiter.clone());
    let other = thread::spawn(move || {
        while !notifier.word.try_acquire() {
            if notifier.word.wait(None, false).is_none() {
                break;
            }
        }
        // SAFETY: the lock is held.
        let known = notifier.state.with_mut(|state| unsafe {
            let before = *state;
            *state = before | 2;
            before & 1 != 0
        });
        if known {
            assert!(notified.release());
        }
        assert!(notifier.word.release());
    });
    let acquire = |word: &LockWord| {
        if !word.try_acquire() {
            while word.wait(None, false).is_some() {}
        }
    };
    acquire(&condition.word);
    // SAFETY: the lock is held.
    let happened = condition.state.with_mut(|state| unsafe {
        *state |= 1;
        *state & 2 != 0
    });
    if !happened {
        acquire(&waiter);
        assert!(condition.word.release());
        // Until it is notified.
        acquire(&waiter);
        acquire(&condition.word);
        // SAFETY: the lock is held.
        condition.state.with(|state| assert_eq!(unsafe { *state }, 3));
    }
    assert!(condition.word.release());
    other.join().expect("no panic");
}

#[test]
fn condition_wait_against_notify() {
    model(condition);
}

#[test]
fn condition_without_release_of_its_lock_fails() {
    fails("thread lock: release", condition);
}
