//! A counter that many threads add to and few read: each thread adds to a part of its own, as long as there are parts.

use crate::sync::{AtomicU64, Ordering};
use crate::thread::Thread;

/// Parts of a counter. Threads whose ids differ by a multiple of this share one.
const STRIPES: usize = 8;

/// A part, alone on its cache lines (processors fetch them in pairs).
#[derive(Default)]
#[repr(align(128))]
struct Stripe(AtomicU64);

/// The counter.
#[derive(Default)]
pub struct StripedCounter(Box<[Stripe; STRIPES]>);

impl StripedCounter {
    /// Adds one.
    #[inline]
    pub fn increment(&self, thread: &Thread) {
        if let Some(stripe) = self.0.get(thread.shared().id() as usize % STRIPES) {
            // Relaxed: a number, which orders nothing.
            stripe.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The sum; additions made meanwhile may be missing.
    pub fn sum(&self) -> u64 {
        self.0.iter().map(|stripe| stripe.0.load(Ordering::Relaxed)).fold(0, u64::wrapping_add)
    }

    /// Sets the sum to zero; additions made meanwhile may be lost.
    pub fn clear(&self) {
        self.0.iter().for_each(|stripe| stripe.0.store(0, Ordering::Relaxed));
    }
}
