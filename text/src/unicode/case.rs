//! Changes of case, and the `str.is…` predicates of whole texts.
//!
//! Most code points map to one other: the property record names an entry of four differences (lower, upper, title,
//! fold). The hundred that map to several are in a sorted list of their own. The only mapping that looks around
//! is that of the capital sigma, which is `ς` at the end of a word.

use super::{Properties, flag, is_printable, u32_at};
use crate::search::is_space;
use crate::wtf8::{CodePoint, Wtf8, Wtf8Buf};

static CASES: &[u8] = include_bytes!("data/cases.bin");
/// Entries of 13 `u32`: the code point, then three for each mapping, padded with 0.
static SPECIALS: &[u8] = include_bytes!("data/specials.bin");
const SPECIAL_WORDS: usize = 13;

const CAPITAL_SIGMA: u32 = 0x3A3;
const SIGMA: u32 = 0x3C3;
const FINAL_SIGMA: u32 = 0x3C2;

/// Which mapping; the number is the column in both tables.
#[derive(Clone, Copy)]
enum Mapping {
    Lower = 0,
    Upper = 1,
    Title = 2,
    Fold = 3,
}

fn from_number(code: u32) -> CodePoint {
    CodePoint::from_u32(code).unwrap_or(CodePoint::REPLACEMENT)
}

/// The mapping to a single code point.
fn map_simple(c: CodePoint, properties: &Properties, mapping: Mapping) -> CodePoint {
    let delta = u32_at(CASES, properties.case_entry() * 4 + mapping as usize);
    from_number(c.to_u32().wrapping_add(delta))
}

/// The entry for a code point in the list of special mappings.
fn special(c: CodePoint, mapping: Mapping) -> Option<[u32; 3]> {
    let (mut low, mut high) = (0, SPECIALS.len() / (4 * SPECIAL_WORDS));
    while low < high {
        let middle = low.midpoint(high);
        let found = u32_at(SPECIALS, middle * SPECIAL_WORDS);
        if found == c.to_u32() {
            let first = middle * SPECIAL_WORDS + 1 + 3 * mapping as usize;
            return Some([u32_at(SPECIALS, first), u32_at(SPECIALS, first + 1), u32_at(SPECIALS, first + 2)]);
        }
        if found < c.to_u32() {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    None
}

fn map_full(c: CodePoint, mapping: Mapping, out: &mut Wtf8Buf) {
    let properties = Properties::of(c);
    if properties.has(flag::SPECIAL_CASE)
        && let Some(sequence) = special(c, mapping)
    {
        return out.extend(sequence.into_iter().filter(|&code| code != 0).map(from_number));
    }
    out.push(map_simple(c, &properties, mapping));
}

/// The simple lower-case mapping of one code point.
pub fn to_lower(c: CodePoint) -> CodePoint {
    map_simple(c, &Properties::of(c), Mapping::Lower)
}

/// The simple upper-case mapping of one code point; those with a longer mapping map to themselves.
pub fn to_upper(c: CodePoint) -> CodePoint {
    map_simple(c, &Properties::of(c), Mapping::Upper)
}

/// Lower case of the code point at a byte offset of a text; the text decides about a sigma.
fn lower_at(text: &Wtf8, offset: usize, c: CodePoint, out: &mut Wtf8Buf) {
    match c.to_u32() {
        ascii @ 0..0x80 => out.push_ascii((ascii as u8).to_ascii_lowercase()),
        CAPITAL_SIGMA => {
            out.push(from_number(if is_final_sigma(text, offset) { FINAL_SIGMA } else { SIGMA }))
        }
        _ => map_full(c, Mapping::Lower, out),
    }
}

/// Whether a sigma at this offset ends a word: a cased letter before it and none after, case-ignorable ones aside.
fn is_final_sigma(text: &Wtf8, offset: usize) -> bool {
    let decisive = |c: &CodePoint| !Properties::of(*c).has(flag::CASE_IGNORABLE);
    let is_cased = |c: CodePoint| Properties::of(c).has(flag::CASED);
    let before = text.slice_to(offset).code_points().rev().find(decisive);
    let after = text.slice_from(offset).code_points().skip(1).find(decisive);
    before.is_some_and(is_cased) && !after.is_some_and(is_cased)
}

/// ASCII text changed byte by byte.
fn map_ascii(text: &Wtf8, change: impl FnMut(&u8) -> u8) -> Wtf8Buf {
    let changed: Vec<u8> = text.as_bytes().iter().map(change).collect();
    String::from_utf8(changed).unwrap_or_default().into()
}

/// Wide text changed code point by code point.
fn map_each(text: &Wtf8, mut change: impl FnMut(usize, CodePoint, &mut Wtf8Buf)) -> Wtf8Buf {
    let mut out = Wtf8Buf::with_capacity(text.len());
    for (offset, c) in text.code_point_indices() {
        change(offset, c, &mut out);
    }
    out
}

/// `str.lower`.
pub fn lower(text: &Wtf8) -> Wtf8Buf {
    if text.is_ascii() {
        return map_ascii(text, u8::to_ascii_lowercase);
    }
    map_each(text, |offset, c, out| lower_at(text, offset, c, out))
}

/// `str.upper`.
pub fn upper(text: &Wtf8) -> Wtf8Buf {
    if text.is_ascii() {
        return map_ascii(text, u8::to_ascii_uppercase);
    }
    map_each(text, |_, c, out| map_full(c, Mapping::Upper, out))
}

/// `str.casefold`.
pub fn casefold(text: &Wtf8) -> Wtf8Buf {
    if text.is_ascii() {
        return map_ascii(text, u8::to_ascii_lowercase);
    }
    map_each(text, |_, c, out| map_full(c, Mapping::Fold, out))
}

/// `str.swapcase`.
pub fn swap_case(text: &Wtf8) -> Wtf8Buf {
    if text.is_ascii() {
        return map_ascii(text, |b| if b.is_ascii_alphabetic() { b ^ 0x20 } else { *b });
    }
    map_each(text, |offset, c, out| {
        let properties = Properties::of(c);
        if properties.is_upper() {
            lower_at(text, offset, c, out);
        } else if properties.is_lower() {
            map_full(c, Mapping::Upper, out);
        } else {
            out.push(c);
        }
    })
}

/// `str.capitalize`.
pub fn capitalize(text: &Wtf8) -> Wtf8Buf {
    map_each(text, |offset, c, out| match offset {
        0 => map_full(c, Mapping::Title, out),
        _ => lower_at(text, offset, c, out),
    })
}

/// `str.title`.
pub fn title(text: &Wtf8) -> Wtf8Buf {
    let mut after_cased = false;
    map_each(text, |offset, c, out| {
        if after_cased {
            lower_at(text, offset, c, out);
        } else {
            map_full(c, Mapping::Title, out);
        }
        after_cased = Properties::of(c).has(flag::CASED);
    })
}

fn all(text: &Wtf8, test: impl Fn(&Properties) -> bool) -> bool {
    !text.is_empty() && text.code_points().all(|c| test(&Properties::of(c)))
}

/// `str.isalpha`.
pub fn is_alpha(text: &Wtf8) -> bool {
    all(text, Properties::is_alpha)
}

/// `str.isalnum`.
pub fn is_alnum(text: &Wtf8) -> bool {
    all(text, Properties::is_alnum)
}

/// `str.isdecimal`.
pub fn is_decimal(text: &Wtf8) -> bool {
    all(text, Properties::is_decimal)
}

/// `str.isdigit`.
pub fn is_digit(text: &Wtf8) -> bool {
    all(text, Properties::is_digit)
}

/// `str.isnumeric`.
pub fn is_numeric(text: &Wtf8) -> bool {
    all(text, Properties::is_numeric)
}

/// `str.isspace`.
pub fn is_space_text(text: &Wtf8) -> bool {
    !text.is_empty() && text.code_points().all(is_space)
}

/// `str.isprintable`: true for the empty text.
pub fn is_printable_text(text: &Wtf8) -> bool {
    text.code_points().all(is_printable)
}

/// `str.islower`: some lower-case letter, and none of upper or title case.
pub fn is_lower(text: &Wtf8) -> bool {
    let mut some = false;
    for c in text.code_points() {
        let properties = Properties::of(c);
        if properties.is_upper() || properties.is_title() {
            return false;
        }
        some |= properties.is_lower();
    }
    some
}

/// `str.isupper`: some upper-case letter, and none of lower or title case.
pub fn is_upper(text: &Wtf8) -> bool {
    let mut some = false;
    for c in text.code_points() {
        let properties = Properties::of(c);
        if properties.is_lower() || properties.is_title() {
            return false;
        }
        some |= properties.is_upper();
    }
    some
}

/// `str.istitle`: upper and title case only after what is not cased, lower case only after what is.
pub fn is_title(text: &Wtf8) -> bool {
    let mut some = false;
    let mut after_cased = false;
    for c in text.code_points() {
        let properties = Properties::of(c);
        let capital = properties.is_upper() || properties.is_title();
        if (capital && after_cased) || (properties.is_lower() && !after_cased) {
            return false;
        }
        after_cased = capital || properties.is_lower();
        some |= after_cased;
    }
    some
}
