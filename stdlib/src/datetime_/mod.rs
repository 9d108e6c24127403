//! `_datetime`: dates, times, durations and zones.
//!
//! Shape: [`calendar`] and [`clock`] are plain numbers, a day and a time of day; one file for each class; [`iso`] reads and
//! [`format`] writes texts; [`moments`] asks the system for the time and the local zone.
//! A duration is a number of microseconds in an i128 wherever it isn't an object.
//!
//! Invariant: objects never change, and hold nothing but a zone and a zone's parts. A zone may be any Python object that
//! derives from `tzinfo`, so that asking it runs Python code.

mod arguments;
mod calendar;
mod clock;
mod date;
mod datetime;
mod delta;
mod format;
mod iso;
mod iso_calendar;
mod moments;
mod time;
mod tzinfo;

use self::clock::Clock;
use self::date::Date;
use self::datetime::DateTime;
use self::delta::{DAY, Delta};
use self::time::Time;
use self::tzinfo::TimeZone;
use orochi_macros::pymodule;
use orochi_objects::types::r#type::{TypeExt, change};
use orochi_objects::{DictExt, ModuleExt, Obj, PyClass, PyModule, PyResult, StaticType, Thread, Value, str};

/// Sets an attribute of a class, which programs can't.
fn set(thread: &mut Thread, class: &'static StaticType, name: &str, value: Value) -> PyResult<()> {
    let class = class.get();
    let name = str::intern(thread, name)?;
    let namespace = class.namespace(thread).to_owned();
    // What an earlier initialisation set stays, for who has it already.
    if namespace.get_str(thread, name).is_none() {
        change(thread, class, |thread| namespace.set_str(thread, name, value))?;
    }
    Ok(())
}

fn delta(thread: &Thread, microseconds: i128) -> PyResult {
    Ok(delta::new(thread, microseconds)?.into_value())
}

/// The least and the greatest object of each class, and the step between two.
fn add_limits(thread: &mut Thread) -> PyResult<()> {
    const LAST: (i32, i32, i32) = (9999, 12, 31);
    const FIRST: (i32, i32, i32) = (1, 1, 1);
    let midnight = Clock::default();
    let last = Clock::new([23, 59, 59, 999_999, 0])?;

    let limits = [-999_999_999 * DAY, 1_000_000_000 * DAY - 1, 1];
    for (name, microseconds) in ["min", "max", "resolution"].into_iter().zip(limits) {
        let value = delta(thread, microseconds)?;
        set(thread, Delta::static_type(), name, value)?;
    }
    for (name, day) in [("min", FIRST), ("max", LAST)] {
        let value = Date::object(thread, day)?;
        set(thread, Date::static_type(), name, value)?;
    }
    let value = delta(thread, DAY)?;
    set(thread, Date::static_type(), "resolution", value)?;
    for (name, day, clock) in [("min", FIRST, midnight), ("max", LAST, last)] {
        let value = Time::object(thread, clock, Value::NONE)?;
        set(thread, Time::static_type(), name, value)?;
        let value = DateTime::object(thread, (day, clock), Value::NONE)?;
        set(thread, DateTime::static_type(), name, value)?;
    }
    for class in [Time::static_type(), DateTime::static_type()] {
        let value = delta(thread, 1)?;
        set(thread, class, "resolution", value)?;
    }
    // These were whole minutes once; programs may know them so.
    for (name, minutes) in [("min", -(23 * 60 + 59)), ("max", 23 * 60 + 59)] {
        let value = tzinfo::fixed(thread, minutes * 60_000_000, Value::NONE)?;
        set(thread, TimeZone::static_type(), name, value)?;
    }
    let utc = tzinfo::utc(thread)?;
    set(thread, TimeZone::static_type(), "utc", utc)
}

/// Fast implementation of the datetime module.
#[pymodule(
    name = "_datetime",
    classes(date::Date, datetime::DateTime, time::Time, delta::Delta, tzinfo::TzInfo, tzinfo::TimeZone)
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    add_limits(thread)?;
    let utc = tzinfo::utc(thread)?;
    module.add(thread, "UTC", utc)?;
    module.add(thread, "MINYEAR", calendar::MIN_YEAR)?;
    module.add(thread, "MAXYEAR", calendar::MAX_YEAR)
}
