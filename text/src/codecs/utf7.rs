//! UTF-7 (RFC 2152): ASCII, and between `+` and `-` UTF-16 in base 64 without padding.

use super::{DecodeError, DecodeHandler, Decoded};
use crate::wtf8::{CodePoint, Wtf8, Wtf8Buf};

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn digit_value(byte: u8) -> Option<u32> {
    match byte {
        b'A'..=b'Z' => Some(u32::from(byte - b'A')),
        b'a'..=b'z' => Some(u32::from(byte - b'a') + 26),
        b'0'..=b'9' => Some(u32::from(byte - b'0') + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// What is written as it is: most of ASCII.
fn is_direct(c: CodePoint) -> bool {
    match u8::try_from(c.to_u32()) {
        Ok(b'+' | b'\\') | Err(_) => false,
        Ok(byte) => matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'}'),
    }
}

/// A section in base 64 that is being read.
#[derive(Default)]
struct Section {
    /// Where the `+` stands, and how long the text was there.
    start: usize,
    text_length: usize,
    bits: u32,
    buffer: u32,
    high: Option<u16>,
}

impl Section {
    /// Takes a digit, and writes what becomes whole.
    fn push(&mut self, digit: u32, text: &mut Wtf8Buf) {
        self.buffer = self.buffer << 6 | digit;
        self.bits += 6;
        if self.bits < 16 {
            return;
        }
        self.bits -= 16;
        let unit = (self.buffer >> self.bits) as u16;
        self.buffer &= (1 << self.bits) - 1;
        let c = CodePoint::from_u16(unit);
        if let Some(high) = self.high.take() {
            if c.is_low_surrogate() {
                return text.push(CodePoint::join_surrogates(high, unit));
            }
            text.push(CodePoint::from_u16(high));
        }
        if c.is_high_surrogate() {
            self.high = Some(unit);
        } else {
            text.push(c);
        }
    }

    /// What is wrong if the section ends here, apart from a surrogate that is left.
    fn leftover(&self) -> Option<&'static str> {
        if self.bits >= 6 {
            Some("partial character in shift sequence")
        } else if self.bits > 0 && self.buffer != 0 {
            Some("non-zero padding bits in shift sequence")
        } else {
            None
        }
    }
}

/// A decoder at work.
struct Decoder<'a, H> {
    input: &'a [u8],
    at: usize,
    text: Wtf8Buf,
    section: Option<Section>,
    handler: H,
}

impl<H> Decoder<'_, H> {
    fn fail<E>(&mut self, start: usize, end: usize, reason: &'static str) -> Result<(), E>
    where
        H: DecodeHandler<E>,
    {
        let (replacement, resume) = (self.handler)(DecodeError { encoding: "utf7", start, end, reason })?;
        self.text.push_wtf8(&replacement);
        self.at = resume;
        Ok(())
    }

    /// A byte within a section.
    fn shifted<E>(&mut self, mut section: Section, byte: u8) -> Result<(), E>
    where
        H: DecodeHandler<E>,
    {
        if let Some(digit) = digit_value(byte) {
            section.push(digit, &mut self.text);
            self.section = Some(section);
            self.at += 1;
            return Ok(());
        }
        if let Some(reason) = section.leftover() {
            return self.fail(section.start, self.at + 1, reason);
        }
        if let Some(high) = section.high.filter(|_| byte.is_ascii()) {
            self.text.push(CodePoint::from_u16(high));
        }
        if byte == b'-' {
            self.at += 1;
        }
        Ok(())
    }

    /// A byte outside of sections.
    fn plain<E>(&mut self, byte: u8) -> Result<(), E>
    where
        H: DecodeHandler<E>,
    {
        let start = self.at;
        if byte != b'+' {
            if !byte.is_ascii() {
                return self.fail(start, start + 1, "unexpected special character");
            }
            self.text.push_ascii(byte);
            self.at += 1;
            return Ok(());
        }
        match self.input.get(start + 1) {
            Some(b'-') => {
                self.text.push_ascii(b'+');
                self.at += 2;
            }
            Some(&next) if digit_value(next).is_none() => {
                return self.fail(start, start + 2, "ill-formed sequence");
            }
            _ => {
                self.section = Some(Section { start, text_length: self.text.len(), ..Section::default() });
                self.at += 1;
            }
        }
        Ok(())
    }
}

/// Decodes UTF-7. When more may follow, a section that has begun is left for the next time.
///
/// # Errors
/// What the handler returns.
pub fn decode<E>(input: &[u8], last: bool, handler: impl DecodeHandler<E>) -> Result<Decoded, E> {
    let text = Wtf8Buf::with_capacity(input.len());
    let mut decoder = Decoder { input, at: 0, text, section: None, handler };
    loop {
        while let Some(&byte) = input.get(decoder.at) {
            match decoder.section.take() {
                Some(section) => decoder.shifted(section, byte)?,
                None => decoder.plain(byte)?,
            }
        }
        let Some(section) = decoder.section.take() else { break };
        if !last {
            decoder.text.truncate(section.text_length);
            return Ok(Decoded { text: decoder.text, consumed: section.start });
        }
        if section.high.is_none() && section.leftover().is_none() {
            break;
        }
        decoder.fail(section.start, input.len(), "unterminated shift sequence")?;
    }
    Ok(Decoded { text: decoder.text, consumed: decoder.at })
}

/// Encodes as UTF-7, which can write every code point.
pub fn encode(text: &Wtf8) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut shifted = false;
    let (mut bits, mut buffer) = (0_u32, 0_u32);
    for c in text.code_points() {
        let byte = c.to_u32() as u8;
        if is_direct(c) {
            if shifted {
                flush(&mut out, bits, buffer);
                (bits, buffer, shifted) = (0, 0, false);
                if digit_value(byte).is_some() || byte == b'-' {
                    out.push(b'-');
                }
            }
            out.push(byte);
            continue;
        }
        if !shifted {
            out.push(b'+');
            if c == '+' {
                out.push(b'-');
                continue;
            }
            shifted = true;
        }
        let (units, count) = utf16_units(c);
        for unit in units.into_iter().take(count) {
            buffer = buffer << 16 | unit;
            bits += 16;
            while bits >= 6 {
                bits -= 6;
                out.push(DIGITS[(buffer >> bits & 63) as usize]);
            }
            buffer &= (1 << bits) - 1;
        }
    }
    if shifted {
        flush(&mut out, bits, buffer);
        out.push(b'-');
    }
    out
}

/// Writes the bits that are left over.
fn flush(out: &mut Vec<u8>, bits: u32, buffer: u32) {
    if bits > 0 {
        out.push(DIGITS[(buffer << (6 - bits) & 63) as usize]);
    }
}

fn utf16_units(c: CodePoint) -> ([u32; 2], usize) {
    match c.to_u32().checked_sub(0x1_0000) {
        None => ([c.to_u32(), 0], 1),
        Some(above) => ([0xD800 | above >> 10, 0xDC00 | above & 0x3FF], 2),
    }
}
