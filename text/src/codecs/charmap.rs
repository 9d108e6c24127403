//! Codecs that map each byte by a table: a text of up to 256 code points, or a mapping object (a closure here).

use super::{Cursor, DecodeError, DecodeHandler, Decoded, EncodeError, EncodeHandler, Replacement};
use crate::wtf8::{CodePoint, Wtf8, Wtf8Buf};
use std::collections::HashMap;

const NAME: &str = "charmap";
const REASON: &str = "character maps to <undefined>";
/// What stands in a table for bytes without a meaning.
const UNDEFINED: u32 = 0xFFFE;

/// What a byte decodes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    Undefined,
    CodePoint(CodePoint),
    Text(Wtf8Buf),
}

/// What a code point encodes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    Undefined,
    Byte(u8),
    Bytes(Vec<u8>),
}

/// A table given as a text: the code point at each index is that byte's meaning.
#[derive(Clone, Debug)]
pub struct DecodeTable {
    points: Vec<CodePoint>,
}

impl DecodeTable {
    pub fn new(table: &Wtf8) -> Self {
        Self { points: table.code_points().take(256).collect() }
    }

    /// The meaning of a byte.
    #[inline]
    pub fn meaning(&self, byte: u8) -> Meaning {
        match self.points.get(usize::from(byte)) {
            Some(c) if c.to_u32() != UNDEFINED => Meaning::CodePoint(*c),
            _ => Meaning::Undefined,
        }
    }
}

/// The inverse of a [`DecodeTable`]: what `codecs.charmap_build` makes.
#[derive(Clone, Debug)]
pub struct EncodeTable {
    codes: HashMap<CodePoint, u8>,
}

impl EncodeTable {
    /// Inverts a table; of two bytes with one meaning the later counts.
    pub fn new(table: &Wtf8) -> Self {
        let defined = (0..=u8::MAX).zip(table.code_points()).filter(|(_, c)| c.to_u32() != UNDEFINED);
        Self { codes: defined.map(|(byte, c)| (c, byte)).collect() }
    }

    /// The byte for a code point.
    #[inline]
    pub fn code(&self, c: CodePoint) -> Code {
        self.codes.get(&c).map_or(Code::Undefined, |&byte| Code::Byte(byte))
    }
}

/// Decodes with what `meaning` says about each byte.
///
/// # Errors
/// What the handler or `meaning` returns.
pub fn decode<E>(
    input: &[u8],
    mut meaning: impl FnMut(u8) -> Result<Meaning, E>,
    mut handler: impl DecodeHandler<E>,
) -> Result<Decoded, E> {
    let mut text = Wtf8Buf::with_capacity(input.len());
    let mut at = 0;
    while let Some(&byte) = input.get(at) {
        match meaning(byte)? {
            Meaning::CodePoint(c) => text.push(c),
            Meaning::Text(part) => text.push_wtf8(&part),
            Meaning::Undefined => {
                let error = DecodeError { encoding: NAME, start: at, end: at + 1, reason: REASON };
                let (replacement, resume) = handler(error)?;
                text.push_wtf8(&replacement);
                at = resume;
                continue;
            }
        }
        at += 1;
    }
    Ok(Decoded { text, consumed: input.len() })
}

/// Encodes with what `code` says about each code point.
///
/// # Errors
/// What the handler or `code` returns, and the error itself if the handler's text is not encodable.
pub fn encode<E: From<EncodeError>>(
    text: &Wtf8,
    mut code: impl FnMut(CodePoint) -> Result<Code, E>,
    mut handler: impl EncodeHandler<E>,
) -> Result<Vec<u8>, E> {
    let mut out = Vec::with_capacity(text.len());
    let mut cursor = Cursor::new(text);
    while let Some(c) = cursor.peek() {
        if push(&mut out, code(c)?) {
            cursor.step(c);
            continue;
        }
        let mut end = cursor.index + 1;
        for next in text.slice_from(cursor.offset).code_points().skip(1) {
            if code(next)? != Code::Undefined {
                break;
            }
            end += 1;
        }
        let error =
            EncodeError { encoding: NAME, start: cursor.index, offset: cursor.offset, end, reason: REASON };
        let (replacement, resume) = handler(error)?;
        match replacement {
            Replacement::Bytes(bytes) => out.extend_from_slice(&bytes),
            Replacement::Text(text) => {
                for c in text.code_points() {
                    if !push(&mut out, code(c)?) {
                        return Err(error.into());
                    }
                }
            }
        }
        cursor.jump(resume);
    }
    Ok(out)
}

/// Writes a code; false if there is none.
fn push(out: &mut Vec<u8>, code: Code) -> bool {
    match code {
        Code::Undefined => return false,
        Code::Byte(byte) => out.push(byte),
        Code::Bytes(bytes) => out.extend_from_slice(&bytes),
    }
    true
}
