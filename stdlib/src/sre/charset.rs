//! Sets of characters, categories and case, as the compiled code of `re` has them.

use orochi_text::unicode::case::{to_lower, to_upper, upper};
use orochi_text::unicode::{Properties, decimal_value};
use orochi_text::wtf8::{CodePoint, Wtf8Buf};

/// How letters are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Exact,
    /// Lower case by ASCII.
    Ascii,
    /// By the locale, which is C's: ASCII too, but both cases of a letter are tried.
    Locale,
    /// Lower case by Unicode.
    Unicode,
}

pub(super) fn ascii_lower(c: u32) -> u32 {
    if (65..=90).contains(&c) { c + 32 } else { c }
}

fn ascii_upper(c: u32) -> u32 {
    if (97..=122).contains(&c) { c - 32 } else { c }
}

pub(super) fn unicode_lower(c: u32) -> u32 {
    if c < 128 {
        return ascii_lower(c);
    }
    CodePoint::from_u32(c).map_or(c, |c| to_lower(c).to_u32())
}

/// Upper case; of a mapping to several characters the first, as CPython has it.
pub(super) fn unicode_upper(c: u32) -> u32 {
    if c < 128 {
        return ascii_upper(c);
    }
    let Some(point) = CodePoint::from_u32(c) else { return c };
    let simple = to_upper(point).to_u32();
    if simple != c {
        return simple;
    }
    let mut text = Wtf8Buf::default();
    text.push(point);
    upper(text.as_wtf8()).as_wtf8().code_points().next().map_or(c, CodePoint::to_u32)
}

impl Case {
    /// Whether a character of the text is the literal `code`.
    #[inline(always)]
    pub(super) fn same(self, code: u32, c: u32) -> bool {
        match self {
            Case::Exact => code == c,
            Case::Ascii => code == ascii_lower(c),
            Case::Locale => code == c || code == ascii_lower(c) || code == ascii_upper(c),
            Case::Unicode => code == unicode_lower(c),
        }
    }

    /// Whether two characters of the text are the same.
    pub(super) fn same_text(self, a: u32, b: u32) -> bool {
        match self {
            Case::Exact => a == b,
            Case::Ascii | Case::Locale => ascii_lower(a) == ascii_lower(b),
            Case::Unicode => unicode_lower(a) == unicode_lower(b),
        }
    }
}

/// `CATEGORY_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Category {
    kind: Kind,
    negated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Digit,
    Space,
    Word,
    LineBreak,
    UnicodeDigit,
    UnicodeSpace,
    UnicodeWord,
    UnicodeLineBreak,
}

fn properties(c: u32) -> Option<Properties> {
    CodePoint::from_u32(c).map(Properties::of)
}

/// A character of `\w` in ASCII.
pub(super) fn ascii_word(c: u32) -> bool {
    u8::try_from(c).is_ok_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A character of `\w` in Unicode.
pub(super) fn unicode_word(c: u32) -> bool {
    if c < 128 { ascii_word(c) } else { properties(c).is_some_and(|found| found.is_alnum()) }
}

impl Category {
    /// The category with this number.
    pub(super) fn from_code(code: u32) -> Option<Category> {
        let kind = match code / 2 {
            0 => Kind::Digit,
            1 => Kind::Space,
            2 | 4 => Kind::Word,
            3 => Kind::LineBreak,
            5 => Kind::UnicodeDigit,
            6 => Kind::UnicodeSpace,
            7 => Kind::UnicodeWord,
            8 => Kind::UnicodeLineBreak,
            _ => return None,
        };
        Some(Category { kind, negated: code & 1 == 1 })
    }

    /// Whether a character belongs to it.
    pub(super) fn contains(self, c: u32) -> bool {
        let ascii = |test: fn(&u8) -> bool| u8::try_from(c).is_ok_and(|byte| test(&byte));
        let found = match self.kind {
            Kind::Digit => ascii(u8::is_ascii_digit),
            Kind::Space => matches!(c, 9..=13 | 32),
            Kind::Word => ascii_word(c),
            Kind::LineBreak => c == 10,
            Kind::UnicodeDigit if c < 128 => ascii(u8::is_ascii_digit),
            Kind::UnicodeDigit => CodePoint::from_u32(c).is_some_and(|c| decimal_value(c).is_some()),
            Kind::UnicodeSpace if c < 128 => matches!(c, 9..=13 | 28..=32),
            Kind::UnicodeSpace => properties(c).is_some_and(|found| found.is_space()),
            Kind::UnicodeWord => unicode_word(c),
            Kind::UnicodeLineBreak => matches!(c, 10..=13 | 0x1C..=0x1E | 0x85 | 0x2028 | 0x2029),
        };
        found != self.negated
    }
}

#[derive(Debug)]
enum Item {
    Negate,
    Literal(u32),
    Range(u32, u32),
    /// Compared in upper case too.
    RangeIgnoreCase(u32, u32),
    Category(Category),
    /// A bit for each of the first 256 characters.
    Bits([u32; 8]),
    /// For the first 65536 characters: which block each 256 have, and the blocks' bits.
    Blocks(Box<[u8; 256]>, Vec<u32>),
}

/// A set of characters. Membership of the first 256 is computed once.
#[derive(Debug)]
pub(super) struct CharSet {
    latin1: [u64; 4],
    items: Vec<Item>,
}

const FAILURE: u32 = 0;
const CATEGORY: u32 = 8;
const CHARSET: u32 = 9;
const BIGCHARSET: u32 = 10;
const LITERAL: u32 = 16;
const NEGATE: u32 = 21;
const RANGE: u32 = 22;
const RANGE_UNI_IGNORE: u32 = 42;

impl CharSet {
    /// The set that the code describes, up to its FAILURE, and how many words that took. `None` if it is malformed.
    pub(super) fn parse(code: &[u32]) -> Option<(CharSet, usize)> {
        let mut items = Vec::new();
        let mut at = 0;
        loop {
            let word = |n: usize| code.get(at + n).copied();
            let used = match word(0)? {
                FAILURE => break,
                NEGATE => {
                    items.push(Item::Negate);
                    1
                }
                LITERAL => {
                    items.push(Item::Literal(word(1)?));
                    2
                }
                RANGE => {
                    items.push(Item::Range(word(1)?, word(2)?));
                    3
                }
                RANGE_UNI_IGNORE => {
                    items.push(Item::RangeIgnoreCase(word(1)?, word(2)?));
                    3
                }
                CATEGORY => {
                    items.push(Item::Category(Category::from_code(word(1)?)?));
                    2
                }
                CHARSET => {
                    let bits = code.get(at + 1..at + 9)?;
                    items.push(Item::Bits(bits.try_into().ok()?));
                    9
                }
                BIGCHARSET => {
                    let count = usize::try_from(word(1)?).ok().filter(|count| *count <= 256)?;
                    let map: Vec<u8> =
                        code.get(at + 2..at + 66)?.iter().flat_map(|word| word.to_ne_bytes()).collect();
                    let map: [u8; 256] = map.try_into().ok()?;
                    if map.iter().any(|&block| usize::from(block) >= count) {
                        return None;
                    }
                    let blocks = code.get(at + 66..at + 66 + count * 8)?.to_vec();
                    items.push(Item::Blocks(Box::new(map), blocks));
                    66 + count * 8
                }
                _ => return None,
            };
            at += used;
        }
        let mut set = CharSet { latin1: [0; 4], items };
        for c in 0..256_u32 {
            if set.search(c)
                && let Some(word) = set.latin1.get_mut((c / 64) as usize)
            {
                *word |= 1 << (c % 64);
            }
        }
        Some((set, at + 1))
    }

    /// Whether a character is in the set.
    #[inline(always)]
    pub(super) fn contains(&self, c: u32) -> bool {
        match self.latin1.get((c / 64) as usize) {
            Some(word) => (word >> (c % 64)) & 1 == 1,
            None => self.search(c),
        }
    }

    /// Whether a character of the text is in the set, without regard to case.
    pub(super) fn contains_ignoring(&self, case: Case, c: u32) -> bool {
        match case {
            Case::Exact => self.contains(c),
            Case::Ascii => self.contains(ascii_lower(c)),
            Case::Unicode => self.contains(unicode_lower(c)),
            // What is left out is left out in both cases.
            Case::Locale if matches!(self.items.first(), Some(Item::Negate)) => {
                self.contains(ascii_lower(c)) && self.contains(ascii_upper(c))
            }
            Case::Locale => self.contains(ascii_lower(c)) || self.contains(ascii_upper(c)),
        }
    }

    fn search(&self, c: u32) -> bool {
        let bit = |words: &[u32], c: u32| {
            words.get((c / 32) as usize).is_some_and(|word| (word >> (c % 32)) & 1 == 1)
        };
        let mut found = true;
        for item in &self.items {
            let hit = match item {
                Item::Negate => {
                    found = !found;
                    false
                }
                Item::Literal(literal) => *literal == c,
                Item::Range(low, high) => (*low..=*high).contains(&c),
                Item::RangeIgnoreCase(low, high) => {
                    (*low..=*high).contains(&c) || (*low..=*high).contains(&unicode_upper(c))
                }
                Item::Category(category) => category.contains(c),
                Item::Bits(bits) => c < 256 && bit(bits, c),
                Item::Blocks(map, blocks) => {
                    let block = map.get((c >> 8) as usize);
                    block.is_some_and(|&block| bit(blocks, u32::from(block) * 256 + (c & 255)))
                }
            };
            if hit {
                return found;
            }
        }
        !found
    }
}
