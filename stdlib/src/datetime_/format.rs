//! `strftime` and struct_time for the classes of `datetime`.

use super::calendar::{self, Day};
use super::clock::Clock;
use super::tzinfo::{offset, shown_offset, zone_name};
use crate::support::import_attr;
use orochi_objects::error::type_error;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::{str, tuple};
use orochi_objects::{Obj, PyResult, Ref, Thread, Value, int, protocol};
use orochi_text::wtf8::{Wtf8, Wtf8Buf};

pub(super) const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
pub(super) const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `ctime` of a day and time.
pub(super) fn ctime(day: Day, clock: &Clock) -> String {
    let (year, month, day_) = day;
    let weekday = WEEKDAYS.get(calendar::weekday(day) as usize).unwrap_or(&"");
    let month = MONTHS.get((month - 1) as usize).unwrap_or(&"");
    let Clock { hour, minute, second, .. } = *clock;
    format!("{weekday} {month} {day_:2} {hour:02}:{minute:02}:{second:02} {year:04}")
}

fn numbers(day: Day, clock: &Clock, weekday: i32, year_day: i32, dst: i32) -> [i32; 9] {
    let [hour, minute, second, ..] = clock.numbers();
    [day.0, day.1, day.2, hour, minute, second, weekday, year_day, dst]
}

fn tuple_of(thread: &mut Thread, numbers: [i32; 9]) -> PyResult {
    let mut values = Vec::new();
    for number in numbers {
        values.push(int::new(thread, number.into())?);
    }
    Ok(tuple::new(thread, values)?.into_value())
}

/// The `time.struct_time` of a day and time.
pub(super) fn struct_time(thread: &mut Thread, day: Day, clock: &Clock, dst: i32) -> PyResult {
    let numbers = numbers(day, clock, calendar::weekday(day), calendar::day_of_year(day), dst);
    let items = tuple_of(thread, numbers)?;
    let class = import_attr(thread, "time", "struct_time")?;
    protocol::call(thread, class.get(), &[items.get()])
}

/// The tuple that `time.strftime` formats a time of day with.
pub(super) fn time_tuple(thread: &mut Thread, clock: &Clock) -> PyResult {
    tuple_of(thread, numbers((1900, 1, 1), clock, 0, 1, -1))
}

/// What a format's own codes are replaced with.
pub(super) struct Subject<'a> {
    /// None or a tzinfo.
    pub(super) zone: Ref<'a>,
    /// What the zone's methods are asked about.
    pub(super) moment: Ref<'a>,
    pub(super) microsecond: u32,
    pub(super) year: i32,
    pub(super) month: i32,
    pub(super) day: i32,
}

fn push_offset(
    thread: &mut Thread,
    out: &mut Wtf8Buf,
    subject: &Subject<'_>,
    separator: &str,
) -> PyResult<()> {
    if let Some(offset) = offset(thread, subject.zone, "utcoffset", subject.moment)? {
        out.push_str(&shown_offset(offset, separator));
    }
    Ok(())
}

fn push_zone(thread: &mut Thread, out: &mut Wtf8Buf, subject: &Subject<'_>) -> PyResult<()> {
    let name = zone_name(thread, subject.zone, subject.moment)?;
    if name.get().is_none() {
        return Ok(());
    }
    // The text is formatted once more.
    let (percent, twice) = (str::new(thread, "%")?, str::new(thread, "%%")?);
    let name = protocol::call_method(thread, name.get(), "replace", &[percent.get(), twice.get()])?;
    let Some(name) = name.get().downcast::<PyStr>() else {
        return Err(type_error("tzinfo.tzname().replace() did not return a string"));
    };
    out.push_wtf8(name.as_wtf8());
    Ok(())
}

/// C's library doesn't fill years up to four digits everywhere.
fn push_year(
    thread: &mut Thread,
    out: &mut Wtf8Buf,
    code: char,
    subject: &Subject<'_>,
    times: Ref<'_>,
) -> PyResult<()> {
    let mut year = i64::from(subject.year);
    if code == 'G' {
        let shown = time_strftime(thread, Wtf8::new("%G"), times)?;
        year = str::display(shown.get()).trim().parse().unwrap_or(year);
    }
    match code {
        'C' => out.push_str(&format!("{:02}", year / 100)),
        'F' => out.push_str(&format!("{year:04}-{:02}-{:02}", subject.month, subject.day)),
        _ => out.push_str(&format!("{year:04}")),
    }
    Ok(())
}

fn time_strftime(thread: &mut Thread, format: &Wtf8, times: Ref<'_>) -> PyResult {
    let function = import_attr(thread, "time", "strftime")?;
    let format = str::from_wtf8(thread, format)?;
    protocol::call(thread, function.get(), &[format.get(), times])
}

/// `strftime`: replaces what C doesn't know or does otherwise, and lets `time.strftime` do the rest.
pub(super) fn strftime(
    thread: &mut Thread,
    subject: &Subject<'_>,
    format: &Obj<PyStr>,
    times: &Value,
) -> PyResult {
    let mut out = Wtf8Buf::with_capacity(format.byte_len());
    let mut points = format.as_wtf8().code_points();
    while let Some(point) = points.next() {
        if point.to_u32() != u32::from(b'%') {
            out.push(point);
            continue;
        }
        let Some(code) = points.next() else {
            out.push(point);
            break;
        };
        match code.to_char_lossy() {
            'f' => out.push_str(&format!("{:06}", subject.microsecond)),
            'z' => push_offset(thread, &mut out, subject, "")?,
            'Z' => push_zone(thread, &mut out, subject)?,
            year @ ('Y' | 'G' | 'F' | 'C') if subject.year < 1000 => {
                push_year(thread, &mut out, year, subject, times.get())?;
            }
            ':' => match points.next() {
                Some(next) if next.to_u32() == u32::from(b'z') => {
                    push_offset(thread, &mut out, subject, ":")?
                }
                next => {
                    out.push_str("%:");
                    next.into_iter().for_each(|next| out.push(next));
                }
            },
            _ => {
                out.push_char('%');
                out.push(code);
            }
        }
    }
    time_strftime(thread, out.as_wtf8(), times.get())
}
