//! `str`: immutable text in WTF-8 with an ASCII flag.
//!
//! The bytes lie behind the object's fixed part. For text that isn't ASCII, breadcrumbs (byte offsets of every so many
//! code points) are built when something is indexed first. This file is the storage; methods are in `str_/`.

use crate::class::PyClass;
use crate::error::{PyResult, memory_error, type_error};
use crate::storage::once_box::OnceBox;
use orochi_core::object::Tail;
use orochi_core::sync::{AtomicU64, Ordering};
use orochi_core::{Field, Header, Layout, Obj, Owned, Payload, Ref, Thread, Trace, Value};
use orochi_macros::{pyclass, pymethods};
use orochi_text::wtf8::{Breadcrumbs, CodePoint, Wtf8};
use std::borrow::Cow;
use std::ptr::NonNull;

/// str(object='') -> str
/// str(bytes_or_buffer[, encoding[, errors]]) -> str
///
/// Make a str from an object, or by decoding bytes.
#[pyclass(
    name = "str",
    subclassable,
    quick(crate::types::str_::quick::call),
    flags(STR_SUBCLASS, MATCH_SELF),
    unsafe_layout = Layout::of::<PyStr>().with_tail(size)
)]
#[repr(C)]
pub struct PyStr {
    /// The hash, once computed (0: not yet; a hash of 0 is computed again each time).
    hash: AtomicU64,
    /// For text that isn't ASCII: the index, once built. ASCII text needs none.
    breadcrumbs: OnceBox<Breadcrumbs>,
    /// How many bytes of the tail are text, above [`FLAG_BITS`] flags. It changes only while one register holds the one
    /// reference there is ([`append_in_place`]); whoever reaches the str later sees the outcome.
    used: AtomicU64,
    /// The text, and room for more behind it if the str grew before.
    bytes: Tail<u8>,
}

// SAFETY: holds no fields.
unsafe impl Trace for PyStr {
    const HAS_FIELDS: bool = false;

    fn trace(&self, _visit: &mut dyn FnMut(&Field)) {}
}

/// Flag in `used`: every code point is below 128.
const ASCII: u64 = 1;
/// Flag in `used`: the str is in the table of interned ones.
const INTERNED: u64 = 2;
const FLAG_BITS: u32 = 2;

/// Text of up to so many bytes has no index: to count its code points is as fast as to look them up.
const COUNTED: usize = 192;
/// In text of up to so many bytes an index would save nothing.
const WALKED: usize = 16;

unsafe fn size(object: NonNull<Header>) -> usize {
    // SAFETY: called for live strs.
    unsafe { object.cast::<Obj<PyStr>>().as_ref() }.bytes.size_with::<PyStr>()
}

impl PyStr {
    /// The payload of a str of which the first `used` bytes of the tail are text.
    #[inline(always)]
    fn payload(bytes: Tail<u8>, used: usize, ascii: bool) -> PyStr {
        let flags = if ascii { ASCII } else { 0 };
        PyStr {
            hash: AtomicU64::new(0),
            breadcrumbs: OnceBox::empty(),
            used: AtomicU64::new((used as u64) << FLAG_BITS | flags),
            bytes,
        }
    }

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
        (self.used.load(Ordering::Relaxed) >> FLAG_BITS) as usize
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
        self.used.load(Ordering::Relaxed) & ASCII != 0
    }

    /// Number of code points.
    #[inline]
    pub fn len(&self) -> usize {
        if self.is_ascii() { self.byte_len() } else { self.count_code_points() }
    }

    /// Number of code points of text that isn't ASCII. Short texts are counted each time: that is faster than building an
    /// index, which most of them never need.
    fn count_code_points(&self) -> usize {
        match self.breadcrumbs.get() {
            Some(breadcrumbs) => breadcrumbs.code_points(),
            None if self.byte_len() <= COUNTED => self.as_wtf8().count_code_points(),
            None => self.breadcrumbs().code_points(),
        }
    }

    /// Whether the text is empty.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.byte_len() == 0
    }

    /// The index of text that isn't ASCII.
    pub fn breadcrumbs(&self) -> &Breadcrumbs {
        self.breadcrumbs.get_or_init(|| Breadcrumbs::new(self.as_wtf8()))
    }

    /// Byte offset of the code point with this index (`len()` gives the end); an index beyond the end gives the end.
    #[inline]
    pub fn byte_offset(&self, index: usize) -> usize {
        if self.is_ascii() {
            return index.min(self.byte_len());
        }
        let offset = match self.byte_len() {
            ..=WALKED => self.as_wtf8().offset_of_index(index),
            _ => self.breadcrumbs().offset_of_index(self.as_wtf8(), index),
        };
        offset.unwrap_or(self.byte_len())
    }

    /// The hash.
    #[inline]
    pub fn hash(&self) -> i64 {
        // Relaxed: every thread computes the same number.
        match self.hash.load(Ordering::Relaxed) {
            0 => {
                let hash = match self.is_ascii() {
                    true => crate::hash::of_bytes(self.as_bytes()),
                    false => crate::hash::of_text(self.as_wtf8()),
                };
                self.hash.store(hash as u64, Ordering::Relaxed);
                hash
            }
            hash => hash as i64,
        }
    }

    /// Whether the str is in the table of interned ones.
    #[inline]
    pub fn is_interned(&self) -> bool {
        self.used.load(Ordering::Relaxed) & INTERNED != 0
    }

    pub(crate) fn set_interned(&self) {
        self.used.fetch_or(INTERNED, Ordering::Relaxed);
    }

    /// For a str that another thread has forestalled.
    pub(crate) fn clear_interned(&self) {
        self.used.fetch_and(!INTERNED, Ordering::Relaxed);
    }

    /// Whether the text could grow where it is.
    pub(crate) fn has_room(&self) -> bool {
        self.byte_len() < self.bytes.len()
    }
}

impl std::fmt::Display for PyStr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.as_wtf8().to_string_lossy())
    }
}

/// A new str. MemoryError if there is no memory.
#[inline]
pub fn new(thread: &Thread, text: &str) -> PyResult<Value> {
    from_wtf8(thread, text.as_ref())
}

/// A new str from WTF-8. The empty one and those of one ASCII character are shared.
#[inline]
pub fn from_wtf8(thread: &Thread, text: &Wtf8) -> PyResult<Value> {
    if text.len() <= 1
        && let Some(shared) = crate::types::str_::single::shared(thread, text)
    {
        return shared;
    }
    Ok(object(thread, text)?.into_value())
}

/// A new str of bytes that are ASCII.
#[inline]
pub fn from_ascii(thread: &Thread, bytes: &[u8]) -> PyResult<Value> {
    match bytes {
        [] => crate::types::str_::single::empty(thread),
        [byte @ 0..128] => crate::types::str_::single::latin1(thread, *byte),
        _ if bytes.is_ascii() => {
            Ok(allocate(thread, PyStr::static_type().get(), &[bytes], true)?.into_value())
        }
        _ => Err(crate::error::system_error("text that should be ASCII isn't")),
    }
}

/// The `count` characters from `start` on of a text that is all ASCII; `None` for other texts.
#[inline]
pub fn part_of_ascii(thread: &Thread, text: &Obj<PyStr>, start: usize, count: usize) -> Option<PyResult> {
    let bytes = text.as_bytes().get(start..start.checked_add(count)?).filter(|_| text.is_ascii())?;
    Some(match bytes {
        [] => crate::types::str_::single::empty(thread),
        [byte] => crate::types::str_::single::latin1(thread, *byte),
        _ => allocate(thread, PyStr::static_type().get(), &[bytes], true).map(Owned::into_value),
    })
}

/// The text of two strs in a row.
#[inline]
pub fn concatenated(thread: &Thread, left: &Obj<PyStr>, right: &Obj<PyStr>) -> PyResult<Owned<PyStr>> {
    let ascii = left.is_ascii() && right.is_ascii();
    allocate(thread, PyStr::static_type().get(), &[left.as_bytes(), right.as_bytes()], ascii)
}

/// The text of several strs in a row.
pub fn joined<'a>(thread: &Thread, parts: impl ExactSizeIterator<Item = &'a Obj<PyStr>>) -> PyResult {
    const FEW: usize = 24;
    let (mut ascii, len) = (true, parts.len());
    let bytes = parts.map(|part| {
        ascii &= part.is_ascii();
        part.as_bytes()
    });
    let class = PyStr::static_type().get();
    let made = if len <= FEW {
        let mut few: [&[u8]; FEW] = [&[]; FEW];
        few.iter_mut().zip(bytes).for_each(|(place, part)| *place = part);
        allocate(thread, class, few.get(..len).unwrap_or_default(), ascii)
    } else {
        let mut many = Vec::new();
        many.try_reserve_exact(len).map_err(|_| memory_error())?;
        many.extend(bytes);
        allocate(thread, class, &many, ascii)
    };
    made.map(Owned::into_value)
}

/// The `repr` of a text that is ASCII and holds nothing that is shown in another way; `None` for other texts.
pub(crate) fn quoted(thread: &Thread, text: &Obj<PyStr>) -> Option<PyResult> {
    let bytes = text.as_bytes();
    let plain = text.is_ascii()
        && bytes.iter().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'\'' | b'\\'));
    plain.then(|| {
        allocate(thread, PyStr::static_type().get(), &[b"'", bytes, b"'"], true).map(Owned::into_value)
    })
}

/// The text of `original`, which is ASCII, with each byte changed to another ASCII one.
#[inline]
pub(crate) fn mapped_ascii(
    thread: &Thread,
    original: &Obj<PyStr>,
    change: impl Fn(u8) -> u8,
) -> PyResult<Value> {
    let bytes = original.as_bytes();
    build_ascii(thread, bytes.len(), |i| bytes.get(i).map_or(0, |&byte| change(byte)))
}

/// A str of `len` ASCII characters that are made one by one.
#[inline]
pub(crate) fn build_ascii(thread: &Thread, len: usize, mut make: impl FnMut(usize) -> u8) -> PyResult<Value> {
    match len {
        0 => return crate::types::str_::single::empty(thread),
        1 => return crate::types::str_::single::latin1(thread, make(0) & 0x7f),
        _ => {}
    }
    // SAFETY: the class's layout is PyStr's; the tail goes last.
    let made = unsafe {
        orochi_core::alloc::allocate_with_tail::<PyStr, u8>(
            thread,
            NonNull::from(PyStr::static_type().get()).cast(),
            len,
            |tail| PyStr::payload(tail, len, true),
            |i| make(i) & 0x7f,
        )
    };
    made.map(Owned::into_value).ok_or_else(memory_error)
}

/// The str of a part of another's text.
#[inline]
pub(crate) fn part(thread: &Thread, whole: &Obj<PyStr>, part: &Wtf8) -> PyResult<Value> {
    if part.len() <= 1
        && let Some(shared) = crate::types::str_::single::shared(thread, part)
    {
        return shared;
    }
    let bytes: &[u8] = part.as_ref();
    let ascii = whole.is_ascii() || bytes.is_ascii();
    Ok(allocate(thread, PyStr::static_type().get(), &[bytes], ascii)?.into_value())
}

/// The str of one code point beyond Latin-1.
#[inline]
pub(crate) fn of_character(thread: &Thread, c: CodePoint) -> PyResult<Value> {
    let (bytes, len) = c.encode();
    let bytes = bytes.get(..len).unwrap_or_default();
    allocate(thread, PyStr::static_type().get(), &[bytes], false).map(Owned::into_value)
}

/// A new str as its object.
#[inline]
pub fn object(thread: &Thread, text: &Wtf8) -> PyResult<Owned<PyStr>> {
    subclass_object(thread, PyStr::static_type().get(), text)
}

/// A new instance of `str` or a subclass with this text.
#[inline]
pub fn subclass_object(
    thread: &Thread,
    class: &Obj<crate::types::r#type::PyType>,
    text: &Wtf8,
) -> PyResult<Owned<PyStr>> {
    let bytes: &[u8] = text.as_ref();
    allocate(thread, class, &[bytes], bytes.is_ascii())
}

/// A new str whose bytes are these, one part after the other; together they are WTF-8.
#[inline]
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
#[inline]
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
            |tail| PyStr::payload(tail, used, ascii),
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
    let ascii = if object.is_ascii() && right.is_ascii() { ASCII } else { 0 };
    object.used.store(((used + more) as u64) << FLAG_BITS | ascii, Ordering::Relaxed);
    object.hash.store(0, Ordering::Relaxed);
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
#[inline]
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
#[inline]
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
