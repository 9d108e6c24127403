//! Who holds a lock that its holder may acquire again, and how often.
//!
//! `owner` is the holder's number and is changed only by the holder, between acquiring the lock and releasing it; so a thread that reads
//! its own number there holds the lock. `count` belongs to the holder.

use orochi_core::sync::{AtomicU64, AtomicUsize, Ordering};

/// See the module.
#[cfg_attr(not(orochi_loom), derive(orochi_macros::Trace))]
pub(crate) struct Ownership {
    owner: AtomicU64,
    count: AtomicUsize,
}

impl Ownership {
    pub(crate) fn new() -> Ownership {
        Ownership { owner: AtomicU64::new(0), count: AtomicUsize::new(0) }
    }

    /// The holder's number, or 0. It may change at any time.
    pub(crate) fn owner(&self) -> u64 {
        self.owner.load(Ordering::Relaxed)
    }

    /// How often the lock is held. Of meaning to the holder.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Whether the thread of this number holds the lock.
    pub(crate) fn is(&self, thread: u64) -> bool {
        // Relaxed: only this thread ever writes its own number here.
        self.owner() == thread
    }

    /// The holder takes the lock once more; false if it can't be counted.
    #[must_use]
    pub(crate) fn again(&self) -> bool {
        let more = self.count().checked_add(1);
        if let Some(more) = more {
            self.count.store(more, Ordering::Relaxed);
        }
        more.is_some()
    }

    /// The thread has acquired the lock, and holds it so often.
    pub(crate) fn take(&self, thread: u64, count: usize) {
        self.owner.store(thread, Ordering::Relaxed);
        self.count.store(count, Ordering::Relaxed);
    }

    /// The holder lets go once; true if the lock is to be released.
    #[must_use]
    pub(crate) fn let_go_once(&self) -> bool {
        let count = self.count();
        if count > 1 {
            self.count.store(count - 1, Ordering::Relaxed);
            return false;
        }
        self.let_go();
        true
    }

    /// The holder lets go altogether, and releases the lock after that; how often it held it. Also for a forked child, which forgets
    /// who held it.
    pub(crate) fn let_go(&self) -> usize {
        let count = self.count();
        self.count.store(0, Ordering::Relaxed);
        self.owner.store(0, Ordering::Relaxed);
        count
    }
}
