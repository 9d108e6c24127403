//! Heap objects: how a class describes its instances' memory, and typed access to an object's payload.
//!
//! Memory of an object: header (16 bytes), payload `T`, optionally a tail of items (`Tail`), optionally the extension of
//! instances of Python classes (slots and attributes) at the class's extension offset.

use crate::field::Field;
use crate::header::Header;
use crate::reclaim;
use crate::sync::{AtomicU8, Ordering};
use crate::thread::Thread;
use crate::value::{Owned, Ref, Value};
use crate::weak::WeakSlot;
use crate::word;
use std::ops::Deref;
use std::ptr::NonNull;

/// Visits every field through which an object owns a reference.
///
/// # Safety
/// `trace` must visit every `Field` that the value owns, each exactly once: publication and the collectors rely on it.
pub unsafe trait Trace {
    /// Whether a value of this type can own fields at all. False keeps objects out of the collectors' sight.
    const HAS_FIELDS: bool = true;

    /// Calls `visit` with each owned field.
    fn trace(&self, visit: &mut dyn FnMut(&Field));
}

/// What the runtime knows of a native payload type.
pub struct Layout {
    /// Size of header and payload in bytes, without tail and extension.
    pub size: usize,
    /// Runs the payload's destructor, if it has one.
    pub drop: Option<unsafe fn(NonNull<Header>)>,
    /// The whole end of a local object that has nothing but its payload: destructor and memory.
    pub(crate) end: unsafe fn(&Thread, NonNull<Header>),
    /// Visits the payload's fields.
    pub trace: unsafe fn(NonNull<Header>, &mut dyn FnMut(&Field)),
    /// For payloads with a tail: the whole size in bytes of this object, without extension.
    pub dynamic_size: Option<unsafe fn(NonNull<Header>) -> usize>,
    /// Whether instances can hold references at all (others are never traced nor cyclic).
    pub has_fields: bool,
    /// The layout of the base whose payload this payload starts with.
    pub base: Option<&'static Layout>,
    /// Whether instances are classes. Those are never destroyed by counting: instances don't count.
    pub classes: bool,
    /// For weak references: where the slot lies in an instance. Publication follows it though nothing counts it.
    pub weak_slot: Option<unsafe fn(NonNull<Header>) -> NonNull<WeakSlot>>,
}

/// A type that can be the payload of a heap object.
///
/// # Safety
/// `LAYOUT` must be unique to the type (`downcast` compares its address) and describe it.
pub unsafe trait Payload: Trace + Sized + 'static {
    /// The layout, at an address that no other type shares.
    const LAYOUT: &'static Layout;
}

impl Layout {
    /// The layout of a payload without tail.
    pub const fn of<T: Trace + 'static>() -> Layout {
        Layout {
            size: std::mem::size_of::<Obj<T>>(),
            drop: if std::mem::needs_drop::<T>() { Some(drop_payload::<T>) } else { None },
            end: end_payload::<T>,
            trace: trace_payload::<T>,
            dynamic_size: None,
            has_fields: T::HAS_FIELDS,
            base: None,
            classes: false,
            weak_slot: None,
        }
    }

    /// The same layout for a payload that starts with the payload of `base`.
    pub const fn with_base(mut self, base: &'static Layout) -> Layout {
        self.base = Some(base);
        self
    }

    /// Whether an object of this layout can be seen as one of `other`.
    #[inline(always)]
    pub fn extends(&'static self, other: &'static Layout) -> bool {
        std::ptr::eq(self, other) || self.base.is_some() && self.extends_slow(other)
    }

    #[cold]
    fn extends_slow(&'static self, other: &'static Layout) -> bool {
        let mut layout = self.base;
        while let Some(base) = layout {
            if std::ptr::eq(base, other) {
                return true;
            }
            layout = base.base;
        }
        false
    }

    /// The same layout for weak references, with the way to an instance's slot.
    pub const fn with_weak_slot(
        mut self,
        weak_slot: unsafe fn(NonNull<Header>) -> NonNull<WeakSlot>,
    ) -> Layout {
        self.weak_slot = Some(weak_slot);
        self
    }

    /// The same layout for class objects.
    pub const fn of_classes(mut self) -> Layout {
        self.classes = true;
        self
    }

    /// The same layout for payloads that end in a tail.
    pub const fn with_tail(mut self, dynamic_size: unsafe fn(NonNull<Header>) -> usize) -> Layout {
        self.dynamic_size = Some(dynamic_size);
        self
    }
}

unsafe fn drop_payload<T>(object: NonNull<Header>) {
    // SAFETY: the caller destroys an object whose layout is that of `T`, once.
    unsafe { std::ptr::drop_in_place(&raw mut (*object.cast::<Obj<T>>().as_ptr()).payload) }
}

unsafe fn end_payload<T: Trace>(thread: &Thread, object: NonNull<Header>) {
    // SAFETY: as in `drop_payload`; nobody looks at the object any more.
    unsafe {
        let drop = || std::ptr::drop_in_place(&raw mut (*object.cast::<Obj<T>>().as_ptr()).payload);
        if T::HAS_FIELDS {
            reclaim::nested(thread, drop)
        } else {
            drop()
        }
        thread.heap().free(object.cast());
    }
}

unsafe fn trace_payload<T: Trace>(object: NonNull<Header>, visit: &mut dyn FnMut(&Field)) {
    // SAFETY: the object is alive and has the layout of `T`.
    unsafe { object.cast::<Obj<T>>().as_ref() }.payload.trace(visit);
}

/// How the extension of instances of Python classes is destroyed and traced; written by the object layer.
pub struct ExtensionOps {
    /// Releases everything the extension at this address owns.
    pub destroy: unsafe fn(NonNull<TypeHead>, NonNull<u8>),
    /// Visits its fields.
    pub trace: unsafe fn(NonNull<TypeHead>, NonNull<u8>, &mut dyn FnMut(&Field)),
}

/// The part of a class that the runtime reads. Every class object's payload begins with it.
#[repr(C)]
pub struct TypeFields {
    /// The native layout of instances.
    pub layout: &'static Layout,
    /// Offset of the extension in instances without tail, in bytes; 0: instances have none. With a tail, any other
    /// number: the extension follows the tail.
    pub extension: u32,
    /// Bytes of the extension.
    pub extension_size: u32,
    /// How to handle the extension.
    pub extension_ops: &'static ExtensionOps,
    ending: Ending,
}

/// What the end of a class's instances takes, as bits.
struct Ending(AtomicU8);

impl Ending {
    /// No more than `Layout::end`.
    const PAYLOAD: u8 = 0;
    /// The end of the extension, which lies at a fixed place, and memory: the payload has no destructor.
    const EXTENSION: u8 = 1;
    /// More than that.
    const OTHER: u8 = 2;
    /// There is a finalizer.
    const FINALIZER: u8 = 4;
}

/// What the end of a local object takes.
pub(crate) enum ShortEnd {
    /// `Layout::end`.
    Payload,
    /// The extension's end, and memory.
    Extension,
    /// There is more to it.
    None,
}

impl TypeFields {
    /// What the runtime reads of a class with this layout and extension, whose instances have no finalizer so far.
    pub fn new(
        layout: &'static Layout,
        extension: u32,
        extension_size: u32,
        extension_ops: &'static ExtensionOps,
    ) -> TypeFields {
        let kind = match (layout.classes, extension) {
            (true, _) => Ending::OTHER,
            (_, 0) => Ending::PAYLOAD,
            _ if layout.drop.is_none() && layout.dynamic_size.is_none() => Ending::EXTENSION,
            _ => Ending::OTHER,
        };
        TypeFields { layout, extension, extension_size, extension_ops, ending: Ending(AtomicU8::new(kind)) }
    }

    /// Whether instances have a finalizer (`tp_finalize`).
    #[inline]
    pub fn has_finalizer(&self) -> bool {
        // Relaxed: set before instances exist, or racing with assignment of `__del__`, where either answer will do.
        self.ending.0.load(Ordering::Relaxed) & Ending::FINALIZER != 0
    }

    /// Notes whether instances have a finalizer, when the class is made or `__del__` is assigned or deleted.
    pub fn set_has_finalizer(&self, has: bool) {
        // Relaxed: as in `has_finalizer`.
        match has {
            true => self.ending.0.fetch_or(Ending::FINALIZER, Ordering::Relaxed),
            false => self.ending.0.fetch_and(!Ending::FINALIZER, Ordering::Relaxed),
        };
    }

    /// How local instances without weak references end.
    #[inline(always)]
    pub(crate) fn short_end(&self) -> ShortEnd {
        // Relaxed: as in `has_finalizer`.
        match self.ending.0.load(Ordering::Relaxed) {
            Ending::PAYLOAD => ShortEnd::Payload,
            Ending::EXTENSION => ShortEnd::Extension,
            _ => ShortEnd::None,
        }
    }
}

/// A class object as the runtime sees it.
#[repr(C)]
pub struct TypeHead {
    /// The class's own header.
    pub header: Header,
    /// What the runtime reads.
    pub fields: TypeFields,
}

/// A heap object with a payload of type `T`.
#[repr(C)]
pub struct Obj<T> {
    header: Header,
    payload: T,
}

impl<T> Deref for Obj<T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        &self.payload
    }
}

impl<T: std::fmt::Display> std::fmt::Display for Obj<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.payload.fmt(f)
    }
}

impl<T> Obj<T> {
    /// The object's header.
    #[inline(always)]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The object as an untyped reference.
    #[inline(always)]
    pub fn get(&self) -> Ref<'_> {
        // SAFETY: the address of a live object; the reference is bound to this borrow.
        unsafe { Ref::from_word(self as *const Obj<T> as word::Word) }
    }

    /// A counted reference to the object.
    #[inline]
    pub fn to_owned(&self) -> Owned<T> {
        self.header.retain();
        // SAFETY: counted just now.
        unsafe { Owned::from_raw(NonNull::from(self)) }
    }

    /// A counted, untyped reference.
    #[inline]
    pub fn to_value(&self) -> Value {
        self.get().to_owned()
    }

    /// The bytes of the object's extension, if its class has one.
    #[inline]
    pub fn extension(&self) -> Option<NonNull<u8>> {
        // SAFETY: a live object.
        unsafe { extension_of(NonNull::from(&self.header)) }
    }

    #[inline(always)]
    pub(crate) fn parts(header: Header, payload: T) -> Obj<T> {
        Obj { header, payload }
    }
}

/// Where the extension of an object lies.
///
/// # Safety
/// The object is alive and its payload initialised.
#[inline]
pub unsafe fn extension_of(object: NonNull<Header>) -> Option<NonNull<u8>> {
    // SAFETY: as the caller promises; classes outlive their instances.
    let fields = unsafe { &(*object.as_ref().class()).fields };
    if fields.extension == 0 {
        return None;
    }
    let offset = match fields.layout.dynamic_size {
        None => fields.extension as usize,
        // SAFETY: as above.
        Some(size) => unsafe { size(object) }.next_multiple_of(8),
    };
    // SAFETY: the extension was allocated behind the payload.
    Some(unsafe { object.cast::<u8>().add(offset) })
}

/// Visits every field of an object: payload and extension.
///
/// # Safety
/// The object is alive.
pub unsafe fn trace_object(object: NonNull<Header>, visit: &mut dyn FnMut(&Field)) {
    // SAFETY: as the caller promises.
    unsafe {
        let class = NonNull::new_unchecked(object.as_ref().class().cast_mut());
        let fields = &(*class.as_ptr()).fields;
        if fields.layout.has_fields {
            (fields.layout.trace)(object, visit);
        }
        if let Some(extension) = extension_of(object) {
            (fields.extension_ops.trace)(class, extension, visit);
        }
    }
}

/// The slot of a weak reference object.
///
/// # Safety
/// The object is alive for `'a`.
pub(crate) unsafe fn weak_slot<'a>(object: NonNull<Header>) -> Option<&'a WeakSlot> {
    // SAFETY: as the caller promises; classes outlive their instances.
    unsafe {
        let fields = &(*object.as_ref().class()).fields;
        fields.layout.weak_slot.map(|slot| slot(object).as_ref())
    }
}

/// A run of items behind the fixed part of a payload; the last field of a payload that has one.
///
/// The number of items is fixed at allocation. Only [`crate::alloc`] creates one in place.
#[repr(C, align(8))]
pub struct Tail<T> {
    len: usize,
    items: [T; 0],
}

impl<T> Tail<T> {
    /// A tail of `len` items.
    ///
    /// # Safety
    /// The value is moved into place at the end of a payload with `len` initialised items behind it before it is used
    /// or dropped.
    #[inline(always)]
    pub(crate) unsafe fn new(len: usize) -> Tail<T> {
        Tail { len, items: [] }
    }

    /// The number of items.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The items.
    #[inline(always)]
    pub fn as_slice(&self) -> &[T] {
        // SAFETY: `len` items lie directly behind this field (see `new`).
        unsafe { std::slice::from_raw_parts(self.items.as_ptr(), self.len) }
    }

    pub(crate) fn start(&mut self) -> *mut T {
        self.items.as_mut_ptr()
    }

    /// Bytes of a payload `P` that ends in this tail, with the header.
    pub fn size_with<P>(&self) -> usize {
        std::mem::size_of::<Obj<P>>() + self.len * std::mem::size_of::<T>()
    }
}

impl<T> Drop for Tail<T> {
    fn drop(&mut self) {
        if std::mem::needs_drop::<T>() {
            // SAFETY: the items are initialised and dropped once, with their payload.
            unsafe { std::ptr::drop_in_place(std::ptr::slice_from_raw_parts_mut(self.start(), self.len)) }
        }
    }
}

// SAFETY: visits each item.
unsafe impl<T: Trace> Trace for Tail<T> {
    const HAS_FIELDS: bool = T::HAS_FIELDS;

    fn trace(&self, visit: &mut dyn FnMut(&Field)) {
        self.as_slice().iter().for_each(|item| item.trace(visit));
    }
}
