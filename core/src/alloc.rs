//! Allocation of objects.

use crate::field::Field;
use crate::header::Header;
use crate::heap::Kind;
use crate::object::{Obj, Payload, Tail, TypeHead};
use crate::thread::Thread;
use crate::value::Owned;
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
        let fields = &(*class.as_ptr()).fields;
        debug_assert!(std::ptr::eq(fields.layout, T::LAYOUT));
        let extension = fields.extension_size as usize;
        let memory = thread
            .heap()
            .allocate(std::mem::size_of::<Obj<T>>() + extension, kind_of(class))?
            .cast::<Obj<T>>();
        memory.write(Obj::parts(Header::new(class.as_ptr()), payload));
        if extension != 0 {
            memory.cast::<u8>().add(fields.extension as usize).write_bytes(0, extension);
        }
        Some(Owned::from_raw(memory))
    }
}

/// Allocates a local object whose payload ends in a tail of `len` items, which `fill(i)` makes one by one.
///
/// # Safety
/// As [`allocate`]; `payload` is handed the tail and puts it last (`repr(C)`); `fill` doesn't panic.
pub unsafe fn allocate_with_tail<T: Payload, I>(
    thread: &Thread,
    class: NonNull<TypeHead>,
    len: usize,
    payload: impl FnOnce(Tail<I>) -> T,
    mut fill: impl FnMut(usize) -> I,
) -> Option<Owned<T>> {
    // SAFETY: as the caller promises.
    unsafe {
        let fields = &(*class.as_ptr()).fields;
        let extension = fields.extension_size as usize;
        let tail = len.checked_mul(std::mem::size_of::<I>())?;
        let size = std::mem::size_of::<Obj<T>>().checked_add(tail)?;
        let padded = if extension == 0 { size } else { size.checked_next_multiple_of(8)? };
        let memory = thread.heap().allocate(padded.checked_add(extension)?, kind_of(class))?.cast::<Obj<T>>();
        let items = memory.cast::<u8>().add(std::mem::size_of::<Obj<T>>()).cast::<I>();
        for i in 0..len {
            items.add(i).write(fill(i));
        }
        memory.write(Obj::parts(Header::new(class.as_ptr()), payload(Tail::new(len))));
        if extension != 0 {
            memory.cast::<u8>().add(padded).write_bytes(0, extension);
        }
        Some(Owned::from_raw(memory))
    }
}

/// Allocates a local object whose payload ends in a tail that is a copy of `parts`, one after the other.
///
/// # Safety
/// As [`allocate_with_tail`].
pub unsafe fn allocate_with_copies<T: Payload, I: Copy>(
    thread: &Thread,
    class: NonNull<TypeHead>,
    parts: &[&[I]],
    payload: impl FnOnce(Tail<I>) -> T,
) -> Option<Owned<T>> {
    let len = parts.iter().try_fold(0usize, |sum, part| sum.checked_add(part.len()))?;
    // SAFETY: as the caller promises; the parts fill the tail exactly.
    unsafe {
        let fields = &(*class.as_ptr()).fields;
        let extension = fields.extension_size as usize;
        let tail = len.checked_mul(std::mem::size_of::<I>())?;
        let size = std::mem::size_of::<Obj<T>>().checked_add(tail)?;
        let padded = if extension == 0 { size } else { size.checked_next_multiple_of(8)? };
        let memory = thread.heap().allocate(padded.checked_add(extension)?, kind_of(class))?.cast::<Obj<T>>();
        let mut at = memory.cast::<u8>().add(std::mem::size_of::<Obj<T>>()).cast::<I>();
        for part in parts {
            std::ptr::copy_nonoverlapping(part.as_ptr(), at.as_ptr(), part.len());
            at = at.add(part.len());
        }
        memory.write(Obj::parts(Header::new(class.as_ptr()), payload(Tail::new(len))));
        if extension != 0 {
            memory.cast::<u8>().add(padded).write_bytes(0, extension);
        }
        Some(Owned::from_raw(memory))
    }
}

/// Allocates an object that lives as long as the process, outside the heap: static types.
pub fn allocate_immortal<T>(class: *const TypeHead, payload: T) -> &'static Obj<T> {
    Box::leak(Box::new(Obj::parts(Header::immortal(class), payload)))
}

/// Which pages instances lie in: the collectors look only at those that can hold references, and that includes those
/// whose class can die.
///
/// # Safety
/// The class is live.
#[inline(always)]
unsafe fn kind_of(class: NonNull<TypeHead>) -> Kind {
    // SAFETY: as the caller promises.
    let TypeHead { header, fields } = unsafe { class.as_ref() };
    if fields.layout.has_fields || fields.extension_size != 0 || !header.is_immortal() {
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
