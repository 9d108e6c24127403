//! The specifications that programs use most, without the general way's building of parts: fill, alignment, zeros, width,
//! precision and one of the types `s`, `d`, `x`, `X`, `o`, `b` and `f`, for short ASCII texts. Everything else, and everything
//! that is wrong, is left to the general way.

use crate::float::scaled::{scaled, write_fixed};

/// The longest text that is made here.
const LONGEST: usize = 120;
const DEFAULT_PLACES: usize = 6;

/// A short text on the native stack.
pub struct Line {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Line {
    /// The text: ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    fn push(&mut self, text: &[u8]) -> Option<()> {
        let end = self.len + text.len();
        self.bytes.get_mut(self.len..end)?.copy_from_slice(text);
        self.len = end;
        Some(())
    }

    fn fill(&mut self, byte: u8, count: usize) -> Option<()> {
        let end = self.len + count;
        self.bytes.get_mut(self.len..end)?.fill(byte);
        self.len = end;
        Some(())
    }
}

struct Quick {
    fill: u8,
    align: u8,
    width: usize,
    precision: Option<usize>,
    /// Zero if there is none.
    code: u8,
}

fn is_align(byte: u8) -> bool {
    matches!(byte, b'<' | b'>' | b'^' | b'=')
}

/// A number at the start of the text, and what follows it.
fn number(text: &[u8]) -> Option<(usize, &[u8])> {
    let (mut value, mut rest) = (0, text);
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        value = value * 10 + usize::from(digit - b'0');
        rest = after;
        if value > LONGEST {
            return None;
        }
    }
    Some((value, rest))
}

fn parse(spec: &[u8], is_number: bool) -> Option<Quick> {
    let (mut fill, mut align, mut rest) = match spec {
        [fill @ 0x20..0x7f, align, rest @ ..] if is_align(*align) => (Some(*fill), Some(*align), rest),
        [align, rest @ ..] if is_align(*align) => (None, Some(*align), rest),
        _ => (None, None, spec),
    };
    if fill.is_none()
        && let [b'0', after @ ..] = rest
    {
        fill = Some(b'0');
        align = align.or(is_number.then_some(b'='));
        rest = after;
    }
    let (width, rest) = number(rest)?;
    let (precision, rest) = match rest {
        [b'.', after @ ..] if after.first().is_some_and(u8::is_ascii_digit) => {
            let (precision, rest) = number(after)?;
            (Some(precision), rest)
        }
        _ => (None, rest),
    };
    let code = match rest {
        [] => 0,
        [code] => *code,
        _ => return None,
    };
    let align = align.unwrap_or(if is_number { b'>' } else { b'<' });
    Some(Quick { fill: fill.unwrap_or(b' '), align, width, precision, code })
}

impl Quick {
    fn lay_out(&self, sign: &[u8], text: &[u8]) -> Option<Line> {
        let mut line = Line { bytes: [0; LONGEST], len: 0 };
        let padding = self.width.saturating_sub(sign.len() + text.len());
        let (left, inner) = match self.align {
            b'<' => (0, 0),
            b'>' => (padding, 0),
            b'^' => (padding / 2, 0),
            _ => (0, padding),
        };
        line.fill(self.fill, left)?;
        line.push(sign)?;
        line.fill(self.fill, inner)?;
        line.push(text)?;
        line.fill(self.fill, padding - left - inner)?;
        Some(line)
    }
}

/// `format(text, spec)` for a text that is ASCII.
pub fn of_ascii(spec: &[u8], text: &[u8]) -> Option<Line> {
    let quick = parse(spec, false)?;
    if !matches!(quick.code, 0 | b's') || quick.align == b'=' {
        return None;
    }
    quick.lay_out(b"", quick.precision.and_then(|end| text.get(..end)).unwrap_or(text))
}

/// `format(value, spec)` for an int.
pub fn of_int(spec: &[u8], value: i64) -> Option<Line> {
    let quick = parse(spec, true)?;
    if quick.precision.is_some() {
        return None;
    }
    let mut buffer = [0; 64];
    let magnitude = value.unsigned_abs();
    let digits = match quick.code {
        0 | b'd' => write_fixed(magnitude, 0, &mut buffer)?,
        b'x' => write_bits(magnitude, 4, b"0123456789abcdef", &mut buffer),
        b'X' => write_bits(magnitude, 4, b"0123456789ABCDEF", &mut buffer),
        b'o' => write_bits(magnitude, 3, b"01234567", &mut buffer),
        b'b' => write_bits(magnitude, 1, b"01", &mut buffer),
        _ => return None,
    };
    quick.lay_out(if value < 0 { b"-" } else { b"" }, digits)
}

/// Writes digits of so many bits each at the end of the buffer.
fn write_bits<'a>(mut value: u64, bits: u32, digits: &[u8], buffer: &'a mut [u8; 64]) -> &'a [u8] {
    let mut start = buffer.len();
    for place in buffer.iter_mut().rev() {
        let digit = (value & ((1 << bits) - 1)) as usize;
        *place = digits.get(digit).copied().unwrap_or(b'0');
        start -= 1;
        value >>= bits;
        if value == 0 {
            break;
        }
    }
    buffer.get(start..).unwrap_or_default()
}

/// `format(value, spec)` for a float.
pub fn of_float(spec: &[u8], value: f64) -> Option<Line> {
    let quick = parse(spec, true)?;
    if quick.code != b'f' {
        return None;
    }
    let places = quick.precision.unwrap_or(DEFAULT_PLACES);
    let mut buffer = [0; 40];
    let digits = write_fixed(scaled(value, places)?, places, &mut buffer)?;
    quick.lay_out(if value.is_sign_negative() { b"-" } else { b"" }, digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::Random;
    use crate::format_spec::{FormatSpec, IntValue, Kind, Locale};
    use crate::wtf8::Wtf8;

    fn same(line: &Line, general: Result<crate::wtf8::Wtf8Buf, crate::format_spec::FormatError>, spec: &str) {
        let general = general.expect("the quick way takes valid specifications only").to_string();
        assert_eq!(String::from_utf8_lossy(line.as_bytes()), general, "{spec}");
    }

    #[test]
    fn as_the_general_way() {
        let (mut random, locale, mut known) = (Random(7), Locale::default(), 0);
        for _ in 0..40_000 {
            let parts = [
                random.pick(&["", "", "*", "0", "<", "+"]),
                random.pick(&["", "<", ">", "^", "="]),
                random.pick(&["", "", "0"]),
                random.pick(&["", "1", "5", "12", "119", "130"]),
                random.pick(&["", "", ".0", ".3", ".17", ".", ".40"]),
                random.pick(&["", "d", "s", "f", "x", "g"]),
            ];
            let spec = parts.concat();
            let (int, float) = (random.next() as i64 >> random.below(64), random.float());
            let text = random.pick(&["", "a", "spam and eggs"]);
            if let Some(line) = of_int(spec.as_bytes(), int) {
                let parsed = FormatSpec::parse(Wtf8::new(&spec), Kind::Int, "int");
                same(
                    &line,
                    parsed.and_then(|p| p.format_int(IntValue::Small(int), &locale, 4300, "int")),
                    &spec,
                );
                known += 1;
            }
            if let Some(line) = of_float(spec.as_bytes(), float) {
                let parsed = FormatSpec::parse(Wtf8::new(&spec), Kind::Float, "float");
                same(&line, parsed.and_then(|p| p.format_float(float, &locale, "float")), &spec);
                known += 1;
            }
            if let Some(line) = of_ascii(spec.as_bytes(), text.as_bytes()) {
                let parsed = FormatSpec::parse(Wtf8::new(&spec), Kind::Str, "str");
                same(&line, parsed.and_then(|p| p.format_str(Wtf8::new(text), "str")), &spec);
                known += 1;
            }
        }
        assert!(known > 5_000, "{known}");
    }
}
