//! UTF-32, with a byte order mark or a given order.

use super::{Cursor, DecodeError, DecodeHandler, Decoded, EncodeError, EncodeHandler, Endian, Replacement};
use crate::wtf8::{CodePoint, Wtf8, Wtf8Buf};

fn name(endian: Endian) -> &'static str {
    if endian == Endian::Big { "utf-32-be" } else { "utf-32-le" }
}

/// Decodes UTF-32. Without a given order, a byte order mark at the beginning decides, or else the machine's order
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
        (None, [0xFF, 0xFE, 0, 0, ..]) => (Some(Endian::Little), 4),
        (None, [0, 0, 0xFE, 0xFF, ..]) => (Some(Endian::Big), 4),
        (order, _) => (order, 0),
    };
    let endian = order.unwrap_or(Endian::NATIVE);
    let mut text = Wtf8Buf::with_capacity(input.len() / 4);
    while at < input.len() {
        let (end, reason) = match next(input, at, endian) {
            Ok(c) => {
                text.push(c);
                at += 4;
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
    let bytes = input.get(at..).and_then(|rest| rest.first_chunk()).ok_or((None, "truncated data"))?;
    let code = if endian == Endian::Big { u32::from_be_bytes(*bytes) } else { u32::from_le_bytes(*bytes) };
    let c = CodePoint::from_u32(code).ok_or((Some(at + 4), "code point not in range(0x110000)"))?;
    if c.is_surrogate() {
        return Err((Some(at + 4), "code point in surrogate code point range(0xd800, 0xe000)"));
    }
    Ok(c)
}

/// Encodes as UTF-32. Without a given order, in the machine's, with a byte order mark.
///
/// # Errors
/// What the handler returns, and the error itself if the handler's text is not ASCII or its bytes are no whole units.
pub fn encode<E: From<EncodeError>>(
    text: &Wtf8,
    order: Option<Endian>,
    mut handler: impl EncodeHandler<E>,
) -> Result<Vec<u8>, E> {
    let endian = order.unwrap_or(Endian::NATIVE);
    let mut out = Vec::with_capacity(text.len() * 4 + 4);
    let push = |out: &mut Vec<u8>, unit: u32| match endian {
        Endian::Little => out.extend_from_slice(&unit.to_le_bytes()),
        Endian::Big => out.extend_from_slice(&unit.to_be_bytes()),
    };
    if order.is_none() {
        push(&mut out, 0xFEFF);
    }
    let mut cursor = Cursor::new(text);
    while let Some(c) = cursor.peek() {
        if !c.is_surrogate() {
            cursor.step(c);
            push(&mut out, c.to_u32());
            continue;
        }
        let (start, end) = (cursor.index, cursor.index + 1);
        let encoding = if order.is_none() { "utf-32" } else { name(endian) };
        let error =
            EncodeError { encoding, start, offset: cursor.offset, end, reason: "surrogates not allowed" };
        let (replacement, resume) = handler(error)?;
        match replacement {
            Replacement::Bytes(bytes) if bytes.len() % 4 == 0 => out.extend_from_slice(&bytes),
            Replacement::Text(text) if text.is_ascii() => {
                text.as_bytes().iter().for_each(|&b| push(&mut out, b.into()));
            }
            _ => return Err(error.into()),
        }
        cursor.jump(resume);
    }
    Ok(out)
}
