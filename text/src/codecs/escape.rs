//! The codecs for escapes: `unicode_escape`, `raw_unicode_escape`, and the escapes of bytes literals (`escape_decode`).
//!
//! An escape that Python does not know is kept as it is; the place of the first one is reported, since the caller
//! warns about it ([`InvalidEscape`]).

use super::{DecodeError, DecodeHandler, Decoded};
use crate::unicode::names::lookup_code_point;
use crate::wtf8::{CodePoint, Wtf8, Wtf8Buf};
use std::fmt;

/// An escape that means nothing, or an octal one above `\377`; displays as CPython's warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidEscape {
    /// The offset of the backslash.
    pub offset: usize,
    /// What follows the backslash: one character, or three octal digits.
    pub escape: String,
    /// Whether it stands in bytes, not in text.
    pub in_bytes: bool,
}

impl InvalidEscape {
    fn new(input: &[u8], offset: usize, in_bytes: bool) -> Self {
        let rest = input.get(offset + 1..).unwrap_or_default();
        let count = if rest.first().is_some_and(|b| (b'4'..b'8').contains(b)) { 3 } else { 1 };
        let escape = rest.iter().take(count).map(|&b| char::from(b)).collect();
        Self { offset, escape, in_bytes }
    }

    /// Whether it is an octal escape.
    pub fn is_octal(&self) -> bool {
        self.escape.len() == 3
    }
}

impl fmt::Display for InvalidEscape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_octal() { "octal escape sequence" } else { "escape sequence" };
        let prefix = if self.in_bytes { "b" } else { "" };
        write!(f, "{prefix}\"\\{}\" is an invalid {kind}. ", self.escape)?;
        f.write_str("Such sequences will not work in the future. ")
    }
}

/// The characters that one letter after a backslash means, in texts and bytes alike.
fn simple_escape(letter: u8) -> Option<u8> {
    Some(match letter {
        b'\\' | b'\'' | b'"' => letter,
        b'a' => 0x07,
        b'b' => 0x08,
        b't' => b'\t',
        b'n' => b'\n',
        b'v' => 0x0B,
        b'f' => 0x0C,
        b'r' => b'\r',
        _ => return None,
    })
}

/// Up to three octal digits from an offset on: their value, and where they end.
fn octal(input: &[u8], at: usize) -> (u32, usize) {
    let digits = input.get(at..).unwrap_or_default().iter().take(3).take_while(|b| (b'0'..b'8').contains(b));
    digits.fold((0, at), |(value, end), &b| (value << 3 | u32::from(b - b'0'), end + 1))
}

/// Why an escape is wrong: the reason, and where reading stopped; `None` if more input may help.
struct Malformed {
    reason: &'static str,
    end: Option<usize>,
}

/// An escape that was read: its code point, and where it ends.
type Escape = Result<(CodePoint, usize), Malformed>;

/// Exactly `count` hexadecimal digits from an offset on.
fn hexadecimal(input: &[u8], at: usize, count: usize, reason: &'static str, beyond: &'static str) -> Escape {
    let mut value: u32 = 0;
    for at in at..at + count {
        let byte = input.get(at).ok_or(Malformed { reason, end: None })?;
        let digit = char::from(*byte).to_digit(16).ok_or(Malformed { reason, end: Some(at) })?;
        value = value << 4 | digit;
    }
    let end = at + count;
    CodePoint::from_u32(value).map(|c| (c, end)).ok_or(Malformed { reason: beyond, end: Some(end) })
}

const TRUNCATED_U4: &str = "truncated \\uXXXX escape";
const TRUNCATED_U8: &str = "truncated \\UXXXXXXXX escape";

/// `\N{name}`, from the offset after the `N` on.
fn named(input: &[u8], at: usize) -> Escape {
    let malformed = |end| Malformed { reason: "malformed \\N character escape", end };
    let rest = input.get(at..).filter(|rest| !rest.is_empty()).ok_or(malformed(None))?;
    let Some(rest) = rest.strip_prefix(b"{") else { return Err(malformed(Some(at))) };
    let length = memchr::memchr(b'}', rest).ok_or(malformed(None))?;
    if length == 0 {
        return Err(malformed(Some(at + 1)));
    }
    let end = at + 2 + length;
    let name = rest.get(..length).and_then(|name| std::str::from_utf8(name).ok());
    let c = name.and_then(lookup_code_point);
    c.map(|c| (c, end)).ok_or(Malformed { reason: "unknown Unicode character name", end: Some(end) })
}

/// What a backslash at an offset begins.
enum UnicodeEscape {
    /// A code point, or nothing for a line end; and where the escape ends.
    Known(Option<CodePoint>, usize),
    /// An octal escape above `\377`.
    LargeOctal(CodePoint, usize),
    Unknown,
    Malformed(Malformed),
}

fn unicode_escape(input: &[u8], backslash: usize) -> UnicodeEscape {
    let at = backslash + 2;
    let Some(&letter) = input.get(backslash + 1) else {
        return UnicodeEscape::Malformed(Malformed { reason: "\\ at end of string", end: None });
    };
    let illegal = "illegal Unicode character";
    let escape = match letter {
        b'\n' => return UnicodeEscape::Known(None, at),
        b'0'..b'8' => {
            let (value, end) = octal(input, at - 1);
            let c = CodePoint::from_u32(value).unwrap_or_default();
            let is_large = value > 0o377;
            return if is_large {
                UnicodeEscape::LargeOctal(c, end)
            } else {
                UnicodeEscape::Known(Some(c), end)
            };
        }
        b'x' => hexadecimal(input, at, 2, "truncated \\xXX escape", illegal),
        b'u' => hexadecimal(input, at, 4, TRUNCATED_U4, illegal),
        b'U' => hexadecimal(input, at, 8, TRUNCATED_U8, illegal),
        b'N' => named(input, at),
        _ => match simple_escape(letter) {
            Some(byte) => Ok((CodePoint::from_u8(byte), at)),
            None => return UnicodeEscape::Unknown,
        },
    };
    match escape {
        Ok((c, end)) => UnicodeEscape::Known(Some(c), end),
        Err(malformed) => UnicodeEscape::Malformed(malformed),
    }
}

/// Decodes `unicode_escape`: Latin-1 with the escapes of string literals. Also returns the first invalid escape.
///
/// # Errors
/// What the handler returns.
pub fn decode_unicode_escape<E>(
    input: &[u8],
    last: bool,
    mut handler: impl DecodeHandler<E>,
) -> Result<(Decoded, Option<InvalidEscape>), E> {
    let mut text = Wtf8Buf::with_capacity(input.len());
    let mut invalid = None;
    let mut at = 0;
    while at < input.len() {
        let rest = input.get(at..).unwrap_or_default();
        let plain = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
        text.extend(rest.iter().take(plain).map(|&b| CodePoint::from_u8(b)));
        at += plain;
        if at >= input.len() {
            break;
        }
        match unicode_escape(input, at) {
            UnicodeEscape::Known(c, end) => {
                text.extend(c);
                at = end;
            }
            UnicodeEscape::LargeOctal(c, end) => {
                invalid.get_or_insert_with(|| InvalidEscape::new(input, at, false));
                text.push(c);
                at = end;
            }
            UnicodeEscape::Unknown => {
                invalid.get_or_insert_with(|| InvalidEscape::new(input, at, false));
                text.push_ascii(b'\\');
                text.extend(input.get(at + 1).map(|&b| CodePoint::from_u8(b)));
                at += 2;
            }
            UnicodeEscape::Malformed(Malformed { end: None, .. }) if !last => break,
            UnicodeEscape::Malformed(Malformed { reason, end }) => {
                let end = end.unwrap_or(input.len());
                let (replacement, resume) =
                    handler(DecodeError { encoding: "unicodeescape", start: at, end, reason })?;
                text.push_wtf8(&replacement);
                at = resume;
            }
        }
    }
    Ok((Decoded { text, consumed: at }, invalid))
}

/// Encodes as `unicode_escape`.
pub fn encode_unicode_escape(text: &Wtf8) -> Vec<u8> {
    let mut out = String::with_capacity(text.len());
    for c in text.code_points() {
        match c.to_char() {
            Some('\\') => out.push_str("\\\\"),
            Some('\t') => out.push_str("\\t"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some(plain @ ' '..='~') => out.push(plain),
            _ => crate::repr::push_escape(&mut out, c),
        }
    }
    out.into_bytes()
}

/// Decodes `raw_unicode_escape`: Latin-1 with `\uXXXX` and `\UXXXXXXXX` after an odd number of backslashes.
///
/// # Errors
/// What the handler returns.
pub fn decode_raw_unicode_escape<E>(
    input: &[u8],
    last: bool,
    mut handler: impl DecodeHandler<E>,
) -> Result<Decoded, E> {
    let mut text = Wtf8Buf::with_capacity(input.len());
    let mut at = 0;
    while let Some(&byte) = input.get(at) {
        let next = input.get(at + 1);
        if byte != b'\\' || (next.is_none() && last) {
            text.push(CodePoint::from_u8(byte));
            at += 1;
            continue;
        }
        let beyond = "\\Uxxxxxxxx out of range";
        let escape = match next {
            Some(b'u') => hexadecimal(input, at + 2, 4, TRUNCATED_U4, beyond),
            Some(b'U') => hexadecimal(input, at + 2, 8, TRUNCATED_U8, beyond),
            Some(&other) => {
                text.push_ascii(b'\\');
                text.push(CodePoint::from_u8(other));
                at += 2;
                continue;
            }
            None => break,
        };
        match escape {
            Ok((c, end)) => {
                text.push(c);
                at = end;
            }
            Err(Malformed { end: None, .. }) if !last => break,
            Err(Malformed { reason, end }) => {
                let end = end.unwrap_or(input.len());
                let (replacement, resume) =
                    handler(DecodeError { encoding: "rawunicodeescape", start: at, end, reason })?;
                text.push_wtf8(&replacement);
                at = resume;
            }
        }
    }
    Ok(Decoded { text, consumed: at })
}

/// Encodes as `raw_unicode_escape`.
pub fn encode_raw_unicode_escape(text: &Wtf8) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for c in text.code_points() {
        match c.to_u32() {
            code @ 0..0x100 => out.push(code as u8),
            code @ 0x100..0x1_0000 => out.extend_from_slice(format!("\\u{code:04x}").as_bytes()),
            code => out.extend_from_slice(format!("\\U{code:08x}").as_bytes()),
        }
    }
    out
}

/// What is wrong with the escapes of bytes: a `ValueError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BytesEscapeError {
    TrailingBackslash,
    /// A `\x` without two digits at this offset.
    InvalidHex(usize),
}

impl fmt::Display for BytesEscapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TrailingBackslash => f.write_str("Trailing \\ in string"),
            Self::InvalidHex(at) => write!(f, "invalid \\x escape at position {at}"),
        }
    }
}

/// Decodes the escapes of a bytes literal. `on_bad_hex` says what goes in the place of a `\x` without two digits:
/// `None` for an error (`strict`), `Some(b"?")` (`replace`) or `Some(b"")` (`ignore`). Also returns the first invalid
/// escape.
///
/// # Errors
/// `BytesEscapeError` for a backslash at the end, or a wrong `\x`.
pub fn decode_bytes_escape(
    input: &[u8],
    on_bad_hex: Option<&[u8]>,
) -> Result<(Vec<u8>, Option<InvalidEscape>), BytesEscapeError> {
    let mut out = Vec::with_capacity(input.len());
    let mut invalid = None;
    let mut at = 0;
    let digit = |at: usize| input.get(at).and_then(|&b| char::from(b).to_digit(16));
    while let Some(&byte) = input.get(at) {
        if byte != b'\\' {
            out.push(byte);
            at += 1;
            continue;
        }
        let letter = *input.get(at + 1).ok_or(BytesEscapeError::TrailingBackslash)?;
        match letter {
            b'\n' => at += 2,
            b'0'..b'8' => {
                let (value, end) = octal(input, at + 1);
                if value > 0o377 {
                    invalid.get_or_insert_with(|| InvalidEscape::new(input, at, true));
                }
                out.push(value as u8);
                at = end;
            }
            b'x' => match (digit(at + 2), digit(at + 3)) {
                (Some(high), Some(low)) => {
                    out.push((high << 4 | low) as u8);
                    at += 4;
                }
                (first, _) => {
                    out.extend_from_slice(on_bad_hex.ok_or(BytesEscapeError::InvalidHex(at))?);
                    at += 2 + usize::from(first.is_some());
                }
            },
            _ => {
                match simple_escape(letter) {
                    Some(byte) => out.push(byte),
                    None => {
                        invalid.get_or_insert_with(|| InvalidEscape::new(input, at, true));
                        out.extend_from_slice(&[b'\\', letter]);
                    }
                }
                at += 2;
            }
        }
    }
    Ok((out, invalid))
}

/// Encodes bytes as a literal shows them, without quotes: `codecs.escape_encode`.
pub fn encode_bytes_escape(bytes: &[u8]) -> Vec<u8> {
    let quoted = crate::repr::repr_bytes_body(bytes, '\'');
    quoted.as_bytes().get(1..quoted.len() - 1).unwrap_or_default().to_vec()
}
