//! The values of string, bytes and number literals, read from their source text.
//!
//! The parser's tree cannot hold lone surrogates and does not report doubtful escapes, so literals with a
//! backslash are decoded here again, to WTF-8. Positions in messages count as CPython's do, which rewrites each
//! character beyond ASCII as `\UXXXXXXXX` before it decodes.

use crate::code::{BigInt, Constant};

/// A doubtful escape: its offset in the body and the text of the warning.
pub(crate) struct DoubtfulEscape {
    pub(crate) offset: usize,
    pub(crate) message: String,
}

/// Appends a code point (possibly a surrogate) as WTF-8.
pub(crate) fn push_code_point(out: &mut Vec<u8>, code: u32) {
    match char::from_u32(code) {
        Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        None => out.extend_from_slice(&[
            0xE0 | (code >> 12) as u8,
            0x80 | (code >> 6 & 0x3F) as u8,
            0x80 | (code & 0x3F) as u8,
        ]),
    }
}

/// Copies text with its line ends turned into LF.
pub(crate) fn normalize_newlines(text: &str) -> Vec<u8> {
    if !text.contains('\r') {
        return text.as_bytes().to_vec();
    }
    text.replace("\r\n", "\n").replace('\r', "\n").into_bytes()
}

fn invalid_escape(c: char) -> String {
    format!(
        "\"\\{c}\" is an invalid escape sequence. Such sequences will not work in the future. \
         Did you mean \"\\\\{c}\"? A raw string is also an option."
    )
}

fn invalid_octal(digits: &str) -> String {
    format!(
        "\"\\{digits}\" is an invalid octal escape sequence. Such sequences will not work in the future. \
         Did you mean \"\\\\{digits}\"? A raw string is also an option."
    )
}

fn simple_escape(c: char) -> Option<u32> {
    Some(match c {
        '\\' | '\'' | '"' => c as u32,
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => 10,
        'r' => 13,
        't' => 9,
        'v' => 11,
        _ => return None,
    })
}

/// Takes up to three octal digits from the start of `text`.
fn octal(text: &str) -> &str {
    let n = text.bytes().take(3).take_while(|b| (b'0'..=b'7').contains(b)).count();
    &text[..n]
}

struct StrDecoder<'s> {
    text: &'s str,
    at: usize,
    /// The position CPython would report for `at`.
    reported: usize,
    braces: bool,
    out: Vec<u8>,
    doubtful: Option<DoubtfulEscape>,
}

/// Decodes the body of a str literal (no quotes, no prefix) that is not raw. `braces`: it is a part of an f-string or
/// t-string, where `{{` and `}}` stand for one brace.
///
/// # Errors
/// The message of the SyntaxError, without its `(unicode error)` prefix being separate.
pub(crate) fn decode_str(body: &str, braces: bool) -> Result<(Vec<u8>, Option<DoubtfulEscape>), String> {
    let mut decoder = StrDecoder {
        text: body,
        at: 0,
        reported: 0,
        braces,
        out: Vec::with_capacity(body.len()),
        doubtful: None,
    };
    while let Some(c) = decoder.next() {
        decoder.one(c)?;
    }
    Ok((decoder.out, decoder.doubtful))
}

impl StrDecoder<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        self.reported += if c.is_ascii() { 1 } else { 10 };
        Some(c)
    }

    fn one(&mut self, c: char) -> Result<(), String> {
        match c {
            '\\' => return self.escape(),
            '\r' => {
                if self.peek() == Some('\n') {
                    self.next();
                }
                self.out.push(b'\n');
            }
            '{' | '}' if self.braces => {
                if self.peek() == Some(c) {
                    self.next();
                }
                self.out.push(c as u8);
            }
            _ => push_code_point(&mut self.out, c as u32),
        }
        Ok(())
    }

    fn error(&self, start: usize, reason: &str) -> String {
        let end = self.reported.max(start + 1) - 1;
        if end == start {
            return format!(
                "(unicode error) 'unicodeescape' codec can't decode byte 0x5c in position {start}: {reason}"
            );
        }
        format!(
            "(unicode error) 'unicodeescape' codec can't decode bytes in position {start}-{end}: {reason}"
        )
    }

    fn doubt(&mut self, offset: usize, message: String) {
        self.doubtful.get_or_insert(DoubtfulEscape { offset, message });
    }

    fn escape(&mut self) -> Result<(), String> {
        let (offset, start) = (self.at - 1, self.reported - 1);
        let Some(c) = self.next() else {
            if self.braces {
                // A field follows: `\{` is no escape, and the backslash stays.
                self.out.push(b'\\');
                self.doubt(offset, invalid_escape('{'));
                return Ok(());
            }
            return Err(self.error(start, "\\ at end of string"));
        };
        match c {
            '\n' => {}
            '\r' => {
                if self.peek() == Some('\n') {
                    self.next();
                }
            }
            'x' => self.hex(start, 2, "truncated \\xXX escape")?,
            'u' => self.hex(start, 4, "truncated \\uXXXX escape")?,
            'U' => self.hex(start, 8, "truncated \\UXXXXXXXX escape")?,
            'N' => self.named(start)?,
            '0'..='7' => {
                let digits = octal(&self.text[self.at - 1..]).to_string();
                self.at += digits.len() - 1;
                self.reported += digits.len() - 1;
                let value = u32::from_str_radix(&digits, 8).unwrap_or(0);
                if value > 0o377 {
                    self.doubt(offset, invalid_octal(&digits));
                }
                push_code_point(&mut self.out, value);
            }
            _ => match simple_escape(c) {
                Some(value) => push_code_point(&mut self.out, value),
                None => {
                    self.out.push(b'\\');
                    self.doubt(offset, invalid_escape(c));
                    // What follows is an ordinary character, a brace of an f-string included.
                    self.at -= c.len_utf8();
                    self.reported -= if c.is_ascii() { 1 } else { 10 };
                }
            },
        }
        Ok(())
    }

    fn hex(&mut self, start: usize, count: usize, reason: &str) -> Result<(), String> {
        let mut value = 0u32;
        for _ in 0..count {
            match self.peek().and_then(|c| c.to_digit(16)) {
                Some(digit) => value = value << 4 | digit,
                None => return Err(self.error(start, reason)),
            }
            self.next();
        }
        if value > 0x10FFFF {
            return Err(self.error(start, "illegal Unicode character"));
        }
        push_code_point(&mut self.out, value);
        Ok(())
    }

    fn named(&mut self, start: usize) -> Result<(), String> {
        let rest = &self.text[self.at..];
        let name = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map(|(name, _)| name);
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            if rest.starts_with('{') {
                let upto = rest.find('}').map_or(rest.len(), |at| at + 1);
                for _ in rest[..upto].chars() {
                    self.next();
                }
            }
            return Err(self.error(start, "malformed \\N character escape"));
        };
        for _ in 0..name.chars().count() + 2 {
            self.next();
        }
        match unicode_names2::character(name) {
            Some(c) => push_code_point(&mut self.out, c as u32),
            None => return Err(self.error(start, "unknown Unicode character name")),
        }
        Ok(())
    }
}

/// Decodes the body of a bytes literal that is not raw.
///
/// # Errors
/// The message of the SyntaxError.
pub(crate) fn decode_bytes(body: &str) -> Result<(Vec<u8>, Option<DoubtfulEscape>), String> {
    let text = body.as_bytes();
    let mut out = Vec::with_capacity(text.len());
    let mut doubtful = None;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        if byte == b'\r' {
            at += usize::from(text.get(at) == Some(&b'\n'));
            out.push(b'\n');
            continue;
        }
        let next = match text.get(at) {
            Some(next) if byte == b'\\' => *next,
            _ => {
                out.push(byte);
                continue;
            }
        };
        let escape = at - 1;
        at += 1;
        match next {
            b'\n' => {}
            b'\r' => at += usize::from(text.get(at) == Some(&b'\n')),
            b'x' => {
                let digit = |i: usize| text.get(i).and_then(|b| (*b as char).to_digit(16));
                match (digit(at), digit(at + 1)) {
                    (Some(high), Some(low)) => out.push((high << 4 | low) as u8),
                    _ => return Err(format!("(value error) invalid \\x escape at position {escape}")),
                }
                at += 2;
            }
            b'0'..=b'7' => {
                let digits = octal(&body[at - 1..]);
                at += digits.len() - 1;
                let value = u32::from_str_radix(digits, 8).unwrap_or(0);
                if value > 0o377 && doubtful.is_none() {
                    doubtful = Some(DoubtfulEscape { offset: escape, message: invalid_octal(digits) });
                }
                out.push(value as u8);
            }
            _ => match simple_escape(next as char) {
                Some(value) => out.push(value as u8),
                None => {
                    out.extend_from_slice(&[b'\\', next]);
                    doubtful.get_or_insert_with(|| DoubtfulEscape {
                        offset: escape,
                        message: invalid_escape(next as char),
                    });
                }
            },
        }
    }
    Ok((out, doubtful))
}

/// The value of an int literal.
///
/// # Errors
/// The message for a decimal literal of more than `limit` digits (0: there is no limit).
pub(crate) fn int_constant(text: &str, limit: usize) -> Result<Constant, String> {
    let digits: String = text.chars().filter(|c| *c != '_').collect();
    let (radix, digits) = match digits.get(..2) {
        Some("0x" | "0X") => (16, &digits[2..]),
        Some("0o" | "0O") => (8, &digits[2..]),
        Some("0b" | "0B") => (2, &digits[2..]),
        _ => (10, &digits[..]),
    };
    if let Ok(value) = i64::from_str_radix(digits, radix) {
        return Ok(Constant::Int(value));
    }
    if radix == 10 && limit != 0 && digits.len() > limit {
        return Err(format!(
            "Exceeds the limit ({limit} digits) for integer string conversion: value has {} digits; \
             use sys.set_int_max_str_digits() to increase the limit - Consider hexadecimal for huge integer \
             literals to avoid decimal conversion limits.",
            digits.len()
        ));
    }
    Ok(big_constant(false, big_from_digits(digits, radix)))
}

fn big_from_digits(digits: &str, radix: u32) -> Vec<u32> {
    let mut big: Vec<u32> = Vec::new();
    // Several digits at a time keep the quadratic cost of long decimal literals low.
    let per_step = match radix {
        16 => 7,
        8 => 10,
        2 => 31,
        _ => 9,
    };
    let bytes = digits.as_bytes();
    for chunk in bytes.chunks(per_step) {
        let mut value = 0u64;
        for byte in chunk {
            value = value * u64::from(radix) + u64::from((*byte as char).to_digit(radix).unwrap_or(0));
        }
        let scale = u64::from(radix).pow(chunk.len() as u32);
        let mut carry = value;
        for digit in &mut big {
            let sum = u64::from(*digit) * scale + carry;
            *digit = sum as u32;
            carry = sum >> 32;
        }
        if carry != 0 {
            big.push(carry as u32);
        }
    }
    big
}

/// The int constant of a sign and a magnitude (base 2**32, little-endian).
pub(crate) fn big_constant(negative: bool, mut digits: Vec<u32>) -> Constant {
    while digits.last() == Some(&0) {
        digits.pop();
    }
    if digits.len() <= 2 {
        let low = u64::from(digits.first().copied().unwrap_or(0))
            | u64::from(digits.get(1).copied().unwrap_or(0)) << 32;
        let value = if negative { -i128::from(low) } else { i128::from(low) };
        if let Ok(value) = i64::try_from(value) {
            return Constant::Int(value);
        }
    }
    Constant::BigInt(BigInt { negative, digits: digits.into() })
}
