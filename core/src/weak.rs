//! Weak references: the side table that leads from a referent to its weak references, and the slot in each.
//!
//! The problem: an object pays nothing for weak references until it has one; taking a strong reference from a weak one
//! races with the referent's destruction on another thread; and the destroyer must find all weak references, also those
//! that other threads made.
//!
//! The shape: a flag in the referent's header (`HAS_WEAKREFS`) says that a table, sharded by address, lists the slots of
//! its weak references. The list is not counted: a slot that dies takes itself off it.
//!
//! What must hold:
//! 1. A weak reference is shared exactly when its referent is: registering publishes the weak reference of a shared
//!    referent, and publication goes both ways. So whoever destroys the referent may touch all its weak references.
//! 2. Slots are filled, cleared and listed under the lock of the referent's shard; they are read without it.
//! 3. The destroyer first makes the count say that the object is dying, then clears the slots, then drops the payload;
//!    the memory of a shared referent is given back a grace period later. So whoever has read an address from a
//!    slot may still ask the header (`Header::try_retain`) until its next safepoint, and gets the truth.
//! 4. No lock of the table is held while references are dropped.

use crate::field::{AtomicField, Field};
use crate::header::{HAS_WEAKREFS, Header};
use crate::object::{Trace, weak_slot};
use crate::publish::publish;
use crate::runtime::Runtime;
use crate::sync::{AtomicPtr, Mutex, Ordering, lock};
use crate::thread::{self, Pending, Thread};
use crate::value::{Ref, Value};
use crate::word::Word;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ptr::{self, NonNull};

const SHARDS: usize = if cfg!(orochi_loom) { 1 } else { 64 };

/// The part of a weak reference's payload that the runtime knows.
pub struct WeakSlot {
    referent: AtomicPtr<Header>,
    /// What is called with the weak reference when the referent dies.
    pub callback: AtomicField,
}

/// From referents to their weak references.
pub(crate) struct WeakTable {
    shards: Box<[Mutex<Shard>]>,
}

type Shard = HashMap<usize, Vec<Entry>, BuildHasherDefault<AddressHasher>>;

/// A weak reference object and the slot in it.
struct Entry {
    weakref: NonNull<Header>,
    slot: NonNull<WeakSlot>,
}

// SAFETY: the pointers are followed only under the shard's lock, and slots take themselves off the list when they die.
unsafe impl Send for Entry {}

#[derive(Default)]
pub(crate) struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_usize(usize::from(*byte));
        }
    }

    fn write_usize(&mut self, address: usize) {
        let mixed = (address as u64 >> 4).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

impl WeakTable {
    pub(crate) fn new() -> WeakTable {
        WeakTable { shards: (0..SHARDS).map(|_| Mutex::new(Shard::default())).collect() }
    }

    fn shard(&self, referent: NonNull<Header>) -> &Mutex<Shard> {
        let address = referent.addr().get();
        &self.shards[(address >> 4 ^ address >> 16) % SHARDS]
    }
}

impl WeakSlot {
    /// A slot without referent, which stands for a dead one.
    pub fn new(callback: Option<Value>) -> WeakSlot {
        let callback = callback.map_or_else(AtomicField::empty, AtomicField::new_local);
        WeakSlot { referent: AtomicPtr::new(ptr::null_mut()), callback }
    }

    /// The referent, if it is alive.
    pub fn upgrade(&self, _thread: &Thread) -> Option<Value> {
        let object = self.referent()?;
        // SAFETY: a local referent that the slot still leads to is alive or being destroyed by this thread; the memory
        // of a shared one outlasts this thread's next safepoint (rule 3).
        unsafe { object.as_ref() }.try_retain().then(|| {
            // SAFETY: counted just now.
            unsafe { Value::from_word(object.as_ptr() as Word) }
        })
    }

    /// Whether the referent is gone. It may go at any time.
    pub fn is_dead(&self) -> bool {
        // SAFETY: as in `upgrade`.
        self.referent().is_none_or(|object| unsafe { object.as_ref() }.is_dying())
    }

    /// Whether an object that is alive is the referent. Counts nothing.
    pub fn is_to(&self, object: Ref<'_>) -> bool {
        match (self.referent(), object.header()) {
            (Some(referent), Some(header)) => ptr::eq(referent.as_ptr(), header),
            _ => false,
        }
    }

    /// Makes the slot forget its referent, so that its callback is never called.
    pub fn clear(&self) {
        self.unregister(thread::process_runtime());
    }

    /// The referent, dead or alive.
    pub(crate) fn referent(&self) -> Option<NonNull<Header>> {
        // Acquire pairs with the Release of `register`: the referent is whole for whoever got here through the slot.
        NonNull::new(self.referent.load(Ordering::Acquire))
    }

    fn unregister(&self, runtime: &Runtime) {
        let Some(referent) = self.referent() else { return };
        let mut shard = lock(runtime.weak.shard(referent));
        let Some(entries) = shard.get_mut(&referent.addr().get()) else { return };
        entries.retain(|entry| !ptr::eq(entry.slot.as_ptr(), self));
        if entries.is_empty() {
            shard.remove(&referent.addr().get());
        }
        self.referent.store(ptr::null_mut(), Ordering::Release);
    }
}

impl Drop for WeakSlot {
    fn drop(&mut self) {
        self.unregister(thread::process_runtime());
    }
}

// SAFETY: visits the callback, the only counted reference.
unsafe impl Trace for WeakSlot {
    fn trace(&self, visit: &mut dyn FnMut(&Field)) {
        self.callback.trace(visit);
    }
}

/// Makes `weakref`, an object whose layout has a weak slot, refer to `referent`. To be called once for each weak
/// reference. False if `weakref` is no such object or `referent` is an immediate, which never dies.
pub fn register(thread: &Thread, weakref: Ref<'_>, referent: Ref<'_>) -> bool {
    let (Some(weakref_header), Some(referent_header)) = (weakref.header(), referent.header()) else {
        return false;
    };
    let weakref_header = NonNull::from(weakref_header);
    // SAFETY: the caller borrows the object.
    let Some(slot) = (unsafe { weak_slot(weakref_header) }) else { return false };
    referent_header.set_flag(HAS_WEAKREFS);
    if referent_header.is_shared() {
        // Rule 1.
        publish(weakref);
    }
    let referent = NonNull::from(referent_header);
    let mut shard = lock(thread.runtime().weak.shard(referent));
    let entries = shard.entry(referent.addr().get()).or_default();
    entries.push(Entry { weakref: weakref_header, slot: NonNull::from(slot) });
    // Release pairs with the Acquire of `referent`.
    slot.referent.store(referent.as_ptr(), Ordering::Release);
    drop(shard);
    // SAFETY: the caller borrows the object.
    if unsafe { weakref_header.as_ref() }.is_shared() {
        // Rule 1 the other way round, should the weak reference have been shared from birth.
        publish(Ref::from(referent_header));
    }
    true
}

/// The living weak references to an object, oldest first.
pub fn references(thread: &Thread, referent: Ref<'_>) -> Vec<Value> {
    let mut found = Vec::new();
    let Some(referent) = referent.header() else { return found };
    if referent.has_flag(HAS_WEAKREFS) {
        for_each(thread.runtime(), NonNull::from(referent), |weakref| {
            // SAFETY: listed, so its payload is not gone yet; memory and count as in `WeakSlot::upgrade`.
            if unsafe { weakref.as_ref() }.try_retain() {
                // SAFETY: counted just now.
                found.push(unsafe { Value::from_word(weakref.as_ptr() as Word) });
            }
        });
    }
    found
}

/// Calls `f` with each weak reference to the object, oldest first. `f` neither drops references nor comes back here.
pub(crate) fn for_each(runtime: &Runtime, referent: NonNull<Header>, mut f: impl FnMut(NonNull<Header>)) {
    let shard = lock(runtime.weak.shard(referent));
    for entry in shard.get(&referent.addr().get()).into_iter().flatten() {
        f(entry.weakref);
    }
}

/// Calls `f` with each object that has a weak reference with a callback. `f` neither drops references nor comes back here.
pub(crate) fn for_each_with_callback(thread: &Thread, mut f: impl FnMut(NonNull<Header>)) {
    for shard in &thread.runtime().weak.shards {
        for entry in lock(shard).values().flatten() {
            // SAFETY: listed under the lock, so the slot is not gone yet, and its referent neither.
            let slot = unsafe { entry.slot.as_ref() };
            if !slot.callback.is_empty()
                && let Some(referent) = slot.referent()
            {
                f(referent);
            }
        }
    }
}

/// Clears the weak references to a dying object, and queues the callbacks of those that live on and that `wanted` agrees to.
pub(crate) fn clear(thread: &Thread, object: NonNull<Header>, wanted: impl Fn(NonNull<Header>) -> bool) {
    let mut pending = Vec::new();
    // Kept until the lock is gone: dropping may destroy.
    let mut dropped = Vec::new();
    let mut shard = lock(thread.runtime().weak.shard(object));
    let entries = shard.remove(&object.addr().get()).unwrap_or_default();
    // Newest first, as CPython calls them.
    for entry in entries.into_iter().rev() {
        // SAFETY: listed under the lock, so the slot is not gone yet.
        let slot = unsafe { entry.slot.as_ref() };
        // Release: nobody who misses the address needs anything from it.
        slot.referent.store(ptr::null_mut(), Ordering::Release);
        let Some(callback) = slot.callback.get(thread) else { continue };
        // SAFETY: as in `references`.
        if wanted(entry.weakref) && unsafe { entry.weakref.as_ref() }.try_retain() {
            // SAFETY: counted just now.
            let weakref = unsafe { Value::from_word(entry.weakref.as_ptr() as Word) };
            pending.push(Pending::Callback { callback, weakref });
        } else {
            dropped.push(callback);
        }
    }
    drop(shard);
    drop(dropped);
    for callback in pending {
        thread.push_pending(callback);
    }
}
