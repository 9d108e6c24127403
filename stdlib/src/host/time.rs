//! Unix clocks and calendars.

use super::unix::check;
use libc::{c_int, clockid_t};
use std::ffi::{CStr, CString};
use std::io;
use std::mem::MaybeUninit;

/// A clock's time: seconds and nanoseconds.
pub(crate) fn clock_gettime(clock: clockid_t) -> io::Result<(i64, i64)> {
    let mut time = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: a place for the structure, which is made of numbers.
    let time = unsafe {
        check(libc::clock_gettime(clock, time.as_mut_ptr()))?;
        time.assume_init()
    };
    Ok((time.tv_sec, time.tv_nsec))
}

/// A clock's resolution.
pub(crate) fn clock_getres(clock: clockid_t) -> io::Result<(i64, i64)> {
    let mut time = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: as in `clock_gettime`.
    let time = unsafe {
        check(libc::clock_getres(clock, time.as_mut_ptr()))?;
        time.assume_init()
    };
    Ok((time.tv_sec, time.tv_nsec))
}

/// Sets a clock.
pub(crate) fn clock_settime(clock: clockid_t, (tv_sec, tv_nsec): (i64, i64)) -> io::Result<()> {
    let time = libc::timespec { tv_sec, tv_nsec };
    // SAFETY: the structure is only read.
    check(unsafe { libc::clock_settime(clock, &time) }).map(drop)
}

/// Sleeps until the monotonic clock shows this time. An interruption is an error.
pub(crate) fn sleep_until((tv_sec, tv_nsec): (i64, i64)) -> io::Result<()> {
    let time = libc::timespec { tv_sec, tv_nsec };
    // SAFETY: the structure is only read.
    match unsafe {
        libc::clock_nanosleep(libc::CLOCK_MONOTONIC, libc::TIMER_ABSTIME, &time, std::ptr::null_mut())
    } {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}

/// The processor-time clock of a thread of this process, by the system's number for it.
pub(crate) fn thread_clock(native: u64) -> io::Result<clockid_t> {
    // How Linux builds the number of such a clock: the thread's number inverted, then "of one thread" and "by scheduler".
    const OF_ONE_THREAD: clockid_t = 4;
    const BY_SCHEDULER: clockid_t = 2;
    if !cfg!(target_os = "linux") {
        return Err(io::Error::from_raw_os_error(libc::ENOSYS));
    }
    let native = clockid_t::try_from(native).map_err(|_| io::Error::from_raw_os_error(libc::ESRCH))?;
    let clock = !native << 3 | OF_ONE_THREAD | BY_SCHEDULER;
    match clock_getres(clock) {
        Ok(_) => Ok(clock),
        Err(_) => Err(io::Error::from_raw_os_error(libc::ESRCH)),
    }
}

/// A broken-down time: C's `tm` with the zone's name copied.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calendar {
    /// Seconds, minutes, hours, day of the month, month, year - 1900, weekday (Sunday 0), day of the year, DST.
    pub(crate) fields: [c_int; 9],
    /// Seconds east of UTC.
    pub(crate) offset: i64,
    /// The zone's name.
    pub(crate) zone: Vec<u8>,
}

impl Calendar {
    fn of(tm: &libc::tm) -> Calendar {
        let zone = if tm.tm_zone.is_null() {
            Vec::new()
        } else {
            // SAFETY: C's names of zones end in NUL and stay.
            unsafe { CStr::from_ptr(tm.tm_zone) }.to_bytes().to_vec()
        };
        let fields = [
            tm.tm_sec,
            tm.tm_min,
            tm.tm_hour,
            tm.tm_mday,
            tm.tm_mon,
            tm.tm_year,
            tm.tm_wday,
            tm.tm_yday,
            tm.tm_isdst,
        ];
        Calendar { fields, offset: tm.tm_gmtoff, zone }
    }

    fn to_c(&self, zone: Option<&CStr>) -> libc::tm {
        let [tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year, tm_wday, tm_yday, tm_isdst] = self.fields;
        let tm_zone = zone.map_or(std::ptr::null(), CStr::as_ptr);
        libc::tm {
            tm_sec,
            tm_min,
            tm_hour,
            tm_mday,
            tm_mon,
            tm_year,
            tm_wday,
            tm_yday,
            tm_isdst,
            tm_gmtoff: self.offset,
            tm_zone,
        }
    }
}

/// The local or universal calendar of a time.
pub(crate) fn calendar(seconds: i64, local: bool) -> io::Result<Calendar> {
    let mut tm = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: a place for the structure; null says that it wasn't filled.
    unsafe {
        let call = if local { libc::localtime_r } else { libc::gmtime_r };
        if call(&seconds, tm.as_mut_ptr()).is_null() {
            let error = io::Error::last_os_error();
            return Err(if error.raw_os_error() == Some(0) {
                io::Error::from_raw_os_error(libc::EINVAL)
            } else {
                error
            });
        }
        Ok(Calendar::of(&tm.assume_init()))
    }
}

/// The time of a local calendar. `None`: there is no such time.
pub(crate) fn mktime(calendar: &Calendar) -> Option<i64> {
    let mut tm = calendar.to_c(None);
    // Stays -1 unless the call worked, since -1 itself is also a time.
    tm.tm_wday = -1;
    // SAFETY: the structure is the call's to normalise.
    let seconds = unsafe { libc::mktime(&mut tm) };
    (seconds != -1 || tm.tm_wday != -1).then_some(seconds)
}

/// `strftime`. `None`: the text is too long.
pub(crate) fn strftime(format: &CStr, calendar: &Calendar) -> Option<Vec<u8>> {
    if format.is_empty() {
        return Some(Vec::new());
    }
    let zone = CString::new(calendar.zone.clone()).unwrap_or_default();
    let tm = calendar.to_c(Some(&zone));
    let mut len = 1024.max(format.to_bytes().len() * 2);
    // A text of no length looks like one that doesn't fit.
    let most = 256 * format.to_bytes().len().max(16);
    loop {
        let mut buffer = vec![0_u8; len];
        // SAFETY: the buffer is valid for its length; the zone's name lives during the call.
        let n = unsafe { libc::strftime(buffer.as_mut_ptr().cast(), len, format.as_ptr(), &tm) };
        if n > 0 || len >= most {
            buffer.truncate(n);
            return Some(buffer);
        }
        len *= 2;
    }
}

/// Reads the zone from the environment again.
pub(crate) fn tzset() {
    unsafe extern "C" {
        fn tzset();
    }
    // SAFETY: no arguments; C's calendar functions take their own lock.
    unsafe { tzset() };
}
