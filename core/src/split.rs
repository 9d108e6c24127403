//! Counts of hot shared objects.
//!
//! The problem: reading a shared object writes nothing, but storing a reference to it counts, and when many threads store
//! references to one object (a function, its globals, a configuration object) they fight over its header's cache line.
//!
//! The shape: a thread that keeps losing that fight makes the object *split*. From then on every thread keeps its
//! changes to the object's count in a table of its own, and the header is only read. The parts are put together with the world
//! stopped, at every collection of shared objects; an object whose sum is zero goes to the zero queue like any other. So a
//! hot object dies late, and an object that has cooled down is an ordinary one again after the next collection.
//!
//! What must hold:
//! 1. The count is the header's part plus all threads' changes plus those of threads that have ended.
//! 2. A split object is not destroyed, whatever the header's part: `claim` lets it go and `release` never finds zero.
//! 3. Folding empties all tables and ends the split state of all objects, so no table ever names an object that is gone.

use crate::epoch;
use crate::header::{Header, Released};
use crate::runtime::{Runtime, ThreadShared};
use crate::sync::{Arc, Mutex, Ordering, lock};
use crate::thread::{self, Thread};
use crate::weak::AddressHasher;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::ptr::NonNull;

/// How many lost fights for one object, between two epochs, make it split.
const HOT: u32 = if cfg!(orochi_stress) {
    1
} else if cfg!(orochi_loom) {
    // The models are about ordinary counts.
    u32::MAX
} else {
    16
};

/// How many split objects make a collection of shared objects due.
const MANY: usize = 1000;

/// Objects that share a counter of lost fights have the same address modulo this.
const FIGHTS: usize = 64;

type Changes = HashMap<usize, i64, BuildHasherDefault<AddressHasher>>;

/// How many changes are found without a search.
const NEAR: usize = 256;

/// One object's change, at the place that its address gives. An address of 0: none.
#[derive(Clone, Copy)]
struct Change {
    address: usize,
    by: i64,
}

/// What a thread keeps to itself: each object's change is the sum of what lies in `near` and in `changes`.
pub(crate) struct OwnCounts {
    near: Box<[Cell<Change>]>,
    changes: RefCell<Changes>,
    fights: [Cell<u32>; FIGHTS],
    fought: Cell<bool>,
}

/// What belongs to no thread.
pub(crate) struct SplitObjects {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    objects: Vec<NonNull<Header>>,
    /// Changes that ended threads have left behind.
    left: Changes,
}

// SAFETY: the pointers lead to shared objects.
unsafe impl Send for State {}

impl OwnCounts {
    pub(crate) fn new() -> OwnCounts {
        OwnCounts {
            near: vec![Cell::new(Change { address: 0, by: 0 }); NEAR].into_boxed_slice(),
            changes: RefCell::default(),
            fights: [const { Cell::new(0) }; FIGHTS],
            fought: Cell::new(false),
        }
    }

    #[inline]
    fn add(&self, address: usize, by: i64) {
        // Objects begin at multiples of 16, and those of one page lie further apart.
        let Some(cell) = self.near.get((address >> 4 ^ address >> 12) % NEAR) else { return };
        let near = cell.get();
        if near.address == address {
            cell.set(Change { address, by: near.by + by });
            return;
        }
        cell.set(Change { address, by });
        if near.by != 0 {
            self.add_far(near);
        }
    }

    #[cold]
    fn add_far(&self, change: Change) {
        *self.changes.borrow_mut().entry(change.address).or_insert(0) += change.by;
    }

    /// Takes all changes out.
    fn take(&self) -> Changes {
        let mut changes = std::mem::take(&mut *self.changes.borrow_mut());
        for cell in &self.near {
            let Change { address, by } = cell.replace(Change { address: 0, by: 0 });
            if by != 0 {
                *changes.entry(address).or_insert(0) += by;
            }
        }
        changes
    }

    /// Forgets lost fights: only what is hot between two epochs is hot.
    pub(crate) fn cool_down(&self) {
        if self.fought.replace(false) {
            for fights in &self.fights {
                fights.set(fights.get() - fights.get().div_ceil(4));
            }
        }
    }
}

impl SplitObjects {
    pub(crate) fn new() -> SplitObjects {
        SplitObjects { state: Mutex::new(State::default()) }
    }

    /// Whether so many objects are split that they should be looked at.
    pub(crate) fn are_many(&self) -> bool {
        lock(&self.state).objects.len() >= MANY
    }
}

/// Changes the count of a split object. False if it is not split any more: the caller, who owns a reference, begins
/// anew.
pub(crate) fn adjust(object: NonNull<Header>, by: i64) -> bool {
    let address = object.addr().get();
    thread::with_current(|thread| match thread {
        Some(thread) => {
            thread.own_counts.add(address, by);
            true
        }
        None => {
            // Without a thread nothing keeps the counts from being folded meanwhile but the lock.
            let mut state = lock(&thread::process_runtime().split.state);
            // SAFETY: the caller owns a reference.
            let split = unsafe { object.as_ref() }.is_split();
            if split {
                *state.left.entry(address).or_insert(0) += by;
            }
            split
        }
    })
}

/// The thread has lost fights for the object's header. The memory is that of an object at least until the next safepoint.
#[cold]
pub(crate) fn contended(object: NonNull<Header>, fights: u32) {
    thread::with_current(|thread| {
        let Some(thread) = thread else { return };
        let counter = &thread.own_counts.fights[(object.addr().get() >> 4) % FIGHTS];
        thread.own_counts.fought.set(true);
        counter.set(counter.get().saturating_add(fights));
        // SAFETY: as the caller promises.
        if counter.get() >= HOT && unsafe { object.as_ref() }.split() {
            counter.set(0);
            lock(&thread.runtime().split.state).objects.push(object);
        }
    });
}

/// An ending thread leaves its changes behind.
pub(crate) fn leave(thread: &Thread) {
    let changes = thread.own_counts.take();
    if !changes.is_empty() {
        merge(&mut lock(&thread.runtime().split.state).left, changes);
    }
}

/// Puts all counts together.
///
/// # Safety
/// The world is stopped, and `threads` are all threads.
pub(crate) unsafe fn fold(thread: &Thread, runtime: &Runtime, threads: &[Arc<ThreadShared>]) {
    let mut state = lock(&runtime.split.state);
    if state.objects.is_empty() {
        return;
    }
    let mut totals = std::mem::take(&mut state.left);
    for other in threads {
        // Acquire pairs with the Release that made the table known.
        let counts = other.own_counts.load(Ordering::Acquire);
        // SAFETY: a registered thread keeps its table, and is stopped.
        if let Some(counts) = unsafe { counts.as_ref() } {
            merge(&mut totals, counts.take());
        }
    }
    for object in std::mem::take(&mut state.objects) {
        let change = totals.remove(&object.addr().get()).unwrap_or(0);
        // SAFETY: a split object is not destroyed.
        if unsafe { object.as_ref() }.unsplit(change) == Released::ZeroShared {
            epoch::queue_zero(thread, object);
        }
    }
    debug_assert!(totals.is_empty(), "changes to the count of an object that is not split");
}

fn merge(totals: &mut Changes, changes: Changes) {
    for (address, change) in changes {
        *totals.entry(address).or_insert(0) += change;
    }
}
