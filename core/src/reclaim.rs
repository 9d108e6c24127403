//! Destruction of objects.
//!
//! Destroying an object releases what it owns, which may destroy more. Nested destructions go to a work list, so a long
//! chain needs no native stack. No Python code runs here: an object with a finalizer that hasn't run gets one reference
//! and is handed to the thread's pending list; weak references are cleared and their callbacks handed over likewise.

use crate::header::{CONDEMNED, FINALIZED, HAS_WEAKREFS, Header, Released};
use crate::object::{ShortEnd, TypeHead, extension_of};
use crate::runtime::poll;
use crate::thread::{self, Pending, Thread};
use crate::value::Value;
use crate::word::Word;
use crate::{epoch, heap, weak};
use std::ptr::NonNull;

/// Gives up a reference to an object that isn't immortal, nor a local one with other references.
///
/// # Safety
/// The caller owns the reference.
#[inline(never)]
pub(crate) unsafe fn release(object: NonNull<Header>) {
    // SAFETY: alive while the caller's reference is.
    let header = unsafe { object.as_ref() };
    if header.is_unique_local() {
        // A local object can't be held by a thread that isn't attached unless a host leaked it there; it is leaked
        // rather than destroyed on the wrong thread.
        thread::with_current(|thread| {
            if let Some(thread) = thread {
                // SAFETY: this was the last reference to a local object.
                unsafe { end_local(thread, object) }
            }
        });
    } else {
        let released = header.release();
        if released == Released::Alive {
            return;
        }
        thread::with_current(|thread| match (released, thread) {
            (Released::ZeroShared, Some(thread)) => epoch::queue_zero(thread, object),
            // SAFETY: claimed by the release, within the destruction of its owner (`Header`, invariant 3).
            (Released::LastShared, Some(thread)) => unsafe { destroy(thread, object) },
            // Shared objects that a thread drops which isn't attached wait for the next reclaimer.
            (Released::ZeroShared, None) => epoch::queue_orphan(thread::process_runtime(), object),
            _ => {}
        });
    }
}

/// Whether the thread is just dropping what a shared object owns, whose grace period is over.
pub(crate) fn dies_with_owner() -> bool {
    thread::with_current(|thread| thread.is_some_and(|thread| thread.destroying.get() & OF_SHARED != 0))
}

/// How deep destructions nest on the native stack before they go to the work list.
const NESTED: u32 = 32;

/// Set in `Thread::destroying`, which counts how deep destructions nest, while what is being dropped belonged to a shared
/// object.
const OF_SHARED: u32 = 1 << 31;

/// Destroys an object, and whatever dies with it.
///
/// # Safety
/// Nobody else refers to the object: it was the last local reference, or the object was claimed.
pub(crate) unsafe fn destroy(thread: &Thread, object: NonNull<Header>) {
    thread.assert_no_leaf();
    if thread.destroying.get() & !OF_SHARED == NESTED {
        thread.dying.borrow_mut().push(object);
        return;
    }
    // SAFETY: as the caller promises.
    nested(thread, || unsafe { destroy_one(thread, object) });
}

/// Ends a local object whose last reference is given up.
///
/// # Safety
/// The object is local, and the caller owns the only reference.
#[inline(always)]
pub(crate) unsafe fn end_local(thread: &Thread, object: NonNull<Header>) {
    // SAFETY: the object is whole until its payload is dropped; classes outlive their instances.
    unsafe {
        let header = object.as_ref();
        header.begin_destroy_local();
        let class = NonNull::new_unchecked(header.class().cast_mut());
        let fields = &(*class.as_ptr()).fields;
        if header.has_flag(HAS_WEAKREFS) || thread.destroying.get() >= NESTED {
            return destroy(thread, object);
        }
        thread.assert_no_leaf();
        match fields.short_end() {
            ShortEnd::Payload => (fields.layout.end)(thread, object),
            ShortEnd::Extension => end_extension(thread, class, object),
            ShortEnd::None => destroy(thread, object),
        }
    }
}

/// Runs `f`, which drops what an object owns, one level of nesting further down.
#[inline(always)]
pub(crate) fn nested(thread: &Thread, f: impl FnOnce()) {
    let outer = thread.destroying.get();
    thread.destroying.set(outer + 1);
    f();
    if outer & !OF_SHARED == NESTED - 1 {
        destroy_listed(thread);
    }
    thread.destroying.set(outer);
}

/// The end of an object that owns nothing but what its extension holds.
///
/// # Safety
/// As [`destroy`]; the extension lies behind a payload of fixed size without destructor.
unsafe fn end_extension(thread: &Thread, class: NonNull<TypeHead>, object: NonNull<Header>) {
    // SAFETY: as the caller promises.
    unsafe {
        let fields = &(*class.as_ptr()).fields;
        let extension = object.cast::<u8>().add(fields.extension as usize);
        nested(thread, || (fields.extension_ops.destroy)(class, extension));
        thread.heap().free(object.cast());
    }
}

/// Destroys what went to the work list, at the deepest level of nesting.
fn destroy_listed(thread: &Thread) {
    loop {
        let Some(object) = thread.dying.borrow_mut().pop() else { return };
        // SAFETY: `destroy` was called for it.
        unsafe { destroy_one(thread, object) };
    }
}

#[inline]
unsafe fn destroy_one(thread: &Thread, object: NonNull<Header>) {
    // SAFETY: the object is whole until its payload is dropped; classes outlive their instances.
    unsafe {
        let header = object.as_ref();
        let class = NonNull::new_unchecked(header.class().cast_mut());
        if (*class.as_ptr()).fields.has_finalizer() && header.set_flag(FINALIZED) {
            header.resurrect(1);
            thread.push_pending(Pending::Finalizer(Value::from_word(object.as_ptr() as Word)));
            return;
        }
        if header.has_flag(HAS_WEAKREFS) {
            weak::clear(thread, object, |_| true);
        }
        if (*class.as_ptr()).fields.layout.classes && !header.has_flag(CONDEMNED) {
            // Its instances don't count, and need it until their memory is free.
            header.resurrect(1);
            let class = Value::from_word(object.as_ptr() as Word);
            thread.runtime().gc.condemned.add(vec![class]);
            return;
        }
        free(thread, class, object);
    }
}

/// Drops an object's extension and payload and gives its memory back.
///
/// # Safety
/// As [`destroy`]; finalizer and weak references have been seen to.
#[inline]
pub(crate) unsafe fn free(thread: &Thread, class: NonNull<TypeHead>, object: NonNull<Header>) {
    // SAFETY: as the caller promises.
    unsafe {
        let fields = &(*class.as_ptr()).fields;
        let outer = thread.destroying.get();
        let of_shared = if object.as_ref().is_shared() { OF_SHARED } else { 0 };
        thread.destroying.set(outer & !OF_SHARED | of_shared);
        if let Some(extension) = extension_of(object) {
            (fields.extension_ops.destroy)(class, extension);
        }
        if let Some(drop) = fields.layout.drop {
            drop(object);
        }
        thread.destroying.set(outer);
        if object.as_ref().has_flag(HAS_WEAKREFS) && object.as_ref().is_shared() {
            // A thread may have read the address from a weak reference just before that was cleared; it will find that
            // the object is dead.
            epoch::retire(thread, object.cast(), heap::block_size(object.cast()), free_memory);
        } else {
            thread.heap().free(object.cast());
        }
    }
}

/// Gives the memory of a destroyed object back.
///
/// # Safety
/// The payload is gone and no reader is left.
unsafe fn free_memory(object: NonNull<u8>) {
    // SAFETY: as the caller promises.
    thread::with_current(|thread| unsafe {
        match thread {
            Some(thread) => thread.heap().free(object),
            None => heap::free_from_anywhere(object),
        }
    });
}

impl Thread {
    pub(crate) fn push_pending(&self, pending: Pending) {
        self.pending.borrow_mut().push_back(pending);
        self.shared().request(poll::PENDING);
    }

    /// The next finalizer or callback to run. The layer above calls this when native functions return and at safepoints.
    pub fn next_pending(&mut self) -> Option<Pending> {
        self.pending.borrow_mut().pop_front()
    }

    /// Whether `next_pending` would give something.
    pub fn has_pending(&self) -> bool {
        !self.pending.borrow().is_empty()
    }

    /// Forgets everything still pending; for the end of a thread that can't run Python code any more.
    pub fn discard_pending(&mut self) {
        let pending = std::mem::take(&mut *self.pending.borrow_mut());
        drop(pending);
    }
}
