//! References outside the heap: `Value` owns, `Ref` borrows, `Owned<T>` owns an object of a known payload.

use crate::header::Header;
use crate::object::{Obj, Payload, TypeHead};
use crate::reclaim;
use crate::thread::Thread;
use crate::word::{self, Word};
use std::marker::PhantomData;
use std::num::NonZeroU64;
use std::ops::Deref;
use std::ptr::NonNull;

/// An owned word: an immediate, or one counted reference to a heap object. Never has the borrowed bit.
///
/// Dropping the last reference destroys the object; Python finalizers are queued, not run. Not `Send`: an object moves
/// between threads by being published.
#[repr(transparent)]
pub struct Value(NonZeroU64, PhantomData<*const ()>);

/// A borrowed word. Never has the borrowed bit: two `Ref`s are the same object iff their words are equal.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Ref<'a>(NonZeroU64, PhantomData<&'a ()>, PhantomData<*const ()>);

/// A counted reference to an object with payload `T`.
#[repr(transparent)]
pub struct Owned<T>(NonNull<Obj<T>>);

macro_rules! constants {
    ($($(#[$doc:meta])* $name:ident = $word:ident;)*) => {
        impl Value { $($(#[$doc])* pub const $name: Value = Value::constant(word::$word);)* }
        impl Ref<'static> { $($(#[$doc])* pub const $name: Ref<'static> = Value::$name.leak();)* }
    };
}
constants! {
    /// `None`.
    NONE = NONE;
    /// `True`.
    TRUE = TRUE;
    /// `False`.
    FALSE = FALSE;
    /// `Ellipsis`.
    ELLIPSIS = ELLIPSIS;
    /// `NotImplemented`.
    NOT_IMPLEMENTED = NOT_IMPLEMENTED;
}

impl Value {
    #[inline(always)]
    const fn constant(word: Word) -> Value {
        match NonZeroU64::new(word) {
            Some(word) => Value(word, PhantomData),
            None => unreachable!(),
        }
    }

    const fn leak(self) -> Ref<'static> {
        let word = self.0;
        std::mem::forget(self);
        Ref(word, PhantomData, PhantomData)
    }

    /// The value that owns this word's reference.
    ///
    /// # Safety
    /// The word is canonical, not UNBOUND, and if it is a pointer the caller hands over one counted reference.
    #[inline(always)]
    pub unsafe fn from_word(word: Word) -> Value {
        debug_assert!(word != word::UNBOUND && word & 7 != word::BORROWED || word & 3 != 0);
        // SAFETY: not UNBOUND.
        Value(unsafe { NonZeroU64::new_unchecked(word) }, PhantomData)
    }

    /// Gives up ownership: the word, whose reference the caller now owns.
    #[inline(always)]
    pub fn into_word(self) -> Word {
        let word = self.0.get();
        std::mem::forget(self);
        word
    }

    /// The word, still owned by this value.
    #[inline(always)]
    pub fn word(&self) -> Word {
        self.0.get()
    }

    /// A borrow of the value.
    #[inline(always)]
    pub fn get(&self) -> Ref<'_> {
        Ref(self.0, PhantomData, PhantomData)
    }

    /// `True` or `False`.
    #[inline(always)]
    pub const fn bool(value: bool) -> Value {
        if value { Value::TRUE } else { Value::FALSE }
    }

    /// A small int, if it fits 63 bits.
    #[inline(always)]
    pub fn small_int(value: i64) -> Option<Value> {
        word::from_int(value).map(Value::constant)
    }

    /// A float stored in the word, if its exponent fits.
    #[inline(always)]
    pub fn flonum(value: f64) -> Option<Value> {
        word::from_float(value).map(Value::constant)
    }

    /// The typed owner, if the payload is `T` (of a subclass too); gives the value back otherwise.
    #[inline]
    pub fn downcast<T: Payload>(self) -> Result<Owned<T>, Value> {
        match self.get().downcast::<T>() {
            Some(object) => {
                let pointer = NonNull::from(object);
                std::mem::forget(self);
                // SAFETY: the reference this value owns passes to the result.
                Ok(unsafe { Owned::from_raw(pointer) })
            }
            None => Err(self),
        }
    }
}

impl Clone for Value {
    #[inline(always)]
    fn clone(&self) -> Value {
        self.get().to_owned()
    }
}

impl Drop for Value {
    #[inline(always)]
    fn drop(&mut self) {
        let word = self.0.get();
        if word::is_pointer(word) {
            // SAFETY: the value owns a reference, so the object is alive, and gives it up here.
            unsafe { release(word::header_of(word)) }
        }
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.get().fmt(f)
    }
}

impl std::fmt::Debug for Ref<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.as_small_int() {
            Some(int) => write!(f, "{int}"),
            None => write!(f, "<{:#x}>", self.0),
        }
    }
}

/// Gives up one reference to an object.
///
/// # Safety
/// The caller owns the reference.
#[inline(always)]
pub(crate) unsafe fn release(object: NonNull<Header>) {
    // SAFETY: alive while the caller's reference is.
    if !unsafe { object.as_ref() }.release_one_of_many() {
        // SAFETY: the caller's reference is still there, and passes on.
        unsafe { reclaim::release(object) }
    }
}

impl<'a> Ref<'a> {
    /// A borrow of a word.
    ///
    /// # Safety
    /// The word is not UNBOUND, and if it is a pointer the object lives (or its memory is kept) for `'a`.
    #[inline(always)]
    pub unsafe fn from_word(word: Word) -> Ref<'a> {
        debug_assert!(word != word::UNBOUND);
        // SAFETY: not UNBOUND.
        Ref(unsafe { NonZeroU64::new_unchecked(word::canonical(word)) }, PhantomData, PhantomData)
    }

    /// The same for a word without the borrowed bit.
    ///
    /// # Safety
    /// As [`Ref::from_word`]; the word is canonical.
    #[inline(always)]
    pub unsafe fn from_canonical(word: Word) -> Ref<'a> {
        debug_assert!(word != word::UNBOUND && word == word::canonical(word));
        // SAFETY: not UNBOUND.
        Ref(unsafe { NonZeroU64::new_unchecked(word) }, PhantomData, PhantomData)
    }

    /// The word.
    #[inline(always)]
    pub fn word(self) -> Word {
        self.0.get()
    }

    /// The heap object's header, for where it is only looked at: an `Option` of this is tested with a single question.
    #[inline(always)]
    pub fn on_heap(self) -> Option<OnHeap<'a>> {
        // SAFETY: a pointer that lives for 'a.
        unsafe { on_heap(self.word()) }
    }

    /// A counted copy.
    #[inline(always)]
    pub fn to_owned(self) -> Value {
        if let Some(header) = self.on_heap() {
            header.retain();
        }
        Value(self.0, PhantomData)
    }

    /// The reference as a word for a register: counted if local, borrowed if shared.
    #[inline(always)]
    pub fn register_word(self) -> Word {
        if self.header().is_none() {
            return self.word();
        }
        // SAFETY: alive while it is borrowed; from then on the register keeps it, as `register_word` says.
        unsafe { register_word(self.word()) }
    }

    /// Object identity (`is`).
    #[inline(always)]
    pub fn is(self, other: Ref<'_>) -> bool {
        self.0 == other.0
    }

    /// Whether this is `None`.
    #[inline(always)]
    pub fn is_none(self) -> bool {
        self.word() == word::NONE
    }

    /// Whether this is `True` or `False`, and which.
    #[inline(always)]
    pub fn as_bool(self) -> Option<bool> {
        match self.word() {
            word::TRUE => Some(true),
            word::FALSE => Some(false),
            _ => None,
        }
    }

    /// The int, if it is one stored in the word.
    #[inline(always)]
    pub fn as_small_int(self) -> Option<i64> {
        word::is_int(self.word()).then(|| word::int_of(self.word()))
    }

    /// The float, if it is one stored in the word.
    #[inline(always)]
    pub fn as_flonum(self) -> Option<f64> {
        word::is_flonum(self.word()).then(|| word::flonum_of(self.word()))
    }

    /// The heap object's header, unless the word is an immediate.
    #[inline(always)]
    pub fn header(self) -> Option<&'a Header> {
        // SAFETY: a pointer that lives for 'a.
        word::is_pointer(self.word()).then(|| unsafe { word::header_of(self.word()).as_ref() })
    }

    /// The class of a heap object; `None` for immediates, whose classes the object layer knows.
    #[inline(always)]
    pub fn heap_class(self) -> Option<&'a TypeHead> {
        // SAFETY: classes outlive their instances.
        self.header().map(|header| unsafe { &*header.class() })
    }

    /// The object, if its payload is `T`: instances of subclasses too.
    #[inline(always)]
    pub fn downcast<T: Payload>(self) -> Option<&'a Obj<T>> {
        let header = self.on_heap()?;
        // SAFETY: classes outlive their instances.
        let class = unsafe { &*header.class() };
        // SAFETY: the payload is a T, or starts with one.
        class.fields.layout.extends(T::LAYOUT).then(|| unsafe { self.cast() })
    }

    /// The object seen as one with payload `T`.
    ///
    /// # Safety
    /// It is one.
    #[inline(always)]
    pub unsafe fn cast<T>(self) -> &'a Obj<T> {
        // SAFETY: as the caller promises.
        unsafe { word::header_of(self.word()).cast::<Obj<T>>().as_ref() }
    }

    /// The same reference with the lifetime of an owner that keeps the object alive by other means.
    ///
    /// # Safety
    /// The object lives for `'b`.
    pub unsafe fn extend<'b>(self) -> Ref<'b> {
        Ref(self.0, PhantomData, PhantomData)
    }
}

impl<'a> From<&'a Header> for Ref<'a> {
    fn from(header: &'a Header) -> Ref<'a> {
        // SAFETY: a header lies at the start of a live object.
        unsafe { Ref::from_word(std::ptr::from_ref(header) as Word) }
    }
}

impl<T> Owned<T> {
    /// The owner of one reference to the object.
    ///
    /// # Safety
    /// The caller hands over a counted reference.
    #[inline(always)]
    pub unsafe fn from_raw(pointer: NonNull<Obj<T>>) -> Owned<T> {
        Owned(pointer)
    }

    /// Publishes the object and keeps it for as long as the process lives.
    pub fn immortalise(self) -> &'static Obj<T> {
        crate::publish::publish(self.get());
        self.header().make_immortal();
        let object = self.0;
        std::mem::forget(self);
        // SAFETY: never destroyed from now on.
        unsafe { object.as_ref() }
    }

    /// The untyped value.
    #[inline(always)]
    pub fn into_value(self) -> Value {
        let word = self.0.as_ptr() as Word;
        std::mem::forget(self);
        // SAFETY: the reference passes to the value.
        unsafe { Value::from_word(word) }
    }
}

impl<T> Deref for Owned<T> {
    type Target = Obj<T>;
    #[inline(always)]
    fn deref(&self) -> &Obj<T> {
        // SAFETY: owned, so alive.
        unsafe { self.0.as_ref() }
    }
}

impl<T> Clone for Owned<T> {
    #[inline]
    fn clone(&self) -> Owned<T> {
        Obj::to_owned(self)
    }
}

impl<T> Drop for Owned<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: gives up the reference it owns.
        unsafe { release(self.0.cast()) }
    }
}

impl<T> From<Owned<T>> for Value {
    fn from(owned: Owned<T>) -> Value {
        owned.into_value()
    }
}

/// Copies a register's word for another register: counts a local object, borrows a shared one.
///
/// # Safety
/// The word is valid in a register of the current thread; the copy goes into a register of the same thread.
#[inline(always)]
pub unsafe fn copy_register(word: Word, _thread: &Thread) -> Word {
    if !word::is_counted(word) {
        return word;
    }
    // SAFETY: a counted register keeps its object alive.
    unsafe { register_word(word) }
}

/// The word with which another register refers to an object: local objects are counted, shared ones borrowed.
///
/// # Safety
/// The word is canonical and points to a live object, which is kept as long as registers may borrow it.
#[inline(always)]
pub unsafe fn register_word(word: Word) -> Word {
    // SAFETY: as the caller promises.
    let header = unsafe { word::header_of(word).as_ref() };
    // A borrowed copy is safe while this thread has not announced: at the announcement it is counted.
    if header.retain_local() { word } else { word | word::BORROWED }
}

/// The header of a live heap object. Not a plain reference: with one, the compiler would make an `Option` of it out of the
/// address, and test that for null after the test of the word's tags.
#[derive(Clone, Copy)]
pub struct OnHeap<'a>(*const Header, PhantomData<&'a Header>);

impl<'a> OnHeap<'a> {
    /// The header.
    #[inline(always)]
    pub fn get(self) -> &'a Header {
        // SAFETY: live for 'a.
        unsafe { &*self.0 }
    }
}

impl Deref for OnHeap<'_> {
    type Target = Header;
    #[inline(always)]
    fn deref(&self) -> &Header {
        self.get()
    }
}

/// The heap object that a word points to.
///
/// # Safety
/// If the word is a pointer, the object lives for `'a`: it lies in a register of the current thread, say.
#[inline(always)]
pub unsafe fn on_heap<'a>(word: Word) -> Option<OnHeap<'a>> {
    word::is_pointer(word).then(|| OnHeap(word::header_of(word).as_ptr(), PhantomData))
}

/// The owned value of a register's word, which is left as it was.
///
/// # Safety
/// The word is valid in a register of the current thread and not UNBOUND.
#[inline(always)]
pub unsafe fn own_register(word: Word) -> Value {
    // SAFETY: the register roots the object for the length of the call.
    unsafe { Ref::from_word(word) }.to_owned()
}

/// A register's word with a reference of its own, if that takes no more than a plain store; nothing has changed otherwise.
///
/// # Safety
/// The word is valid in a register of the current thread.
#[inline(always)]
pub unsafe fn own_quickly(word: Word) -> Option<Word> {
    // SAFETY: the register roots the object for the length of the call.
    match unsafe { on_heap(word) } {
        Some(object) if !object.retain_quickly() => None,
        Some(_) => Some(word & !word::BORROWED),
        None => Some(word),
    }
}

/// Gives up what a register's word owns, if others hold the object too; `false` otherwise: nothing has been done then.
///
/// # Safety
/// The word was taken out of a register of the current thread.
#[inline(always)]
pub unsafe fn drop_one_of_many(word: Word) -> bool {
    // SAFETY: a counted word owns a reference.
    !word::is_counted(word) || unsafe { word::header_of(word).as_ref() }.release_one_of_many()
}

/// Gives up what a register's word owns, which [`drop_one_of_many`] left alone.
///
/// # Safety
/// As [`drop_one_of_many`]; the thread is the current one.
#[inline(always)]
pub unsafe fn drop_last(thread: &Thread, word: Word) {
    let object = word::header_of(word);
    // SAFETY: the word owns a reference, or `drop_one_of_many` would have been content.
    unsafe {
        if object.as_ref().is_unique_local() {
            reclaim::end_local(thread, object);
        } else {
            reclaim::release(object);
        }
    }
}

/// Turns a register's word into an owned value, emptying the register's claim: a counted word passes its reference.
///
/// # Safety
/// As [`own_register`]; the caller overwrites the register before anything can look at it.
#[inline(always)]
pub unsafe fn take_register(word: Word) -> Value {
    if word::is_borrowed(word) && word::is_pointer(word) {
        // SAFETY: borrowed registers are valid until the next safepoint.
        unsafe { own_register(word) }
    } else {
        // SAFETY: an immediate or a counted reference that passes on.
        unsafe { Value::from_word(word) }
    }
}

/// Releases what a register's word owns.
///
/// # Safety
/// The word was taken out of a register of the current thread.
#[inline(always)]
pub unsafe fn drop_register(word: Word) {
    if word::is_counted(word) {
        // SAFETY: a counted word owns a reference.
        unsafe { release(word::header_of(word)) }
    }
}
