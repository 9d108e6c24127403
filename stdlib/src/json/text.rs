//! Text to decode, and strings to JSON.

use orochi_objects::types::str::PyStr;
use orochi_objects::{Obj, Ref};
use orochi_text::wtf8::{Wtf8, Wtf8Buf};

/// A str that is decoded: offsets are bytes.
pub(super) struct Source<'a> {
    text: &'a Obj<PyStr>,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a Obj<PyStr>) -> Source<'a> {
        Source { text }
    }

    pub(super) fn object(&self) -> Ref<'a> {
        self.text.get()
    }

    pub(super) fn bytes(&self) -> &'a [u8] {
        PyStr::as_bytes(self.text)
    }

    pub(super) fn slice(&self, start: usize, end: usize) -> &Wtf8 {
        self.text.as_wtf8().slice(start, end)
    }

    /// The index of an offset, in characters.
    pub(super) fn index(&self, offset: usize) -> usize {
        if self.text.is_ascii() {
            return offset;
        }
        self.text.breadcrumbs().index_of_offset(self.text.as_wtf8(), offset)
    }

    /// The offset of an index; `None` beyond the end.
    pub(super) fn offset(&self, index: usize) -> Option<usize> {
        (index <= self.text.len()).then(|| self.text.byte_offset(index))
    }

    /// Four hexadecimal digits.
    pub(super) fn hex4(&self, at: usize) -> Option<u16> {
        let digits = self.bytes().get(at..at + 4)?;
        let mut value = 0;
        for &digit in digits {
            value = value << 4 | char::from(digit).to_digit(16)? as u16;
        }
        Some(value)
    }
}

fn push_escaped(out: &mut Wtf8Buf, c: u32) {
    match c {
        0x22 => out.push_str("\\\""),
        0x5C => out.push_str("\\\\"),
        8 => out.push_str("\\b"),
        12 => out.push_str("\\f"),
        10 => out.push_str("\\n"),
        13 => out.push_str("\\r"),
        9 => out.push_str("\\t"),
        0..0x1_0000 => out.push_str(&format!("\\u{c:04x}")),
        _ => {
            let c = c - 0x1_0000;
            out.push_str(&format!("\\u{:04x}\\u{:04x}", 0xD800 + (c >> 10), 0xDC00 + (c & 0x3FF)));
        }
    }
}

/// Appends a string literal, in ASCII or with everything printable as it is.
pub(super) fn push_string(out: &mut Wtf8Buf, text: &Wtf8, ascii: bool) {
    out.push_ascii(b'"');
    let bytes: &[u8] = text.as_ref();
    let plain = |byte: u8| match byte {
        b'"' | b'\\' | 0..0x20 => false,
        0x7F.. => !ascii,
        _ => true,
    };
    let mut at = 0;
    while at < bytes.len() {
        let chunk = at;
        while bytes.get(at).is_some_and(|byte| plain(*byte)) {
            at += 1;
        }
        out.push_wtf8(text.slice(chunk, at));
        if let Some(c) = text.slice_from(at).code_points().next() {
            push_escaped(out, c.to_u32());
            at += c.len_wtf8();
        }
    }
    out.push_ascii(b'"');
}
