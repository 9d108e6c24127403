//! The codecs between `str` and `bytes` that CPython has in C.
//!
//! A decoder takes the input, whether it is all there is (`last`), and a handler that is asked at every mistake: it gets
//! the exact range and reason that CPython reports, and returns the text to go in its place and where to
//! resume. When more input may follow, a decoder stops before a sequence that is not complete and says how much it
//! took. Encoders work the other way round; their positions are indices of code points. [`handlers`] has the handlers
//! that Python has built in, for use without any Python object.

pub mod charmap;
pub mod escape;
pub mod handlers;
pub mod single;
#[cfg(test)]
mod tests;
pub mod utf16;
pub mod utf32;
pub mod utf7;
pub mod utf8;

use crate::wtf8::{CodePoint, Wtf8, Wtf8Buf};
use std::fmt;

/// Bytes that do not decode: the fields of a `UnicodeDecodeError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    pub encoding: &'static str,
    /// The first byte that is wrong, and the one after the last.
    pub start: usize,
    pub end: usize,
    pub reason: &'static str,
}

/// Text that does not encode: the fields of a `UnicodeEncodeError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeError {
    pub encoding: &'static str,
    /// The index of the first code point that is wrong, and of the one after the last.
    pub start: usize,
    pub end: usize,
    /// The offset in bytes of the first, so that handlers need not count from the beginning.
    pub offset: usize,
    pub reason: &'static str,
}

impl DecodeError {
    /// What `str()` of the exception shows for this input.
    pub fn message(&self, input: &[u8]) -> String {
        let Self { encoding, start, end, reason } = self;
        match input.get(*start) {
            Some(byte) if end.checked_sub(*start) == Some(1) => {
                format!("'{encoding}' codec can't decode byte {byte:#04x} in position {start}: {reason}")
            }
            _ => {
                let last = end.saturating_sub(1);
                format!("'{encoding}' codec can't decode bytes in position {start}-{last}: {reason}")
            }
        }
    }
}

impl EncodeError {
    /// What `str()` of the exception shows for this text.
    pub fn message(&self, text: &Wtf8) -> String {
        let Self { encoding, start, end, reason, offset } = self;
        let single = if end.checked_sub(*start) == Some(1) { text.code_point_at(*offset) } else { None };
        match single {
            Some(c) => {
                let mut shown = String::new();
                crate::repr::push_escape(&mut shown, c);
                format!("'{encoding}' codec can't encode character '{shown}' in position {start}: {reason}")
            }
            None => {
                let last = end.saturating_sub(1);
                format!("'{encoding}' codec can't encode characters in position {start}-{last}: {reason}")
            }
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' codec can't decode {}-{}: {}", self.encoding, self.start, self.end, self.reason)
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' codec can't encode {}-{}: {}", self.encoding, self.start, self.end, self.reason)
    }
}

/// What a decoder made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    pub text: Wtf8Buf,
    /// How much of the input was taken; all of it, unless more may follow.
    pub consumed: usize,
}

/// What an encoder's handler puts in the place of code points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// Text, which must itself be encodable.
    Text(Wtf8Buf),
    /// Bytes as they are.
    Bytes(Vec<u8>),
}

/// Answers a decoding error with text and the offset to resume at (which may lie anywhere in the input).
///
/// Any closure of that signature is one.
pub trait DecodeHandler<E>: FnMut(DecodeError) -> Result<(Wtf8Buf, usize), E> {}
impl<E, F: FnMut(DecodeError) -> Result<(Wtf8Buf, usize), E>> DecodeHandler<E> for F {}

/// Answers an encoding error with a replacement and the index of the code point to resume at.
pub trait EncodeHandler<E>: FnMut(EncodeError) -> Result<(Replacement, usize), E> {}
impl<E, F: FnMut(EncodeError) -> Result<(Replacement, usize), E>> EncodeHandler<E> for F {}

/// Walks over the code points of a text, knowing the index and able to jump.
struct Cursor<'a> {
    text: &'a Wtf8,
    index: usize,
    offset: usize,
}

impl<'a> Cursor<'a> {
    fn new(text: &'a Wtf8) -> Self {
        Self { text, index: 0, offset: 0 }
    }

    fn peek(&self) -> Option<CodePoint> {
        self.text.code_point_at(self.offset)
    }

    /// Steps over the code point that `peek` returned.
    fn step(&mut self, c: CodePoint) {
        self.index += 1;
        self.offset += c.len_wtf8();
    }

    /// Goes to an index, which the handler chose; beyond the end is the end.
    fn jump(&mut self, index: usize) {
        let (from, count) = if index >= self.index { (self.offset, index - self.index) } else { (0, index) };
        let rest = self.text.slice_from(from);
        self.offset = from + rest.offset_of_index(count).unwrap_or(rest.len());
        self.index = index;
    }

    /// The index after the run of code points from here on for which the test holds.
    fn run_end(&self, test: impl Fn(CodePoint) -> bool) -> usize {
        let rest = self.text.slice_from(self.offset);
        self.index + rest.code_points().take_while(|&c| test(c)).count()
    }
}

/// The byte order of UTF-16 and UTF-32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endian {
    Little,
    Big,
}

impl Endian {
    /// This machine's.
    pub const NATIVE: Self = if cfg!(target_endian = "big") { Self::Big } else { Self::Little };
}
