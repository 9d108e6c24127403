//! Reclamation of what lagging readers may still see: shared objects whose count reached zero, and retired memory.
//!
//! Quiescent-state based: registers may hold borrowed references to shared objects, and native code holds some between two
//! safepoints. At a safepoint that asks for it a thread first counts its borrowed registers, then announces the epoch.
//!
//! A thread that runs alone reclaims at its next safepoint, so that objects die as promptly as the language's users expect.
//! While other threads are attached an epoch costs all of them something, so one is asked for only when enough waits
//! (`BATCH`, `BATCH_BYTES`), when what was destroyed has left more to destroy, when something dies after a quiet time (`QUIET`),
//! when the thread is about to block, and by an explicit collection. What a blocking thread
//! must leave behind is an orphan, adopted by whoever announces last.
//!
//! Invariants:
//! 1. An item is stamped with the epoch read after it was unlinked (a fence between).
//! 2. A thread that announced epoch `a` holds no uncounted reference loaded before the epoch became `a`.
//! 3. An item stamped `e` may be reclaimed when every attached thread has announced an epoch greater than `e`: all of them
//!    passed a quiescent point after the unlinking was visible. Detached threads hold none by definition.
//! 4. A shared object is then destroyed only if its count is still zero and it wasn't touched since (`Header::claim`).
//! 5. While a thread is alone (`Runtime::assume_alone`) its own quiescent point is all that an item waits for.

use crate::header::{Claimed, Header};
use crate::reclaim;
use crate::runtime::poll;
use crate::sync::{Ordering, fence, lock};
use crate::thread::Thread;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ptr::NonNull;
use std::time::{Duration, Instant};

/// What a thread has waiting for a grace period.
#[derive(Default)]
pub(crate) struct Limbo {
    items: RefCell<VecDeque<Item>>,
    /// Bytes in the items, roughly.
    bytes: Cell<usize>,
    /// Whether other threads were attached when this one last tried to reclaim.
    in_company: Cell<bool>,
    /// Whether an epoch should be asked for however little waits.
    urgent: Cell<bool>,
    /// When an epoch was last asked for.
    asked: Cell<Option<Instant>>,
}

/// How many items are worth an epoch.
const BATCH: usize = if cfg!(any(orochi_loom, orochi_stress)) { 1 } else { 256 };
/// How many bytes are.
const BATCH_BYTES: usize = 1 << 20;
/// After such a time without epochs the next death is worth one.
const QUIET: Duration = Duration::from_millis(1);
/// What an object is taken to weigh; its buffers may make it more.
const OBJECT_BYTES: usize = 256;

/// What ended or detached threads have left behind.
#[derive(Default)]
pub(crate) struct Orphans {
    items: VecDeque<Item>,
}

// SAFETY: items are pointers to shared objects and unlinked memory; whoever holds one after its grace period owns it.
unsafe impl Send for Orphans {}

struct Item {
    stamp: u64,
    bytes: usize,
    what: Retired,
}

enum Retired {
    Object(NonNull<Header>),
    Memory { address: NonNull<u8>, free: unsafe fn(NonNull<u8>) },
}

impl Limbo {
    fn push(&self, thread: &Thread, what: Retired, bytes: usize) {
        let stamp = stamp(thread);
        let may_wait = matches!(what, Retired::Memory { .. });
        self.items.borrow_mut().push_back(Item { stamp, bytes, what });
        self.bytes.set(self.bytes.get().saturating_add(bytes));
        // Nobody notices when memory is given back.
        let may_wait = may_wait && thread.is_alone();
        if self.is_due() || !may_wait && (!self.in_company.get() || self.was_quiet()) {
            thread.shared().request(poll::RECLAIM);
        }
    }

    /// Whether so much waits that it is worth other threads' while.
    fn is_due(&self) -> bool {
        self.urgent.get() || self.items.borrow().len() >= BATCH || self.bytes.get() >= BATCH_BYTES
    }

    /// Whether it is long ago that an epoch was asked for; then one is urgent.
    fn was_quiet(&self) -> bool {
        let quiet = self.asked.get().is_none_or(|asked| asked.elapsed() >= QUIET);
        if quiet {
            self.urgent.set(true);
        }
        quiet
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.borrow().is_empty()
    }

    /// Leaves everything to whoever reclaims next.
    pub(crate) fn abandon(&self, thread: &Thread) {
        let mut items = self.items.borrow_mut();
        if !items.is_empty() {
            let mut orphans = lock(&thread.runtime().orphans);
            orphans.items.extend(items.drain(..));
            self.bytes.set(0);
            thread.runtime().orphaned.store(orphans.items.len(), Ordering::SeqCst);
            thread.runtime().wanted.store(true, Ordering::SeqCst);
        }
    }
}

/// The epoch to stamp an item with that has just been unlinked (invariant 1).
fn stamp(thread: &Thread) -> u64 {
    if thread.is_alone() {
        // Whoever comes stops the world first, which shows it all that was unlinked before.
        return thread.runtime().epoch.load(Ordering::Relaxed);
    }
    // Pairs with the fence in `Runtime::announce`.
    fence(Ordering::SeqCst);
    thread.runtime().epoch.load(Ordering::SeqCst)
}

/// Queues a shared object whose count reached zero. The caller has set QUEUED.
pub(crate) fn queue_zero(thread: &Thread, object: NonNull<Header>) {
    thread.limbo().push(thread, Retired::Object(object), OBJECT_BYTES);
}

/// Queues a shared object whose count reached zero while no thread was attached here.
pub(crate) fn queue_orphan(runtime: &crate::runtime::Runtime, object: NonNull<Header>) {
    fence(Ordering::SeqCst);
    let stamp = runtime.epoch.load(Ordering::SeqCst);
    let mut orphans = lock(&runtime.orphans);
    orphans.items.push_back(Item { stamp, bytes: OBJECT_BYTES, what: Retired::Object(object) });
    runtime.orphaned.store(orphans.items.len(), Ordering::SeqCst);
}

/// Frees unlinked memory of about `bytes` bytes that other threads may still read, after a grace period.
///
/// # Safety
/// `free(address)` is sound once no reader is left, and nobody else frees the memory.
pub unsafe fn retire(thread: &Thread, address: NonNull<u8>, bytes: usize, free: unsafe fn(NonNull<u8>)) {
    thread.limbo().push(thread, Retired::Memory { address, free }, bytes);
}

/// [`retire`] for a box.
pub fn retire_box<T>(thread: &Thread, unlinked: Box<T>) {
    unsafe fn free<T>(address: NonNull<u8>) {
        // SAFETY: came from `Box::into_raw` below, and is freed once.
        drop(unsafe { Box::from_raw(address.cast::<T>().as_ptr()) });
    }
    let address = NonNull::from(Box::leak(unlinked)).cast();
    // SAFETY: the box is owned and leaked here, so only `free` frees it.
    unsafe { retire(thread, address, std::mem::size_of::<T>(), free::<T>) }
}

/// Reclaims what can be. At a safepoint only; the thread has counted its borrowed registers. `eager`: ask other threads
/// for an epoch even if little waits.
pub(crate) fn reclaim(thread: &Thread, eager: bool) {
    let runtime = thread.runtime();
    adopt_orphans(thread);
    if thread.is_alone() {
        // There is no reader but this thread, which holds nothing borrowed (invariant 5).
        while reclaim_before(thread, u64::MAX) {}
        thread.limbo().in_company.set(false);
        return;
    }
    // With this thread alone attached each round ends at once, so whatever the destroyed objects held goes too.
    while !thread.limbo().is_empty() {
        let (safe, company) = runtime.announce_and_look(thread.shared());
        if reclaim_before(thread, safe) {
            continue;
        }
        thread.limbo().in_company.set(company);
        if company && !eager && !thread.limbo().is_due() {
            return;
        }
        if company {
            thread.limbo().asked.set(Some(Instant::now()));
        }
        if !runtime.advance(thread.shared()) {
            // Somebody has yet to announce the present epoch, and will wake this thread.
            return;
        }
    }
}

fn adopt_orphans(thread: &Thread) {
    // Relaxed: a hint; what is missed is there the next time.
    if thread.runtime().orphaned.load(Ordering::Relaxed) == 0 {
        return;
    }
    let mut orphans = lock(&thread.runtime().orphans);
    if !orphans.items.is_empty() {
        let adopted: Vec<Item> = orphans.items.drain(..).collect();
        thread.runtime().orphaned.store(0, Ordering::SeqCst);
        drop(orphans);
        let mut items = thread.limbo().items.borrow_mut();
        // Older stamps first, so that the front of the queue is always the oldest.
        for item in adopted.into_iter().rev() {
            items.push_front(item);
        }
    }
}

/// Reclaims the items stamped before `safe`; whether there were any.
fn reclaim_before(thread: &Thread, safe: u64) -> bool {
    let mut any = false;
    let mut remaining = thread.limbo().items.borrow().len();
    let mut kept = 0;
    while remaining > 0 {
        remaining -= 1;
        let Some(item) = thread.limbo().items.borrow_mut().pop_front() else { break };
        if item.stamp >= safe {
            thread.limbo().items.borrow_mut().push_back(item);
            kept += 1;
            continue;
        }
        any = true;
        thread.limbo().bytes.set(thread.limbo().bytes.get().saturating_sub(item.bytes));
        match item.what {
            // SAFETY: the grace period is over (invariant 3).
            Retired::Memory { address, free } => unsafe { free(address) },
            // SAFETY: queued objects are kept until they are claimed.
            Retired::Object(object) => match unsafe { object.as_ref() }.claim() {
                Claimed::Revived => {}
                Claimed::Again => queue_zero(thread, object),
                // SAFETY: claimed, so this thread alone destroys it.
                Claimed::Dead => unsafe { reclaim::destroy(thread, object) },
            },
        }
    }
    if any {
        // What the destroyed objects have left behind; it may be a long chain.
        thread.limbo().urgent.set(thread.limbo().items.borrow().len() > kept);
    }
    any
}
