//! The object lock: one byte in the header, a leaf lock.
//!
//! | PARKED | LOCKED | state |
//! |---|---|---|
//! | 0 | 0 | free |
//! | 0 | 1 | held, nobody waits |
//! | 1 | 1 | held, some thread is parked (or about to park) on the object's address |
//!
//! Properties: mutual exclusion; a release that sees PARKED wakes every waiter, so none sleeps on a free lock. Locks are
//! held for a few instructions, so waking all is cheap and fairness isn't needed.
//!
//! Object locks are leaf locks: while one is held no Python code runs, nothing is destroyed, nothing blocks. Debug
//! builds count the locks a thread holds and assert it.

use crate::field::Owner;
use crate::header::Header;
use crate::sync::{AtomicU8, Ordering, ordering, park, spin_hint, unpark_all};
use crate::thread::Thread;

const LOCKED: u8 = 1;
const PARKED: u8 = 2;
/// How often a waiter looks before it parks. The time between two looks doubles: who looks takes the holder's cache line
/// away. A thread that writes to one object all the time so gets many turns before the next thread disturbs it, and the object's
/// cache lines change hands rarely.
#[cfg(not(orochi_loom))]
const LOOKS: u32 = 6;
#[cfg(orochi_loom)]
const LOOKS: u32 = 1;
/// Spin hints before the first look.
const FIRST_PAUSE: u32 = if cfg!(orochi_loom) { 1 } else { 16 };

/// Acquires the byte lock.
#[inline]
pub fn acquire(byte: &AtomicU8) {
    // Acquire pairs with the Release in `release`: the last holder's writes are visible.
    let acquire = ordering("lock: acquire", Ordering::Acquire);
    if byte.compare_exchange_weak(0, LOCKED, acquire, Ordering::Relaxed).is_err() {
        acquire_slow(byte);
    }
}

#[cold]
fn acquire_slow(byte: &AtomicU8) {
    let mut looks = 0;
    loop {
        if looks < LOOKS {
            for _ in 0..FIRST_PAUSE << looks {
                spin_hint();
            }
            looks += 1;
        }
        let seen = byte.load(Ordering::Relaxed);
        if seen & LOCKED == 0 {
            // As in `acquire`. PARKED is kept: the waiters that set it are still to be woken.
            let acquire = ordering("lock: acquire", Ordering::Acquire);
            if byte.compare_exchange_weak(seen, seen | LOCKED, acquire, Ordering::Relaxed).is_ok() {
                return;
            }
        } else if looks == LOOKS
            && (seen & PARKED != 0
                || byte
                    .compare_exchange_weak(seen, seen | PARKED, Ordering::Relaxed, Ordering::Relaxed)
                    .is_ok())
        {
            // Relaxed inside: the queue's own lock orders the check against `release`'s swap and wake-up.
            park(byte as *const AtomicU8 as usize, || byte.load(Ordering::Relaxed) == LOCKED | PARKED);
            looks = 0;
        }
    }
}

/// Releases the byte lock.
#[inline]
pub fn release(byte: &AtomicU8) {
    // Release pairs with the Acquire of the next holder.
    if byte.swap(0, ordering("lock: release", Ordering::Release)) & PARKED != 0 {
        wake(byte);
    }
}

#[cold]
fn wake(byte: &AtomicU8) {
    unpark_all(byte as *const AtomicU8 as usize);
}

/// Runs `f` under the owner's lock if the owner is shared, and plainly if it is local.
///
/// A leaf lock: `f` must not drop references, run Python code or block. For the storage of containers; other state lies
/// in a [`crate::Guarded`].
#[inline]
pub fn with<R>(owner: Owner<'_>, thread: &Thread, f: impl FnOnce() -> R) -> R {
    let _guard = Guard::new(owner.header(), thread);
    f()
}

/// Holds an object's lock if the object is shared; holds nothing if it is local.
pub(crate) struct Guard<'a> {
    header: Option<&'a Header>,
    thread: &'a Thread,
}

impl<'a> Guard<'a> {
    #[inline]
    pub(crate) fn new(header: &'a Header, thread: &'a Thread) -> Guard<'a> {
        thread.enter_leaf();
        if header.is_shared() {
            acquire(header.lock_byte());
            Guard { header: Some(header), thread }
        } else {
            Guard { header: None, thread }
        }
    }
}

impl Drop for Guard<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(header) = self.header {
            release(header.lock_byte());
        }
        self.thread.leave_leaf();
    }
}
