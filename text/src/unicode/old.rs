//! Unicode 3.2.0, as `unicodedata.ucd_3_2_0` answers for the sake of IDNA: the records that differ from today's.

use super::generated::{OLD_DECOMPOSITIONS, OLD_SHIFT};
use super::normalize::{Form, Step, compute, decomposition as decomposition_now};
use super::{BIDIRECTIONAL, CATEGORIES, Properties, WIDTHS, names, two_stage};
use crate::wtf8::{CodePoint, Wtf8, Wtf8Buf};

/// Numbers of records; 0 means that nothing differs.
static PROPERTIES: &[u8] = include_bytes!("data/old_properties.bin");
/// Category, bidirectional class, width, mirrored, combining class, decimal, digit, padding, numeric value (f64).
static RECORDS: &[u8] = include_bytes!("data/old_records.bin");
const RECORD: usize = 16;
/// How a record says that there is no numeric value.
const NO_NUMBER: f64 = -99.0;

/// The properties of a code point in Unicode 3.2.0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OldProperties {
    pub category: &'static str,
    pub bidirectional: &'static str,
    pub east_asian_width: &'static str,
    pub mirrored: bool,
    pub combining: u8,
    pub decimal: Option<u8>,
    pub digit: Option<u8>,
    pub numeric: Option<f64>,
}

impl OldProperties {
    pub fn of(c: CodePoint) -> Self {
        match record(c) {
            Some(record) => Self::from_record(record),
            None => Self::from_now(&Properties::of(c)),
        }
    }

    pub(super) fn from_now(now: &Properties) -> Self {
        Self {
            category: now.category(),
            bidirectional: now.bidirectional(),
            east_asian_width: now.east_asian_width(),
            mirrored: now.mirrored(),
            combining: now.combining(),
            decimal: now.decimal(),
            digit: now.digit(),
            numeric: now.numeric(),
        }
    }

    fn from_record(record: &[u8; RECORD]) -> Self {
        let [category, bidirectional, width, mirrored, combining, decimal, digit, _, number @ ..] = *record;
        let text = |list: &[&'static str], at: u8| list.get(usize::from(at)).copied().unwrap_or_default();
        Self {
            category: text(&CATEGORIES, category),
            bidirectional: text(&BIDIRECTIONAL, bidirectional),
            east_asian_width: text(&WIDTHS, width),
            mirrored: mirrored != 0,
            combining,
            decimal: Some(decimal).filter(|&value| value != 255),
            digit: Some(digit).filter(|&value| value != 255),
            numeric: Some(f64::from_le_bytes(number)).filter(|&value| value != NO_NUMBER),
        }
    }

    fn is_assigned(&self) -> bool {
        self.category != "Cn"
    }
}

fn record(c: CodePoint) -> Option<&'static [u8; RECORD]> {
    let number = two_stage(PROPERTIES, OLD_SHIFT, c.to_u32()).checked_sub(1)?;
    RECORDS.get(number * RECORD..)?.first_chunk()
}

/// The name, if the code point was assigned.
pub fn name(c: CodePoint) -> Option<String> {
    OldProperties::of(c).is_assigned().then(|| names::name(c)).flatten()
}

/// The decomposition, if the code point was assigned.
pub fn decomposition(c: CodePoint) -> String {
    if OldProperties::of(c).is_assigned() { decomposition_now(c) } else { String::new() }
}

/// Normalises as Unicode 3.2.0 did.
pub fn normalize(text: &Wtf8, form: Form) -> Wtf8Buf {
    compute(text, form, &|code| {
        if let Some((_, then)) = OLD_DECOMPOSITIONS.iter().find(|(corrected, _)| *corrected == code) {
            return Step::Other(*then);
        }
        match CodePoint::from_u32(code).map(OldProperties::of) {
            Some(properties) if properties.is_assigned() => Step::Now,
            _ => Step::Nothing,
        }
    })
}
