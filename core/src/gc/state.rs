//! What the collectors keep between runs: switches, thresholds, statistics.

use super::condemned::Condemned;
use crate::sync::{AtomicBool, AtomicUsize, Ordering};
use crate::value::{Ref, Value};
use std::cell::Cell;

/// How a collection goes about it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Hand out the garbage instead of destroying it (`gc.DEBUG_SAVEALL`).
    pub save_all: bool,
    /// Called for each piece of garbage before anything is done to it (`gc.DEBUG_COLLECTABLE`). Must not touch the heap.
    pub report: Option<fn(Ref<'_>)>,
}

/// What a collection did.
#[derive(Debug, Default)]
pub struct Collected {
    /// Objects looked at.
    pub candidates: usize,
    /// Objects found to be garbage.
    pub found: usize,
    /// The garbage, if it was to be kept.
    pub kept: Vec<Value>,
}

impl Collected {
    /// Adds another collection's results.
    pub fn add(&mut self, other: Collected) {
        self.candidates += other.candidates;
        self.found += other.found;
        self.kept.extend(other.kept);
    }
}

/// Totals since the process began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Collections run.
    pub collections: usize,
    /// Objects destroyed by them.
    pub collected: usize,
}

/// The collectors' state of a runtime.
pub struct GcState {
    enabled: AtomicBool,
    /// The first of `gc.get_threshold()`.
    threshold: AtomicUsize,
    /// Objects published since the last search among shared ones.
    published: AtomicUsize,
    /// Shared objects at that search.
    shared_at_last: AtomicUsize,
    collections: AtomicUsize,
    collected: AtomicUsize,
    pub(super) frozen: AtomicUsize,
    pub(crate) condemned: Condemned,
}

/// A collection starts no sooner than this many times the threshold: a search has a fixed cost that CPython's does not.
const THRESHOLD_FACTOR: usize = 5;

/// A search among shared objects stops every thread, and what a program's modules publish mostly stays: it starts no sooner
/// than at this many times the growth that starts one among local objects.
const SHARED_FACTOR: usize = 5;

/// How many objects a thread publishes before it adds them to the total.
const PUBLISHED_BATCH: usize = 256;

impl GcState {
    pub(crate) fn new() -> GcState {
        GcState {
            enabled: AtomicBool::new(true),
            threshold: AtomicUsize::new(2000),
            published: AtomicUsize::new(0),
            shared_at_last: AtomicUsize::new(0),
            collections: AtomicUsize::new(0),
            collected: AtomicUsize::new(0),
            frozen: AtomicUsize::new(0),
            condemned: Condemned::new(),
        }
    }

    /// Whether collections start by themselves.
    pub fn is_enabled(&self) -> bool {
        self.enabled.load(Ordering::Relaxed)
    }

    /// Lets collections start by themselves, or not.
    pub fn set_enabled(&self, enabled: bool) {
        self.enabled.store(enabled, Ordering::Relaxed);
    }

    /// How much growth starts a collection, in the unit of `gc.set_threshold`; 0: never.
    pub fn threshold(&self) -> usize {
        self.threshold.load(Ordering::Relaxed)
    }

    /// Sets how much growth starts a collection. Threads take it over at their next look.
    pub fn set_threshold(&self, threshold: usize) {
        self.threshold.store(threshold, Ordering::Relaxed);
    }

    /// The totals.
    pub fn stats(&self) -> Stats {
        Stats {
            collections: self.collections.load(Ordering::Relaxed),
            collected: self.collected.load(Ordering::Relaxed),
        }
    }

    /// The growth in containers that makes a collection worth while; 0: never.
    pub(crate) fn minimum(&self) -> usize {
        self.threshold().saturating_mul(THRESHOLD_FACTOR)
    }

    pub(crate) fn published(&self, objects: usize) {
        self.published.fetch_add(objects, Ordering::Relaxed);
    }

    pub(super) fn shared_is_due(&self) -> bool {
        let last = self.shared_at_last.load(Ordering::Relaxed);
        self.published.load(Ordering::Relaxed) > self.minimum().saturating_mul(SHARED_FACTOR).max(last / 4)
    }

    pub(super) fn shared_collected(&self, candidates: usize) {
        self.published.store(0, Ordering::Relaxed);
        self.shared_at_last.store(candidates, Ordering::Relaxed);
    }

    pub(super) fn note(&self, collected: &Collected) {
        self.collections.fetch_add(1, Ordering::Relaxed);
        self.collected.fetch_add(collected.found - collected.kept.len(), Ordering::Relaxed);
    }
}

/// The collectors' state of a thread.
#[derive(Default)]
pub struct LocalGc {
    collecting: Cell<bool>,
    live_at_last: Cell<usize>,
    /// Objects published that the runtime's total does not include yet.
    published: Cell<usize>,
}

impl LocalGc {
    /// Whether a collection is under way on this thread.
    pub fn is_collecting(&self) -> bool {
        self.collecting.get()
    }

    /// Local containers after the last collection.
    pub fn live_at_last(&self) -> usize {
        self.live_at_last.get()
    }

    /// Counts published objects; now and then in the runtime's total, which all threads write to.
    pub(crate) fn published(&self, gc: &GcState, objects: usize) {
        let total = self.published.get() + objects;
        if total < PUBLISHED_BATCH {
            self.published.set(total);
        } else {
            self.published.set(0);
            gc.published(total);
        }
    }

    /// Notes that a collection starts; true if one is under way already.
    pub(super) fn enter(&self) -> bool {
        self.collecting.replace(true)
    }

    pub(super) fn leave(&self, live: usize) {
        self.collecting.set(false);
        self.live_at_last.set(live);
    }
}
