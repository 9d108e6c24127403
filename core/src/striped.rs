//! A counter that many threads add to and few read: each thread adds to a part of its own, as long as there are parts.
//!
//! A part belongs for good to the first thread that used it (threads' numbers are never used twice), which adds with a plain store. Other
//! threads that share the part add to a second number in it, atomically. Nothing is ever subtracted: clearing moves the mark
//! from which is counted.

use crate::sync::{AtomicU64, Ordering};
use crate::thread::Thread;

/// Parts of a counter. Threads whose ids differ by a multiple of this share one.
const STRIPES: usize = 8;

/// A part, alone on its cache lines (processors fetch them in pairs).
#[derive(Default)]
#[repr(align(128))]
struct Stripe {
    /// The thread that it belongs to; 0: none yet.
    owner: AtomicU64,
    /// Written by the owner alone.
    own: AtomicU64,
    others: AtomicU64,
}

/// The counter.
#[derive(Default)]
pub struct StripedCounter {
    stripes: Box<[Stripe; STRIPES]>,
    cleared: AtomicU64,
}

impl Stripe {
    fn belongs_to(&self, thread: u64) -> bool {
        match self.owner.load(Ordering::Relaxed) {
            0 => self.owner.compare_exchange(0, thread, Ordering::Relaxed, Ordering::Relaxed).is_ok(),
            owner => owner == thread,
        }
    }
}

impl StripedCounter {
    /// Adds one.
    #[inline]
    pub fn increment(&self, thread: &Thread) {
        let id = thread.shared().id();
        let Some(stripe) = self.stripes.get(id as usize % STRIPES) else { return };
        // Relaxed throughout: a number, which orders nothing.
        if stripe.belongs_to(id) {
            stripe.own.store(stripe.own.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        } else {
            stripe.others.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn total(&self) -> u64 {
        let parts = self.stripes.iter().flat_map(|stripe| [&stripe.own, &stripe.others]);
        parts.map(|part| part.load(Ordering::Relaxed)).fold(0, u64::wrapping_add)
    }

    /// The sum; additions made meanwhile may be missing.
    pub fn sum(&self) -> u64 {
        self.total().wrapping_sub(self.cleared.load(Ordering::Relaxed))
    }

    /// Sets the sum to zero; additions made meanwhile may be lost.
    pub fn clear(&self) {
        self.cleared.store(self.total(), Ordering::Relaxed);
    }
}
