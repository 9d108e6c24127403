//! `time`: clocks, sleeping, calendars.

use crate::host::time::{self as clocks, Calendar};
use crate::os_support;
use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::{overflow_error, type_error, value_error};
use orochi_objects::types::dict;
use orochi_objects::types::str::PyStr;
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::{
    ModuleExt, Obj, PyModule, PyResult, Ref, Thread, Value, class_of, float, int, protocol, str, structseq,
    tuple,
};
use std::ffi::CString;

structseq! {
    /// A calendar time.
    pub(crate) static STRUCT_TIME: "time" "struct_time" = "The time value as returned by gmtime(), localtime(), and strptime(), and\n accepted by asctime(), mktime() and strftime().  May be considered as a\n sequence of 9 integers.\n\n Note that several fields' values are not the same as those defined by\n the C language standard for struct tm.  For example, the value of the\n field tm_year is the actual year, not year - 1900.  See individual\n fields' descriptions for details.",
    visible 9, flags(EMPTY), fallbacks &[], {
        "tm_year" = "year, for example, 1993",
        "tm_mon" = "month of year, range [1, 12]",
        "tm_mday" = "day of month, range [1, 31]",
        "tm_hour" = "hours, range [0, 23]",
        "tm_min" = "minutes, range [0, 59]",
        "tm_sec" = "seconds, range [0, 61])",
        "tm_wday" = "day of week, range [0, 6], Monday is 0",
        "tm_yday" = "day of year, range [1, 366]",
        "tm_isdst" = "1 if summer time is in effect, 0 if not, and -1 if unknown",
        "tm_zone" = "abbreviation of timezone name",
        "tm_gmtoff" = "offset from UTC in seconds",
    }
}

fn nanoseconds((seconds, nanoseconds): (i64, i64)) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds)
}

fn read(thread: &mut Thread, clock: i32) -> PyResult<i64> {
    os_support::plain(thread, clocks::clock_gettime(clock)).map(nanoseconds)
}

/// Seconds of a number of nanoseconds, rounded once.
fn as_seconds(nanoseconds: i64) -> f64 {
    if nanoseconds % 1_000_000_000 == 0 {
        (nanoseconds / 1_000_000_000) as f64
    } else {
        nanoseconds as f64 / 1e9
    }
}

macro_rules! clocks {
    ($($(#[$doc:meta])* $name:ident, $ns:ident = $clock:expr;)*) => { $(
        $(#[$doc])*
        #[pyfunction]
        fn $name(thread: &mut Thread) -> PyResult<f64> {
            read(thread, $clock).map(as_seconds)
        }

        $(#[$doc])*
        ///
        /// The result is in nanoseconds, as an int.
        #[pyfunction]
        fn $ns(thread: &mut Thread) -> PyResult<i64> {
            read(thread, $clock)
        }
    )* };
}
clocks! {
    /// Return the current time in seconds since the Epoch.
    time, time_ns = libc::CLOCK_REALTIME;
    /// Monotonic clock, cannot go backward.
    monotonic, monotonic_ns = libc::CLOCK_MONOTONIC;
    /// Performance counter for benchmarking.
    perf_counter, perf_counter_ns = libc::CLOCK_MONOTONIC;
    /// Process time for profiling: sum of the kernel and user-space CPU time.
    process_time, process_time_ns = libc::CLOCK_PROCESS_CPUTIME_ID;
    /// Thread time for profiling: sum of the kernel and user-space CPU time.
    thread_time, thread_time_ns = libc::CLOCK_THREAD_CPUTIME_ID;
}

/// Return the time of the specified clock clk_id as a float.
#[pyfunction]
#[signature(clk_id, /)]
fn clock_gettime(thread: &mut Thread, clk_id: i32) -> PyResult<f64> {
    read(thread, clk_id).map(as_seconds)
}

/// Return the time of the specified clock clk_id as nanoseconds (int).
#[pyfunction]
#[signature(clk_id, /)]
fn clock_gettime_ns(thread: &mut Thread, clk_id: i32) -> PyResult<i64> {
    read(thread, clk_id)
}

/// Return the resolution (precision) of the specified clock clk_id.
#[pyfunction]
#[signature(clk_id, /)]
fn clock_getres(thread: &mut Thread, clk_id: i32) -> PyResult<f64> {
    os_support::plain(thread, clocks::clock_getres(clk_id)).map(|time| as_seconds(nanoseconds(time)))
}

/// Set the time of the specified clock clk_id.
#[pyfunction]
#[signature(clk_id, time, /)]
fn clock_settime(thread: &mut Thread, clk_id: i32, time: Ref<'_>) -> PyResult<()> {
    let time = duration(thread, time, Rounding::Floor)?;
    os_support::plain(thread, clocks::clock_settime(clk_id, split(time)))
}

/// Set the time of the specified clock clk_id with nanoseconds.
#[pyfunction]
#[signature(clk_id, time, /)]
fn clock_settime_ns(thread: &mut Thread, clk_id: i32, time: i64) -> PyResult<()> {
    os_support::plain(thread, clocks::clock_settime(clk_id, split(time)))
}

/// Return the clk_id of a thread's CPU time clock.
#[pyfunction]
#[signature(thread_id, /)]
fn pthread_getcpuclockid(thread: &mut Thread, thread_id: u64) -> PyResult<i32> {
    let clock = crate::thread::system_id(thread, thread_id).and_then(clocks::thread_clock);
    os_support::plain(thread, clock)
}

fn split(nanoseconds: i64) -> (i64, i64) {
    (nanoseconds.div_euclid(1_000_000_000), nanoseconds.rem_euclid(1_000_000_000))
}

/// Where a number between two units goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// Down.
    Floor,
    /// Up.
    Ceiling,
}

/// A number of seconds as nanoseconds.
///
/// # Errors
/// TypeError; OverflowError beyond 292 years; ValueError for NaN.
pub(crate) fn duration(thread: &mut Thread, value: Ref<'_>, rounding: Rounding) -> PyResult<i64> {
    let too_large = || overflow_error("timestamp out of range for C PyTime_t");
    if let Some(seconds) = float::value(value) {
        if seconds.is_nan() {
            return Err(value_error("Invalid value NaN (not a number)"));
        }
        let scaled = seconds * 1e9;
        let scaled = if rounding == Rounding::Floor { scaled.floor() } else { scaled.ceil() };
        if !(-9.223_372_036_854_775e18..=9.223_372_036_854_775e18).contains(&scaled) {
            return Err(too_large());
        }
        return Ok(scaled as i64);
    }
    let class = class_of(value);
    if class.slots.nb_index().is_none() {
        let name = class.name();
        return Err(type_error(format!("'{name}' object cannot be interpreted as an integer or float")));
    }
    int::index_clamped(thread, value)?.checked_mul(1_000_000_000).ok_or_else(too_large)
}

/// Sleep for a given number of seconds.
///
/// The argument may be a floating-point number for subsecond precision.
#[pyfunction]
#[signature(object, /)]
fn sleep(thread: &mut Thread, object: Ref<'_>) -> PyResult<()> {
    let nanoseconds = duration(thread, object, Rounding::Ceiling)?;
    if nanoseconds < 0 {
        return Err(value_error("sleep length must be non-negative"));
    }
    let until = split(read(thread, libc::CLOCK_MONOTONIC)?.saturating_add(nanoseconds));
    os_support::call(thread, || clocks::sleep_until(until))
}

/// The structure for a calendar.
fn struct_time(thread: &mut Thread, calendar: &Calendar) -> PyResult {
    let [second, minute, hour, day, month, year, weekday, year_day, dst] = calendar.fields.map(i64::from);
    let numbers = [year + 1900, month + 1, day, hour, minute, second, (weekday + 6) % 7, year_day + 1, dst];
    let mut values = Vec::new();
    for number in numbers {
        values.push(int::new(thread, number)?);
    }
    values.push(os_support::fs_decode(thread, &calendar.zone)?);
    values.push(int::new(thread, calendar.offset)?);
    STRUCT_TIME.make(thread, values)
}

/// The seconds that an optional argument gives; now if there is none.
fn moment(thread: &mut Thread, seconds: Option<Ref<'_>>) -> PyResult<i64> {
    let Some(value) = seconds.filter(|value| !value.is_none()) else {
        return Ok(read(thread, libc::CLOCK_REALTIME)?.div_euclid(1_000_000_000));
    };
    let out_of_range = || overflow_error("timestamp out of range for platform time_t");
    if let Some(number) = float::value(value) {
        if number.is_nan() {
            return Err(value_error("Invalid value NaN (not a number)"));
        }
        let whole = number.floor();
        return if (-9.2e18..9.2e18).contains(&whole) { Ok(whole as i64) } else { Err(out_of_range()) };
    }
    let object = int::index(thread, value)?;
    int::value(object.get()).and_then(int::IntRef::to_i64).ok_or_else(out_of_range)
}

fn calendar_of(thread: &mut Thread, seconds: i64, local: bool) -> PyResult<Calendar> {
    clocks::calendar(seconds, local).map_err(|error| {
        if error.raw_os_error() == Some(libc::EOVERFLOW) {
            overflow_error("timestamp out of range for platform time_t")
        } else {
            os_support::os_failure(thread, &error, None)
        }
    })
}

/// Convert seconds since the Epoch to a time tuple expressing UTC (a.k.a. GMT).
///
/// When 'seconds' is not passed in, convert the current time instead.
///
/// If the platform supports the tm_gmtoff and tm_zone, they are available as
/// attributes only.
#[pyfunction]
#[signature(seconds=None, /)]
fn gmtime(thread: &mut Thread, seconds: Option<Ref<'_>>) -> PyResult {
    let seconds = moment(thread, seconds)?;
    let mut calendar = calendar_of(thread, seconds, false)?;
    calendar.zone = b"UTC".to_vec();
    struct_time(thread, &calendar)
}

/// Convert seconds since the Epoch to a time tuple expressing local time.
///
/// When 'seconds' is not passed in, convert the current time instead.
#[pyfunction]
#[signature(seconds=None, /)]
fn localtime(thread: &mut Thread, seconds: Option<Ref<'_>>) -> PyResult {
    let seconds = moment(thread, seconds)?;
    let calendar = calendar_of(thread, seconds, true)?;
    struct_time(thread, &calendar)
}

/// The calendar that a tuple of nine numbers stands for.
fn calendar_from(thread: &mut Thread, value: Ref<'_>, function: &str) -> PyResult<Calendar> {
    let Some(items) = value.downcast::<PyTuple>() else {
        return Err(type_error("Tuple or struct_time argument required"));
    };
    if items.len() != 9 {
        return Err(type_error(format!("{function}(): illegal time tuple argument")));
    }
    let mut numbers = [0_i64; 9];
    for (number, item) in numbers.iter_mut().zip(items.items()) {
        *number = os_support::small_number(thread, item, "signed integer")?.into();
    }
    let [year, month, day, hour, minute, second, weekday, year_day, dst] = numbers;
    if year < i64::from(i32::MIN) + 1900 {
        return Err(overflow_error("year out of range"));
    }
    let field = |number: i64| number as i32;
    let mut calendar = Calendar {
        fields: [
            field(second),
            field(minute),
            field(hour),
            field(day),
            field(month - 1),
            field(year - 1900),
            field((weekday + 1).rem_euclid(7)),
            field(year_day - 1),
            field(dst),
        ],
        offset: 0,
        zone: Vec::new(),
    };
    if weekday < -1 {
        // Looked at by `checked`.
        calendar.fields[6] = -1;
    }
    if STRUCT_TIME.is_instance(value) {
        let values = STRUCT_TIME.values(thread, value);
        if let Some(zone) = values.get(9).and_then(|zone| zone.get().downcast::<PyStr>()) {
            calendar.zone = os_support::fs_encode(thread, zone)?;
        }
        if let Some(offset) = values.get(10).filter(|offset| !offset.get().is_none()) {
            calendar.offset = int::index_i64(thread, offset.get())?;
        }
    }
    Ok(calendar)
}

/// Repairs zeros in month, day and day of the year, and refuses what no calendar shows.
fn checked(mut calendar: Calendar) -> PyResult<Calendar> {
    let [second, minute, hour, day, month, _, weekday, year_day, _] = &mut calendar.fields;
    for (zero, message) in [(&mut *month, "month out of range"), (year_day, "day of year out of range")] {
        match *zero {
            -1 => *zero = 0,
            negative if negative < 0 => return Err(value_error(message)),
            _ => {}
        }
    }
    if *day == 0 {
        *day = 1;
    }
    let bounds: [(&i32, i32, i32, &'static str); 6] = [
        (month, 0, 11, "month out of range"),
        (day, 1, 31, "day of month out of range"),
        (hour, 0, 23, "hour out of range"),
        (minute, 0, 59, "minute out of range"),
        (second, 0, 61, "seconds out of range"),
        (weekday, 0, 6, "day of week out of range"),
    ];
    for (value, least, most, message) in bounds {
        if *value < least || *value > most {
            return Err(value_error(message));
        }
    }
    if calendar.fields[7] > 365 {
        return Err(value_error("day of year out of range"));
    }
    Ok(calendar)
}

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn shown(calendar: &Calendar) -> String {
    let [second, minute, hour, day, month, year, weekday, ..] = calendar.fields;
    let weekday = usize::try_from(weekday).ok().and_then(|i| DAYS.get(i)).unwrap_or(&"???");
    let month = usize::try_from(month).ok().and_then(|i| MONTHS.get(i)).unwrap_or(&"???");
    let year = i64::from(year) + 1900;
    format!("{weekday} {month} {day:>2} {hour:02}:{minute:02}:{second:02} {year}")
}

/// The calendar of an optional tuple; the local time of now if there is none.
fn calendar_or_now(thread: &mut Thread, value: Option<Ref<'_>>, function: &str) -> PyResult<Calendar> {
    match value {
        Some(value) => checked(calendar_from(thread, value, function)?),
        None => {
            let now = moment(thread, None)?;
            calendar_of(thread, now, true)
        }
    }
}

/// Convert a time tuple to a string, e.g. 'Sat Jun 06 16:26:11 1998'.
///
/// When the time tuple is not present, current time as returned by localtime()
/// is used.
#[pyfunction]
#[signature(time=<missing>, /)]
fn asctime(thread: &mut Thread, time: Option<Ref<'_>>) -> PyResult<String> {
    Ok(shown(&calendar_or_now(thread, time, "asctime")?))
}

/// Convert a time in seconds since the Epoch to a string in local time.
///
/// This is equivalent to asctime(localtime(seconds)). When the time tuple is
/// not present, current time as returned by localtime() is used.
#[pyfunction]
#[signature(seconds=None, /)]
fn ctime(thread: &mut Thread, seconds: Option<Ref<'_>>) -> PyResult<String> {
    let seconds = moment(thread, seconds)?;
    Ok(shown(&calendar_of(thread, seconds, true)?))
}

/// Convert a time tuple in local time to seconds since the Epoch.
///
/// Note that mktime(gmtime(0)) will not generally return zero for most
/// time zones; instead the returned value will either be equal to that
/// of the timezone or altzone attributes on the time module.
#[pyfunction]
#[signature(object, /)]
fn mktime(thread: &mut Thread, object: Ref<'_>) -> PyResult<f64> {
    let calendar = calendar_from(thread, object, "mktime")?;
    match clocks::mktime(&calendar) {
        Some(seconds) => Ok(seconds as f64),
        None => Err(overflow_error("mktime argument out of range")),
    }
}

/// Convert a time tuple to a string according to a format specification.
///
/// See the library reference manual for formatting codes. When the time tuple
/// is not present, current time as returned by localtime() is used.
#[pyfunction]
#[signature(format, time=<missing>, /)]
fn strftime(thread: &mut Thread, format: Ref<'_>, time: Option<Ref<'_>>) -> PyResult {
    let Some(format) = format.downcast::<PyStr>() else {
        let name = class_of(format).name();
        return Err(type_error(format!("strftime() argument 1 must be str, not {name}")));
    };
    let mut calendar = calendar_or_now(thread, time, "strftime")?;
    let dst = &mut calendar.fields[8];
    *dst = (*dst).clamp(-1, 1);
    let mut text: Vec<u8> = Vec::new();
    // Lone surrogates and NULs pass through between the parts that C formats.
    let mut plain = Vec::new();
    let flush = |plain: &mut Vec<u8>, text: &mut Vec<u8>| -> PyResult<()> {
        let part = CString::new(std::mem::take(plain)).unwrap_or_default();
        let formatted =
            clocks::strftime(&part, &calendar).ok_or_else(|| value_error("Invalid format string"))?;
        text.extend(formatted);
        Ok(())
    };
    for point in format.as_wtf8().code_points() {
        let (bytes, len) = point.encode();
        let bytes = bytes.get(..len).unwrap_or_default();
        if point.is_surrogate() || point.to_u32() == 0 {
            flush(&mut plain, &mut text)?;
            text.extend_from_slice(bytes);
        } else {
            plain.extend_from_slice(bytes);
        }
    }
    flush(&mut plain, &mut text)?;
    match orochi_text::wtf8::Wtf8Buf::from_bytes(text) {
        Ok(text) => str::from_wtf8(thread, &text),
        Err(bytes) => str::from_wtf8(thread, &os_support::decode_escaped(&bytes)),
    }
}

/// Parse a string to a time tuple according to a format specification.
///
/// See the library reference manual for formatting codes (same as
/// strftime()).
#[pyfunction]
fn strptime(thread: &mut Thread, args: orochi_objects::ArgSlice<'_>) -> PyResult {
    let function = crate::support::import_attr(thread, "_strptime", "_strptime_time")?;
    protocol::call(thread, function.get(), &args.to_vec())
}

/// Get information of the specified clock.
#[pyfunction]
#[signature(name, /)]
fn get_clock_info(thread: &mut Thread, name: &str) -> PyResult {
    let (implementation, clock, monotonic, adjustable) = match name {
        "time" => ("clock_gettime(CLOCK_REALTIME)", libc::CLOCK_REALTIME, false, true),
        "monotonic" | "perf_counter" => {
            ("clock_gettime(CLOCK_MONOTONIC)", libc::CLOCK_MONOTONIC, true, false)
        }
        "process_time" => {
            ("clock_gettime(CLOCK_PROCESS_CPUTIME_ID)", libc::CLOCK_PROCESS_CPUTIME_ID, true, false)
        }
        "thread_time" => {
            ("clock_gettime(CLOCK_THREAD_CPUTIME_ID)", libc::CLOCK_THREAD_CPUTIME_ID, true, false)
        }
        _ => return Err(value_error("unknown clock")),
    };
    let resolution = clock_getres(thread, clock)?;
    let class = crate::support::import_attr(thread, "types", "SimpleNamespace")?;
    let fields = dict::new(thread)?;
    let values: [(&str, Value); 4] = [
        ("implementation", str::new(thread, implementation)?),
        ("monotonic", Value::bool(monotonic)),
        ("adjustable", Value::bool(adjustable)),
        ("resolution", float::new(thread, resolution)?),
    ];
    for (name, value) in values {
        let name = str::new(thread, name)?;
        dict::set_item(thread, &fields, name.get(), value)?;
    }
    protocol::call(thread, class.get(), &[fields.get()])
}

/// Initialize, or reinitialize, the local timezone to the value stored in
/// os.environ['TZ']. The TZ environment variable should be specified in
/// standard Unix timezone format as documented in the tzset man page
/// (eg. 'US/Eastern', 'Europe/Amsterdam'). Unknown timezones will silently
/// fall back to UTC. If the TZ environment variable is not set, the local
/// timezone is set to the systems best guess of wallclock time.
/// Changing the TZ environment variable without calling tzset *may* change
/// the local timezone used by methods such as localtime, but this behaviour
/// should not be relied on.
#[pyfunction]
fn tzset(thread: &mut Thread) -> PyResult<()> {
    clocks::tzset();
    let modules = orochi_objects::thread::ThreadState::modules(thread)?;
    let name = str::new(thread, "time")?;
    let module = protocol::get_item(thread, modules.get(), name.get())?;
    match module.get().downcast::<PyModule>() {
        Some(module) => add_zone(thread, module),
        None => Ok(()),
    }
}

/// Adds `timezone`, `altzone`, `daylight` and `tzname`: what holds in January and July of this year.
fn add_zone(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    const YEAR: i64 = (365 * 24 + 6) * 3600;
    let now = read(thread, libc::CLOCK_REALTIME)?.div_euclid(1_000_000_000);
    let start = now - now.rem_euclid(YEAR);
    let winter = calendar_of(thread, start, true)?;
    let summer = calendar_of(thread, start + YEAR / 2, true)?;
    // South of the equator it is the other way round.
    let (standard, other) = if winter.offset <= summer.offset { (winter, summer) } else { (summer, winter) };
    module.add(thread, "timezone", -standard.offset)?;
    module.add(thread, "altzone", -other.offset)?;
    module.add(thread, "daylight", i64::from(standard.offset != other.offset))?;
    let names =
        vec![os_support::fs_decode(thread, &standard.zone)?, os_support::fs_decode(thread, &other.zone)?];
    let names = tuple::new(thread, names)?;
    module.add(thread, "tzname", names)
}

const CONSTANTS: &[(&str, i32)] = &[
    ("CLOCK_BOOTTIME", libc::CLOCK_BOOTTIME),
    ("CLOCK_MONOTONIC", libc::CLOCK_MONOTONIC),
    ("CLOCK_MONOTONIC_RAW", libc::CLOCK_MONOTONIC_RAW),
    ("CLOCK_PROCESS_CPUTIME_ID", libc::CLOCK_PROCESS_CPUTIME_ID),
    ("CLOCK_REALTIME", libc::CLOCK_REALTIME),
    ("CLOCK_TAI", libc::CLOCK_TAI),
    ("CLOCK_THREAD_CPUTIME_ID", libc::CLOCK_THREAD_CPUTIME_ID),
    ("_STRUCT_TM_ITEMS", 11),
];

/// This module provides various functions to manipulate time values.
///
/// There are two standard representations of time.  One is the number
/// of seconds since the Epoch, in UTC (a.k.a. GMT).  It may be an integer
/// or a floating-point number (to represent fractions of seconds).
/// The epoch is the point where the time starts, the return value of time.gmtime(0).
/// It is January 1, 1970, 00:00:00 (UTC) on all platforms.
#[pymodule(
    name = "time",
    functions(
        time,
        time_ns,
        monotonic,
        monotonic_ns,
        perf_counter,
        perf_counter_ns,
        process_time,
        process_time_ns,
        thread_time,
        thread_time_ns,
        clock_gettime,
        clock_gettime_ns,
        clock_getres,
        clock_settime,
        clock_settime_ns,
        pthread_getcpuclockid,
        sleep,
        gmtime,
        localtime,
        asctime,
        ctime,
        mktime,
        strftime,
        strptime,
        get_clock_info,
        tzset
    )
)]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    for (name, number) in CONSTANTS {
        module.add(thread, name, *number)?;
    }
    let class = STRUCT_TIME.class(thread)?;
    module.add(thread, "struct_time", class)?;
    add_zone(thread, module)
}
