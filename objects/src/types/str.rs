//! `str`: immutable text in WTF-8 with an ASCII flag.
//!
//! The bytes lie behind the object's fixed part. For text that isn't ASCII, breadcrumbs (byte offsets of every so many
//! code points) are built when something is indexed first. This file is the storage; methods are in `str_/`.

use crate::class::PyClass;
use crate::error::{PyResult, memory_error, type_error};
use orochi_core::object::Tail;
use orochi_core::sync::{AtomicBool, AtomicU64, Ordering};
use orochi_core::{Field, Header, Layout, Obj, Owned, Payload, Ref, Thread, Trace, Value};
use orochi_macros::{pyclass, pymethods};
use orochi_text::wtf8::{Breadcrumbs, Wtf8};
use std::borrow::Cow;
use std::ptr::NonNull;
use std::sync::OnceLock;

/// str(object='') -> str
/// str(bytes_or_buffer[, encoding[, errors]]) -> str
///
/// Make a str from an object, or by decoding bytes.
#[pyclass(
    name = "str",
    subclassable,
    flags(STR_SUBCLASS, MATCH_SELF),
    unsafe_layout = Layout::of::<PyStr>().with_tail(size)
)]
#[repr(C)]
pub struct PyStr {
    /// The hash, once computed (0: not yet; a hash of 0 is computed again each time).
    hash: AtomicU64,
    /// For text that isn't ASCII: the index, once built. ASCII text needs none.
    breadcrumbs: OnceLock<Box<Breadcrumbs>>,
    /// How many bytes of the tail are text. It changes only while one register holds the one reference there is
    /// ([`append_in_place`]); whoever reaches the str later sees the outcome.
    used: AtomicU64,
    ascii: AtomicBool,
    interned: AtomicBool,
    /// The text, and room for more behind it if the str grew before.
    bytes: Tail<u8>,
}

// SAFETY: holds no fields.
unsafe impl Trace for PyStr {
    const HAS_FIELDS: bool = false;

    fn trace(&self, _visit: &mut dyn FnMut(&Field)) {}
}

unsafe fn size(object: NonNull<Header>) -> usize {
    // SAFETY: called for live strs.
    unsafe { object.cast::<Obj<PyStr>>().as_ref() }.bytes.size_with::<PyStr>()
}

impl PyStr {
    /// The WTF-8 bytes.
    #[inline(always)]
    pub fn as_bytes(&self) -> &[u8] {
        let used = self.byte_len();
        debug_assert!(used <= self.bytes.len());
        // SAFETY: `used` never exceeds the tail.
        unsafe { self.bytes.as_slice().get_unchecked(..used) }
    }

    /// Number of bytes.
    #[inline(always)]
    pub fn byte_len(&self) -> usize {
        self.used.load(Ordering::Relaxed) as usize
    }

    /// The text.
    #[inline(always)]
    pub fn as_wtf8(&self) -> &Wtf8 {
        // SAFETY: strs are made from WTF-8 only.
        unsafe { Wtf8::from_bytes_unchecked(self.as_bytes()) }
    }

    /// The text as UTF-8, unless it holds lone surrogates.
    #[inline]
    pub fn to_str(&self) -> Option<&str> {
        self.as_wtf8().as_str()
    }

    /// Whether every code point is below 128.
    #[inline(always)]
    pub fn is_ascii(&self) -> bool {
        self.ascii.load(Ordering::Relaxed)
    }

    /// Number of code points.
    #[inline]
    pub fn len(&self) -> usize {
        if self.is_ascii() { self.byte_len() } else { self.breadcrumbs().code_points() }
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.byte_len() == 0
    }

    /// The index of text that isn't ASCII.
    pub fn breadcrumbs(&self) -> &Breadcrumbs {
        self.breadcrumbs.get_or_init(|| Box::new(Breadcrumbs::new(self.as_wtf8())))
    }

    /// Byte offset of the code point with this index (`len()` gives the end); an index beyond the end gives the end.
    #[inline]
    pub fn byte_offset(&self, index: usize) -> usize {
        if self.is_ascii() {
            index.min(self.byte_len())
        } else {
            self.breadcrumbs().offset_of_index(self.as_wtf8(), index).unwrap_or(self.byte_len())
        }
    }

    /// The hash.
    #[inline]
    pub fn hash(&self) -> i64 {
        // Relaxed: every thread computes the same number.
        match self.hash.load(Ordering::Relaxed) {
            0 => {
                let hash = crate::hash::of_bytes(self.as_bytes());
                self.hash.store(hash as u64, Ordering::Relaxed);
                hash
            }
            hash => hash as i64,
        }
    }

    /// Whether the str is in the table of interned ones.
    pub fn is_interned(&self) -> bool {
        self.interned.load(Ordering::Relaxed)
    }

    pub(crate) fn set_interned(&self) {
        self.interned.store(true, Ordering::Relaxed);
    }
}

impl std::fmt::Display for PyStr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.as_wtf8().to_string_lossy())
    }
}

/// A new str. MemoryError if there is no memory.
pub fn new(thread: &Thread, text: &str) -> PyResult<Value> {
    from_wtf8(thread, text.as_ref())
}

/// A new str from WTF-8. The empty one and those of one ASCII character are shared.
pub fn from_wtf8(thread: &Thread, text: &Wtf8) -> PyResult<Value> {
    if text.len() <= 1
        && let Some(shared) = crate::types::str_::single::shared(thread, text)
    {
        return shared;
    }
    Ok(object(thread, text)?.into_value())
}

/// The text of two strs in a row.
pub fn concatenated(thread: &Thread, left: &Obj<PyStr>, right: &Obj<PyStr>) -> PyResult<Owned<PyStr>> {
    let ascii = left.is_ascii() && right.is_ascii();
    allocate(thread, PyStr::static_type().get(), &[left.as_bytes(), right.as_bytes()], ascii)
}

/// The text of several strs in a row.
pub fn joined(thread: &Thread, parts: &[&Obj<PyStr>]) -> PyResult {
    let ascii = parts.iter().all(|part| part.is_ascii());
    let bytes: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    Ok(allocate(thread, PyStr::static_type().get(), &bytes, ascii)?.into_value())
}

/// A new str as its object.
pub fn object(thread: &Thread, text: &Wtf8) -> PyResult<Owned<PyStr>> {
    subclass_object(thread, PyStr::static_type().get(), text)
}

/// A new instance of `str` or a subclass with this text.
pub fn subclass_object(
    thread: &Thread,
    class: &Obj<crate::types::r#type::PyType>,
    text: &Wtf8,
) -> PyResult<Owned<PyStr>> {
    let bytes: &[u8] = text.as_ref();
    allocate(thread, class, &[bytes], bytes.is_ascii())
}

/// A new str whose bytes are these, one part after the other; together they are WTF-8.
fn allocate(
    thread: &Thread,
    class: &Obj<crate::types::r#type::PyType>,
    parts: &[&[u8]],
    ascii: bool,
) -> PyResult<Owned<PyStr>> {
    let used = parts.iter().map(|part| part.len()).sum();
    allocate_used(thread, class, parts, used, ascii)
}

/// The same, of which only the first `used` bytes are text (they are no more than all): the rest is room to grow.
fn allocate_used(
    thread: &Thread,
    class: &Obj<crate::types::r#type::PyType>,
    parts: &[&[u8]],
    used: usize,
    ascii: bool,
) -> PyResult<Owned<PyStr>> {
    debug_assert!(std::ptr::eq(class.fields.layout, PyStr::LAYOUT));
    // SAFETY: the class's layout is PyStr's; the tail goes last.
    let made = unsafe {
        orochi_core::alloc::allocate_with_copies::<PyStr, u8>(
            thread,
            NonNull::from(class).cast(),
            parts,
            |tail| PyStr {
                hash: AtomicU64::new(0),
                breadcrumbs: OnceLock::new(),
                used: AtomicU64::new(used as u64),
                ascii: AtomicBool::new(ascii),
                interned: AtomicBool::new(false),
                bytes: tail,
            },
        )
    };
    made.ok_or_else(memory_error)
}

/// Strs shorter than this are copied when something is appended to them.
const GROWING: usize = 64;

/// `left + right` for `left` in the register that the sum goes to. A str that grows gets room, so that appending to it again
/// and again costs no more than what is appended.
pub fn appended(thread: &Thread, left: &Obj<PyStr>, right: &Obj<PyStr>) -> PyResult<Value> {
    let (head, tail) = (left.as_bytes(), right.as_bytes());
    let used = head.len().checked_add(tail.len()).ok_or_else(memory_error)?;
    if used < GROWING || !left.header().is_unique_local() {
        return crate::types::str_::sequence::concat(thread, left, right);
    }
    // What fills the room doesn't matter.
    let room = head.get(..head.len() / 2).unwrap_or_default();
    let ascii = left.is_ascii() && right.is_ascii();
    let parts = [head, tail, room];
    Ok(allocate_used(thread, PyStr::static_type().get(), &parts, used, ascii)?.into_value())
}

/// Appends to a str where it is, if nobody else can see it and there is room; whether that was done.
///
/// # Safety
/// The reference is the content of a register of the running frame, and nothing borrowed from the str is in use.
#[inline]
pub unsafe fn append_in_place(left: Ref<'_>, right: &Obj<PyStr>) -> bool {
    let Some(object) = left.downcast::<PyStr>() else { return false };
    let (used, more) = (object.byte_len(), right.byte_len());
    let fits = used.checked_add(more).is_some_and(|sum| sum <= object.bytes.len());
    if !fits
        || !object.header().is_unique_local()
        || object.is_interned()
        || object.breadcrumbs.get().is_some()
        || std::ptr::eq(object, right)
    {
        return false;
    }
    let offset = object.bytes.as_slice().as_ptr() as usize - left.word() as usize;
    // SAFETY: the tail has room for the bytes, which lie in another object. Nobody else can see this one; the pointer
    // comes from the object's word, not from a reference.
    unsafe {
        let end = (left.word() as *mut u8).add(offset + used);
        std::ptr::copy_nonoverlapping(right.as_bytes().as_ptr(), end, more);
    }
    object.used.store((used + more) as u64, Ordering::Relaxed);
    object.hash.store(0, Ordering::Relaxed);
    if !right.is_ascii() {
        object.ascii.store(false, Ordering::Relaxed);
    }
    true
}

/// The one immortal str with this text.
pub fn intern(_thread: &Thread, text: &str) -> PyResult<&'static Obj<PyStr>> {
    crate::interned::intern(text.as_ref())
}

/// The text of a str for a message; other objects show their class.
pub fn display(object: Ref<'_>) -> String {
    match object.downcast::<PyStr>() {
        Some(text) => text.as_wtf8().to_string_lossy().into_owned(),
        None => format!("<{} object>", crate::class_of(object).name()),
    }
}

/// The text of a str; nothing for other objects.
pub fn display_wtf8(object: Ref<'_>) -> std::borrow::Cow<'_, Wtf8> {
    match object.downcast::<PyStr>() {
        Some(text) => Cow::Borrowed(text.as_wtf8()),
        None => Cow::Borrowed("".as_ref()),
    }
}

/// The text of an argument that must be a str; `what` opens the message of the TypeError ("f() argument 1").
pub fn expect<'a>(object: Ref<'a>, what: &str) -> PyResult<&'a Obj<PyStr>> {
    object.downcast::<PyStr>().ok_or_else(|| {
        type_error(Cow::Owned(format!("{what} must be str, not {}", crate::class_of(object).name())))
    })
}

/// The name of an attribute, which must be a str.
pub fn expect_attribute_name(name: Ref<'_>) -> PyResult<&Obj<PyStr>> {
    name.downcast::<PyStr>().ok_or_else(|| {
        type_error(format!("attribute name must be string, not '{}'", crate::class_of(name).name()))
    })
}

/// The str itself if it is exactly a `str`; a copy of an instance of a subclass.
pub fn exact(thread: &Thread, text: &Obj<PyStr>) -> PyResult<Value> {
    if crate::class::is_exact(text.get(), PyStr::static_type()) {
        return Ok(text.to_value());
    }
    from_wtf8(thread, text.as_wtf8())
}

#[pymethods(parts(
    crate::types::str_::case::CASE,
    crate::types::str_::construct::CONSTRUCT,
    crate::types::str_::format::FORMAT,
    crate::types::str_::iterator::ITERATION,
    crate::types::str_::layout::LAYOUT,
    crate::types::str_::search::SEARCH,
    crate::types::str_::sequence::SEQUENCE,
    crate::types::str_::split::SPLIT,
    crate::types::str_::translate::TRANSLATE
))]
impl PyStr {
    #[slot]
    fn tp_hash(this: &Obj<Self>) -> PyResult<i64> {
        Ok(this.hash())
    }

    #[slot]
    fn tp_str(thread: &mut Thread, this: Ref<'_>) -> PyResult {
        if crate::class::is_exact(this, PyStr::static_type()) {
            return Ok(this.to_owned());
        }
        from_wtf8(thread, expect(this, "self")?.as_wtf8())
    }
}
