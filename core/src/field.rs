//! References that lie in heap objects.
//!
//! A `Field` holds zero (empty) or a canonical word; a pointer in it is counted. The invariant that no edge leads from a
//! shared object to a local one is kept here: a `Value` becomes a `Field` only through an [`Owner`], which publishes it
//! if the owner is shared.

use crate::header::Header;
use crate::object::{Obj, Trace};
use crate::publish;
use crate::sync::{AtomicU64, Ordering, ordering};
use crate::thread::Thread;
use crate::value::{Ref, Value, register_word};
use crate::word::{self, Word};
use std::ptr::NonNull;

/// A counted reference in the heap. See the module.
#[repr(transparent)]
pub struct Field(AtomicU64);

/// The object that a field is about to lie in.
#[derive(Clone, Copy)]
pub struct Owner<'a>(&'a Header);

impl<'a> Owner<'a> {
    /// The owner whose header this is.
    #[inline(always)]
    pub fn of(header: &'a Header) -> Owner<'a> {
        Owner(header)
    }

    /// Turns a value into a field of this owner. Publishes it first if the owner is shared.
    #[inline(always)]
    pub fn store(self, value: Value) -> Field {
        if self.0.is_shared() {
            publish::publish(value.get());
        }
        Field(AtomicU64::new(value.into_word()))
    }

    /// The same for an optional value: `None` gives an empty field.
    #[inline]
    pub fn store_option(self, value: Option<Value>) -> Field {
        value.map_or_else(Field::empty, |value| self.store(value))
    }

    /// The owner's header.
    #[inline(always)]
    pub fn header(self) -> &'a Header {
        self.0
    }

    /// Whether the owner is shared.
    #[inline(always)]
    pub fn is_shared(self) -> bool {
        self.0.is_shared()
    }
}

impl<'a, T> From<&'a Obj<T>> for Owner<'a> {
    #[inline(always)]
    fn from(object: &'a Obj<T>) -> Owner<'a> {
        Owner(object.header())
    }
}

impl Field {
    /// A field that holds nothing.
    #[inline(always)]
    pub fn empty() -> Field {
        Field(AtomicU64::new(word::UNBOUND))
    }

    /// A field of an object that is just being made and is local: nothing needs publishing.
    #[inline(always)]
    pub fn new_local(value: Value) -> Field {
        Field(AtomicU64::new(value.into_word()))
    }

    /// Whether the field holds nothing.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.0.load(Ordering::Relaxed) == word::UNBOUND
    }

    /// The reference, bound to the field's owner and to the thread (which can't reach a safepoint meanwhile).
    #[inline(always)]
    pub fn load<'a>(&'a self, _thread: &'a Thread) -> Option<Ref<'a>> {
        // Acquire pairs with the Release in `replace`: the object behind the reference is whole.
        let word = self.0.load(Ordering::Acquire);
        if word == word::UNBOUND {
            return None;
        }
        // SAFETY: a local target is kept by this field, which can't change while the thread is borrowed; a shared one is
        // not reclaimed before this thread passes a safepoint.
        Some(unsafe { Ref::from_canonical(word) })
    }

    /// The reference in a field that is set once, before the object is visible, and never empty. It lives as long as
    /// the owner is borrowed.
    ///
    /// Gives `None` (the Python object) should the field be empty all the same.
    #[inline(always)]
    pub fn fixed(&self) -> Ref<'_> {
        let word = self.0.load(Ordering::Acquire);
        // SAFETY: a field reached through a plain reference is never replaced (only `AtomicField` and containers replace
        // theirs), so the owner keeps the target.
        unsafe { Ref::from_canonical(if word == word::UNBOUND { word::NONE } else { word }) }
    }

    /// [`Field::fixed`] without the question whether the field is empty.
    ///
    /// # Safety
    /// It is not.
    #[inline(always)]
    pub unsafe fn fixed_unchecked(&self) -> Ref<'_> {
        // SAFETY: as in `fixed`; not UNBOUND, as the caller promises.
        unsafe { Ref::from_canonical(self.0.load(Ordering::Acquire)) }
    }

    /// The word for a register: a local target is counted, a shared one borrowed; zero if the field is empty.
    #[inline(always)]
    pub fn load_register(&self, _thread: &Thread) -> Word {
        // Acquire: as in `load`.
        let word = self.0.load(Ordering::Acquire);
        if !word::is_pointer(word) {
            return word;
        }
        // SAFETY: as in `load`.
        unsafe { register_word(word) }
    }

    /// Moves the reference out.
    #[inline]
    pub fn into_value(self) -> Option<Value> {
        let word = self.0.load(Ordering::Relaxed);
        std::mem::forget(self);
        // SAFETY: the field's count passes to the value.
        (word != word::UNBOUND).then(|| unsafe { Value::from_word(word) })
    }

    /// Puts another field's reference here and gives back the old one. Callers hold the owner's lock if it is shared,
    /// and made `field` with the owner of this very field.
    #[inline(always)]
    pub fn replace(&self, field: Field) -> Field {
        let old = self.0.load(Ordering::Relaxed);
        // Release pairs with the Acquire of loads: everything in the object (and its SHARED mark) is visible.
        let release = ordering("field: replace", Ordering::Release);
        self.0.store(field.0.load(Ordering::Relaxed), release);
        std::mem::forget(field);
        Field(AtomicU64::new(old))
    }

    /// Puts a reference into a place that holds none (or whose word has been moved elsewhere): what was there is not
    /// released. Same duties as [`Field::replace`].
    #[inline(always)]
    pub fn init(&self, field: Field) {
        // Release: as in `replace`.
        let release = ordering("field: init", Ordering::Release);
        self.0.store(field.0.load(Ordering::Relaxed), release);
        std::mem::forget(field);
    }

    /// Moves a register's word here, into an empty place of a local object. What the register borrowed is counted.
    ///
    /// # Safety
    /// The word was taken out of a register of this thread, and the field's owner is local.
    #[inline(always)]
    pub unsafe fn init_from_register(&self, word: Word) {
        let word = if word::is_borrowed(word) {
            // SAFETY: borrowed registers are valid until the next safepoint.
            unsafe { word::header_of(word).as_ref() }.retain();
            word & !word::BORROWED
        } else {
            word
        };
        // Relaxed: nobody else sees a local object.
        self.0.store(word, Ordering::Relaxed);
    }

    /// Moves a word with a reference of its own here, into an empty place of a local object.
    ///
    /// # Safety
    /// The caller owns what the word refers to, and the field's owner is local.
    #[inline(always)]
    pub unsafe fn init_owned(&self, word: Word) {
        debug_assert!(!word::is_borrowed(word));
        // Relaxed: nobody else sees a local object.
        self.0.store(word, Ordering::Relaxed);
    }

    /// Moves the reference out to an empty register, which counts it. Same duties as [`Field::replace`].
    #[inline(always)]
    pub fn take_for_register(&self) -> Word {
        let word = self.0.load(Ordering::Acquire);
        self.0.store(word::UNBOUND, Ordering::Relaxed);
        word
    }

    /// Leaves the mark of a deleted key ([`word::DELETED`]) and gives the reference out. Same duties as
    /// [`Field::replace`].
    #[inline]
    pub fn delete(&self) -> Field {
        self.replace(Field(AtomicU64::new(word::DELETED)))
    }

    /// The raw word, for probing and for the collectors.
    #[inline(always)]
    pub fn word(&self) -> Word {
        self.0.load(Ordering::Acquire)
    }

    /// The reference as a field that will lie elsewhere. The word stays here for lagging readers and owns nothing any more.
    ///
    /// (A copy of the bits would do but for the checker, to which a copied atomic is the same one as before.)
    ///
    /// # Safety
    /// This place isn't released any more, and whoever changes it holds the owner's lock or is alone.
    #[inline(always)]
    pub unsafe fn moved(&self) -> Field {
        Field(AtomicU64::new(self.0.load(Ordering::Relaxed)))
    }

    /// Moves `count` references to places that hold none (or whose words were moved elsewhere). The places may overlap.
    ///
    /// # Safety
    /// The places are valid; otherwise as [`Field::moved`].
    #[inline(always)]
    pub unsafe fn move_all(from: *const Field, to: *mut Field, count: usize) {
        // SAFETY: as the caller promises. A field is its word.
        unsafe {
            if cfg!(orochi_loom) {
                let moved: Vec<Field> = (0..count).map(|i| (*from.add(i)).moved()).collect();
                for (i, field) in moved.into_iter().enumerate() {
                    to.add(i).write(field);
                }
            } else {
                std::ptr::copy(from, to, count);
            }
        }
    }

    /// Forgets the reference without giving up its count; for the collectors, which have accounted for it.
    pub(crate) fn erase(&self) {
        self.0.store(word::UNBOUND, Ordering::Relaxed);
    }

    /// The object that the field points to, for the collectors.
    pub fn target(&self) -> Option<NonNull<Header>> {
        let word = self.word();
        word::is_pointer(word).then(|| word::header_of(word))
    }
}

impl Drop for Field {
    #[inline]
    fn drop(&mut self) {
        let word = self.0.load(Ordering::Relaxed);
        if word::is_pointer(word) {
            // SAFETY: the field owned a reference.
            unsafe { crate::value::release(word::header_of(word)) }
        }
    }
}

impl Default for Field {
    fn default() -> Field {
        Field::empty()
    }
}

// SAFETY: visits itself.
unsafe impl Trace for Field {
    #[inline]
    fn trace(&self, visit: &mut dyn FnMut(&Field)) {
        visit(self);
    }
}

/// A mutable reference slot of an object, readable without a lock.
#[repr(transparent)]
#[derive(Default)]
pub struct AtomicField(Field);

impl AtomicField {
    /// A slot that holds nothing.
    #[inline]
    pub fn empty() -> AtomicField {
        AtomicField(Field::empty())
    }

    /// A slot of an object that is just being made and is local.
    #[inline]
    pub fn new_local(value: Value) -> AtomicField {
        AtomicField(Field::new_local(value))
    }

    /// Whether the slot holds nothing now.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The reference now in the slot.
    #[inline(always)]
    pub fn load<'a>(&'a self, thread: &'a Thread) -> Option<Ref<'a>> {
        self.0.load(thread)
    }

    /// An owned copy of the reference now in the slot.
    #[inline(always)]
    pub fn get(&self, thread: &Thread) -> Option<Value> {
        self.0.load(thread).map(Ref::to_owned)
    }

    /// As [`Field::load_register`].
    #[inline(always)]
    pub fn load_register(&self, thread: &Thread) -> Word {
        self.0.load_register(thread)
    }

    /// Stores a reference and returns the old one. One atomic exchange: no lock is needed for a single slot.
    #[inline]
    pub fn swap<'a>(
        &self,
        owner: impl Into<Owner<'a>>,
        _thread: &mut Thread,
        value: Option<Value>,
    ) -> Option<Value> {
        let owner = owner.into();
        let field = owner.store_option(value);
        let word = field.0.load(Ordering::Relaxed);
        std::mem::forget(field);
        // AcqRel: Release as in `Field::replace`; Acquire because the old object passes to the caller.
        let old = if owner.is_shared() {
            self.0.0.swap(word, ordering("field: swap", Ordering::AcqRel))
        } else {
            let old = self.0.0.load(Ordering::Relaxed);
            self.0.0.store(word, Ordering::Relaxed);
            old
        };
        // SAFETY: the slot's count passes to the value.
        (old != word::UNBOUND).then(|| unsafe { Value::from_word(old) })
    }

    /// Stores `value` if the slot still holds `expected`, which it then gives out; gives `value` back otherwise.
    ///
    /// The caller keeps `expected` alive meanwhile, so that no other object can have taken its place.
    pub fn replace_if<'a>(
        &self,
        owner: impl Into<Owner<'a>>,
        _thread: &mut Thread,
        expected: &Value,
        value: Value,
    ) -> Result<Value, Value> {
        let field = owner.into().store(value);
        let word = field.0.load(Ordering::Relaxed);
        std::mem::forget(field);
        // AcqRel as in `swap`; Relaxed on failure: what was seen is not looked at.
        let set = self.0.0.compare_exchange(expected.word(), word, Ordering::AcqRel, Ordering::Relaxed);
        // SAFETY: the slot's count passes to the value, or the one that was to pass to the slot passes back.
        set.map(|old| unsafe { Value::from_word(old) }).map_err(|_| unsafe { Value::from_word(word) })
    }

    /// The object that the slot points to, whatever keeps it.
    #[inline(always)]
    pub fn target(&self) -> Option<NonNull<Header>> {
        self.0.target()
    }

    /// Stores a reference. What was there before is never destroyed, since uncounted references to it may be about.
    pub fn replace_for_good<'a>(&self, owner: impl Into<Owner<'a>>, value: Value) {
        let field = owner.into().store(value);
        let word = field.0.load(Ordering::Relaxed);
        std::mem::forget(field);
        // AcqRel as in `swap`.
        let old = self.0.0.swap(word, Ordering::AcqRel);
        if word::is_pointer(old) {
            // SAFETY: the slot's count is given up by nobody.
            unsafe { word::header_of(old).as_ref() }.make_immortal();
        }
    }

    /// Stores `value` if the slot is empty, and drops it otherwise: for what is computed once.
    pub fn initialise<'a>(&self, owner: impl Into<Owner<'a>>, value: Value) {
        let field = owner.into().store(value);
        let word = field.0.load(Ordering::Relaxed);
        // AcqRel as in `swap`.
        if self.0.0.compare_exchange(word::UNBOUND, word, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            std::mem::forget(field);
        }
    }

    /// Stores `value` if the slot is empty; gives back what is in the slot then, borrowed, and the value if it lost.
    pub fn set_if_empty<'a>(
        &'a self,
        owner: impl Into<Owner<'a>>,
        thread: &'a Thread,
        value: Value,
    ) -> Result<Ref<'a>, (Value, Ref<'a>)> {
        let field = owner.into().store(value);
        let word = field.0.load(Ordering::Relaxed);
        std::mem::forget(field);
        // AcqRel as in `swap`.
        match self.0.0.compare_exchange(word::UNBOUND, word, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(self.load(thread).unwrap_or(Ref::NONE)),
            // SAFETY: the count that was to pass to the slot passes back; `seen` is in the slot.
            Err(seen) => Err(unsafe { (Value::from_word(word), Ref::from_word(seen)) }),
        }
    }
}

// SAFETY: visits the slot.
unsafe impl Trace for AtomicField {
    fn trace(&self, visit: &mut dyn FnMut(&Field)) {
        visit(&self.0);
    }
}

macro_rules! no_fields {
    ($($t:ty),* $(,)?) => { $(
        // SAFETY: holds no fields.
        unsafe impl Trace for $t {
            const HAS_FIELDS: bool = false;
            fn trace(&self, _visit: &mut dyn FnMut(&Field)) {}
        }
    )* };
}
no_fields!(
    (),
    bool,
    u8,
    i8,
    u16,
    i16,
    u32,
    i32,
    u64,
    i64,
    u128,
    i128,
    usize,
    isize,
    f32,
    f64,
    char,
    String,
    str,
    Box<str>,
    crate::sync::AtomicU8,
    crate::sync::AtomicU16,
    crate::sync::AtomicU32,
    crate::sync::AtomicU64,
    crate::sync::AtomicUsize,
    crate::sync::AtomicBool,
    crate::striped::StripedCounter,
    std::time::Instant,
    std::time::Duration,
    std::path::PathBuf,
    std::ffi::OsString,
    &'static str,
);

// SAFETY: visits every part, as the others below do.
unsafe impl<T: Trace> Trace for Option<T> {
    const HAS_FIELDS: bool = T::HAS_FIELDS;

    fn trace(&self, visit: &mut dyn FnMut(&Field)) {
        self.iter().for_each(|part| part.trace(visit));
    }
}
// SAFETY: as above.
unsafe impl<T: Trace> Trace for Vec<T> {
    const HAS_FIELDS: bool = T::HAS_FIELDS;

    fn trace(&self, visit: &mut dyn FnMut(&Field)) {
        self.iter().for_each(|part| part.trace(visit));
    }
}
// SAFETY: as above.
unsafe impl<T: Trace> Trace for std::collections::VecDeque<T> {
    const HAS_FIELDS: bool = T::HAS_FIELDS;

    fn trace(&self, visit: &mut dyn FnMut(&Field)) {
        self.iter().for_each(|part| part.trace(visit));
    }
}
// SAFETY: as above.
unsafe impl<T: Trace> Trace for Box<[T]> {
    const HAS_FIELDS: bool = T::HAS_FIELDS;

    fn trace(&self, visit: &mut dyn FnMut(&Field)) {
        self.iter().for_each(|part| part.trace(visit));
    }
}
// SAFETY: as above.
unsafe impl<T: Trace> Trace for Box<T> {
    const HAS_FIELDS: bool = T::HAS_FIELDS;

    fn trace(&self, visit: &mut dyn FnMut(&Field)) {
        (**self).trace(visit);
    }
}
// SAFETY: as above.
unsafe impl<T: Trace, const N: usize> Trace for [T; N] {
    const HAS_FIELDS: bool = T::HAS_FIELDS;

    fn trace(&self, visit: &mut dyn FnMut(&Field)) {
        self.iter().for_each(|part| part.trace(visit));
    }
}
// SAFETY: as above.
unsafe impl<A: Trace, B: Trace> Trace for (A, B) {
    const HAS_FIELDS: bool = A::HAS_FIELDS || B::HAS_FIELDS;

    fn trace(&self, visit: &mut dyn FnMut(&Field)) {
        self.0.trace(visit);
        self.1.trace(visit);
    }
}
// SAFETY: as above; `Arc`s of plain data hold no fields, and fields never lie behind an `Arc`.
unsafe impl<T: ?Sized> Trace for std::sync::Arc<T> {
    const HAS_FIELDS: bool = false;

    fn trace(&self, _visit: &mut dyn FnMut(&Field)) {}
}
// SAFETY: holds nothing.
unsafe impl<T> Trace for std::marker::PhantomData<T> {
    const HAS_FIELDS: bool = false;

    fn trace(&self, _visit: &mut dyn FnMut(&Field)) {}
}
