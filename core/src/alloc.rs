//! Allocation of objects.

use crate::field::Field;
use crate::header::Header;
use crate::heap::Kind;
use crate::object::{Obj, Payload, Tail, TypeHead};
use crate::thread::Thread;
use crate::value::{Owned, Value, own_quickly};
use crate::word::{self, Word};
use std::ptr::NonNull;

/// Allocates a local object.
///
/// The class's layout must be `T`'s. Extensions (attributes) start out zeroed, which their owner takes as empty.
/// `None` if there is no memory (the payload is dropped then).
///
/// # Safety
/// `class` is a live class whose layout is `T::LAYOUT`, and `T` has no tail.
#[inline]
pub unsafe fn allocate<T: Payload>(
    thread: &Thread,
    class: NonNull<TypeHead>,
    payload: T,
) -> Option<Owned<T>> {
    // SAFETY: as the caller promises.
    unsafe {
        debug_assert!(std::ptr::eq((*class.as_ptr()).fields.layout, T::LAYOUT));
        let memory = reserve::<T>(thread, class, 0)?;
        memory.write(Obj::parts(Header::new(class.as_ptr()), payload));
        Some(Owned::from_raw(memory))
    }
}

/// Memory for an object whose payload has a tail of this many bytes. Its extension is zeroed already.
///
/// # Safety
/// `class` is a live class whose layout is `T::LAYOUT`.
#[inline(always)]
unsafe fn reserve<T: Payload>(
    thread: &Thread,
    class: NonNull<TypeHead>,
    tail: usize,
) -> Option<NonNull<Obj<T>>> {
    // SAFETY: as the caller promises.
    unsafe {
        let extension = (*class.as_ptr()).fields.extension_size as usize;
        let size = std::mem::size_of::<Obj<T>>().checked_add(tail)?;
        if extension == 0 {
            return Some(thread.heap().allocate(size, kind_of::<T>(class))?.cast());
        }
        let padded = size.checked_next_multiple_of(8)?;
        let memory = thread.heap().allocate(padded.checked_add(extension)?, Kind::Container)?;
        memory.add(padded).write_bytes(0, extension);
        Some(memory.cast())
    }
}

/// Allocates a local object whose payload ends in a tail of `len` items, which `fill(i)` makes one by one.
///
/// # Safety
/// As [`allocate`]; `payload` is handed the tail and puts it last (`repr(C)`); `fill` doesn't panic.
#[inline]
pub unsafe fn allocate_with_tail<T: Payload, I>(
    thread: &Thread,
    class: NonNull<TypeHead>,
    len: usize,
    payload: impl FnOnce(Tail<I>) -> T,
    mut fill: impl FnMut(usize) -> I,
) -> Option<Owned<T>> {
    // SAFETY: as the caller promises.
    unsafe {
        let memory = reserve::<T>(thread, class, len.checked_mul(std::mem::size_of::<I>())?)?;
        let items = memory.add(1).cast::<I>();
        for i in 0..len {
            items.add(i).write(fill(i));
        }
        memory.write(Obj::parts(Header::new(class.as_ptr()), payload(Tail::new(len))));
        Some(Owned::from_raw(memory))
    }
}

/// Allocates a local object whose payload ends in a tail of references, moved out of `len` registers, if that takes no more than
/// a few loads and stores. Otherwise nothing has been done, but that some of the registers may own what they borrowed.
///
/// # Safety
/// As [`allocate_with_tail`]; the class's instances have no extension. The registers are the current thread's; an empty one counts
/// as None.
#[inline(always)]
pub unsafe fn allocate_from_registers<T: Payload>(
    thread: &Thread,
    class: NonNull<TypeHead>,
    registers: *mut Word,
    len: usize,
    payload: impl FnOnce(Tail<Field>) -> T,
) -> Option<Owned<T>> {
    // SAFETY: as the caller promises.
    unsafe {
        for i in 0..len {
            let register = registers.add(i);
            if word::is_borrowed(*register) {
                *register = own_quickly(*register)?;
            }
        }
        let size = std::mem::size_of::<Obj<T>>() + len * std::mem::size_of::<Field>();
        let memory = thread.heap().allocate_at_hand(size, kind_of::<T>(class))?.cast::<Obj<T>>();
        let items = memory.add(1).cast::<Field>().as_ptr();
        for i in 0..len {
            let word = std::mem::replace(&mut *registers.add(i), word::UNBOUND);
            let value = Value::from_word(if word == word::UNBOUND { word::NONE } else { word });
            items.add(i).write(Field::new_local(value));
        }
        memory.write(Obj::parts(Header::new(class.as_ptr()), payload(Tail::new(len))));
        Some(Owned::from_raw(memory))
    }
}

/// Allocates a local object whose payload ends in a tail that is a copy of `parts`, one after the other.
///
/// # Safety
/// As [`allocate_with_tail`].
#[inline]
pub unsafe fn allocate_with_copies<T: Payload, I: Copy>(
    thread: &Thread,
    class: NonNull<TypeHead>,
    parts: &[&[I]],
    payload: impl FnOnce(Tail<I>) -> T,
) -> Option<Owned<T>> {
    let mut len = 0usize;
    for part in parts {
        len = len.checked_add(part.len())?;
    }
    // SAFETY: as the caller promises; the parts fill the tail exactly.
    unsafe {
        let memory = reserve::<T>(thread, class, len.checked_mul(std::mem::size_of::<I>())?)?;
        let mut at = memory.add(1).cast::<I>();
        for part in parts {
            std::ptr::copy_nonoverlapping(part.as_ptr(), at.as_ptr(), part.len());
            at = at.add(part.len());
        }
        memory.write(Obj::parts(Header::new(class.as_ptr()), payload(Tail::new(len))));
        Some(Owned::from_raw(memory))
    }
}

/// Allocates an object that lives as long as the process, outside the heap: static types.
pub fn allocate_immortal<T>(class: *const TypeHead, payload: T) -> &'static Obj<T> {
    Box::leak(Box::new(Obj::parts(Header::immortal(class), payload)))
}

/// Which pages instances without an extension lie in: the collectors look only at those that can hold references, and
/// that includes those whose class can die.
///
/// # Safety
/// The class is live.
#[inline(always)]
unsafe fn kind_of<T: Payload>(class: NonNull<TypeHead>) -> Kind {
    // SAFETY: as the caller promises.
    if T::HAS_FIELDS || !unsafe { class.as_ref() }.header.is_immortal() {
        Kind::Container
    } else {
        Kind::Leaf
    }
}

/// An object for static memory, that lives as long as the process: static types.
pub fn immortal<T>(class: *const TypeHead, payload: T) -> Obj<T> {
    Obj::parts(Header::immortal(class), payload)
}

/// The field type is what tails of references consist of.
pub type FieldTail = Tail<Field>;
