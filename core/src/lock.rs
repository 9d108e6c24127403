//! The object lock: one byte in the header, a leaf lock.
//!
//! | PARKED | LOCKED | state |
//! |---|---|---|
//! | 0 | 0 | free |
//! | 0 | 1 | held, nobody waits |
//! | 1 | 1 | held, some thread is parked (or about to park) on the object's address |
//!
//! The other six bits tell who held the lock last ([`Holder`]).
//!
//! Properties: mutual exclusion; a release that sees PARKED wakes every waiter, so none sleeps on a free lock. Locks are
//! held for a few instructions, so waking all is cheap and fairness isn't needed.
//!
//! Threads that write to one object all the time would hand its cache lines to and fro with every operation, which costs far
//! more than the operations. So a waiter looks ever more rarely, and a thread that loses the same lock to another one again and
//! again, in no time, lets that one have many turns first. (Threads that have something to do between two operations
//! don't: they gain more by it than they lose.)
//!
//! Object locks are leaf locks: while one is held no Python code runs, nothing is destroyed, nothing blocks. Debug
//! builds count the locks a thread holds and assert it.

use crate::field::Owner;
use crate::header::Header;
use crate::sync::{AtomicU8, Ordering, check, ordering, park, pause, unpark_all};
use crate::thread::Thread;
use std::cell::Cell;
use std::time::{Duration, Instant};

const LOCKED: u8 = 1;
const PARKED: u8 = 2;

/// How often a waiter looks before it parks.
const LOOKS: u32 = if cfg!(orochi_loom) { 1 } else { 14 };
/// So often it looks soon: locks are held for less than this takes, and who can't get one from a thread that takes it again and again
/// wouldn't find out that they fight. Then the time between two looks doubles.
const SOON: u32 = 6;
/// The time before the first look.
const FIRST_PAUSE: Duration = Duration::from_nanos(50);
/// How long a thread lets another one go on that it fights with.
const TRUCE: Duration = Duration::from_micros(25);
/// Who loses a lock within this time of having taken it over fights. About what handing an object over costs: a thread that
/// has more than that to do between two operations is better off beside the other.
const FIGHT: Duration = Duration::from_nanos(500);

/// A thread as the holder of locks.
pub struct Holder {
    /// Its name in lock bytes, never 0. Some threads share one.
    mark: u8,
    /// The lock that it took over from another thread most recently, and when.
    taken_over: Cell<(*const AtomicU8, Option<Instant>)>,
}

impl Holder {
    /// The holder that the thread with this number is.
    pub fn new(number: u64) -> Holder {
        Holder {
            mark: (number % 63 + 1) as u8 * (PARKED << 1),
            taken_over: Cell::new((std::ptr::null(), None)),
        }
    }

    /// Acquires the byte lock.
    #[inline]
    pub fn acquire(&self, byte: &AtomicU8) {
        // Acquire pairs with the Release in `release`: the last holder's writes are visible.
        let acquire = ordering("lock: acquire", Ordering::Acquire);
        let held = self.mark | LOCKED;
        if byte.compare_exchange_weak(self.mark, held, acquire, Ordering::Relaxed).is_err() {
            self.acquire_slow(byte);
        }
    }

    #[cold]
    fn acquire_slow(&self, byte: &AtomicU8) {
        self.keep_truce(byte);
        let mut looks = 0;
        loop {
            let seen = byte.load(Ordering::Relaxed);
            if seen & LOCKED == 0 {
                // As in `acquire`. Nobody is parked on a free lock.
                let acquire = ordering("lock: acquire", Ordering::Acquire);
                let held = self.mark | LOCKED;
                if byte.compare_exchange_weak(seen, held, acquire, Ordering::Relaxed).is_ok() {
                    return self.note_taking_over(byte);
                }
            }
            if looks < LOOKS {
                pause(FIRST_PAUSE * (1 << looks.saturating_sub(SOON)));
                looks += 1;
            } else if seen & LOCKED != 0 && wait(byte, seen) {
                looks = 0;
            }
        }
    }

    /// Lets the other one go on for a while if the two fight for the lock.
    fn keep_truce(&self, byte: &AtomicU8) {
        let (last, when) = self.taken_over.get();
        if last == byte && when.is_some_and(|when| when.elapsed() < FIGHT) {
            pause(TRUCE);
        }
    }

    fn note_taking_over(&self, byte: &AtomicU8) {
        if !cfg!(orochi_loom) {
            self.taken_over.set((byte, Some(Instant::now())));
        }
    }

    /// Releases the byte lock.
    #[inline]
    pub fn release(&self, byte: &AtomicU8) {
        // Release pairs with the Acquire of the next holder.
        if byte.swap(self.mark, ordering("lock: release", Ordering::Release)) & PARKED != 0 {
            wake(byte);
        }
    }
}

/// Sleeps until the lock is released, if it is still held as was `seen`; false if it isn't.
fn wait(byte: &AtomicU8, seen: u8) -> bool {
    let parked = seen | PARKED;
    if seen != parked
        && byte.compare_exchange_weak(seen, parked, Ordering::Relaxed, Ordering::Relaxed).is_err()
    {
        return false;
    }
    // Relaxed inside: the queue's own lock orders the check against `release`'s swap and wake-up.
    park(byte as *const AtomicU8 as usize, || byte.load(Ordering::Relaxed) == parked);
    true
}

#[cold]
fn wake(byte: &AtomicU8) {
    unpark_all(byte as *const AtomicU8 as usize);
}

/// Runs `f` under the owner's lock if the owner is shared, and plainly if it is local (or there is no other thread).
///
/// A leaf lock: `f` must not drop references, run Python code or block. For the storage of containers; other state lies
/// in a [`crate::Guarded`].
#[inline]
pub fn with<R>(owner: Owner<'_>, thread: &Thread, f: impl FnOnce() -> R) -> R {
    let _guard = Guard::new(owner.header(), thread);
    f()
}

/// Reads, without the lock if nobody holds it, what holders of the owner's lock change in several steps: gives what it was when nobody
/// was in the middle of them. So who sees one step, before this or after it, doesn't miss the others.
#[inline]
pub fn settled<R>(owner: Owner<'_>, thread: &Thread, read: impl Fn() -> R) -> R {
    let header = owner.header();
    if !header.is_shared() {
        return read();
    }
    // Acquire: who saw a step before sees that the lock was taken for it, or all steps; and `read` sees what the last holder did.
    let held = || header.lock_byte().load(Ordering::Acquire) & LOCKED != 0;
    if check("lock: nobody was in the middle", !held()) {
        let seen = read();
        // If `read` saw a step (it is an Acquire load), this sees that the lock was taken for it, or what came after.
        if check("lock: nobody is in the middle", !held()) {
            return seen;
        }
    }
    with(owner, thread, read)
}

/// Holds an object's lock if the object is shared; holds nothing if it is local, or if there is no other thread: no safepoint is passed
/// while a leaf lock is held, and no thread begins in between (`Runtime::end_solitude`).
pub(crate) struct Guard<'a> {
    header: Option<&'a Header>,
    thread: &'a Thread,
}

impl<'a> Guard<'a> {
    #[inline]
    pub(crate) fn new(header: &'a Header, thread: &'a Thread) -> Guard<'a> {
        thread.enter_leaf();
        if header.is_shared() && !thread.is_alone() {
            thread.holder().acquire(header.lock_byte());
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
            self.thread.holder().release(header.lock_byte());
        }
        self.thread.leave_leaf();
    }
}
