//! The names of code points, in both directions, with aliases and named sequences.
//!
//! 35,000 names are made of 14,000 words. A name is stored as a count of bytes and the numbers of its words; the most
//! frequent words have numbers of one byte, the others of two. The offset of every 16th name (and word) is kept,
//! and the ones between are found by skipping. Code points with names of their own form runs; after
//! them come the aliases and sequences. To find a name, a list of all entries in the order of their names is searched
//! by halves. Hangul syllables and ideographs have names that are computed.

use super::generated::{ESCAPE, FOUND_ONLY, NUMBERED, PLAIN_NAMES, WORDS};
use super::{u16_at, u32_at};
use crate::wtf8::CodePoint;
use std::cmp::Ordering;
use std::iter::repeat_n;

static NAMES: &[u8] = include_bytes!("data/names.bin");
static NAME_STARTS: &[u8] = include_bytes!("data/name_starts.bin");
/// The offsets of every 16th word (u32), then the lengths of all words (u8), then their letters.
static WORD_DATA: &[u8] = include_bytes!("data/words.bin");
/// Pairs of u32: a code point, and the entry of its name; the following code points have the following entries.
static RUNS: &[u8] = include_bytes!("data/name_runs.bin");
/// Four u32 for every alias and sequence, padded with 0xFFFF_FFFF.
static EXTRA: &[u8] = include_bytes!("data/extra_names.bin");
static ORDER: &[u8] = include_bytes!("data/name_order.bin");

const GROUP: usize = 16;
const LENGTHS: usize = WORDS.div_ceil(GROUP) * 4;
const LETTERS: usize = LENGTHS + WORDS;

const SYLLABLE: &str = "HANGUL SYLLABLE ";
const LEADING: [&str; 19] =
    ["G", "GG", "N", "D", "DD", "R", "M", "B", "BB", "S", "SS", "", "J", "JJ", "C", "K", "T", "P", "H"];
const VOWELS: [&str; 21] = [
    "A", "AE", "YA", "YAE", "EO", "E", "YEO", "YE", "O", "WA", "WAE", "OE", "YO", "U", "WEO", "WE", "WI",
    "YU", "EU", "YI", "I",
];
const TRAILING: [&str; 28] = [
    "", "G", "GG", "GS", "N", "NJ", "NH", "D", "L", "LG", "LM", "LB", "LS", "LT", "LP", "LH", "M", "B", "BS",
    "S", "SS", "NG", "J", "C", "K", "T", "P", "H",
];
const FIRST_SYLLABLE: u32 = 0xAC00;

fn word(number: usize) -> &'static [u8] {
    let lengths = WORD_DATA.get(LENGTHS..LETTERS).unwrap_or_default();
    let group = number / GROUP;
    let before = lengths.get(group * GROUP..number).unwrap_or_default();
    let start = u32_at(WORD_DATA, group) as usize + before.iter().map(|&n| usize::from(n)).sum::<usize>();
    let length = lengths.get(number).map_or(0, |&n| usize::from(n));
    WORD_DATA.get(LETTERS + start..LETTERS + start + length).unwrap_or_default()
}

/// The words of a stored name.
fn words(entry: usize) -> impl Iterator<Item = &'static [u8]> {
    let mut rest = NAMES.get(u32_at(NAME_STARTS, entry / GROUP) as usize..).unwrap_or_default();
    for _ in 0..entry % GROUP {
        let skipped = rest.first().map_or(0, |&n| usize::from(n) + 1);
        rest = rest.get(skipped..).unwrap_or_default();
    }
    let length = rest.first().map_or(0, |&n| usize::from(n));
    let mut numbers = rest.get(1..=length).unwrap_or_default().iter().map(|&b| usize::from(b));
    std::iter::from_fn(move || {
        let first = numbers.next()?;
        let number = if first < ESCAPE { first } else { ESCAPE + (first - ESCAPE) * 256 + numbers.next()? };
        Some(word(number))
    })
}

/// The letters of a stored name.
fn letters(entry: usize) -> impl Iterator<Item = u8> {
    let spaced = words(entry).enumerate();
    spaced.flat_map(|(at, word)| repeat_n(b' ', usize::from(at > 0)).chain(word.iter().copied()))
}

/// The entry with a code point's own name.
fn entry_of(code: u32) -> Option<usize> {
    let (mut low, mut high) = (0, RUNS.len() / 8);
    while low < high {
        let middle = low.midpoint(high);
        if u32_at(RUNS, middle * 2) <= code {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let run = low.checked_sub(1)?;
    let entry = |run: usize| u32_at(RUNS, run * 2 + 1) as usize;
    let found = entry(run) + (code - u32_at(RUNS, run * 2)) as usize;
    let end = if (run + 1) * 8 < RUNS.len() { entry(run + 1) } else { PLAIN_NAMES };
    (found < end).then_some(found)
}

/// The code point of an entry that is no alias.
fn code_of(entry: usize) -> u32 {
    let (mut low, mut high) = (0, RUNS.len() / 8);
    while low < high {
        let middle = low.midpoint(high);
        if u32_at(RUNS, middle * 2 + 1) as usize <= entry {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let run = low.saturating_sub(1);
    u32_at(RUNS, run * 2) + (entry as u32).saturating_sub(u32_at(RUNS, run * 2 + 1))
}

/// `unicodedata.name`.
pub fn name(c: CodePoint) -> Option<String> {
    let code = c.to_u32();
    if let Some(entry) = entry_of(code) {
        return String::from_utf8(letters(entry).collect()).ok();
    }
    if let Some((prefix, ..)) = NUMBERED.iter().find(|(_, start, end)| (*start..*end).contains(&code)) {
        return Some(format!("{prefix}{code:X}"));
    }
    let index = code.checked_sub(FIRST_SYLLABLE)? as usize;
    let leading = LEADING.get(index / (21 * 28))?;
    Some(format!("{SYLLABLE}{leading}{}{}", VOWELS[index / 28 % 21], TRAILING[index % 28]))
}

/// Finds a syllable by its parts, taking the longest that fits each time.
fn find_syllable(parts: &str) -> Option<u32> {
    let (leading, rest) = longest(&LEADING, parts)?;
    let (vowel, rest) = longest(&VOWELS, rest)?;
    let (trailing, rest) = longest(&TRAILING, rest)?;
    rest.is_empty().then(|| FIRST_SYLLABLE + (leading * 21 + vowel) * 28 + trailing)
}

fn longest<'a>(list: &[&str], text: &'a str) -> Option<(u32, &'a str)> {
    let fitting = list.iter().enumerate().filter(|(_, part)| text.starts_with(**part));
    let (at, part) = fitting.max_by_key(|(_, part)| part.len())?;
    Some((at as u32, text.get(part.len()..)?))
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// One code point, by its name or an alias.
    CodePoint(CodePoint),
    /// A named sequence of up to four code points.
    Sequence([Option<CodePoint>; 4]),
}

/// Finds what a name, alias or named sequence stands for; the case of letters does not matter. `\N{...}` takes code
/// points only, `unicodedata.lookup` sequences too.
pub fn lookup(name: &str) -> Option<Found> {
    if name.len() > 256 {
        return None;
    }
    let name = name.to_ascii_uppercase();
    let computed = match name.strip_prefix(SYLLABLE) {
        Some(parts) => find_syllable(parts),
        None => find_numbered(&name),
    };
    if let Some(code) = computed {
        return CodePoint::from_u32(code).map(Found::CodePoint);
    }
    let (mut low, mut high) = (0, ORDER.len() / 2);
    while low < high {
        let middle = low.midpoint(high);
        let entry = usize::from(u16_at(ORDER, middle));
        match letters(entry).cmp(name.bytes()) {
            Ordering::Equal => return Some(found(entry)),
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
        }
    }
    None
}

/// As [`lookup`], without the named sequences: what `\N{...}` means in a literal.
pub fn lookup_code_point(name: &str) -> Option<CodePoint> {
    match lookup(name)? {
        Found::CodePoint(c) => Some(c),
        Found::Sequence(_) => None,
    }
}

fn found(entry: usize) -> Found {
    let Some(extra) = entry.checked_sub(PLAIN_NAMES) else {
        return Found::CodePoint(CodePoint::from_u32(code_of(entry)).unwrap_or_default());
    };
    let unit = |at: usize| CodePoint::from_u32(u32_at(EXTRA, extra * 4 + at));
    match (unit(0), unit(1)) {
        (Some(alone), None) => Found::CodePoint(alone),
        (first, second) => Found::Sequence([first, second, unit(2), unit(3)]),
    }
}

/// Names that end with the number of their code point, in four or five digits without leading zeros.
fn find_numbered(name: &str) -> Option<u32> {
    for (prefix, start, end) in NUMBERED.iter().chain(&FOUND_ONLY) {
        if let Some(digits) = name.strip_prefix(prefix)
            && digits.bytes().all(|b| b.is_ascii_hexdigit())
            && !digits.starts_with('0')
            && let Ok(code) = u32::from_str_radix(digits, 16)
            && (*start..*end).contains(&code)
        {
            return Some(code);
        }
    }
    None
}
