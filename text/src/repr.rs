//! `repr` and `ascii` of text and bytes: which quotes, what is escaped.
//!
//! Single quotes, unless the text contains some and no double ones. The result never holds surrogates.

use crate::unicode::is_printable;
use crate::wtf8::{CodePoint, Wtf8};
use std::fmt::Write;

/// The quote to use, given what the text contains.
fn quote_for(bytes: &[u8]) -> char {
    if memchr::memchr(b'\'', bytes).is_some() && memchr::memchr(b'"', bytes).is_none() { '"' } else { '\'' }
}

/// `repr(text)`.
pub fn repr(text: &Wtf8) -> String {
    quoted(text, is_printable)
}

/// `ascii(text)`: as `repr`, and whatever is not ASCII is escaped.
pub fn ascii(text: &Wtf8) -> String {
    quoted(text, |c| c.is_ascii() && is_printable(c))
}

/// `ascii(x)` from the `repr` of any object: escapes what is not ASCII, and leaves the rest as it is.
pub fn escape_non_ascii(repr: &Wtf8) -> String {
    let mut out = String::with_capacity(repr.len());
    for c in repr.code_points() {
        match c.to_char() {
            Some(plain) if plain.is_ascii() => out.push(plain),
            _ => push_escape(&mut out, c),
        }
    }
    out
}

fn quoted(text: &Wtf8, keeps: impl Fn(CodePoint) -> bool) -> String {
    let quote = quote_for(text.as_bytes());
    let is_plain = |b: u8| matches!(b, b' '..=b'~') && b != b'\\' && char::from(b) != quote;
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    let mut at = 0;
    while at < text.len() {
        let rest = text.as_bytes().get(at..).unwrap_or_default();
        let run = rest.iter().position(|&b| !is_plain(b)).unwrap_or(rest.len());
        out.push_str(&text.slice(at, at + run).to_string_lossy());
        at += run;
        let Some(c) = text.code_point_at(at) else { break };
        at += c.len_wtf8();
        match c.to_char() {
            Some(plain) if plain == quote || plain == '\\' => {
                out.push('\\');
                out.push(plain);
            }
            Some('\t') => out.push_str("\\t"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some(plain) if keeps(c) => out.push(plain),
            _ => push_escape(&mut out, c),
        }
    }
    out.push(quote);
    out
}

/// `\xhh`, `\uhhhh` or `\Uhhhhhhhh`, whichever is the shortest.
pub fn push_escape(out: &mut String, c: CodePoint) {
    // Writing into a String does not fail.
    let _ = match c.to_u32() {
        code @ 0..0x100 => write!(out, "\\x{code:02x}"),
        code @ 0x100..0x1_0000 => write!(out, "\\u{code:04x}"),
        code => write!(out, "\\U{code:08x}"),
    };
}

/// `repr(bytes)`, with the `b`.
pub fn repr_bytes(bytes: &[u8]) -> String {
    format!("b{}", repr_bytes_body(bytes, quote_for(bytes)))
}

/// The quoted part of `repr(bytearray)`: `bytearray(` + this + `)`, with the `b`. Single quotes are escaped only
/// where they are the quotes.
pub fn repr_bytes_body(bytes: &[u8], quote: char) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push(quote);
    for &b in bytes {
        match char::from(b) {
            plain if plain == quote || plain == '\\' => {
                out.push('\\');
                out.push(plain);
            }
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            plain @ ' '..='~' => out.push(plain),
            _ => push_escape(&mut out, CodePoint::from_u8(b)),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::Check;
    use crate::wtf8::Wtf8Buf;

    #[test]
    fn repr_everything() {
        let mut check = Check::new("repr_everything");
        for code in (0..0x11_0000).step_by(3).chain(0..0x3000).chain(0xD700..0xE100) {
            let mut text = Wtf8Buf::from("'");
            text.push(CodePoint::from_u32(code).unwrap());
            let bytes = [b'"', code as u8, b'\''];
            check.line(ascii(&text));
            check.line(escape_non_ascii(Wtf8::new(&repr(&text))));
            check.line(repr_bytes(&bytes));
        }
        check.finish();
    }
}
