//! The word of a lock that any thread may release, waited on in the kernel:
//!
//! | value | meaning |
//! |---|---|
//! | FREE | nobody holds it |
//! | HELD | held, nobody waits |
//! | WAITED | held, and somebody waits or is about to |
//! | DEMANDED | held, and a waiter has waited so long that it must be next |
//! | HANDED | nobody runs with it, but it is promised to a waiter |
//!
//! Who comes along takes a free lock before those who wait: that way it goes through many hands in the time of one
//! wake-up. A waiter that has been unlucky for [`PATIENCE`] demands the lock, and the next release hands it over.
//!
//! What must hold:
//! 1. While a thread sleeps, the word is WAITED or DEMANDED, or a waiter is awake that will make it so, or take the lock as WAITED.
//! 2. A release that finds WAITED or DEMANDED wakes one waiter.
//! 3. Only waiters take a HANDED lock; one that gives up doesn't leave it so, nor DEMANDED on its own behalf.
//!
//! (WAITED is Drepper's, of "Futexes are tricky"; handing over after a time is WebKit's, of "Locking in WebKit".)

use orochi_core::host::{self, Wake};
use orochi_core::sync::{AtomicU32, Ordering, check, ordering, pause};
use std::time::Duration;

const FREE: u32 = 0;
const HELD: u32 = 1;
const WAITED: u32 = 2;
const DEMANDED: u32 = 3;
const HANDED: u32 = 4;

/// Nanoseconds between two looks of a waiter that doesn't sleep yet: about as long as sleeping and waking take.
/// The time grows, since who looks takes the holder's cache line away, and a lock that changes hands takes its data along.
const PAUSES: &[u64] = if cfg!(orochi_loom) { &[] } else { &[700, 2000, 4000, 8000, 8000, 8000] };

/// How long a waiter lets others go before it.
pub(super) const PATIENCE: Duration = Duration::from_millis(1);

/// See the module.
#[cfg_attr(not(orochi_loom), derive(orochi_macros::Trace))]
pub(crate) struct LockWord(AtomicU32);

impl LockWord {
    pub(crate) fn new() -> LockWord {
        LockWord(AtomicU32::new(FREE))
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.0.load(Ordering::Relaxed) != FREE
    }

    #[inline]
    pub(crate) fn try_acquire(&self) -> bool {
        self.take(FREE, HELD)
    }

    /// Takes the lock if the word is `from`.
    #[inline]
    fn take(&self, from: u32, to: u32) -> bool {
        // Acquire pairs with the Release in `release`.
        let acquire = ordering("thread lock: acquire", Ordering::Acquire);
        self.0.compare_exchange(from, to, acquire, Ordering::Relaxed).is_ok()
    }

    /// Tries for a while, unless `stop` says that there is something else to do. For who has not slept yet.
    #[cold]
    pub(crate) fn spin(&self, stop: impl Fn() -> bool) -> bool {
        self.look_often(HELD, stop)
    }

    /// Tries for a while. For who has slept: others may still sleep, and (1) count on this one.
    fn spin_as_waiter(&self) -> bool {
        self.look_often(WAITED, || false)
    }

    fn look_often(&self, to: u32, stop: impl Fn() -> bool) -> bool {
        for &nanoseconds in PAUSES {
            pause(Duration::from_nanos(nanoseconds));
            if self.0.load(Ordering::Relaxed) == FREE && self.take(FREE, to) {
                return true;
            }
            if stop() {
                return false;
            }
        }
        false
    }

    /// Takes the lock (`None`) or sleeps once, and then tries for a while. `demand`: the waiter has waited long enough.
    pub(crate) fn wait(&self, timeout: Option<Duration>, demand: bool) -> Option<Wake> {
        let asleep = self.take_or_announce(demand)?;
        let wake = host::wait(&self.0, asleep, timeout);
        if wake == Wake::Woken && self.spin_as_waiter() { None } else { Some(wake) }
    }

    /// Takes the lock (`None`) or makes known that somebody waits: the word as it is then.
    fn take_or_announce(&self, demand: bool) -> Option<u32> {
        let claim = if demand { DEMANDED } else { WAITED };
        let mut seen = self.0.load(Ordering::Relaxed);
        loop {
            // WAITED, since others may wait too.
            let next = match seen {
                FREE | HANDED => WAITED,
                HELD => claim,
                WAITED if demand => DEMANDED,
                _ => return Some(seen),
            };
            // Acquire as in `take`.
            let acquire = ordering("thread lock: acquire", Ordering::Acquire);
            match self.0.compare_exchange(seen, next, acquire, Ordering::Relaxed) {
                Ok(FREE | HANDED) => return None,
                Ok(_) => return Some(next),
                Err(now) => seen = now,
            }
        }
    }

    /// The waiter gives up. True if the lock is its own all the same (3).
    pub(crate) fn withdraw(&self) -> bool {
        let mut seen = self.0.load(Ordering::Relaxed);
        loop {
            // The wake-up that this waiter may have had was for another one as well: so WAITED, even if it is HELD (1).
            if check("thread lock: nothing to put right", seen == WAITED) {
                return false;
            }
            // Acquire as in `take`.
            let acquire = ordering("thread lock: acquire", Ordering::Acquire);
            match self.0.compare_exchange(seen, WAITED, acquire, Ordering::Relaxed) {
                Ok(before) => return before == FREE || before == HANDED,
                Err(now) => seen = now,
            }
        }
    }

    /// Releases the lock; false if nobody held it.
    #[inline]
    pub(crate) fn release(&self) -> bool {
        // Release pairs with the Acquire of the next holder.
        let release = ordering("thread lock: release", Ordering::Release);
        match self.0.compare_exchange(HELD, FREE, release, Ordering::Relaxed) {
            Ok(_) => true,
            Err(seen) => self.release_slow(seen),
        }
    }

    #[cold]
    fn release_slow(&self, mut seen: u32) -> bool {
        loop {
            let next = match seen {
                FREE => return false,
                DEMANDED => HANDED,
                _ => FREE,
            };
            // As in `release`.
            let release = ordering("thread lock: release", Ordering::Release);
            match self.0.compare_exchange(seen, next, release, Ordering::Relaxed) {
                Ok(before) => {
                    if !check("thread lock: nobody to wake", before == HELD) {
                        host::wake_one(&self.0);
                    }
                    return true;
                }
                Err(now) => seen = now,
            }
        }
    }

    /// Forgets who held it: in the child after a fork.
    pub(crate) fn reset(&self) {
        self.0.store(FREE, Ordering::Relaxed);
    }
}
