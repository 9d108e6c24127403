//! UTF-8.
//!
//! Rust's validation finds the same maximal ill-formed prefixes that CPython reports (Unicode's recommended practice);
//! only the reason is told by the first byte.

use super::{Cursor, DecodeError, DecodeHandler, Decoded, EncodeError, EncodeHandler, Replacement};
use crate::wtf8::{CodePoint, Wtf8, Wtf8Buf};

const NAME: &str = "utf-8";

/// Decodes UTF-8.
///
/// # Errors
/// What the handler returns.
pub fn decode<E>(input: &[u8], last: bool, mut handler: impl DecodeHandler<E>) -> Result<Decoded, E> {
    let mut text = Wtf8Buf::new();
    let mut at = 0;
    loop {
        let rest = input.get(at..).unwrap_or_default();
        let (valid, error_length) = match std::str::from_utf8(rest) {
            Ok(valid) => {
                text.push_str(valid);
                return Ok(Decoded { text, consumed: at + rest.len() });
            }
            Err(error) => (error.valid_up_to(), error.error_len()),
        };
        let (good, bad) = rest.split_at(valid);
        text.push_str(std::str::from_utf8(good).unwrap_or_default());
        at += valid;
        if !last && (error_length.is_none() || is_half_surrogate(bad)) {
            return Ok(Decoded { text, consumed: at });
        }
        let error = DecodeError {
            encoding: NAME,
            start: at,
            end: at + error_length.unwrap_or(bad.len()),
            reason: reason(bad, error_length),
        };
        let (replacement, resume) = handler(error)?;
        text.push_wtf8(&replacement);
        at = resume;
    }
}

fn reason(bad: &[u8], error_length: Option<usize>) -> &'static str {
    match (error_length, bad.first()) {
        (None, _) => "unexpected end of data",
        (Some(_), Some(0xC2..0xF5)) => "invalid continuation byte",
        (Some(_), _) => "invalid start byte",
    }
}

/// Two bytes of a surrogate at the end: the handler may want the third, which may still come.
fn is_half_surrogate(bad: &[u8]) -> bool {
    matches!(bad, [0xED, 0xA0..0xC0])
}

/// Encodes as UTF-8.
///
/// # Errors
/// What the handler returns, and the error itself if the handler's text is not ASCII.
pub fn encode<E: From<EncodeError>>(text: &Wtf8, mut handler: impl EncodeHandler<E>) -> Result<Vec<u8>, E> {
    if !text.has_surrogates() {
        return Ok(text.as_bytes().to_vec());
    }
    let mut out = Vec::with_capacity(text.len());
    let mut cursor = Cursor::new(text);
    while let Some(c) = cursor.peek() {
        if !c.is_surrogate() {
            cursor.step(c);
            let (bytes, width) = c.encode();
            out.extend_from_slice(bytes.get(..width).unwrap_or_default());
            continue;
        }
        let end = cursor.run_end(CodePoint::is_surrogate);
        let error = EncodeError {
            encoding: NAME,
            start: cursor.index,
            offset: cursor.offset,
            end,
            reason: "surrogates not allowed",
        };
        let (replacement, resume) = handler(error)?;
        match replacement {
            Replacement::Bytes(bytes) => out.extend_from_slice(&bytes),
            Replacement::Text(text) if text.is_ascii() => out.extend_from_slice(text.as_bytes()),
            Replacement::Text(_) => return Err(error.into()),
        }
        cursor.jump(resume);
    }
    Ok(out)
}
