//! The 16-byte header of a heap object, and the transitions of its reference count.
//!
//! The count word (`u32`) decides who may touch the object and how:
//!
//! | IMMORTAL | SHARED | QUEUED | TOUCHED | state |
//! |---|---|---|---|---|
//! | 0 | 0 | 0 | 0 | local: counted by its one thread with plain loads and stores; at count 0 it is being destroyed |
//! | 0 | 1 | 0 | 0 | shared: counted with atomic operations |
//! | 0 | 1 | 1 | 0 | shared, reached zero once and lies in a zero queue |
//! | 0 | 1 | 1 | 1 | the same, and reached zero again since it was queued: its grace period starts anew |
//! | 1 | any | – | – | immortal: not counted |
//!
//! SPLIT may be added to the states of a shared object that is not DEAD: the word then holds a part of the count only. SOLE
//! may be added to those of one that isn't QUEUED: the reference that it had when it was published is the only one that was
//! ever given up or moved into a shared object since (that of a list's node, say, to the next one).
//!
//! Invariants:
//! 1. SHARED and IMMORTAL are never cleared.
//! 2. Only the owning thread changes a local object's word; it is published (made SHARED) by that thread before any other
//!    thread can load a reference to it.
//! 3. A shared object is destroyed only by the thread that moved its word from exactly `SHARED | QUEUED` (count zero, not
//!    touched) to DEAD after a grace period that began after the object was queued.
//!    Or by the thread that destroys the object which holds the only reference to it, if the word is exactly
//!    `SHARED | SOLE | 1`: whoever had it borrowed got it through that object, whose grace period is over.
//! 4. Whoever takes a shared count to zero sets QUEUED (and then owns the duty to queue it) or, if it is set already,
//!    TOUCHED, in the same compare-and-exchange: the word never shows zero without the mark.

use crate::object::TypeHead;
use crate::reclaim;
use crate::split;
use crate::sync::{AtomicPtr, AtomicU8, AtomicU16, AtomicU32, Ordering, check, ordering};
use std::ptr::NonNull;

/// Bit of the count word: reachable from more than one thread.
pub(crate) const SHARED: u32 = 1 << 31;
/// Bit of the count word: never counted, never destroyed by counting.
pub(crate) const IMMORTAL: u32 = 1 << 30;
/// Bit of the count word: lies in a zero queue.
pub(crate) const QUEUED: u32 = 1 << 29;
/// Bit of the count word: became zero again while queued.
pub(crate) const TOUCHED: u32 = 1 << 28;
/// Bit of the count word: hot; threads keep their changes to the count to themselves (`split.rs`).
pub(crate) const SPLIT: u32 = 1 << 27;
/// Bit of the count word: no reference but the first was ever given up or moved to a shared owner since the publication.
pub(crate) const SOLE: u32 = 1 << 26;
/// The bits that hold the number of references.
pub(crate) const COUNT_MASK: u32 = SOLE - 1;
/// A local object with fewer references than this is counted in place; one that reaches it becomes immortal.
pub(crate) const LOCAL_MAX: u32 = COUNT_MASK;
/// The word of a shared object that has been claimed for destruction.
pub(crate) const DEAD: u32 = SHARED | QUEUED | TOUCHED | COUNT_MASK;

/// Flag: weak references to this object are registered in the side table.
pub const HAS_WEAKREFS: u16 = 1;
/// Flag: the finalizer has run (PEP 442: it runs once).
pub const FINALIZED: u16 = 2;
/// Flag: a class that waits for its last instance to be gone from memory.
pub(crate) const CONDEMNED: u16 = 4;
/// First flag bit that the layers above may use for themselves.
pub const FIRST_FREE_FLAG: u16 = 1 << 4;

/// The header every heap object starts with. See the module's table for the count word.
#[repr(C)]
pub struct Header {
    class: AtomicPtr<TypeHead>,
    count: AtomicU32,
    lock: AtomicU8,
    gc: AtomicU8,
    flags: AtomicU16,
}

/// What a decrement found.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub enum Released {
    /// Other references remain, or the object isn't counted.
    Alive,
    /// The last reference to a local object is gone: the caller destroys it.
    LastLocal,
    /// A shared object reached zero: the caller queues it for a grace period.
    ZeroShared,
    /// The last reference to a shared object went with the only object that anybody could reach it through: the caller,
    /// which has claimed it, destroys it.
    LastShared,
}

/// What became of a queued shared object after a grace period.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The caller destroys it.
    Dead,
    /// It has references again and left the queue.
    Revived,
    /// It was revived and died again in between: it must wait for another grace period.
    Again,
}

impl Header {
    /// A header for a new local object that the caller holds one reference to.
    #[inline(always)]
    pub fn new(class: *const TypeHead) -> Header {
        Header::with_count(class, 1)
    }

    /// A header for an object that is never counted (static types, interned names).
    pub fn immortal(class: *const TypeHead) -> Header {
        Header::with_count(class, SHARED | IMMORTAL)
    }

    /// A header for an object that is shared from birth; the caller holds one reference.
    pub fn shared(class: *const TypeHead) -> Header {
        Header::with_count(class, SHARED | 1)
    }

    #[inline(always)]
    fn with_count(class: *const TypeHead, count: u32) -> Header {
        Header {
            class: AtomicPtr::new(class.cast_mut()),
            count: AtomicU32::new(count),
            lock: AtomicU8::new(0),
            gc: AtomicU8::new(0),
            flags: AtomicU16::new(0),
        }
    }

    /// The class's head.
    #[inline(always)]
    pub fn class(&self) -> *const TypeHead {
        // Acquire pairs with `set_class`'s Release: the class is whole when it is seen.
        self.class.load(Ordering::Acquire)
    }

    /// Changes the class (`__class__` assignment). Classes are not counted by their instances.
    pub fn set_class(&self, class: *const TypeHead) {
        // Release pairs with `class`'s Acquire.
        self.class.store(class.cast_mut(), Ordering::Release);
    }

    /// Whether more than one thread may reach the object (immortal ones included).
    #[inline(always)]
    pub fn is_shared(&self) -> bool {
        // Relaxed: only the owning thread can turn a local object shared, and a thread that reached a shared object
        // got its reference by an Acquire load that pairs with the publishing Release store.
        self.count.load(Ordering::Relaxed) & (SHARED | IMMORTAL) != 0
    }

    /// Whether the object is never counted.
    #[inline(always)]
    pub fn is_immortal(&self) -> bool {
        self.count.load(Ordering::Relaxed) & IMMORTAL != 0
    }

    /// The number of counted references, for `sys.getrefcount` and the collectors; a part of it while the object is split.
    #[inline]
    pub fn count(&self) -> u32 {
        self.count.load(Ordering::Relaxed) & COUNT_MASK
    }

    /// The raw count word, for the collectors and the verifier.
    pub(crate) fn count_word(&self) -> u32 {
        self.count.load(Ordering::Relaxed)
    }

    /// Whether one reference is all there is and this thread alone can see it.
    #[inline(always)]
    pub fn is_unique_local(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 1
    }

    /// Adds a reference.
    #[inline(always)]
    pub fn retain(&self) {
        let count = self.count.load(Ordering::Relaxed);
        if count < LOCAL_MAX {
            // A plain store: a local object's word is changed by its own thread alone (invariant 2).
            self.count.store(count + 1, Ordering::Relaxed);
        } else if count & IMMORTAL == 0 {
            self.retain_slow(count);
        }
    }

    /// Adds a reference if the object is local; `false` if it is shared.
    #[inline(always)]
    pub fn retain_local(&self) -> bool {
        let count = self.count.load(Ordering::Relaxed);
        if count < LOCAL_MAX {
            // A plain store: as in `retain`.
            self.count.store(count + 1, Ordering::Relaxed);
            return true;
        }
        if count & (SHARED | IMMORTAL) == 0 {
            // The count is full: as in `retain_slow`.
            self.count.fetch_or(IMMORTAL, Ordering::Relaxed);
        }
        false
    }

    /// Adds a reference if that takes no more than a plain store, or if the object isn't counted.
    #[inline(always)]
    pub(crate) fn retain_quickly(&self) -> bool {
        let count = self.count.load(Ordering::Relaxed);
        if count < LOCAL_MAX {
            // A plain store: as in `retain`.
            self.count.store(count + 1, Ordering::Relaxed);
            return true;
        }
        count & IMMORTAL != 0
    }

    #[cold]
    #[inline(never)]
    fn retain_slow(&self, count: u32) {
        if count & SPLIT != 0 {
            if !split::adjust(NonNull::from(self), 1) {
                self.retain();
            }
            return;
        }
        if count & SHARED == 0 || count & COUNT_MASK >= COUNT_MASK - (1 << 20) {
            // So many references that the count is full (or close to it, with other threads counting too): the object
            // becomes immortal rather than wrong.
            self.count.fetch_or(IMMORTAL, Ordering::Relaxed);
            return;
        }
        // Relaxed: the caller holds or borrows a live reference, so nothing has to be made visible by this.
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds a reference, unless the object is being destroyed; for weak references.
    pub fn try_retain(&self) -> bool {
        let mut count = self.count.load(Ordering::Relaxed);
        loop {
            if count & IMMORTAL != 0 && count != DEAD {
                return true;
            }
            if !check("header: alive", count != DEAD && count != 0) {
                return false;
            }
            if count & SHARED == 0 || count & SPLIT != 0 {
                self.retain();
                return true;
            }
            if count & COUNT_MASK >= COUNT_MASK - (1 << 20) {
                self.count.fetch_or(IMMORTAL, Ordering::Relaxed);
                return true;
            }
            // Acquire pairs with the Release of decrements: the caller gets the object as its last user left it.
            match self.count.compare_exchange_weak(count, count + 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(seen) => count = seen,
            }
        }
    }

    /// Notes that a local object whose last reference went is being destroyed.
    #[inline(always)]
    pub(crate) fn begin_destroy_local(&self) {
        self.count.store(0, Ordering::Relaxed);
    }

    /// Whether the object has been claimed for destruction or is being destroyed.
    pub(crate) fn is_dying(&self) -> bool {
        matches!(self.count.load(Ordering::Relaxed), 0 | DEAD)
    }

    /// Takes a reference away that the collector has erased. Others remain.
    pub(crate) fn forget_edge(&self) {
        if self.is_shared() {
            self.count.fetch_sub(1, Ordering::Relaxed);
        } else {
            self.count.store(self.count.load(Ordering::Relaxed) - 1, Ordering::Relaxed);
        }
    }

    /// Takes a reference away from a local object that has more than this one, or from an immortal one; false for every
    /// other, which is left as it is.
    #[inline(always)]
    pub(crate) fn release_one_of_many(&self) -> bool {
        let count = self.count.load(Ordering::Relaxed);
        if count.wrapping_sub(2) < LOCAL_MAX - 2 {
            self.count.store(count - 1, Ordering::Relaxed);
            return true;
        }
        count & IMMORTAL != 0
    }

    /// Takes a reference away.
    #[inline]
    pub fn release(&self) -> Released {
        if self.release_one_of_many() {
            return Released::Alive;
        }
        self.release_slow(self.count.load(Ordering::Relaxed))
    }

    #[cold]
    #[inline(never)]
    fn release_slow(&self, mut count: u32) -> Released {
        if count & IMMORTAL != 0 {
            return Released::Alive;
        }
        if count & SHARED == 0 {
            debug_assert_eq!(count, 1, "a local object was released without a reference");
            return Released::LastLocal;
        }
        let mut failures = 0;
        loop {
            if count & SPLIT != 0 {
                if split::adjust(NonNull::from(self), -1) {
                    return Released::Alive;
                }
                return self.release();
            }
            debug_assert!(count & COUNT_MASK != 0, "a shared object was released without a reference");
            let sole = check("header: sole", count & SOLE != 0) && count & !SOLE == SHARED | 1;
            if sole && reclaim::dies_with_owner() {
                // AcqRel as in `claim`.
                match self.count.compare_exchange_weak(count, DEAD, Ordering::AcqRel, Ordering::Relaxed) {
                    Ok(_) => return Released::LastShared,
                    Err(seen) => count = seen,
                }
                continue;
            }
            let mut next = (count - 1) & !SOLE;
            if next & COUNT_MASK == 0 {
                next |= if count & QUEUED == 0 { QUEUED } else { TOUCHED };
            }
            // Release: what this thread did with the object happens before its destruction, which starts with the
            // Acquire in `claim`.
            let release = ordering("header: release", Ordering::Release);
            match self.count.compare_exchange_weak(count, next, release, Ordering::Relaxed) {
                Ok(_) if next & COUNT_MASK == 0 && count & QUEUED == 0 => return Released::ZeroShared,
                Ok(_) => {
                    if failures != 0 {
                        // Its memory lasts until this thread's next safepoint, whatever others do now.
                        split::contended(NonNull::from(self), failures);
                    }
                    return Released::Alive;
                }
                Err(seen) if seen & IMMORTAL != 0 => return Released::Alive,
                Err(seen) => {
                    failures += u32::from(seen != count);
                    count = seen;
                }
            }
        }
    }

    /// Decides the fate of a queued object after a grace period (invariant 3).
    pub fn claim(&self) -> Claimed {
        let mut count = self.count.load(Ordering::Relaxed);
        loop {
            if count & IMMORTAL != 0 {
                return Claimed::Revived;
            }
            let (next, result) = if count & (COUNT_MASK | SPLIT) != 0 {
                (count & !(QUEUED | TOUCHED), Claimed::Revived)
            } else if count & TOUCHED != 0 {
                (count & !TOUCHED, Claimed::Again)
            } else {
                (DEAD, Claimed::Dead)
            };
            // Acquire pairs with the Release of every decrement: their uses of the object happen before this.
            let acquire = ordering("header: claim", Ordering::AcqRel);
            match self.count.compare_exchange_weak(count, next, acquire, Ordering::Relaxed) {
                Ok(_) => return result,
                Err(seen) => count = seen,
            }
        }
    }

    /// Makes the object a split one, if it is alive and counted in the ordinary way; true if it has become one.
    pub(crate) fn split(&self) -> bool {
        let mut count = self.count.load(Ordering::Relaxed);
        loop {
            let alive = count & COUNT_MASK != 0 && count != DEAD;
            if count & (SHARED | IMMORTAL | SPLIT | QUEUED) != SHARED || !alive {
                return false;
            }
            // Relaxed: nobody's use of the object is ordered by this.
            let next = (count | SPLIT) & !SOLE;
            match self.count.compare_exchange_weak(count, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(seen) => count = seen,
            }
        }
    }

    /// Whether the header holds a part of the count only.
    pub(crate) fn is_split(&self) -> bool {
        self.count.load(Ordering::Acquire) & SPLIT != 0
    }

    /// Ends the split state, with the world stopped; `change` is what threads have kept to themselves.
    pub(crate) fn unsplit(&self, change: i64) -> Released {
        let count = self.count.load(Ordering::Relaxed);
        if count & SPLIT == 0 || count & IMMORTAL != 0 {
            return Released::Alive;
        }
        let total = i64::from(count & COUNT_MASK) + change;
        debug_assert!(total >= 0, "a split object was released without a reference");
        let marks = count & !(SPLIT | COUNT_MASK);
        let (word, released) = match u32::try_from(total.max(0)) {
            Ok(0) if count & QUEUED == 0 => (marks | QUEUED, Released::ZeroShared),
            Ok(0) => (marks | TOUCHED, Released::Alive),
            Ok(total) if total < COUNT_MASK - (1 << 20) => (marks | total, Released::Alive),
            _ => (marks | IMMORTAL, Released::Alive),
        };
        self.count.store(word, Ordering::Release);
        released
    }

    /// Gives a claimed or dying object `references` references again (a finalizer is about to see it).
    pub(crate) fn resurrect(&self, references: u32) {
        let shared = self.count.load(Ordering::Relaxed) & SHARED;
        self.count.store(shared | references, Ordering::Relaxed);
    }

    /// Marks a local object shared; true if it was local. Only its own thread calls this (invariant 2).
    pub(crate) fn mark_shared(&self) -> bool {
        let count = self.count.load(Ordering::Relaxed);
        if count & SHARED != 0 {
            return false;
        }
        let sole = if count == 1 { SOLE } else { 0 };
        self.count.store(count | SHARED | sole, Ordering::Relaxed);
        true
    }

    /// Whether a reference to the object can be stored in a shared one as it is; if not, `publish_slow` sees to it.
    #[inline(always)]
    pub(crate) fn is_fit_for_sharing(&self) -> bool {
        // Relaxed: as in `is_shared`.
        let count = self.count.load(Ordering::Relaxed);
        count & (SHARED | IMMORTAL) != 0 && count & SOLE == 0
    }

    /// Notes that a reference to a shared object is moved into a shared owner.
    pub(crate) fn clear_sole(&self) {
        // Relaxed: whoever destroys that owner has acquired what its users did.
        self.count.fetch_and(!SOLE, Ordering::Relaxed);
    }

    /// Makes the object immortal: from now on nobody counts it. It must have been published if it is to be shared.
    pub fn make_immortal(&self) {
        self.count.fetch_or(SHARED | IMMORTAL, Ordering::Relaxed);
    }

    /// The lock byte, for [`crate::lock`].
    pub(crate) fn lock_byte(&self) -> &AtomicU8 {
        &self.lock
    }

    /// The collectors' byte.
    pub(crate) fn gc_byte(&self) -> &AtomicU8 {
        &self.gc
    }

    /// Whether a flag is set.
    #[inline(always)]
    pub fn has_flag(&self, flag: u16) -> bool {
        self.flags.load(Ordering::Relaxed) & flag != 0
    }

    /// Sets a flag; true if it was clear.
    pub fn set_flag(&self, flag: u16) -> bool {
        if self.is_shared() {
            // Relaxed: a flag only says that a side table must be looked at, under its own lock.
            self.flags.fetch_or(flag, Ordering::Relaxed) & flag == 0
        } else {
            let flags = self.flags.load(Ordering::Relaxed);
            self.flags.store(flags | flag, Ordering::Relaxed);
            flags & flag == 0
        }
    }

    /// Clears a flag.
    pub fn clear_flag(&self, flag: u16) {
        self.flags.fetch_and(!flag, Ordering::Relaxed);
    }
}

const _: () = assert!(cfg!(orochi_loom) || std::mem::size_of::<Header>() == 16);
