//! Reading dates and times in the formats of ISO 8601.

use super::calendar::{self, Day};
use super::delta;
use super::tzinfo::{checked, utc};
use orochi_objects::error::{type_error, value_error};
use orochi_objects::types::str::PyStr;
use orochi_objects::{Obj, PyErr, PyResult, Ref, Thread, Value, protocol, str};
use std::borrow::Cow;

/// The characters of a text: what isn't ASCII is one byte that nothing matches.
pub(super) fn characters(text: &Obj<PyStr>) -> Cow<'_, [u8]> {
    if text.is_ascii() {
        return Cow::Borrowed(text.as_bytes());
    }
    let byte = |point: orochi_text::wtf8::CodePoint| u8::try_from(point.to_u32()).unwrap_or(0xFF);
    text.as_wtf8().code_points().map(byte).collect()
}

/// The argument of a `fromisoformat`.
pub(super) fn argument(object: Ref<'_>) -> PyResult<&Obj<PyStr>> {
    object.downcast::<PyStr>().ok_or_else(|| type_error("fromisoformat: argument must be str"))
}

/// ValueError for a text that isn't in any of the formats.
pub(super) fn invalid(thread: &mut Thread, text: &Obj<PyStr>) -> PyErr {
    let shown = match protocol::repr(thread, text.get()) {
        Ok(shown) => shown,
        Err(error) => return error,
    };
    let mut message = orochi_text::wtf8::Wtf8Buf::with_capacity(64);
    message.push_str("Invalid isoformat string: ");
    message.push_wtf8(&str::display_wtf8(shown.get()));
    match str::from_wtf8(thread, message.as_wtf8()) {
        Ok(message) => PyErr::new(&orochi_objects::types::exception::ValueError, vec![message]),
        Err(error) => error,
    }
}

fn digits(text: &[u8], at: usize, count: usize) -> Option<i32> {
    let part = text.get(at..at + count)?;
    part.iter()
        .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i32::from(byte - b'0')))
}

fn is_digit(text: &[u8], at: usize) -> bool {
    text.get(at).is_some_and(u8::is_ascii_digit)
}

/// Where the date ends. A digit after a week may be a weekday or a separator: what is likelier counts.
fn separator(text: &[u8]) -> Option<usize> {
    let len = text.len();
    if len == 7 {
        return Some(7);
    }
    match (text.get(4)?, text.get(5)?) {
        (b'-', b'W') => {
            if text.get(8) != Some(&b'-') {
                return Some(8); // YYYY-Www
            }
            if len == 9 {
                return None;
            }
            Some(if len > 10 && is_digit(text, 10) { 8 } else { 10 })
        }
        (b'-', _) => Some(10),
        (b'W', _) => {
            let end = (7..len).find(|&at| !is_digit(text, at)).unwrap_or(len);
            Some(match end {
                ..9 => end,
                even if even % 2 == 0 => 7,
                _ => 8,
            })
        }
        _ => Some(8),
    }
}

/// `YYYY-MM-DD`, `YYYYMMDD`, `YYYY-Www[-D]` or `YYYYWww[D]`; the month and the day aren't checked.
pub(super) fn date(text: &[u8]) -> Option<Day> {
    if !matches!(text.len(), 7 | 8 | 10) {
        return None;
    }
    let year = digits(text, 0, 4)?;
    let dashes = usize::from(text.get(4) == Some(&b'-'));
    let mut at = 4 + dashes;
    if text.get(at) == Some(&b'W') {
        let week = digits(text, at + 1, 2)?;
        at += 3;
        let mut weekday = 1;
        if at < text.len() {
            if (text.get(at) == Some(&b'-')) != (dashes == 1) {
                return None;
            }
            weekday = digits(text, at + dashes, 1)?;
            at += dashes + 1;
        }
        return (at == text.len()).then(|| calendar::from_iso(year, week, weekday).ok()).flatten();
    }
    let month = digits(text, at, 2)?;
    at += 2;
    if (text.get(at) == Some(&b'-')) != (dashes == 1) {
        return None;
    }
    let day = digits(text, at + dashes, 2)?;
    (at + dashes + 2 == text.len()).then_some((year, month, day))
}

/// `HH[:MM[:SS[.ffffff]]]` with or without the colons: hour, minute, second, microsecond.
fn clock(text: &[u8]) -> Option<[i32; 4]> {
    let mut parts = [0; 4];
    let (mut at, mut colons) = (0, false);
    for (i, part) in parts.iter_mut().take(3).enumerate() {
        *part = digits(text, at, 2)?;
        at += 2;
        let next = text.get(at);
        if i == 0 {
            colons = next == Some(&b':');
        }
        if i == 2 || next.is_none() {
            break;
        }
        if colons {
            if next != Some(&b':') {
                return None;
            }
            at += 1;
        }
    }
    let Some(mark) = text.get(at) else { return Some(parts) };
    let fraction = text.get(at + 1..)?;
    if !matches!(mark, b'.' | b',') || fraction.is_empty() || !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let used = fraction.len().min(6);
    let scale = 10_i32.pow(6 - used as u32);
    let [.., microseconds] = &mut parts;
    *microseconds = digits(fraction, 0, used)? * scale;
    Some(parts)
}

/// A time that was read.
pub(super) struct Read {
    /// Hour, minute, second and microsecond, not checked.
    pub(super) parts: [i32; 4],
    /// Offset from UTC in microseconds.
    offset: Option<i128>,
    /// It was 24:00, which is 0:00 of the next day.
    pub(super) next_day: bool,
}

/// A time with an optional offset. `None`: it isn't in any of the formats.
pub(super) fn time(text: &[u8]) -> PyResult<Option<Read>> {
    let zone_at = text.iter().position(|byte| matches!(byte, b'+' | b'-' | b'Z'));
    let (before, zone) = text.split_at(zone_at.unwrap_or(text.len()));
    let Some(mut parts) = clock(before) else { return Ok(None) };
    let offset = match zone {
        [] => None,
        [b'Z'] => Some(0),
        [b'Z', ..] => return Ok(None),
        [sign, rest @ ..] => {
            let Some([hours, minutes, seconds, microseconds]) = clock(rest) else { return Ok(None) };
            let seconds = i128::from(hours) * 3600 + i128::from(minutes) * 60 + i128::from(seconds);
            let offset = seconds * 1_000_000 + i128::from(microseconds);
            Some(if *sign == b'-' { -offset } else { offset })
        }
    };
    let next_day = parts[0] == 24;
    if next_day {
        if parts != [24, 0, 0, 0] {
            return Err(value_error("minute, second, and microsecond must be 0 when hour is 24"));
        }
        parts = [0; 4];
    }
    Ok(Some(Read { parts, offset, next_day }))
}

impl Read {
    /// The zone, None if there is no offset.
    pub(super) fn zone(&self, thread: &mut Thread) -> PyResult {
        match self.offset {
            None => Ok(Value::NONE),
            Some(0) => utc(thread),
            Some(offset) => {
                let offset = delta::new(thread, offset)?;
                checked(thread, &offset, Value::NONE)
            }
        }
    }
}

/// The day after a valid one; one that isn't valid stays, to be complained of.
fn following((year, month, day): Day) -> Day {
    if !(1..=12).contains(&month) || day > calendar::days_in_month(year, month) {
        return (year, month, day);
    }
    if day < calendar::days_in_month(year, month) {
        (year, month, day + 1)
    } else if month < 12 {
        (year, month + 1, 1)
    } else {
        (year + 1, 1, 1)
    }
}

/// A date with an optional time. `None`: it isn't in any of the formats.
pub(super) fn datetime(text: &[u8]) -> PyResult<Option<(Day, Option<Read>)>> {
    if text.len() < 7 {
        return Ok(None);
    }
    let Some(end) = separator(text) else { return Ok(None) };
    let Some(mut day) = text.get(..end).and_then(date) else { return Ok(None) };
    let rest = text.get(end + 1..).unwrap_or_default();
    if rest.is_empty() {
        return Ok(Some((day, None)));
    }
    let Some(read) = time(rest)? else { return Ok(None) };
    if read.next_day {
        day = following(day);
    }
    Ok(Some((day, Some(read))))
}
