//! Seconds since 1970 to calendar days and back, in UTC and in the system's local time.

use super::arguments::within;
use super::calendar::{self, Day, MAX_YEAR, MIN_YEAR};
use super::clock::Clock;
use super::tzinfo;
use crate::host::time::{self as clocks, Calendar};
use crate::os_support;
use orochi_objects::error::{overflow_error, value_error};
use orochi_objects::{PyResult, Ref, Thread, float, int};

/// The ordinal of 1970-01-01.
const EPOCH: i64 = 719_163;
const DAY: i64 = 86_400;
/// No zone has set its clocks back by more.
const MAX_FOLD: i64 = DAY;

/// The seconds from 1970 to a day and time in UTC.
pub(super) fn seconds(day: Day, clock: &Clock) -> i64 {
    (calendar::ordinal(day) - EPOCH) * DAY + clock.seconds()
}

/// Now: seconds and microseconds.
pub(super) fn now(thread: &mut Thread) -> PyResult<(i64, u32)> {
    let (seconds, nanoseconds) = os_support::plain(thread, clocks::clock_gettime(libc::CLOCK_REALTIME))?;
    Ok((seconds, (nanoseconds / 1000) as u32))
}

/// The seconds and microseconds of a timestamp argument, halves to even.
pub(super) fn timestamp(thread: &mut Thread, value: Ref<'_>) -> PyResult<(i64, u32)> {
    let out_of_range = || overflow_error("timestamp out of range for platform time_t");
    let Some(number) = float::value(value) else {
        let number = int::index(thread, value)?;
        let seconds = int::value(number.get()).and_then(int::IntRef::to_i64).ok_or_else(out_of_range)?;
        return Ok((seconds, 0));
    };
    if number.is_nan() {
        return Err(value_error("Invalid value NaN (not a number)"));
    }
    let mut whole = number.trunc();
    let mut part = ((number - whole) * 1e6).round_ties_even();
    if part >= 1e6 {
        part -= 1e6;
        whole += 1.0;
    } else if part < 0.0 {
        part += 1e6;
        whole -= 1.0;
    }
    if !(-9.223_372_036_854_775e18..=9.223_372_036_854_775e18).contains(&whole) {
        return Err(out_of_range());
    }
    Ok((whole as i64, part as u32))
}

fn read(thread: &mut Thread, seconds: i64, local: bool) -> PyResult<(Day, Clock, Calendar)> {
    let calendar =
        clocks::calendar(seconds, local).map_err(|error| os_support::os_failure(thread, &error, None))?;
    let [second, minute, hour, day, month, year, ..] = calendar.fields;
    let year = year.saturating_add(1900);
    within("year", year, MIN_YEAR, MAX_YEAR)?;
    // A leap second shows as the one before.
    let clock = Clock::new([hour, minute, second.min(59), 0, 0])?;
    Ok(((year, month + 1, day), clock, calendar))
}

/// The day and time of a number of seconds since 1970.
pub(super) fn broken_down(thread: &mut Thread, seconds: i64, local: bool) -> PyResult<(Day, Clock)> {
    let (day, clock, _) = read(thread, seconds, local)?;
    Ok((day, clock))
}

/// What a local clock shows then, as if it were UTC.
fn shown(thread: &mut Thread, seconds: i64) -> PyResult<i64> {
    let (day, clock) = broken_down(thread, seconds, true)?;
    Ok(self::seconds(day, &clock))
}

/// Whether the local clock had shown the same time before: then it is the second of two.
pub(super) fn is_second(thread: &mut Thread, moment: i64, day: Day, clock: &Clock) -> PyResult<bool> {
    let result = seconds(day, clock);
    let before = shown(thread, moment.saturating_sub(MAX_FOLD))?;
    let transition = result - before - MAX_FOLD;
    Ok(transition < 0 && shown(thread, moment + transition)? == result)
}

/// When the local clock shows a day and time: the first or the second time as the fold says.
pub(super) fn from_local(thread: &mut Thread, day: Day, clock: &Clock) -> PyResult<i64> {
    let second = clock.fold == 1;
    let wanted = seconds(day, clock);
    let offset = shown(thread, wanted)? - wanted;
    let first_guess = wanted - offset;
    let guess_shows = shown(thread, first_guess)?;
    let other_offset = if guess_shows == wanted {
        // A solution, perhaps not the one that is meant: look a day to the side of the other one.
        let other = if second { first_guess + MAX_FOLD } else { first_guess - MAX_FOLD };
        let other_offset = shown(thread, other)? - other;
        if other_offset == offset {
            return Ok(first_guess);
        }
        other_offset
    } else {
        guess_shows - first_guess
    };
    let second_guess = wanted - other_offset;
    if shown(thread, second_guess)? == wanted {
        return Ok(second_guess);
    }
    if guess_shows == wanted {
        return Ok(first_guess);
    }
    // The clock never shows it: it is in a gap.
    Ok(if second { first_guess.min(second_guess) } else { first_guess.max(second_guess) })
}

/// The zone of the local clock at a moment: a `timezone`.
pub(super) fn local_zone(thread: &mut Thread, seconds: i64) -> PyResult {
    let (_, _, calendar) = read(thread, seconds, true)?;
    let name = os_support::fs_decode(thread, &calendar.zone)?;
    tzinfo::fixed(thread, i128::from(calendar.offset) * 1_000_000, name)
}
