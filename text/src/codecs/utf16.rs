//! UTF-16, with a byte order mark or a given order.

use super::{Cursor, DecodeError, DecodeHandler, Decoded, EncodeError, EncodeHandler, Endian, Replacement};
use crate::wtf8::{CodePoint, Wtf8, Wtf8Buf};

fn name(endian: Endian) -> &'static str {
    if endian == Endian::Big { "utf-16-be" } else { "utf-16-le" }
}

fn unit(input: &[u8], at: usize, endian: Endian) -> Option<u16> {
    let bytes = input.get(at..)?.first_chunk()?;
    Some(if endian == Endian::Big { u16::from_be_bytes(*bytes) } else { u16::from_le_bytes(*bytes) })
}

/// Decodes UTF-16. Without a given order, a byte order mark at the beginning decides, or else the machine's order
/// is taken. Also returns the order that was given or found.
///
/// # Errors
/// What the handler returns.
pub fn decode<E>(
    input: &[u8],
    order: Option<Endian>,
    last: bool,
    mut handler: impl DecodeHandler<E>,
) -> Result<(Decoded, Option<Endian>), E> {
    let (order, mut at) = match (order, input) {
        (None, [0xFF, 0xFE, ..]) => (Some(Endian::Little), 2),
        (None, [0xFE, 0xFF, ..]) => (Some(Endian::Big), 2),
        (order, _) => (order, 0),
    };
    let endian = order.unwrap_or(Endian::NATIVE);
    let mut text = Wtf8Buf::with_capacity(input.len() / 2);
    while at < input.len() {
        let (end, reason) = match next(input, at, endian) {
            Ok(c) => {
                at += if c.to_u32() > 0xFFFF { 4 } else { 2 };
                text.push(c);
                continue;
            }
            Err((None, _)) if !last => break,
            Err((end, reason)) => (end.unwrap_or(input.len()), reason),
        };
        let (replacement, resume) = handler(DecodeError { encoding: name(endian), start: at, end, reason })?;
        text.push_wtf8(&replacement);
        at = resume;
    }
    Ok((Decoded { text, consumed: at }, order))
}

/// The code point at an offset, or what is wrong: up to where (`None` if more input may help), and why.
fn next(input: &[u8], at: usize, endian: Endian) -> Result<CodePoint, (Option<usize>, &'static str)> {
    let first = unit(input, at, endian).ok_or((None, "truncated data"))?;
    let c = CodePoint::from_u16(first);
    if c.is_low_surrogate() {
        return Err((Some(at + 2), "illegal encoding"));
    }
    if !c.is_high_surrogate() {
        return Ok(c);
    }
    let second = unit(input, at + 2, endian).ok_or((None, "unexpected end of data"))?;
    if CodePoint::from_u16(second).is_low_surrogate() {
        Ok(CodePoint::join_surrogates(first, second))
    } else {
        Err((Some(at + 2), "illegal UTF-16 surrogate"))
    }
}

/// Encodes as UTF-16. Without a given order, in the machine's, with a byte order mark.
///
/// # Errors
/// What the handler returns, and the error itself if the handler's text is not ASCII or its bytes are no whole units.
pub fn encode<E: From<EncodeError>>(
    text: &Wtf8,
    order: Option<Endian>,
    mut handler: impl EncodeHandler<E>,
) -> Result<Vec<u8>, E> {
    let endian = order.unwrap_or(Endian::NATIVE);
    let mut out = Vec::with_capacity(text.len() * 2 + 2);
    let push = |out: &mut Vec<u8>, unit: u32| match endian {
        Endian::Little => out.extend_from_slice(&(unit as u16).to_le_bytes()),
        Endian::Big => out.extend_from_slice(&(unit as u16).to_be_bytes()),
    };
    if order.is_none() {
        push(&mut out, 0xFEFF);
    }
    let mut cursor = Cursor::new(text);
    while let Some(c) = cursor.peek() {
        if !c.is_surrogate() {
            cursor.step(c);
            match c.to_u32().checked_sub(0x1_0000) {
                None => push(&mut out, c.to_u32()),
                Some(above) => {
                    push(&mut out, 0xD800 | above >> 10);
                    push(&mut out, 0xDC00 | above & 0x3FF);
                }
            }
            continue;
        }
        let (start, end) = (cursor.index, cursor.index + 1);
        let encoding = if order.is_none() { "utf-16" } else { name(endian) };
        let error =
            EncodeError { encoding, start, offset: cursor.offset, end, reason: "surrogates not allowed" };
        let (replacement, resume) = handler(error)?;
        match replacement {
            Replacement::Bytes(bytes) if bytes.len() % 2 == 0 => out.extend_from_slice(&bytes),
            Replacement::Text(text) if text.is_ascii() => {
                text.as_bytes().iter().for_each(|&b| push(&mut out, b.into()));
            }
            _ => return Err(error.into()),
        }
        cursor.jump(resume);
    }
    Ok(out)
}
