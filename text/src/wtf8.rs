//! Text as Python understands it: a sequence of code points that may include lone surrogates.
//!
//! The encoding is *generalised* UTF-8: every code point from 0 to 0x10FFFF, surrogates included, is written with the
//! bit layout of UTF-8. Other than in the encoding called WTF-8 on the Web, a high surrogate that is followed by
//! a low one stays two code points of three bytes each, because Python's `'\ud800\udc00'` has length 2. So
//! concatenation is concatenation of bytes, byte order is code point order, and text without surrogates is UTF-8.
//!
//! Invariant W1: the bytes of a [`Wtf8`] are well-formed generalised UTF-8 (shortest forms, no truncated
//! sequence, nothing above 0x10FFFF). Every constructor checks it or takes it as its safety contract;
//! the SAFETY comments below cite it.
//!
//! [`Breadcrumbs`] turns "the i-th code point" into a byte offset with one table look-up and a walk over at most three
//! code points. Owners build it when a long text is first indexed.

mod breadcrumbs;

pub use breadcrumbs::Breadcrumbs;

use std::borrow::{Borrow, Cow};
use std::collections::TryReserveError;
use std::fmt;
use std::ops::Deref;

/// A Unicode code point: like `char`, but surrogates are allowed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(transparent)]
pub struct CodePoint(u32);

impl CodePoint {
    /// The largest code point, 0x10FFFF.
    pub const MAX: Self = Self(0x10_FFFF);
    /// U+FFFD, what undecodable input is replaced by.
    pub const REPLACEMENT: Self = Self(0xFFFD);

    /// The code point with this number, or `None` above 0x10FFFF.
    #[inline]
    pub const fn from_u32(value: u32) -> Option<Self> {
        if value <= 0x10_FFFF { Some(Self(value)) } else { None }
    }

    /// The code point of a `char`.
    #[inline]
    pub const fn from_char(c: char) -> Self {
        Self(c as u32)
    }

    /// The code point of a 16-bit unit taken by itself (a surrogate stays one).
    #[inline]
    pub const fn from_u16(unit: u16) -> Self {
        Self(unit as u32)
    }

    /// Latin-1: the code point with the byte's number.
    #[inline]
    pub const fn from_u8(byte: u8) -> Self {
        Self(byte as u32)
    }

    #[inline]
    pub const fn to_u32(self) -> u32 {
        self.0
    }

    /// The `char`, unless this is a surrogate.
    #[inline]
    pub const fn to_char(self) -> Option<char> {
        char::from_u32(self.0)
    }

    /// The `char`, or U+FFFD for a surrogate.
    #[inline]
    pub fn to_char_lossy(self) -> char {
        self.to_char().unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    #[inline]
    pub const fn is_ascii(self) -> bool {
        self.0 < 0x80
    }

    /// U+D800 to U+DFFF.
    #[inline]
    pub const fn is_surrogate(self) -> bool {
        self.0 & 0xFFFF_F800 == 0xD800
    }

    /// U+D800 to U+DBFF.
    #[inline]
    pub const fn is_high_surrogate(self) -> bool {
        self.0 & 0xFFFF_FC00 == 0xD800
    }

    /// U+DC00 to U+DFFF.
    #[inline]
    pub const fn is_low_surrogate(self) -> bool {
        self.0 & 0xFFFF_FC00 == 0xDC00
    }

    /// Joins a high and a low surrogate into the code point above U+FFFF that they stand for in UTF-16.
    #[inline]
    pub const fn join_surrogates(high: u16, low: u16) -> Self {
        Self(0x1_0000 + (((high as u32 & 0x3FF) << 10) | (low as u32 & 0x3FF)))
    }

    /// How many bytes the code point takes (1 to 4).
    #[inline]
    pub const fn len_wtf8(self) -> usize {
        match self.0 {
            0..0x80 => 1,
            0x80..0x800 => 2,
            0x800..0x1_0000 => 3,
            _ => 4,
        }
    }

    /// The code point's bytes, and how many of the four count.
    #[inline]
    pub const fn encode(self) -> ([u8; 4], usize) {
        let c = self.0;
        match self.len_wtf8() {
            1 => ([c as u8, 0, 0, 0], 1),
            2 => ([0xC0 | (c >> 6) as u8, tail(c), 0, 0], 2),
            3 => ([0xE0 | (c >> 12) as u8, tail(c >> 6), tail(c), 0], 3),
            _ => ([0xF0 | (c >> 18) as u8, tail(c >> 12), tail(c >> 6), tail(c)], 4),
        }
    }
}

/// A continuation byte with the low six bits of `bits`.
#[inline]
const fn tail(bits: u32) -> u8 {
    0x80 | (bits & 0x3F) as u8
}

impl From<char> for CodePoint {
    fn from(c: char) -> Self {
        Self::from_char(c)
    }
}

impl From<u8> for CodePoint {
    fn from(byte: u8) -> Self {
        Self::from_u8(byte)
    }
}

impl PartialEq<char> for CodePoint {
    #[inline]
    fn eq(&self, other: &char) -> bool {
        self.0 == *other as u32
    }
}

impl fmt::Debug for CodePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "U+{:04X}", self.0)
    }
}

/// Borrowed text; see the module's comment for the encoding. `Deref`s from [`Wtf8Buf`] as `str` does from `String`.
#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Wtf8 {
    bytes: [u8],
}

impl Wtf8 {
    /// Text from a string slice; costs nothing.
    #[inline]
    pub fn new<S: AsRef<Self> + ?Sized>(text: &S) -> &Self {
        text.as_ref()
    }

    /// The empty text.
    #[inline]
    pub fn empty() -> &'static Self {
        Self::new("")
    }

    /// Text from bytes that are well-formed generalised UTF-8; `None` if they are not.
    pub fn from_bytes(bytes: &[u8]) -> Option<&Self> {
        if std::str::from_utf8(bytes).is_ok() || is_well_formed(bytes) {
            // SAFETY: well-formed, as W1 asks: UTF-8 is a subset of it, and the other test is its definition.
            Some(unsafe { Self::from_bytes_unchecked(bytes) })
        } else {
            None
        }
    }

    /// Text from bytes without a check.
    ///
    /// # Safety
    /// The bytes must be well-formed generalised UTF-8 (W1).
    #[inline]
    pub const unsafe fn from_bytes_unchecked(bytes: &[u8]) -> &Self {
        // SAFETY: `Wtf8` is a transparent wrapper of `[u8]`, so the pointer cast keeps address, length and lifetime.
        unsafe { &*(std::ptr::from_ref(bytes) as *const Self) }
    }

    #[inline]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Length in bytes.
    #[inline]
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether all code points are below 0x80 (then byte offsets are code point indices).
    #[inline]
    pub const fn is_ascii(&self) -> bool {
        self.bytes.is_ascii()
    }

    /// The text as `str` if it holds no surrogate. Scans the text for the byte 0xED.
    pub fn as_str(&self) -> Option<&str> {
        if self.find_surrogate().is_some() {
            return None;
        }
        // SAFETY: generalised UTF-8 (W1) without surrogates is UTF-8.
        Some(unsafe { std::str::from_utf8_unchecked(&self.bytes) })
    }

    /// The text as `str` without a check.
    ///
    /// # Safety
    /// The text must hold no surrogate.
    #[inline]
    pub const unsafe fn as_str_unchecked(&self) -> &str {
        // SAFETY: by W1 and the caller's promise the bytes are UTF-8.
        unsafe { std::str::from_utf8_unchecked(&self.bytes) }
    }

    /// The byte offset of the first surrogate.
    pub fn find_surrogate(&self) -> Option<usize> {
        // The lead byte of a surrogate is 0xED, and its second byte is 0xA0 or above; U+D000..D7FF share the lead.
        memchr::memchr_iter(0xED, &self.bytes).find(|&at| self.bytes.get(at + 1).is_some_and(|&b| b >= 0xA0))
    }

    /// Whether some code point is a surrogate.
    pub fn has_surrogates(&self) -> bool {
        self.find_surrogate().is_some()
    }

    /// The text as `str`, surrogates replaced by U+FFFD.
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        match self.as_str() {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(self.code_points().map(CodePoint::to_char_lossy).collect()),
        }
    }

    /// How many code points the text has: Python's `len`. Counts the bytes that are not continuation bytes.
    pub fn count_code_points(&self) -> usize {
        count_code_points(&self.bytes)
    }

    /// The largest code point, or 0 in an empty text.
    pub fn max_code_point(&self) -> CodePoint {
        if self.is_ascii() {
            return self.bytes.iter().max().map_or(CodePoint(0), |&b| CodePoint::from_u8(b));
        }
        self.code_points().max().unwrap_or_default()
    }

    /// The code points, from either end.
    #[inline]
    pub fn code_points(&self) -> CodePoints<'_> {
        CodePoints { bytes: self.bytes.iter() }
    }

    /// The code points with the byte offsets at which they begin, from either end.
    #[inline]
    pub fn code_point_indices(&self) -> CodePointIndices<'_> {
        CodePointIndices { front: 0, inner: self.code_points() }
    }

    /// Whether a code point begins or the text ends at this byte offset.
    #[inline]
    pub fn is_boundary(&self, offset: usize) -> bool {
        match self.bytes.get(offset) {
            Some(&byte) => is_lead(byte),
            None => offset == self.bytes.len(),
        }
    }

    /// The part between two byte offsets; `None` unless both are boundaries in order within the text.
    #[inline]
    pub fn get(&self, start: usize, end: usize) -> Option<&Self> {
        if !self.is_boundary(start) || !self.is_boundary(end) {
            return None;
        }
        let bytes = self.bytes.get(start..end)?;
        // SAFETY: well-formed text (W1) cut at boundaries is well-formed.
        Some(unsafe { Self::from_bytes_unchecked(bytes) })
    }

    /// The part between two byte offsets that are known to be boundaries (results of a search, say).
    ///
    /// An offset within a code point is a mistake of the caller; it yields the empty text, and debug builds assert.
    #[inline]
    pub fn slice(&self, start: usize, end: usize) -> &Self {
        let part = self.get(start, end);
        debug_assert!(part.is_some(), "{start}..{end} is not at boundaries of the text");
        part.unwrap_or_else(|| Self::empty())
    }

    /// The text from a boundary on; see [`Wtf8::slice`].
    #[inline]
    pub fn slice_from(&self, start: usize) -> &Self {
        self.slice(start, self.len())
    }

    /// The text up to a boundary; see [`Wtf8::slice`].
    #[inline]
    pub fn slice_to(&self, end: usize) -> &Self {
        self.slice(0, end)
    }

    /// The code point that begins at a byte offset.
    pub fn code_point_at(&self, offset: usize) -> Option<CodePoint> {
        if !self.is_boundary(offset) {
            return None;
        }
        CodePoints { bytes: self.bytes.get(offset..)?.iter() }.next()
    }

    /// The byte offset of the code point with this index, counted by walking; the length for the index one past the
    /// end, `None` beyond. O(n): long texts that are indexed often want [`Breadcrumbs`].
    pub fn offset_of_index(&self, index: usize) -> Option<usize> {
        advance(&self.bytes, 0, index)
    }
}

/// Whether a byte begins a code point.
#[inline]
const fn is_lead(byte: u8) -> bool {
    byte & 0xC0 != 0x80
}

/// How many bytes the code point with this lead byte takes.
#[inline]
const fn width(lead: u8) -> usize {
    match lead {
        0..0xC0 => 1,
        0xC0..0xE0 => 2,
        0xE0..0xF0 => 3,
        _ => 4,
    }
}

/// Counts lead bytes. Blocks of fewer than 256 let the compiler keep the sums in vectors of bytes.
fn count_code_points(bytes: &[u8]) -> usize {
    let blocks = bytes.chunks_exact(192);
    let rest = blocks.remainder().iter().filter(|&&b| is_lead(b)).count();
    let sums = blocks
        .map(|block| usize::from(block.iter().fold(0_u8, |n, &b| n.wrapping_add(u8::from(is_lead(b))))));
    sums.sum::<usize>() + rest
}

/// The offset `count` code points after `offset`, which is a boundary; `None` past the end.
fn advance(bytes: &[u8], offset: usize, count: usize) -> Option<usize> {
    let mut at = offset;
    let mut left = count;
    // Whole blocks are skipped by counting, which is several times faster than stepping over code points.
    while left >= 192 {
        let block = bytes.get(at..at + 192)?;
        left -= block.iter().fold(0_u8, |n, &b| n.wrapping_add(u8::from(is_lead(b)))) as usize;
        at += 192;
    }
    // A block may have ended within a code point whose lead is counted already.
    while bytes.get(at).is_some_and(|&b| !is_lead(b)) {
        at += 1;
    }
    for _ in 0..left {
        at += width(*bytes.get(at)?);
    }
    Some(at)
}

/// The definition of invariant W1.
fn is_well_formed(mut bytes: &[u8]) -> bool {
    loop {
        bytes = match bytes {
            [] => return true,
            [0..0x80, rest @ ..] => rest,
            [0xC2..0xE0, 0x80..0xC0, rest @ ..] => rest,
            [0xE0, 0xA0..0xC0, 0x80..0xC0, rest @ ..] => rest,
            [0xE1..0xF0, 0x80..0xC0, 0x80..0xC0, rest @ ..] => rest,
            [0xF0, 0x90..0xC0, 0x80..0xC0, 0x80..0xC0, rest @ ..] => rest,
            [0xF1..0xF4, 0x80..0xC0, 0x80..0xC0, 0x80..0xC0, rest @ ..] => rest,
            [0xF4, 0x80..0x90, 0x80..0xC0, 0x80..0xC0, rest @ ..] => rest,
            _ => return false,
        }
    }
}

impl fmt::Debug for Wtf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for c in self.code_points() {
            match c.to_char() {
                Some(c) => write!(f, "{}", c.escape_debug())?,
                None => write!(f, "\\u{{{:x}}}", c.0)?,
            }
        }
        f.write_str("\"")
    }
}

/// Writes surrogates as U+FFFD.
impl fmt::Display for Wtf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_string_lossy())
    }
}

impl AsRef<Self> for Wtf8 {
    #[inline]
    fn as_ref(&self) -> &Self {
        self
    }
}

impl AsRef<Wtf8> for str {
    #[inline]
    fn as_ref(&self) -> &Wtf8 {
        // SAFETY: UTF-8 is well-formed generalised UTF-8 (W1).
        unsafe { Wtf8::from_bytes_unchecked(self.as_bytes()) }
    }
}

impl AsRef<Wtf8> for String {
    #[inline]
    fn as_ref(&self) -> &Wtf8 {
        self.as_str().as_ref()
    }
}

impl AsRef<Wtf8> for Wtf8Buf {
    #[inline]
    fn as_ref(&self) -> &Wtf8 {
        self
    }
}

impl AsRef<[u8]> for Wtf8 {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl<'a> From<&'a str> for &'a Wtf8 {
    #[inline]
    fn from(text: &'a str) -> Self {
        text.as_ref()
    }
}

impl ToOwned for Wtf8 {
    type Owned = Wtf8Buf;

    fn to_owned(&self) -> Wtf8Buf {
        Wtf8Buf { bytes: self.bytes.to_vec() }
    }
}

impl PartialEq<str> for Wtf8 {
    #[inline]
    fn eq(&self, other: &str) -> bool {
        self.bytes == *other.as_bytes()
    }
}

impl PartialEq<Wtf8> for Wtf8Buf {
    #[inline]
    fn eq(&self, other: &Wtf8) -> bool {
        self.bytes == other.bytes
    }
}

impl PartialEq<&str> for Wtf8Buf {
    #[inline]
    fn eq(&self, other: &&str) -> bool {
        self.bytes == other.as_bytes()
    }
}

impl PartialEq<str> for Wtf8Buf {
    #[inline]
    fn eq(&self, other: &str) -> bool {
        self.bytes == other.as_bytes()
    }
}

/// Iterates over code points; made by [`Wtf8::code_points`].
#[derive(Clone)]
pub struct CodePoints<'a> {
    bytes: std::slice::Iter<'a, u8>,
}

impl<'a> CodePoints<'a> {
    /// What has not been iterated over yet.
    #[inline]
    pub fn as_wtf8(&self) -> &'a Wtf8 {
        // SAFETY: both ends only ever move by whole code points of well-formed text (W1).
        unsafe { Wtf8::from_bytes_unchecked(self.bytes.as_slice()) }
    }

    /// The low six bits of the next byte. By W1 there is one where this is called.
    #[inline]
    fn next_tail(&mut self) -> u32 {
        self.bytes.next().map_or(0, |&b| u32::from(b & 0x3F))
    }

    fn next_wide(&mut self, lead: u32) -> CodePoint {
        let second = self.next_tail();
        if lead < 0xE0 {
            return CodePoint((lead & 0x1F) << 6 | second);
        }
        let third = self.next_tail();
        if lead < 0xF0 {
            return CodePoint((lead & 0xF) << 12 | second << 6 | third);
        }
        CodePoint((lead & 0x7) << 18 | second << 12 | third << 6 | self.next_tail())
    }
}

impl Iterator for CodePoints<'_> {
    type Item = CodePoint;

    #[inline]
    fn next(&mut self) -> Option<CodePoint> {
        let lead = u32::from(*self.bytes.next()?);
        Some(if lead < 0x80 { CodePoint(lead) } else { self.next_wide(lead) })
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.bytes.len();
        (len.div_ceil(4), Some(len))
    }

    fn count(self) -> usize {
        count_code_points(self.bytes.as_slice())
    }

    fn last(mut self) -> Option<CodePoint> {
        self.next_back()
    }
}

impl DoubleEndedIterator for CodePoints<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<CodePoint> {
        let last = u32::from(*self.bytes.next_back()?);
        if last < 0x80 {
            return Some(CodePoint(last));
        }
        let mut value = last & 0x3F;
        let mut shift = 6;
        while let Some(&byte) = self.bytes.next_back() {
            let byte = u32::from(byte);
            if byte & 0xC0 == 0x80 {
                value |= (byte & 0x3F) << shift;
                shift += 6;
                continue;
            }
            // A lead byte keeps as many payload bits as its width leaves: 5, 4 or 3.
            let payload = byte & (0x7F >> (shift / 6 + 1));
            value |= payload << shift;
            break;
        }
        Some(CodePoint(value))
    }
}

impl std::iter::FusedIterator for CodePoints<'_> {}

/// Iterates over code points with their byte offsets; made by [`Wtf8::code_point_indices`].
#[derive(Clone)]
pub struct CodePointIndices<'a> {
    front: usize,
    inner: CodePoints<'a>,
}

impl CodePointIndices<'_> {
    /// The byte offset of the next code point.
    #[inline]
    pub fn offset(&self) -> usize {
        self.front
    }
}

impl Iterator for CodePointIndices<'_> {
    type Item = (usize, CodePoint);

    #[inline]
    fn next(&mut self) -> Option<(usize, CodePoint)> {
        let before = self.inner.bytes.len();
        let c = self.inner.next()?;
        let at = self.front;
        self.front += before - self.inner.bytes.len();
        Some((at, c))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

impl DoubleEndedIterator for CodePointIndices<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<(usize, CodePoint)> {
        let c = self.inner.next_back()?;
        Some((self.front + self.inner.bytes.len(), c))
    }
}

/// Text that is owned and can grow.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Wtf8Buf {
    bytes: Vec<u8>,
}

impl Wtf8Buf {
    #[inline]
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Empty text with room for `capacity` bytes.
    #[inline]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity) }
    }

    /// Text from bytes that are well-formed generalised UTF-8; otherwise gives the bytes back.
    ///
    /// # Errors
    /// The bytes themselves, when they are not well-formed.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, Vec<u8>> {
        if Wtf8::from_bytes(&bytes).is_some() { Ok(Self { bytes }) } else { Err(bytes) }
    }

    /// Text from bytes without a check.
    ///
    /// # Safety
    /// The bytes must be well-formed generalised UTF-8 (W1).
    #[inline]
    pub const unsafe fn from_bytes_unchecked(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    /// Text from Latin-1: every byte becomes the code point with its number.
    pub fn from_latin1(bytes: &[u8]) -> Self {
        if bytes.is_ascii() {
            return Self { bytes: bytes.to_vec() };
        }
        let mut text = Self::with_capacity(bytes.len() + bytes.len() / 2);
        text.extend(bytes.iter().map(|&b| CodePoint::from_u8(b)));
        text
    }

    #[inline]
    pub fn as_wtf8(&self) -> &Wtf8 {
        self
    }

    #[inline]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    #[inline]
    pub fn into_boxed_bytes(self) -> Box<[u8]> {
        self.bytes.into_boxed_slice()
    }

    /// The text as `String`.
    ///
    /// # Errors
    /// The text itself, when it holds a surrogate.
    pub fn into_string(self) -> Result<String, Self> {
        if self.has_surrogates() {
            return Err(self);
        }
        // SAFETY: generalised UTF-8 (W1) without surrogates is UTF-8.
        Ok(unsafe { String::from_utf8_unchecked(self.bytes) })
    }

    #[inline]
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    #[inline]
    pub fn reserve(&mut self, additional: usize) {
        self.bytes.reserve(additional);
    }

    /// Makes room for exactly this many more bytes.
    ///
    /// # Errors
    /// When memory is short.
    pub fn try_reserve_exact(&mut self, additional: usize) -> Result<(), TryReserveError> {
        self.bytes.try_reserve_exact(additional)
    }

    pub fn shrink_to_fit(&mut self) {
        self.bytes.shrink_to_fit();
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Cuts the text at a byte offset; does nothing unless it is a boundary within the text.
    pub fn truncate(&mut self, offset: usize) {
        if self.is_boundary(offset) {
            self.bytes.truncate(offset);
        }
    }

    #[inline]
    pub fn push(&mut self, c: CodePoint) {
        if c.is_ascii() {
            self.bytes.push(c.0 as u8);
        } else {
            let (bytes, len) = c.encode();
            self.bytes.extend_from_slice(bytes.get(..len).unwrap_or_default());
        }
    }

    #[inline]
    pub fn push_char(&mut self, c: char) {
        self.push(CodePoint::from_char(c));
    }

    #[inline]
    pub fn push_str(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    #[inline]
    pub fn push_wtf8(&mut self, text: &Wtf8) {
        self.bytes.extend_from_slice(&text.bytes);
    }

    /// Appends a byte below 0x80; others are ignored (and asserted against in debug builds).
    #[inline]
    pub fn push_ascii(&mut self, byte: u8) {
        debug_assert!(byte < 0x80);
        if byte < 0x80 {
            self.bytes.push(byte);
        }
    }

    /// Appends one code point several times.
    pub fn push_repeated(&mut self, c: CodePoint, count: usize) {
        if c.is_ascii() {
            self.bytes.resize(self.bytes.len() + count, c.0 as u8);
        } else {
            self.extend(std::iter::repeat_n(c, count));
        }
    }

    /// Removes and returns the last code point.
    pub fn pop(&mut self) -> Option<CodePoint> {
        let last = self.code_points().next_back()?;
        self.bytes.truncate(self.bytes.len() - last.len_wtf8());
        Some(last)
    }

    pub fn into_boxed_wtf8(self) -> Box<Wtf8> {
        let raw = Box::into_raw(self.bytes.into_boxed_slice());
        // SAFETY: `Wtf8` is a transparent wrapper of `[u8]`, so layout and length are those of the box just released.
        unsafe { Box::from_raw(raw as *mut Wtf8) }
    }
}

impl Deref for Wtf8Buf {
    type Target = Wtf8;

    #[inline]
    fn deref(&self) -> &Wtf8 {
        // SAFETY: the buffer's bytes only ever grow and shrink by whole code points (W1).
        unsafe { Wtf8::from_bytes_unchecked(&self.bytes) }
    }
}

impl Borrow<Wtf8> for Wtf8Buf {
    fn borrow(&self) -> &Wtf8 {
        self
    }
}

impl From<String> for Wtf8Buf {
    #[inline]
    fn from(text: String) -> Self {
        Self { bytes: text.into_bytes() }
    }
}

impl From<&str> for Wtf8Buf {
    #[inline]
    fn from(text: &str) -> Self {
        Self { bytes: text.as_bytes().to_vec() }
    }
}

impl From<&Wtf8> for Wtf8Buf {
    #[inline]
    fn from(text: &Wtf8) -> Self {
        text.to_owned()
    }
}

impl From<char> for Wtf8Buf {
    fn from(c: char) -> Self {
        CodePoint::from_char(c).into()
    }
}

impl From<CodePoint> for Wtf8Buf {
    fn from(c: CodePoint) -> Self {
        let mut text = Self::with_capacity(4);
        text.push(c);
        text
    }
}

impl From<&Wtf8> for Box<Wtf8> {
    fn from(text: &Wtf8) -> Self {
        text.to_owned().into_boxed_wtf8()
    }
}

impl Clone for Box<Wtf8> {
    fn clone(&self) -> Self {
        Self::from(&**self)
    }
}

impl Extend<CodePoint> for Wtf8Buf {
    fn extend<I: IntoIterator<Item = CodePoint>>(&mut self, iter: I) {
        let iter = iter.into_iter();
        self.bytes.reserve(iter.size_hint().0);
        iter.for_each(|c| self.push(c));
    }
}

impl Extend<char> for Wtf8Buf {
    fn extend<I: IntoIterator<Item = char>>(&mut self, iter: I) {
        self.extend(iter.into_iter().map(CodePoint::from_char));
    }
}

impl FromIterator<CodePoint> for Wtf8Buf {
    fn from_iter<I: IntoIterator<Item = CodePoint>>(iter: I) -> Self {
        let mut text = Self::new();
        text.extend(iter);
        text
    }
}

impl FromIterator<char> for Wtf8Buf {
    fn from_iter<I: IntoIterator<Item = char>>(iter: I) -> Self {
        iter.into_iter().map(CodePoint::from_char).collect()
    }
}

impl fmt::Write for Wtf8Buf {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push_str(text);
        Ok(())
    }
}

impl fmt::Debug for Wtf8Buf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for Wtf8Buf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests;
