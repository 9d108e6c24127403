//! Searching, splitting, stripping and padding, with the rules that `str` and `bytes` share.
//!
//! Both kinds of text are bytes underneath, and WTF-8 is self-synchronising: the bytes of one text occur in another
//! only at boundaries between code points. So every search here is a search for bytes (memchr's), and the trait
//! [`Text`] says where the two kinds differ: what the unit is that an empty needle is found between, what is white
//! space, what ends a line. Offsets are in bytes; `str` turns them into indices with
//! [`Breadcrumbs`](crate::Breadcrumbs).
//!
//! Limits such as `maxsplit` and `count` are `Option<usize>`; a negative number in Python is `None` here. What
//! builds a text much longer than its arguments reports [`SizeError`] instead of ending the process.

use crate::wtf8::{CodePoint, Wtf8, Wtf8Buf};
use memchr::memmem;
use std::fmt;

/// Why a result could not be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeError {
    /// The length is above what a Python object may have: `OverflowError`.
    Overflow,
    /// There is no memory for it: `MemoryError`.
    Memory,
}

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overflow => f.write_str("result too long"),
            Self::Memory => Ok(()),
        }
    }
}

/// A growable text of the kind that belongs to a [`Text`].
pub trait Buffer<T: ?Sized>: Default {
    /// Makes room for exactly this many bytes.
    ///
    /// # Errors
    /// `SizeError` if the length is too large or memory is short.
    fn try_reserve(&mut self, bytes: usize) -> Result<(), SizeError>;

    fn push_text(&mut self, text: &T);

    /// Appends an ASCII byte a number of times.
    fn push_ascii_repeated(&mut self, byte: u8, count: usize);
}

/// `[u8]` (for `bytes` and `bytearray`) or [`Wtf8`] (for `str`).
pub trait Text {
    type Buf: Buffer<Self>;

    fn bytes(&self) -> &[u8];

    /// The part between two byte offsets that are boundaries; empty if they are not.
    fn cut(&self, start: usize, end: usize) -> &Self;

    /// How many units (bytes or code points) there are.
    fn units(&self) -> usize;

    /// The width in bytes of the unit at this offset, which lies before the end.
    fn unit_width(&self, offset: usize) -> usize;

    /// The width in bytes of the unit that ends at this offset, which is not 0.
    fn width_before(&self, offset: usize) -> usize;

    /// The width of the white space that begins at the offset, or 0.
    fn space_at(&self, offset: usize) -> usize;

    /// The width of the white space that ends at the offset, or 0.
    fn space_before(&self, offset: usize) -> usize;

    /// The width of the line boundary that begins at the offset (2 for CR LF), or 0.
    fn line_end_at(&self, offset: usize) -> usize;

    /// Where the next byte stands, from the offset on, at which a line may end; the length if there is none.
    fn line_end_candidate(&self, offset: usize) -> usize;

    /// The text without those units at its ends that occur in `set`.
    fn strip_set(&self, set: &Self, ends: Ends) -> &Self;
}

/// Which ends of a text to strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    Left,
    Right,
    Both,
}

impl Ends {
    fn left(self) -> bool {
        self != Self::Right
    }

    fn right(self) -> bool {
        self != Self::Left
    }
}

/// `bytes.isspace` and `bytes.strip`: space, \t, \n, \r, \v and \f.
#[inline]
pub const fn is_ascii_space(byte: u8) -> bool {
    matches!(byte, b' ' | 0x09..=0x0D)
}

/// `str.isspace` of one code point: bidirectional type WS, B or S, or category Zs.
#[inline]
pub const fn is_space(c: CodePoint) -> bool {
    match c.to_u32() {
        0x20 | 0x09..=0x0D | 0x1C..=0x1F => true,
        0..0x80 => false,
        0x85 | 0xA0 | 0x1680 | 0x2000..=0x200A | 0x2028 | 0x2029 | 0x202F | 0x205F | 0x3000 => true,
        _ => false,
    }
}

/// Where `str.splitlines` ends a line.
#[inline]
pub const fn is_line_break(c: CodePoint) -> bool {
    matches!(c.to_u32(), 0x0A..=0x0D | 0x1C..=0x1E | 0x85 | 0x2028 | 0x2029)
}

impl Buffer<[u8]> for Vec<u8> {
    fn try_reserve(&mut self, bytes: usize) -> Result<(), SizeError> {
        check_size(bytes)?;
        self.try_reserve_exact(bytes).map_err(|_| SizeError::Memory)
    }

    fn push_text(&mut self, text: &[u8]) {
        self.extend_from_slice(text);
    }

    fn push_ascii_repeated(&mut self, byte: u8, count: usize) {
        self.resize(self.len() + count, byte);
    }
}

impl Buffer<Wtf8> for Wtf8Buf {
    fn try_reserve(&mut self, bytes: usize) -> Result<(), SizeError> {
        check_size(bytes)?;
        self.try_reserve_exact(bytes).map_err(|_| SizeError::Memory)
    }

    fn push_text(&mut self, text: &Wtf8) {
        self.push_wtf8(text);
    }

    fn push_ascii_repeated(&mut self, byte: u8, count: usize) {
        self.push_repeated(CodePoint::from_u8(byte), count);
    }
}

fn check_size(bytes: usize) -> Result<(), SizeError> {
    if isize::try_from(bytes).is_ok() { Ok(()) } else { Err(SizeError::Overflow) }
}

impl Text for [u8] {
    type Buf = Vec<u8>;

    #[inline]
    fn bytes(&self) -> &[u8] {
        self
    }

    #[inline]
    fn cut(&self, start: usize, end: usize) -> &[u8] {
        self.get(start..end).unwrap_or_default()
    }

    #[inline]
    fn units(&self) -> usize {
        self.len()
    }

    #[inline]
    fn unit_width(&self, _offset: usize) -> usize {
        1
    }

    #[inline]
    fn width_before(&self, _offset: usize) -> usize {
        1
    }

    #[inline]
    fn space_at(&self, offset: usize) -> usize {
        usize::from(self.get(offset).is_some_and(|&b| is_ascii_space(b)))
    }

    #[inline]
    fn space_before(&self, offset: usize) -> usize {
        usize::from(offset.checked_sub(1).and_then(|at| self.get(at)).is_some_and(|&b| is_ascii_space(b)))
    }

    #[inline]
    fn line_end_at(&self, offset: usize) -> usize {
        match self.get(offset) {
            Some(b'\n') => 1,
            Some(b'\r') => 1 + usize::from(self.get(offset + 1) == Some(&b'\n')),
            _ => 0,
        }
    }

    fn line_end_candidate(&self, offset: usize) -> usize {
        let rest = self.get(offset..).unwrap_or_default();
        offset + memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len())
    }

    fn strip_set(&self, set: &[u8], ends: Ends) -> &[u8] {
        let mut rest = self;
        if ends.left() {
            while let [first, tail @ ..] = rest
                && memchr::memchr(*first, set).is_some()
            {
                rest = tail;
            }
        }
        if ends.right() {
            while let [head @ .., last] = rest
                && memchr::memchr(*last, set).is_some()
            {
                rest = head;
            }
        }
        rest
    }
}

impl Text for Wtf8 {
    type Buf = Wtf8Buf;

    #[inline]
    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }

    #[inline]
    fn cut(&self, start: usize, end: usize) -> &Self {
        self.slice(start, end)
    }

    #[inline]
    fn units(&self) -> usize {
        self.count_code_points()
    }

    #[inline]
    fn unit_width(&self, offset: usize) -> usize {
        match self.as_bytes().get(offset) {
            Some(byte) if *byte < 0x80 => 1,
            _ => self.code_point_at(offset).map_or(1, CodePoint::len_wtf8),
        }
    }

    #[inline]
    fn width_before(&self, offset: usize) -> usize {
        self.slice_to(offset).code_points().next_back().map_or(1, CodePoint::len_wtf8)
    }

    #[inline]
    fn space_at(&self, offset: usize) -> usize {
        match self.as_bytes().get(offset) {
            None => 0,
            Some(&b) if b < 0x80 => usize::from(is_space(CodePoint::from_u8(b))),
            Some(_) => self.code_point_at(offset).filter(|&c| is_space(c)).map_or(0, CodePoint::len_wtf8),
        }
    }

    #[inline]
    fn space_before(&self, offset: usize) -> usize {
        match offset.checked_sub(1).and_then(|at| self.as_bytes().get(at)) {
            None => 0,
            Some(&b) if b < 0x80 => usize::from(is_space(CodePoint::from_u8(b))),
            Some(_) => {
                let last = self.slice_to(offset).code_points().next_back();
                last.filter(|&c| is_space(c)).map_or(0, CodePoint::len_wtf8)
            }
        }
    }

    #[inline]
    fn line_end_at(&self, offset: usize) -> usize {
        match self.as_bytes().get(offset) {
            None => 0,
            Some(b'\r') => 1 + usize::from(self.as_bytes().get(offset + 1) == Some(&b'\n')),
            Some(&b) if b < 0x80 => usize::from(is_line_break(CodePoint::from_u8(b))),
            // Only U+0085, U+2028 and U+2029 are left, and their first bytes are C2 and E2.
            Some(0xC2 | 0xE2) => {
                self.code_point_at(offset).filter(|&c| is_line_break(c)).map_or(0, CodePoint::len_wtf8)
            }
            Some(_) => 0,
        }
    }

    fn line_end_candidate(&self, offset: usize) -> usize {
        let rest = self.as_bytes().get(offset..).unwrap_or_default();
        let found = rest.iter().position(|&b| matches!(b, 0x0A..=0x0D | 0x1C..=0x1E | 0xC2 | 0xE2));
        offset + found.unwrap_or(rest.len())
    }

    fn strip_set(&self, set: &Self, ends: Ends) -> &Self {
        let in_set = |c: CodePoint| {
            if c.is_ascii() {
                return memchr::memchr(c.to_u32() as u8, set.as_bytes()).is_some();
            }
            let (bytes, len) = c.encode();
            memmem::find(set.as_bytes(), bytes.get(..len).unwrap_or_default()).is_some()
        };
        let mut points = self.code_points();
        if ends.left() {
            let mut ahead = points.clone();
            while ahead.next().is_some_and(in_set) {
                points = ahead.clone();
            }
        }
        if ends.right() {
            let mut ahead = points.clone();
            while ahead.next_back().is_some_and(in_set) {
                points = ahead.clone();
            }
        }
        points.as_wtf8()
    }
}

/// The offset of the first occurrence; an empty needle is found at 0.
///
/// Python's `start` and `end` are the caller's: search within the slice, and report "not found" if `start` lies
/// beyond the end of the text (`'abc'.find('', 4)` is -1).
#[inline]
pub fn find<T: Text + ?Sized>(haystack: &T, needle: &T) -> Option<usize> {
    match needle.bytes() {
        [byte] => memchr::memchr(*byte, haystack.bytes()),
        [first, ..] => find_long(haystack.bytes(), *first, needle.bytes()),
        [] => Some(0),
    }
}

/// As [`find`], for a needle of several bytes. Preparing the search for the general algorithm costs more than most searches
/// take, so a few places where the first byte occurs are tried before.
fn find_long(haystack: &[u8], first: u8, needle: &[u8]) -> Option<usize> {
    const TRIED: usize = 8;
    let mut from = 0;
    for _ in 0..TRIED {
        let rest = haystack.get(from..)?;
        let at = from + memchr::memchr(first, rest)?;
        if haystack.get(at..)?.starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
    memmem::find(haystack.get(from..)?, needle).map(|at| from + at)
}

/// The places of a needle that isn't empty, from left to right.
enum Occurrences<'a> {
    Byte(memchr::Memchr<'a>),
    Bytes(Places<'a>),
}

/// The places of a needle of several bytes. As in [`find_long`], the general algorithm is prepared only when there is much to
/// search.
struct Places<'a> {
    haystack: &'a [u8],
    needle: &'a [u8],
    from: usize,
    /// How often the needle's first byte has been found without the rest.
    failed: usize,
    /// What searches `haystack` from `from` on, once it is worth it.
    general: Option<Box<memmem::FindIter<'a, 'a>>>,
}

impl Places<'_> {
    fn next(&mut self) -> Option<usize> {
        const TRIED: usize = 8;
        const LONG: usize = 256;
        loop {
            if let Some(general) = &mut self.general {
                return general.next().map(|at| self.from + at);
            }
            let rest = self.haystack.get(self.from..)?;
            if self.failed > TRIED || rest.len() > LONG {
                self.general = Some(Box::new(memmem::find_iter(rest, self.needle)));
                continue;
            }
            let at = self.from + memchr::memchr(*self.needle.first()?, rest)?;
            if self.haystack.get(at..)?.starts_with(self.needle) {
                self.from = at + self.needle.len();
                return Some(at);
            }
            self.from = at + 1;
            self.failed += 1;
        }
    }
}

impl<'a> Occurrences<'a> {
    fn new(haystack: &'a [u8], needle: &'a [u8]) -> Self {
        match needle {
            [byte] => Self::Byte(memchr::memchr_iter(*byte, haystack)),
            _ => Self::Bytes(Places { haystack, needle, from: 0, failed: 0, general: None }),
        }
    }
}

impl Iterator for Occurrences<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        match self {
            Self::Byte(places) => places.next(),
            Self::Bytes(places) => places.next(),
        }
    }
}

/// The offset of the last occurrence; an empty needle is found at the end.
#[inline]
pub fn rfind<T: Text + ?Sized>(haystack: &T, needle: &T) -> Option<usize> {
    match needle.bytes() {
        [byte] => memchr::memrchr(*byte, haystack.bytes()),
        needle => memmem::rfind(haystack.bytes(), needle),
    }
}

/// Whether the needle occurs; Python's `in`.
#[inline]
pub fn contains<T: Text + ?Sized>(haystack: &T, needle: &T) -> bool {
    find(haystack, needle).is_some()
}

/// How many occurrences there are that do not overlap; an empty needle occurs between all units and at both ends.
#[inline]
pub fn count<T: Text + ?Sized>(haystack: &T, needle: &T) -> usize {
    match needle.bytes() {
        [] => haystack.units() + 1,
        [byte] => memchr::memchr_iter(*byte, haystack.bytes()).count(),
        needle => Occurrences::new(haystack.bytes(), needle).count(),
    }
}

/// `replace`: `None` when nothing is replaced, so that the caller can return the object it has.
///
/// # Errors
/// `SizeError` when the result is too long; CPython's message for the overflow is "replace string is too long".
pub fn replace<T: Text + ?Sized>(
    text: &T,
    old: &T,
    new: &T,
    limit: Option<usize>,
) -> Result<Option<T::Buf>, SizeError> {
    let limit = limit.unwrap_or(usize::MAX);
    if limit == 0 || old.bytes() == new.bytes() {
        return Ok(None);
    }
    if old.bytes().is_empty() {
        return interleave(text, new, limit).map(Some);
    }
    let len = text.bytes().len();
    let occurrences = if limit == 1 { usize::from(contains(text, old)) } else { count(text, old).min(limit) };
    if occurrences == 0 {
        return Ok(None);
    }
    let added = new.bytes().len().checked_mul(occurrences).ok_or(SizeError::Overflow)?;
    let kept = len - old.bytes().len() * occurrences;
    let mut result = T::Buf::default();
    result.try_reserve(kept.checked_add(added).ok_or(SizeError::Overflow)?)?;
    let mut done = 0;
    for at in Occurrences::new(text.bytes(), old.bytes()).take(occurrences) {
        result.push_text(text.cut(done, at));
        result.push_text(new);
        done = at + old.bytes().len();
    }
    result.push_text(text.cut(done, len));
    Ok(Some(result))
}

/// Puts `new` before the first `limit` units and, if the limit allows, after the last.
fn interleave<T: Text + ?Sized>(text: &T, new: &T, limit: usize) -> Result<T::Buf, SizeError> {
    let len = text.bytes().len();
    let times = limit.min(text.units() + 1);
    let added = new.bytes().len().checked_mul(times).ok_or(SizeError::Overflow)?;
    let mut result = T::Buf::default();
    result.try_reserve(len.checked_add(added).ok_or(SizeError::Overflow)?)?;
    let mut at = 0;
    for _ in 0..times {
        result.push_text(new);
        if at < len {
            let width = text.unit_width(at);
            result.push_text(text.cut(at, at + width));
            at += width;
        }
    }
    result.push_text(text.cut(at, len));
    Ok(result)
}

/// `text * count`.
///
/// # Errors
/// `SizeError` when the result is too long.
#[inline]
pub fn repeat<T: Text + ?Sized>(text: &T, count: usize) -> Result<T::Buf, SizeError> {
    let mut result = T::Buf::default();
    let len = text.bytes().len().checked_mul(count).ok_or(SizeError::Overflow)?;
    result.try_reserve(len)?;
    if len == 0 {
        return Ok(result);
    }
    match text.bytes() {
        [byte] if *byte < 0x80 => result.push_ascii_repeated(*byte, count),
        _ => (0..count).for_each(|_| result.push_text(text)),
    }
    Ok(result)
}

/// The parts of a split, from left to right; made by [`split`] and [`split_whitespace`].
pub struct Split<'a, T: ?Sized> {
    text: &'a T,
    separator: Option<Occurrences<'a>>,
    width: usize,
    at: usize,
    left: usize,
    done: bool,
}

/// `split(sep, maxsplit)`. The separator must not be empty (CPython: `ValueError: empty separator`); if it is, the
/// text is not split.
#[inline]
pub fn split<'a, T: Text + ?Sized>(text: &'a T, separator: &'a T, limit: Option<usize>) -> Split<'a, T> {
    let empty = separator.bytes().is_empty();
    debug_assert!(!empty);
    Split {
        text,
        separator: Some(Occurrences::new(text.bytes(), separator.bytes())),
        width: separator.bytes().len(),
        at: 0,
        left: if empty { 0 } else { limit.unwrap_or(usize::MAX) },
        done: false,
    }
}

/// `split(None, maxsplit)`: at runs of white space, which is also dropped at the ends; but the part after the last
/// split that `maxsplit` allows keeps its trailing white space.
#[inline]
pub fn split_whitespace<T: Text + ?Sized>(text: &T, limit: Option<usize>) -> Split<'_, T> {
    Split { text, separator: None, width: 0, at: 0, left: limit.unwrap_or(usize::MAX), done: false }
}

impl<'a, T: Text + ?Sized> Split<'a, T> {
    #[inline]
    fn next_word(&mut self) -> Option<&'a T> {
        let len = self.text.bytes().len();
        let start = skip_space(self.text, self.at);
        if start >= len {
            return None;
        }
        let end = if self.left == 0 { len } else { skip_word(self.text, start) };
        self.left = self.left.saturating_sub(1);
        self.at = end;
        Some(self.text.cut(start, end))
    }
}

impl<'a, T: Text + ?Sized> Iterator for Split<'a, T> {
    type Item = &'a T;

    #[inline]
    fn next(&mut self) -> Option<&'a T> {
        if self.separator.is_none() {
            return self.next_word();
        }
        if self.done {
            return None;
        }
        let start = self.at;
        let found = if self.left == 0 { None } else { self.separator.as_mut().and_then(Iterator::next) };
        let Some(end) = found else {
            self.done = true;
            return Some(self.text.cut(start, self.text.bytes().len()));
        };
        self.left -= 1;
        self.at = end + self.width;
        Some(self.text.cut(start, end))
    }
}

#[inline]
fn skip_space<T: Text + ?Sized>(text: &T, mut at: usize) -> usize {
    loop {
        match text.space_at(at) {
            0 => return at,
            width => at += width,
        }
    }
}

#[inline]
fn skip_word<T: Text + ?Sized>(text: &T, mut at: usize) -> usize {
    let len = text.bytes().len();
    while at < len && text.space_at(at) == 0 {
        at += text.unit_width(at);
    }
    at
}

/// `rsplit(sep, maxsplit)`: as [`split`], but the limit counts from the right. The parts are in text order.
pub fn rsplit<'a, T: Text + ?Sized>(text: &'a T, separator: &T, limit: Option<usize>) -> Vec<&'a T> {
    debug_assert!(!separator.bytes().is_empty());
    let width = separator.bytes().len();
    let mut end = text.bytes().len();
    let mut parts = Vec::new();
    if width > 0 {
        for at in memmem::rfind_iter(text.bytes(), separator.bytes()).take(limit.unwrap_or(usize::MAX)) {
            parts.push(text.cut(at + width, end));
            end = at;
        }
    }
    parts.push(text.cut(0, end));
    parts.reverse();
    parts
}

/// `rsplit(None, maxsplit)`: the mirror image of [`split_whitespace`]. The parts are in text order.
pub fn rsplit_whitespace<T: Text + ?Sized>(text: &T, limit: Option<usize>) -> Vec<&T> {
    let mut left = limit.unwrap_or(usize::MAX);
    let mut end = text.bytes().len();
    let mut parts = Vec::new();
    loop {
        end = trim_end(text, end);
        if end == 0 {
            break;
        }
        let start = if left == 0 { 0 } else { word_start(text, end) };
        parts.push(text.cut(start, end));
        end = start;
        left = left.saturating_sub(1);
    }
    parts.reverse();
    parts
}

/// The end of the text before `end` without trailing white space.
fn trim_end<T: Text + ?Sized>(text: &T, mut end: usize) -> usize {
    loop {
        match text.space_before(end) {
            0 => return end,
            width => end -= width,
        }
    }
}

/// Where the run without white space begins that ends at `end`.
fn word_start<T: Text + ?Sized>(text: &T, mut end: usize) -> usize {
    while end > 0 && text.space_before(end) == 0 {
        end -= text.width_before(end);
    }
    end
}

/// `splitlines(keepends)`: the lines, without an empty one after a final line end.
pub fn split_lines<T: Text + ?Sized>(text: &T, keep_ends: bool) -> Lines<'_, T> {
    Lines { text, at: 0, keep_ends }
}

/// The lines of a text; made by [`split_lines`].
pub struct Lines<'a, T: ?Sized> {
    text: &'a T,
    at: usize,
    keep_ends: bool,
}

impl<'a, T: Text + ?Sized> Iterator for Lines<'a, T> {
    type Item = &'a T;

    #[inline]
    fn next(&mut self) -> Option<&'a T> {
        let len = self.text.bytes().len();
        let start = self.at;
        if start >= len {
            return None;
        }
        let mut end = self.text.line_end_candidate(start);
        let mut width = self.text.line_end_at(end);
        while width == 0 && end < len {
            // Continuation bytes end no line, so stepping by bytes is safe for both kinds of text.
            end = self.text.line_end_candidate(end + 1);
            width = self.text.line_end_at(end);
        }
        self.at = end + width;
        Some(self.text.cut(start, if self.keep_ends { self.at } else { end }))
    }
}

/// `partition`: the offsets at which the first separator begins and ends. (Python refuses an empty one:
/// `ValueError: empty separator`.)
pub fn partition<T: Text + ?Sized>(text: &T, separator: &T) -> Option<(usize, usize)> {
    find(text, separator).map(|at| (at, at + separator.bytes().len()))
}

/// `rpartition`: as [`partition`], for the last separator.
pub fn rpartition<T: Text + ?Sized>(text: &T, separator: &T) -> Option<(usize, usize)> {
    rfind(text, separator).map(|at| (at, at + separator.bytes().len()))
}

/// `strip`, `lstrip` and `rstrip` without an argument: drops white space at the ends.
pub fn strip<T: Text + ?Sized>(text: &T, ends: Ends) -> &T {
    let end = if ends.right() { trim_end(text, text.bytes().len()) } else { text.bytes().len() };
    let start = if ends.left() { skip_space(text, 0).min(end) } else { 0 };
    text.cut(start, end)
}

/// `removeprefix`: the rest, or `None` if the text does not begin so.
pub fn strip_prefix<'a, T: Text + ?Sized>(text: &'a T, prefix: &T) -> Option<&'a T> {
    let width = prefix.bytes().len();
    text.bytes().starts_with(prefix.bytes()).then(|| text.cut(width, text.bytes().len()))
}

/// `removesuffix`: the rest, or `None` if the text does not end so.
pub fn strip_suffix<'a, T: Text + ?Sized>(text: &'a T, suffix: &T) -> Option<&'a T> {
    text.bytes().ends_with(suffix.bytes()).then(|| text.cut(0, text.bytes().len() - suffix.bytes().len()))
}

/// `expandtabs`: columns are counted in units, from the last `\n` or `\r`. A `tab_size` of 0 drops tabs.
///
/// # Errors
/// `SizeError` when the result is too long.
pub fn expand_tabs<T: Text + ?Sized>(text: &T, tab_size: usize) -> Result<T::Buf, SizeError> {
    let mut result = T::Buf::default();
    let mut total = 0_usize;
    let mut column = 0_usize;
    let mut done = 0;
    // Two passes: the first only measures, so that a huge tab size is refused before anything is built.
    for build in [false, true] {
        if build {
            result.try_reserve(total)?;
            column = 0;
            done = 0;
        }
        for at in memchr::memchr3_iter(b'\t', b'\n', b'\r', text.bytes()).chain([text.bytes().len()]) {
            let piece = text.cut(done, at);
            column += piece.units();
            let byte = text.bytes().get(at).copied();
            let (spaces, ends_line) = match byte {
                Some(b'\t') => (if tab_size > 0 { tab_size - column % tab_size } else { 0 }, false),
                Some(_) => (0, true),
                None => (0, false),
            };
            if build {
                result.push_text(piece);
                result.push_ascii_repeated(b' ', spaces);
                if let (Some(byte), true) = (byte, ends_line) {
                    result.push_ascii_repeated(byte, 1);
                }
            } else {
                let grown = total.checked_add(piece.bytes().len() + usize::from(ends_line));
                total = grown.and_then(|n| n.checked_add(spaces)).ok_or(SizeError::Overflow)?;
            }
            column = if ends_line { 0 } else { column.checked_add(spaces).ok_or(SizeError::Overflow)? };
            done = at + 1;
        }
    }
    Ok(result)
}

/// Which side the text goes to when it is padded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Justify {
    Left,
    Right,
    Center,
}

/// How many fill units go before and after a text of `units` units in a field of `width`.
///
/// `str.center` puts the odd one on the left only if the width is odd too; that is CPython's rule.
pub const fn padding(units: usize, width: usize, justify: Justify) -> (usize, usize) {
    let total = width.saturating_sub(units);
    let left = match justify {
        Justify::Left => 0,
        Justify::Right => total,
        Justify::Center => total / 2 + (total & width & 1),
    };
    (left, total - left)
}

/// `ljust`, `rjust` and `center`: `None` when the text is as wide already. `fill` is one unit.
///
/// # Errors
/// `SizeError` when the result is too long; CPython's message is "padded string is too long".
pub fn justify<T: Text + ?Sized>(
    text: &T,
    width: usize,
    fill: &T,
    side: Justify,
) -> Result<Option<T::Buf>, SizeError> {
    let (left, right) = padding(text.units(), width, side);
    if left + right == 0 {
        return Ok(None);
    }
    let added = (left + right).checked_mul(fill.bytes().len()).ok_or(SizeError::Overflow)?;
    let mut result = T::Buf::default();
    result.try_reserve(text.bytes().len().checked_add(added).ok_or(SizeError::Overflow)?)?;
    push_fill(&mut result, fill, left);
    result.push_text(text);
    push_fill(&mut result, fill, right);
    Ok(Some(result))
}

fn push_fill<T: Text + ?Sized>(result: &mut T::Buf, fill: &T, count: usize) {
    match fill.bytes() {
        [byte] if *byte < 0x80 => result.push_ascii_repeated(*byte, count),
        _ => (0..count).for_each(|_| result.push_text(fill)),
    }
}

/// `zfill`: zeros go after a leading sign. `None` when the text is as wide already.
///
/// # Errors
/// `SizeError` when the result is too long.
pub fn zfill<T: Text + ?Sized>(text: &T, width: usize) -> Result<Option<T::Buf>, SizeError> {
    let zeros = width.saturating_sub(text.units());
    if zeros == 0 {
        return Ok(None);
    }
    let len = text.bytes().len();
    let sign = usize::from(matches!(text.bytes(), [b'+' | b'-', ..]));
    let mut result = T::Buf::default();
    result.try_reserve(len.checked_add(zeros).ok_or(SizeError::Overflow)?)?;
    result.push_text(text.cut(0, sign));
    result.push_ascii_repeated(b'0', zeros);
    result.push_text(text.cut(sign, len));
    Ok(Some(result))
}

#[cfg(test)]
mod tests;
