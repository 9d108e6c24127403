//! The error handlers that Python has built in: `strict`, `ignore`, `replace`, `backslashreplace`,
//! `xmlcharrefreplace`, `namereplace`, `surrogateescape` and `surrogatepass`.
//!
//! Each answers with `None` where the Python function of that name would raise the error again.

use super::{DecodeError, EncodeError, Endian, Replacement};
use crate::repr::push_escape;
use crate::unicode::names;
use crate::wtf8::{CodePoint, Wtf8, Wtf8Buf};
use std::fmt::Write;

/// A built-in handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handler {
    Strict,
    Ignore,
    Replace,
    BackslashReplace,
    XmlCharRefReplace,
    NameReplace,
    SurrogateEscape,
    SurrogatePass,
}

impl Handler {
    /// The handler that is registered under this name from the start.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "strict" => Self::Strict,
            "ignore" => Self::Ignore,
            "replace" => Self::Replace,
            "backslashreplace" => Self::BackslashReplace,
            "xmlcharrefreplace" => Self::XmlCharRefReplace,
            "namereplace" => Self::NameReplace,
            "surrogateescape" => Self::SurrogateEscape,
            "surrogatepass" => Self::SurrogatePass,
            _ => return None,
        })
    }

    /// Whether it can answer decoding errors at all; for others Python raises
    /// `TypeError: don't know how to handle UnicodeDecodeError in error callback`.
    pub fn decodes(self) -> bool {
        !matches!(self, Self::XmlCharRefReplace | Self::NameReplace)
    }

    /// Answers a decoding error.
    pub fn decode(self, input: &[u8], error: &DecodeError) -> Option<(Wtf8Buf, usize)> {
        self.decode_range(input, error.encoding, error.start, error.end)
    }

    /// As [`Handler::decode`], with the fields of an exception that may be anyone's.
    pub fn decode_range(
        self,
        input: &[u8],
        encoding: &str,
        start: usize,
        end: usize,
    ) -> Option<(Wtf8Buf, usize)> {
        let end = end.min(input.len());
        let wrong = input.get(start..end).unwrap_or_default();
        match self {
            Self::Ignore => Some((Wtf8Buf::new(), end)),
            Self::Replace => Some((CodePoint::REPLACEMENT.into(), end)),
            Self::BackslashReplace => {
                let mut text = String::with_capacity(wrong.len() * 4);
                wrong.iter().for_each(|&b| push_escape(&mut text, CodePoint::from_u8(b)));
                Some((text.into(), end))
            }
            Self::SurrogateEscape => {
                let escaped: Wtf8Buf = wrong.iter().take(4).map_while(|&b| escape_byte(b)).collect();
                let count = escaped.count_code_points();
                (count > 0).then_some((escaped, start + count))
            }
            Self::SurrogatePass => {
                let (c, width) = Form::of(encoding)?.read(input.get(start..)?)?;
                c.is_surrogate().then(|| (c.into(), start + width))
            }
            Self::Strict | Self::XmlCharRefReplace | Self::NameReplace => None,
        }
    }

    /// Answers an encoding error.
    ///
    /// Here `surrogateescape` takes what it can and leaves the rest to a second error, as it does within CPython's
    /// codecs, so that the error that is raised begins at the right place.
    pub fn encode(self, text: &Wtf8, error: &EncodeError) -> Option<(Replacement, usize)> {
        if self == Self::SurrogateEscape && error.encoding != "charmap" {
            let wrong =
                text.slice_from(error.offset).code_points().take(error.end.saturating_sub(error.start));
            let bytes: Vec<u8> = wrong.map_while(unescape_byte).collect();
            let resume = error.start + bytes.len();
            return (!bytes.is_empty()).then_some((Replacement::Bytes(bytes), resume));
        }
        self.encode_at(text, error.encoding, error.offset, error.start, error.end)
    }

    /// As [`Handler::encode`], with the fields of an exception that may be anyone's.
    pub fn encode_range(
        self,
        text: &Wtf8,
        encoding: &str,
        start: usize,
        end: usize,
    ) -> Option<(Replacement, usize)> {
        self.encode_at(text, encoding, text.offset_of_index(start).unwrap_or(text.len()), start, end)
    }

    fn encode_at(
        self,
        text: &Wtf8,
        encoding: &str,
        from: usize,
        start: usize,
        end: usize,
    ) -> Option<(Replacement, usize)> {
        let wrong = text.slice_from(from).code_points().take(end.saturating_sub(start));
        let replacement = match self {
            Self::Ignore => Replacement::Text(Wtf8Buf::new()),
            Self::Replace => Replacement::Text(wrong.map(|_| '?').collect()),
            Self::BackslashReplace => in_text(wrong, push_escape),
            Self::XmlCharRefReplace => in_text(wrong, |out, c| {
                // Writing into a String does not fail.
                let _ = write!(out, "&#{};", c.to_u32());
            }),
            Self::NameReplace => in_text(wrong, |out, c| match names::name(c) {
                Some(name) => {
                    let _ = write!(out, "\\N{{{name}}}");
                }
                None => push_escape(out, c),
            }),
            Self::SurrogateEscape => Replacement::Bytes(wrong.map(unescape_byte).collect::<Option<_>>()?),
            Self::SurrogatePass => {
                let form = Form::of(encoding)?;
                let mut bytes = Vec::new();
                for c in wrong {
                    form.write(c.is_surrogate().then_some(c)?, &mut bytes);
                }
                Replacement::Bytes(bytes)
            }
            Self::Strict => return None,
        };
        Some((replacement, end))
    }

    /// Answers a `UnicodeTranslateError`, which knows no encoding: as text.
    pub fn translate(self, text: &Wtf8, start: usize, end: usize) -> Option<(Wtf8Buf, usize)> {
        match self {
            Self::Replace => {
                let count = end.saturating_sub(start);
                Some((std::iter::repeat_n(CodePoint::REPLACEMENT, count).collect(), end))
            }
            Self::Ignore | Self::BackslashReplace => match self.encode_range(text, "", start, end)? {
                (Replacement::Text(text), end) => Some((text, end)),
                (Replacement::Bytes(_), _) => None,
            },
            _ => None,
        }
    }
}

fn in_text(
    wrong: impl Iterator<Item = CodePoint>,
    mut push: impl FnMut(&mut String, CodePoint),
) -> Replacement {
    let mut out = String::new();
    wrong.for_each(|c| push(&mut out, c));
    Replacement::Text(out.into())
}

/// A byte above 0x7F as the surrogate that stands for it.
fn escape_byte(byte: u8) -> Option<CodePoint> {
    (byte >= 0x80).then(|| CodePoint::from_u16(0xDC00 + u16::from(byte)))
}

/// The byte that a surrogate stands for.
fn unescape_byte(c: CodePoint) -> Option<u8> {
    u8::try_from(c.to_u32().checked_sub(0xDC00)?).ok().filter(|&b| b >= 0x80)
}

/// The encodings that `surrogatepass` knows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Utf8,
    Utf16(Endian),
    Utf32(Endian),
}

impl Form {
    /// Finds the encoding by any of its names.
    fn of(encoding: &str) -> Option<Self> {
        let name = encoding.to_ascii_lowercase().replace('_', "-");
        if name == "cp65001" {
            return Some(Self::Utf8);
        }
        if matches!(name.as_str(), "utf8" | "utf-8") {
            return Some(Self::Utf8);
        }
        let rest = name.strip_prefix("utf")?;
        let rest = rest.strip_prefix('-').unwrap_or(rest);
        let (wide, order) = match rest.split_at_checked(2)? {
            ("16", order) => (false, order),
            ("32", order) => (true, order),
            _ => return None,
        };
        let endian = match order {
            "" => Endian::NATIVE,
            "le" | "-le" => Endian::Little,
            "be" | "-be" => Endian::Big,
            _ => return None,
        };
        Some(if wide { Self::Utf32(endian) } else { Self::Utf16(endian) })
    }

    /// The code point at the beginning of bytes, surrogates being let through, and its width.
    fn read(self, bytes: &[u8]) -> Option<(CodePoint, usize)> {
        match self {
            Self::Utf8 => {
                let first = bytes.get(..3)?;
                Some((Wtf8::from_bytes(first)?.code_point_at(0)?, 3))
            }
            Self::Utf16(endian) => {
                let unit = bytes.first_chunk::<2>()?;
                let unit =
                    if endian == Endian::Big { u16::from_be_bytes(*unit) } else { u16::from_le_bytes(*unit) };
                Some((CodePoint::from_u16(unit), 2))
            }
            Self::Utf32(endian) => {
                let unit = bytes.first_chunk::<4>()?;
                let unit =
                    if endian == Endian::Big { u32::from_be_bytes(*unit) } else { u32::from_le_bytes(*unit) };
                Some((CodePoint::from_u32(unit)?, 4))
            }
        }
    }

    fn write(self, c: CodePoint, out: &mut Vec<u8>) {
        let code = c.to_u32();
        match self {
            Self::Utf8 => out.extend_from_slice(Wtf8Buf::from(c).as_bytes()),
            Self::Utf16(Endian::Big) => out.extend_from_slice(&(code as u16).to_be_bytes()),
            Self::Utf16(Endian::Little) => out.extend_from_slice(&(code as u16).to_le_bytes()),
            Self::Utf32(Endian::Big) => out.extend_from_slice(&code.to_be_bytes()),
            Self::Utf32(Endian::Little) => out.extend_from_slice(&code.to_le_bytes()),
        }
    }
}
