//! Numbers for caches: each is given out once.

use std::sync::atomic::{AtomicU32, Ordering};

/// Gives out numbers from 1 on, none of them twice. When all have been given out it gives 0, which means that nothing can be
/// noted: it doesn't begin anew.
#[derive(Debug)]
pub struct Numbers {
    /// Outlives the executions of a model, so not one of loom's.
    next: AtomicU32,
}

impl Numbers {
    #[expect(clippy::new_without_default, reason = "a source of numbers is made once, and by name")]
    pub const fn new() -> Numbers {
        Numbers { next: AtomicU32::new(1) }
    }

    /// A number that nobody else gets; 0 when they have run out.
    pub fn next(&self) -> u32 {
        // Relaxed: only that no two are the same matters.
        self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_add(1)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_end() {
        let numbers = Numbers::new();
        assert_eq!((numbers.next(), numbers.next()), (1, 2));
        numbers.next.store(u32::MAX - 1, Ordering::Relaxed);
        assert_eq!((numbers.next(), numbers.next(), numbers.next()), (u32::MAX - 1, 0, 0));
    }
}
