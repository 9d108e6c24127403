//! ASCII and Latin-1: code points below 128 or 256 are the bytes with their numbers.

use super::{Cursor, DecodeError, DecodeHandler, Decoded, EncodeError, EncodeHandler, Replacement};
use crate::wtf8::{Wtf8, Wtf8Buf};

/// Decodes ASCII.
///
/// # Errors
/// What the handler returns.
pub fn decode_ascii<E>(input: &[u8], mut handler: impl DecodeHandler<E>) -> Result<Decoded, E> {
    let mut text = Wtf8Buf::with_capacity(input.len());
    let mut at = 0;
    while let Some(&byte) = input.get(at) {
        if byte < 0x80 {
            let rest = input.get(at..).unwrap_or_default();
            let run = rest.iter().position(|b| !b.is_ascii()).unwrap_or(rest.len());
            text.push_wtf8(&Wtf8Buf::from_latin1(rest.get(..run).unwrap_or_default()));
            at += run;
            continue;
        }
        let reason = "ordinal not in range(128)";
        let (replacement, resume) =
            handler(DecodeError { encoding: "ascii", start: at, end: at + 1, reason })?;
        text.push_wtf8(&replacement);
        at = resume;
    }
    Ok(Decoded { text, consumed: input.len() })
}

/// Decodes Latin-1, which cannot fail.
pub fn decode_latin1(input: &[u8]) -> Decoded {
    Decoded { text: Wtf8Buf::from_latin1(input), consumed: input.len() }
}

/// Encodes as ASCII.
///
/// # Errors
/// What the handler returns, and the error itself if the handler's text is not encodable.
pub fn encode_ascii<E: From<EncodeError>>(text: &Wtf8, handler: impl EncodeHandler<E>) -> Result<Vec<u8>, E> {
    encode(text, 128, "ascii", "ordinal not in range(128)", handler)
}

/// Encodes as Latin-1.
///
/// # Errors
/// What the handler returns, and the error itself if the handler's text is not encodable.
pub fn encode_latin1<E: From<EncodeError>>(
    text: &Wtf8,
    handler: impl EncodeHandler<E>,
) -> Result<Vec<u8>, E> {
    encode(text, 256, "latin-1", "ordinal not in range(256)", handler)
}

fn encode<E: From<EncodeError>>(
    text: &Wtf8,
    limit: u32,
    encoding: &'static str,
    reason: &'static str,
    mut handler: impl EncodeHandler<E>,
) -> Result<Vec<u8>, E> {
    if text.is_ascii() {
        return Ok(text.as_bytes().to_vec());
    }
    let mut out = Vec::with_capacity(text.len());
    let mut cursor = Cursor::new(text);
    while let Some(c) = cursor.peek() {
        if c.to_u32() < limit {
            cursor.step(c);
            out.push(c.to_u32() as u8);
            continue;
        }
        let end = cursor.run_end(|c| c.to_u32() >= limit);
        let error = EncodeError { encoding, start: cursor.index, offset: cursor.offset, end, reason };
        let (replacement, resume) = handler(error)?;
        match replacement {
            Replacement::Bytes(bytes) => out.extend_from_slice(&bytes),
            Replacement::Text(text) => {
                for c in text.code_points() {
                    if c.to_u32() >= limit {
                        return Err(error.into());
                    }
                    out.push(c.to_u32() as u8);
                }
            }
        }
        cursor.jump(resume);
    }
    Ok(out)
}
