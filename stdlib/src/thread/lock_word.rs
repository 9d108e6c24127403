//! The word of a lock that any thread may release, waited on in the kernel:
//!
//! | value | meaning |
//! |---|---|
//! | FREE | nobody holds it |
//! | HELD | held, nobody waits |
//! | WAITED | held, and somebody waits or is about to |
//!
//! What must hold: a release that finds WAITED wakes one waiter; a woken waiter takes the lock as WAITED, since others may
//! still wait. (Drepper's mutex of "Futexes are tricky".)

use orochi_core::host::{self, Wake};
use orochi_core::sync::{AtomicU32, Ordering, ordering, spin_hint};
use std::time::Duration;

const FREE: u32 = 0;
const HELD: u32 = 1;
const WAITED: u32 = 2;

/// Spin hints between two looks of a waiter that doesn't sleep yet: about as long as sleeping and waking take.
/// The time grows, since who looks takes the holder's cache line away.
const PAUSES: &[u32] = if cfg!(orochi_loom) { &[] } else { &[32, 64, 128, 128, 128, 128] };

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
        // Acquire pairs with the Release in `release`.
        let acquire = ordering("thread lock: acquire", Ordering::Acquire);
        self.0.compare_exchange(FREE, HELD, acquire, Ordering::Relaxed).is_ok()
    }

    /// Tries for a while.
    #[cold]
    pub(crate) fn spin(&self) -> bool {
        PAUSES.iter().any(|&pause| {
            (0..pause).for_each(|_| spin_hint());
            self.0.load(Ordering::Relaxed) == FREE && self.try_acquire()
        })
    }

    /// Takes the lock (`None`) or sleeps once.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> Option<Wake> {
        // Acquire as in `try_acquire`; WAITED tells the holder to wake somebody.
        let acquire = ordering("thread lock: acquire", Ordering::Acquire);
        if self.0.swap(WAITED, acquire) == FREE {
            return None;
        }
        Some(host::wait(&self.0, WAITED, timeout))
    }

    /// Releases the lock; false if nobody held it.
    #[inline]
    pub(crate) fn release(&self) -> bool {
        // Release pairs with the Acquire of the next holder.
        match self.0.swap(FREE, ordering("thread lock: release", Ordering::Release)) {
            WAITED => {
                host::wake_one(&self.0);
                true
            }
            before => before == HELD,
        }
    }

    /// Forgets who held it: in the child after a fork.
    pub(crate) fn reset(&self) {
        self.0.store(FREE, Ordering::Relaxed);
    }
}
