//! Whether a class is being changed. Caches note nothing of it meanwhile, so that who has seen the new state doesn't get the old one
//! from a cache.

use orochi_core::sync::{AtomicU32, Ordering, check};

/// How many changes of a class or of one of its bases are under way.
#[derive(Debug)]
pub(crate) struct Changing(AtomicU32);

impl Changing {
    pub(crate) fn new(count: u32) -> Changing {
        Changing(AtomicU32::new(count))
    }

    /// Before anything is changed; `forget` empties the caches.
    pub(crate) fn begin(&self, forget: impl FnOnce()) {
        // Release pairs with `is_under_way`, through what `forget` stores: whoever begins to fill an emptied cache sees this.
        self.0.fetch_add(1, Ordering::AcqRel);
        forget();
    }

    /// After everything has been changed.
    pub(crate) fn end(&self, forget: impl FnOnce()) {
        // Before: who looks during the change, and then sees that it has ended, finds the cache that he had taken emptied.
        forget();
        // Release pairs with `is_under_way`: whoever sees the end sees the new state.
        self.0.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether caches should note nothing. To be asked after what they would note has been looked up.
    #[inline]
    pub(crate) fn is_under_way(&self) -> bool {
        // Acquire pairs with both of the above.
        !check("type change: over", self.0.load(Ordering::Acquire) == 0)
    }
}
