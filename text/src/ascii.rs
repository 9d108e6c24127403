//! The methods of `bytes` and `bytearray` that treat bytes as ASCII letters, and conversion from and to hexadecimal.
//!
//! Bytes above 0x7F are never letters here, and stay as they are under every change of case.

use crate::search::is_ascii_space;
use std::fmt;

/// `bytes.isalpha`.
#[inline]
pub fn is_alpha(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(u8::is_ascii_alphabetic)
}

/// `bytes.isalnum`.
#[inline]
pub fn is_alnum(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(u8::is_ascii_alphanumeric)
}

/// `bytes.isdigit`.
#[inline]
pub fn is_digit(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit)
}

/// `bytes.isspace`.
#[inline]
pub fn is_space(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&b| is_ascii_space(b))
}

/// `bytes.islower`: some letter, and no upper-case one.
#[inline]
pub fn is_lower(bytes: &[u8]) -> bool {
    bytes.iter().any(u8::is_ascii_lowercase) && !bytes.iter().any(u8::is_ascii_uppercase)
}

/// `bytes.isupper`: some letter, and no lower-case one.
#[inline]
pub fn is_upper(bytes: &[u8]) -> bool {
    bytes.iter().any(u8::is_ascii_uppercase) && !bytes.iter().any(u8::is_ascii_lowercase)
}

/// `bytes.istitle`: every run of letters begins with its only upper-case one.
pub fn is_title(bytes: &[u8]) -> bool {
    let mut in_word = false;
    let mut some = false;
    for byte in bytes {
        if (byte.is_ascii_uppercase() && in_word) || (byte.is_ascii_lowercase() && !in_word) {
            return false;
        }
        in_word = byte.is_ascii_alphabetic();
        some |= in_word;
    }
    some
}

/// `bytes.lower`.
pub fn lower(bytes: &[u8]) -> Vec<u8> {
    bytes.to_ascii_lowercase()
}

/// `bytes.upper`.
pub fn upper(bytes: &[u8]) -> Vec<u8> {
    bytes.to_ascii_uppercase()
}

/// `bytes.swapcase`.
pub fn swap_case(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|&b| if b.is_ascii_alphabetic() { b ^ 0x20 } else { b }).collect()
}

/// `bytes.capitalize`.
pub fn capitalize(bytes: &[u8]) -> Vec<u8> {
    let mut result = lower(bytes);
    if let Some(first) = result.first_mut() {
        first.make_ascii_uppercase();
    }
    result
}

/// `bytes.title`.
pub fn title(bytes: &[u8]) -> Vec<u8> {
    let mut in_word = false;
    let change = |&b: &u8| {
        let changed = if in_word { b.to_ascii_lowercase() } else { b.to_ascii_uppercase() };
        in_word = b.is_ascii_alphabetic();
        changed
    };
    bytes.iter().map(change).collect()
}

/// `bytes.translate(table, delete)`: first drops the bytes in `delete`, then maps the rest.
pub fn translate(bytes: &[u8], table: Option<&[u8; 256]>, delete: &[u8]) -> Vec<u8> {
    let mut dropped = [false; 256];
    for &b in delete {
        dropped[usize::from(b)] = true;
    }
    let kept = bytes.iter().filter(|&&b| !dropped[usize::from(b)]);
    match table {
        Some(table) => kept.map(|&b| table[usize::from(b)]).collect(),
        None => kept.copied().collect(),
    }
}

/// `bytes.hex(sep, bytes_per_sep)`: positive group sizes count from the right, negative ones from the left, and 0
/// or no separator means no groups.
pub fn to_hex(bytes: &[u8], separator: Option<u8>, group: i64) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let size = usize::try_from(group.unsigned_abs()).unwrap_or(usize::MAX);
    let mut text = String::with_capacity(bytes.len() * 2);
    for (at, &byte) in bytes.iter().enumerate() {
        if let (Some(separator), true, true) = (separator, at > 0, size > 0) {
            let distance = if group < 0 { at } else { bytes.len() - at };
            if distance % size == 0 {
                text.push(char::from(separator));
            }
        }
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// What is wrong with the argument of `bytes.fromhex`; displays as CPython's `ValueError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HexError {
    /// The index (in bytes of the input) of something that is no hexadecimal digit.
    Digit(usize),
    /// A lone digit at the end.
    Odd,
}

impl fmt::Display for HexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digit(at) => {
                write!(f, "non-hexadecimal number found in fromhex() arg at position {at}")
            }
            Self::Odd => f.write_str("fromhex() arg must contain an even number of hexadecimal digits"),
        }
    }
}

/// `bytes.fromhex`: pairs of digits, with ASCII white space between pairs.
///
/// The input may be UTF-8: an offset reported is then also the index of the character, as all before it is ASCII.
///
/// # Errors
/// `HexError` where the input is no sequence of pairs.
pub fn from_hex(input: &[u8]) -> Result<Vec<u8>, HexError> {
    let mut result = Vec::with_capacity(input.len() / 2);
    let digit = |at: usize| input.get(at).and_then(|&b| char::from(b).to_digit(16));
    let mut at = 0;
    while at < input.len() {
        if input.get(at).is_some_and(|&b| is_ascii_space(b)) {
            at += 1;
            continue;
        }
        let high = digit(at).ok_or(HexError::Digit(at))?;
        let low = match digit(at + 1) {
            Some(low) => low,
            None if at + 1 == input.len() => return Err(HexError::Odd),
            None => return Err(HexError::Digit(at + 1)),
        };
        result.push((high << 4 | low) as u8);
        at += 2;
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case() {
        assert_eq!(title(b"hello wORLD 3rd they're"), b"Hello World 3Rd They'Re");
        assert!(is_title(b"Hello World 3Rd") && !is_title(b"HeLlo") && !is_title(b"12"));
        assert_eq!(capitalize(b"hELLO"), b"Hello");
        assert_eq!(swap_case(b"aB\xe9"), b"Ab\xe9");
        assert!(is_lower(b"a1") && !is_lower(b"1") && !is_lower(b"aB"));
        assert_eq!(translate(b"hello", None, b"l"), b"heo");
    }

    #[test]
    fn hexadecimal() {
        assert_eq!(to_hex(b"\x01\x02\xff\x10\x20", Some(b':'), 2), "01:02ff:1020");
        assert_eq!(to_hex(b"\x01\x02\xff\x10\x20", Some(b':'), -2), "0102:ff10:20");
        assert_eq!(to_hex(b"\x01\x02", Some(b':'), 0), "0102");
        assert_eq!(from_hex(b" 01 fF\n"), Ok(vec![1, 255]));
        assert_eq!(from_hex(b"0"), Err(HexError::Odd));
        assert_eq!(from_hex(b"0 1"), Err(HexError::Digit(1)));
        assert_eq!(from_hex("é".as_bytes()), Err(HexError::Digit(0)));
    }
}
