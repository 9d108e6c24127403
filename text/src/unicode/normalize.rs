//! The normal forms NFC, NFD, NFKC and NFKD (Unicode Standard Annex 15), and decompositions.
//!
//! A text that the quick check accepts is returned as it is. Otherwise it is decomposed in full, its combining
//! marks are put into canonical order, and for the composed forms pairs are joined again. Hangul syllables are
//! computed, not looked up.

use super::{Properties, u16_at, u32_at};
use crate::wtf8::{CodePoint, Wtf8, Wtf8Buf};

/// Entries of 8 bytes, sorted by code point: code point with its tag in the upper byte, first unit, count of units.
static DECOMPOSITIONS: &[u8] = include_bytes!("data/decompositions.bin");
static UNITS: &[u8] = include_bytes!("data/decomposition_units.bin");
/// Three `u32` per entry, sorted: first, second, and what they compose to.
static COMPOSITIONS: &[u8] = include_bytes!("data/compositions.bin");

const TAGS: [&str; 17] = [
    "",
    "<noBreak>",
    "<compat>",
    "<super>",
    "<fraction>",
    "<font>",
    "<sub>",
    "<circle>",
    "<wide>",
    "<vertical>",
    "<square>",
    "<isolated>",
    "<final>",
    "<initial>",
    "<medial>",
    "<small>",
    "<narrow>",
];

const S_BASE: u32 = 0xAC00;
const L_BASE: u32 = 0x1100;
const V_BASE: u32 = 0x1161;
const T_BASE: u32 = 0x11A7;
const L_COUNT: u32 = 19;
const V_COUNT: u32 = 21;
const T_COUNT: u32 = 28;
const S_COUNT: u32 = L_COUNT * V_COUNT * T_COUNT;

/// A normal form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Nfd = 0,
    Nfkd = 1,
    Nfc = 2,
    Nfkc = 3,
}

impl Form {
    /// The form that `unicodedata.normalize` calls so.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "NFD" => Some(Self::Nfd),
            "NFKD" => Some(Self::Nfkd),
            "NFC" => Some(Self::Nfc),
            "NFKC" => Some(Self::Nfkc),
            _ => None,
        }
    }

    fn is_compatible(self) -> bool {
        matches!(self, Self::Nfkd | Self::Nfkc)
    }

    fn composes(self) -> bool {
        matches!(self, Self::Nfc | Self::Nfkc)
    }
}

/// One entry of the decomposition table.
struct Decomposition {
    tag: usize,
    first: usize,
    count: usize,
}

impl Decomposition {
    fn of(code: u32) -> Option<Self> {
        let (mut low, mut high) = (0, DECOMPOSITIONS.len() / 8);
        while low < high {
            let middle = low.midpoint(high);
            let head = u32_at(DECOMPOSITIONS, middle * 2);
            let found = head & 0xFF_FFFF;
            if found == code {
                let (first, count) =
                    (u16_at(DECOMPOSITIONS, middle * 4 + 2), u16_at(DECOMPOSITIONS, middle * 4 + 3));
                return Some(Self { tag: (head >> 24) as usize, first: first.into(), count: count.into() });
            }
            if found < code {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        None
    }

    fn units(&self) -> impl DoubleEndedIterator<Item = u32> + use<> {
        (self.first..self.first + self.count).map(|at| u32_at(UNITS, at))
    }
}

/// The parts of a Hangul syllable: leading consonant, vowel, and trailing consonant if it has one.
fn hangul_parts(code: u32) -> Option<(u32, u32, Option<u32>)> {
    let index = code.checked_sub(S_BASE).filter(|&index| index < S_COUNT)?;
    let trailing = index % T_COUNT;
    let leading = L_BASE + index / (V_COUNT * T_COUNT);
    let vowel = V_BASE + index % (V_COUNT * T_COUNT) / T_COUNT;
    Some((leading, vowel, (trailing > 0).then_some(T_BASE + trailing)))
}

/// `unicodedata.decomposition`: one step, as the Unicode database writes it; empty if there is none.
pub fn decomposition(c: CodePoint) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    let mut push = |unit: u32| {
        let space = if text.is_empty() { "" } else { " " };
        // Writing into a String does not fail.
        let _ = write!(text, "{space}{unit:04X}");
    };
    if let Some((leading, vowel, trailing)) = hangul_parts(c.to_u32()) {
        [leading, vowel].into_iter().chain(trailing).for_each(&mut push);
    } else if let Some(entry) = Decomposition::of(c.to_u32()) {
        let tag = TAGS.get(entry.tag).copied().unwrap_or_default();
        entry.units().for_each(&mut push);
        if !tag.is_empty() {
            text.insert(0, ' ');
            text.insert_str(0, tag);
        }
    }
    text
}

/// The outcome of a quick check.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Quick {
    Yes,
    Maybe,
    No,
}

fn quick_check(text: &Wtf8, form: Form) -> Quick {
    let mut answer = Quick::Yes;
    let mut last_class = 0;
    for c in text.code_points() {
        if c.is_ascii() {
            last_class = 0;
            continue;
        }
        let properties = Properties::of(c);
        let class = properties.combining();
        if class != 0 && last_class > class {
            return Quick::No;
        }
        last_class = class;
        match properties.quick_checks() >> (2 * form as u16) & 3 {
            0 => {}
            1 => answer = Quick::Maybe,
            _ => return Quick::No,
        }
    }
    answer
}

/// `unicodedata.is_normalized`.
pub fn is_normalized(text: &Wtf8, form: Form) -> bool {
    match quick_check(text, form) {
        Quick::Yes => true,
        Quick::No => false,
        Quick::Maybe => compute(text, form, &|_| Step::Now) == *text,
    }
}

/// `unicodedata.normalize`; `None` if the quick check already finds the text normal.
pub fn normalize(text: &Wtf8, form: Form) -> Option<Wtf8Buf> {
    match quick_check(text, form) {
        Quick::Yes => None,
        _ => Some(compute(text, form, &|_| Step::Now)),
    }
}

/// How a code point decomposes: as the tables say, not at all, or otherwise (in an old version of Unicode).
pub(super) enum Step {
    Now,
    Nothing,
    Other(u32),
}

/// Normalises without a look at the quick check.
pub(super) fn compute(text: &Wtf8, form: Form, step: &dyn Fn(u32) -> Step) -> Wtf8Buf {
    let mut points = Vec::with_capacity(text.len());
    let mut todo = Vec::new();
    for c in text.code_points() {
        todo.push(c.to_u32());
        decompose(&mut todo, form.is_compatible(), step, &mut points);
    }
    sort_marks(&mut points);
    if form.composes() {
        compose(&mut points);
    }
    points.into_iter().map(|(code, _)| CodePoint::from_u32(code).unwrap_or_default()).collect()
}

/// Appends the full decomposition of what is to do, the last first, with combining classes.
fn decompose(todo: &mut Vec<u32>, compatible: bool, step: &dyn Fn(u32) -> Step, out: &mut Vec<(u32, u8)>) {
    while let Some(code) = todo.pop() {
        if code < 0x80 {
            out.push((code, 0));
            continue;
        }
        if let Some((leading, vowel, trailing)) = hangul_parts(code) {
            out.extend([leading, vowel].into_iter().chain(trailing).map(|part| (part, 0)));
            continue;
        }
        let entry = match step(code) {
            Step::Now => Decomposition::of(code),
            Step::Nothing => None,
            Step::Other(single) => {
                todo.push(single);
                continue;
            }
        };
        match entry.filter(|entry| compatible || entry.tag == 0) {
            Some(entry) => todo.extend(entry.units().rev()),
            None => out.push((code, CodePoint::from_u32(code).map_or(0, |c| Properties::of(c).combining()))),
        }
    }
}

/// Canonical order: every run of marks is sorted by class, and equal classes keep their order.
fn sort_marks(points: &mut [(u32, u8)]) {
    for run in points.split_mut(|&(_, class)| class == 0) {
        run.sort_by_key(|&(_, class)| class);
    }
}

/// What a pair composes to.
fn compose_pair(first: u32, second: u32) -> Option<u32> {
    let leading = first.wrapping_sub(L_BASE);
    let vowel = second.wrapping_sub(V_BASE);
    if leading < L_COUNT && vowel < V_COUNT {
        return Some(S_BASE + (leading * V_COUNT + vowel) * T_COUNT);
    }
    let syllable = first.wrapping_sub(S_BASE);
    let trailing = second.wrapping_sub(T_BASE);
    if syllable < S_COUNT && syllable.is_multiple_of(T_COUNT) && (1..T_COUNT).contains(&trailing) {
        return Some(first + trailing);
    }
    let (mut low, mut high) = (0, COMPOSITIONS.len() / 12);
    while low < high {
        let middle = low.midpoint(high);
        let found = (u32_at(COMPOSITIONS, middle * 3), u32_at(COMPOSITIONS, middle * 3 + 1));
        match found.cmp(&(first, second)) {
            std::cmp::Ordering::Equal => return Some(u32_at(COMPOSITIONS, middle * 3 + 2)),
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    None
}

/// Joins each code point with the last starter unless something in between blocks it.
fn compose(points: &mut Vec<(u32, u8)>) {
    let mut result: Vec<(u32, u8)> = Vec::with_capacity(points.len());
    let mut starter: Option<usize> = None;
    for &(code, class) in points.iter() {
        if let Some(at) = starter
            && let Some(base) = result.get(at).map(|&(base, _)| base)
        {
            // Everything after the starter has a class above 0 and at most `last`, so one comparison tells.
            let last = if result.len() == at + 1 { None } else { result.last().map(|&(_, class)| class) };
            let blocked = last.is_some_and(|last| last >= class);
            if !blocked
                && let Some(joined) = compose_pair(base, code)
                && let Some(place) = result.get_mut(at)
            {
                place.0 = joined;
                continue;
            }
        }
        if class == 0 {
            starter = Some(result.len());
        }
        result.push((code, class));
    }
    *points = result;
}
