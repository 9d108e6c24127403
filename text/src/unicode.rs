//! What Unicode 16.0.0 says about code points, exactly as CPython 3.14 has it.
//!
//! The tables in `unicode/data/` are written by `unicode/generate.py`, which asks CPython itself. Properties lie in a
//! two-stage table: the upper bits of the code point choose a block, the block holds the number of a record of
//! [`RECORD`] bytes, and equal records and blocks are stored once. Everything is read from the binary's constant
//! data, so there is nothing to build at start-up. Numbers in the tables are little-endian.
//!
//! [`case`] changes case and has the `str.is…` predicates of whole texts, [`normalize`] the normal forms, [`names`] the
//! names, [`old`] the differences of `unicodedata.ucd_3_2_0`.

pub mod case;
mod generated;
pub mod names;
pub mod normalize;
pub mod old;

use crate::wtf8::{CodePoint, Wtf8};

/// The version of Unicode: `unicodedata.unidata_version`.
pub const VERSION: &str = generated::VERSION;

static PROPERTIES: &[u8] = include_bytes!("unicode/data/properties.bin");
static RECORDS: &[u8] = include_bytes!("unicode/data/records.bin");
static NUMERICS: &[u8] = include_bytes!("unicode/data/numerics.bin");

/// Bytes per property record: category, bidirectional class, combining class, width, decimal value, digit value (one
/// byte each), flags, number of the case entry, number of the numeric value, quick checks (two bytes each), padding.
const RECORD: usize = 16;

const CATEGORIES: [&str; 30] = [
    "Cn", "Lu", "Ll", "Lt", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co",
    "Lm", "Lo", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So",
];
const BIDIRECTIONAL: [&str; 24] = [
    "", "L", "LRE", "LRO", "R", "AL", "RLE", "RLO", "PDF", "EN", "ES", "ET", "AN", "CS", "NSM", "BN", "B",
    "S", "WS", "ON", "LRI", "RLI", "FSI", "PDI",
];
const WIDTHS: [&str; 6] = ["F", "H", "W", "Na", "A", "N"];
const TITLECASE_LETTER: u8 = 3;

/// The flags of a record, one bit each.
mod flag {
    pub(super) const ALPHA: u16 = 1;
    pub(super) const DECIMAL: u16 = 1 << 1;
    pub(super) const DIGIT: u16 = 1 << 2;
    pub(super) const NUMERIC: u16 = 1 << 3;
    pub(super) const LOWER: u16 = 1 << 4;
    pub(super) const UPPER: u16 = 1 << 5;
    pub(super) const SPACE: u16 = 1 << 6;
    pub(super) const PRINTABLE: u16 = 1 << 7;
    pub(super) const XID_START: u16 = 1 << 8;
    pub(super) const XID_CONTINUE: u16 = 1 << 9;
    pub(super) const CASED: u16 = 1 << 10;
    pub(super) const CASE_IGNORABLE: u16 = 1 << 11;
    pub(super) const MIRRORED: u16 = 1 << 12;
    /// Some case mapping has more than one code point.
    pub(super) const SPECIAL_CASE: u16 = 1 << 13;
}

/// All properties of one code point.
#[derive(Clone, Copy)]
pub struct Properties {
    record: [u8; RECORD],
}

/// The number stored for a code point in a two-stage table of `u16`: `blocks` entries of the first stage come first.
fn two_stage(table: &[u8], shift: u32, code: u32) -> usize {
    let block = usize::from(u16_at(table, (code >> shift) as usize));
    let first = (0x11_0000 >> shift) as usize;
    let within = (code & ((1 << shift) - 1)) as usize;
    usize::from(u16_at(table, first + (block << shift) + within))
}

#[inline]
fn u16_at(table: &[u8], index: usize) -> u16 {
    table.get(index * 2..).and_then(|rest| rest.first_chunk()).map_or(0, |&bytes| u16::from_le_bytes(bytes))
}

#[inline]
fn u32_at(table: &[u8], index: usize) -> u32 {
    table.get(index * 4..).and_then(|rest| rest.first_chunk()).map_or(0, |&bytes| u32::from_le_bytes(bytes))
}

impl Properties {
    /// Looks a code point up.
    #[inline]
    pub fn of(c: CodePoint) -> Self {
        let number = two_stage(PROPERTIES, generated::SHIFT, c.to_u32());
        let record = RECORDS.get(number * RECORD..).and_then(|rest| rest.first_chunk());
        Self { record: record.copied().unwrap_or([0; RECORD]) }
    }

    #[inline]
    fn flags(&self) -> u16 {
        u16_at(&self.record, 3)
    }

    #[inline]
    fn has(&self, flags: u16) -> bool {
        self.flags() & flags != 0
    }

    #[inline]
    fn case_entry(&self) -> usize {
        usize::from(u16_at(&self.record, 4))
    }

    /// Two bits for each of NFD, NFKD, NFC, NFKC: 0 yes, 1 maybe, 2 no.
    #[inline]
    fn quick_checks(&self) -> u16 {
        u16_at(&self.record, 6)
    }

    /// The general category, such as `"Lu"`.
    pub fn category(&self) -> &'static str {
        CATEGORIES[usize::from(self.record[0]).min(CATEGORIES.len() - 1)]
    }

    /// The bidirectional class, or `""`.
    pub fn bidirectional(&self) -> &'static str {
        BIDIRECTIONAL[usize::from(self.record[1]).min(BIDIRECTIONAL.len() - 1)]
    }

    /// The canonical combining class.
    #[inline]
    pub fn combining(&self) -> u8 {
        self.record[2]
    }

    /// The East Asian width, such as `"W"`.
    pub fn east_asian_width(&self) -> &'static str {
        WIDTHS[usize::from(self.record[3]).min(WIDTHS.len() - 1)]
    }

    pub fn mirrored(&self) -> bool {
        self.has(flag::MIRRORED)
    }

    /// The value as a decimal digit (what `int()` accepts).
    pub fn decimal(&self) -> Option<u8> {
        Some(self.record[4]).filter(|&value| value != 255)
    }

    /// The value as a digit (superscripts too).
    pub fn digit(&self) -> Option<u8> {
        Some(self.record[5]).filter(|&value| value != 255)
    }

    /// The numeric value (fractions and letters that mean numbers too).
    pub fn numeric(&self) -> Option<f64> {
        let number = usize::from(u16_at(&self.record, 5));
        if number == 0 {
            return None;
        }
        NUMERICS.get(number * 8..)?.first_chunk().map(|&bytes| f64::from_le_bytes(bytes))
    }

    pub fn is_alpha(&self) -> bool {
        self.has(flag::ALPHA)
    }

    pub fn is_alnum(&self) -> bool {
        self.has(flag::ALPHA | flag::DECIMAL | flag::DIGIT | flag::NUMERIC)
    }

    pub fn is_decimal(&self) -> bool {
        self.has(flag::DECIMAL)
    }

    pub fn is_digit(&self) -> bool {
        self.has(flag::DIGIT)
    }

    pub fn is_numeric(&self) -> bool {
        self.has(flag::NUMERIC)
    }

    pub fn is_lower(&self) -> bool {
        self.has(flag::LOWER)
    }

    pub fn is_upper(&self) -> bool {
        self.has(flag::UPPER)
    }

    /// Whether the category is Lt.
    pub fn is_title(&self) -> bool {
        self.record[0] == TITLECASE_LETTER
    }

    pub fn is_space(&self) -> bool {
        self.has(flag::SPACE)
    }

    pub fn is_printable(&self) -> bool {
        self.has(flag::PRINTABLE)
    }

    /// Whether an identifier may begin with it (`_` included).
    pub fn is_identifier_start(&self) -> bool {
        self.has(flag::XID_START)
    }

    /// Whether an identifier may continue with it.
    pub fn is_identifier_continue(&self) -> bool {
        self.has(flag::XID_CONTINUE)
    }
}

/// Whether `repr` shows a code point as it is. ASCII never reaches the table.
#[inline]
pub fn is_printable(c: CodePoint) -> bool {
    match c.to_u32() {
        0x20..0x7F => true,
        0..0x80 => false,
        _ => Properties::of(c).is_printable(),
    }
}

/// Whether an identifier may begin with this code point.
#[inline]
pub fn is_identifier_start(c: CodePoint) -> bool {
    match c.to_char() {
        Some(c) if c.is_ascii() => c.is_ascii_alphabetic() || c == '_',
        _ => Properties::of(c).is_identifier_start(),
    }
}

/// Whether an identifier may continue with this code point.
#[inline]
pub fn is_identifier_continue(c: CodePoint) -> bool {
    match c.to_char() {
        Some(c) if c.is_ascii() => c.is_ascii_alphanumeric() || c == '_',
        _ => Properties::of(c).is_identifier_continue(),
    }
}

/// `str.isidentifier`.
pub fn is_identifier(text: &Wtf8) -> bool {
    let mut points = text.code_points();
    points.next().is_some_and(is_identifier_start) && points.all(is_identifier_continue)
}

/// The value of a decimal digit of any script.
#[inline]
pub fn decimal_value(c: CodePoint) -> Option<u8> {
    match c.to_u32() {
        digit @ 0x30..0x3A => Some((digit - 0x30) as u8),
        0..0x80 => None,
        _ => Properties::of(c).decimal(),
    }
}

/// Replaces decimal digits of all scripts by ASCII ones and white space by spaces, as `int`, `float` and `complex` do
/// before they parse; other code points above ASCII become `?`, which no number contains.
pub fn to_ascii_number(text: &Wtf8) -> std::borrow::Cow<'_, [u8]> {
    if text.is_ascii() {
        return std::borrow::Cow::Borrowed(text.as_bytes());
    }
    let convert = |c: CodePoint| match c.to_u32() {
        ascii @ 0..0x80 => ascii as u8,
        _ if crate::search::is_space(c) => b' ',
        _ => decimal_value(c).map_or(b'?', |value| b'0' + value),
    };
    std::borrow::Cow::Owned(text.code_points().map(convert).collect())
}

#[cfg(test)]
mod checks;
#[cfg(test)]
mod tests;
