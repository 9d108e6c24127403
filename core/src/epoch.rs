//! Reclamation of what lagging readers may still see: shared objects whose count reached zero, and retired memory.
//!
//! Quiescent-state based: registers may hold borrowed references to shared objects, and native code holds some between two
//! safepoints. At a safepoint that asks for it a thread first counts its borrowed registers, then announces the epoch.
//!
//! Invariants:
//! 1. An item is stamped with the epoch read after it was unlinked (a fence between).
//! 2. A thread that announced epoch `a` holds no uncounted reference loaded before the epoch became `a`.
//! 3. An item stamped `e` may be reclaimed when every attached thread has announced an epoch greater than `e`: all of them
//!    passed a quiescent point after the unlinking was visible. Detached threads hold none by definition.
//! 4. A shared object is then destroyed only if its count is still zero and it wasn't touched since (`Header::claim`).

use crate::header::{Claimed, Header};
use crate::reclaim;
use crate::runtime::poll;
use crate::sync::{Ordering, fence, lock};
use crate::thread::Thread;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::ptr::NonNull;

/// What a thread has waiting for a grace period.
#[derive(Default)]
pub(crate) struct Limbo {
    items: RefCell<VecDeque<Item>>,
}

/// What ended or detached threads have left behind.
#[derive(Default)]
pub(crate) struct Orphans {
    items: VecDeque<Item>,
}

// SAFETY: items are pointers to shared objects and unlinked memory; whoever holds one after its grace period owns it.
unsafe impl Send for Orphans {}

struct Item {
    stamp: u64,
    what: Retired,
}

enum Retired {
    Object(NonNull<Header>),
    Memory { address: NonNull<u8>, free: unsafe fn(NonNull<u8>) },
}

impl Limbo {
    fn push(&self, thread: &Thread, what: Retired) {
        let stamp = stamp(thread);
        self.items.borrow_mut().push_back(Item { stamp, what });
        thread.shared().request(poll::RECLAIM);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.borrow().is_empty()
    }

    /// Leaves everything to whoever reclaims next.
    pub(crate) fn abandon(&self, thread: &Thread) {
        let mut items = self.items.borrow_mut();
        if !items.is_empty() {
            lock(&thread.runtime().orphans).items.extend(items.drain(..));
        }
    }
}

/// The epoch to stamp an item with that has just been unlinked (invariant 1).
fn stamp(thread: &Thread) -> u64 {
    // Pairs with the fence in `Runtime::announce`.
    fence(Ordering::SeqCst);
    thread.runtime().epoch.load(Ordering::SeqCst)
}

/// Queues a shared object whose count reached zero. The caller has set QUEUED.
pub(crate) fn queue_zero(thread: &Thread, object: NonNull<Header>) {
    thread.limbo().push(thread, Retired::Object(object));
}

/// Queues a shared object whose count reached zero while no thread was attached here.
pub(crate) fn queue_orphan(runtime: &crate::runtime::Runtime, object: NonNull<Header>) {
    fence(Ordering::SeqCst);
    let stamp = runtime.epoch.load(Ordering::SeqCst);
    lock(&runtime.orphans).items.push_back(Item { stamp, what: Retired::Object(object) });
}

/// Frees unlinked memory that other threads may still read, after a grace period.
///
/// # Safety
/// `free(address)` is sound once no reader is left, and nobody else frees the memory.
pub unsafe fn retire(thread: &Thread, address: NonNull<u8>, free: unsafe fn(NonNull<u8>)) {
    thread.limbo().push(thread, Retired::Memory { address, free });
}

/// [`retire`] for a box.
pub fn retire_box<T>(thread: &Thread, unlinked: Box<T>) {
    unsafe fn free<T>(address: NonNull<u8>) {
        // SAFETY: came from `Box::into_raw` below, and is freed once.
        drop(unsafe { Box::from_raw(address.cast::<T>().as_ptr()) });
    }
    let address = NonNull::from(Box::leak(unlinked)).cast();
    // SAFETY: the box is owned and leaked here, so only `free` frees it.
    unsafe { retire(thread, address, free::<T>) }
}

/// Reclaims what can be. At a safepoint only; the thread has counted its borrowed registers and announced.
pub(crate) fn reclaim(thread: &Thread) {
    let runtime = thread.runtime();
    if runtime.epoch.load(Ordering::SeqCst) == 0 {
        return;
    }
    adopt_orphans(thread);
    // With this thread alone attached each round ends at once, so whatever the destroyed objects held goes too.
    loop {
        if thread.limbo().is_empty() {
            return;
        }
        runtime.advance();
        runtime.announce(thread.shared());
        let safe = runtime.safe_epoch();
        if !reclaim_before(thread, safe) {
            break;
        }
    }
}

fn adopt_orphans(thread: &Thread) {
    let mut orphans = lock(&thread.runtime().orphans);
    if !orphans.items.is_empty() {
        let adopted: Vec<Item> = orphans.items.drain(..).collect();
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
    while remaining > 0 {
        remaining -= 1;
        let Some(item) = thread.limbo().items.borrow_mut().pop_front() else { break };
        if item.stamp >= safe {
            thread.limbo().items.borrow_mut().push_back(item);
            continue;
        }
        any = true;
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
    any
}
