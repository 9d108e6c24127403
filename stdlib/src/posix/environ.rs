//! The environment and what describes the system.

use crate::host::system;
use crate::os_support::{self, FsText};
use orochi_macros::pyfunction;
use orochi_objects::error::{type_error, value_error};
use orochi_objects::types::str::PyStr;
use orochi_objects::types::{bytes, dict};
use orochi_objects::{IntoPy, PyResult, Ref, Thread, Value, class_of, float, int, str, structseq, tuple};

structseq! {
    /// What uname gives.
    pub(super) static UNAME_RESULT: "posix" "uname_result" = "uname_result: Result from os.uname().\n\nThis object may be accessed either as a tuple of\n  (sysname, nodename, release, version, machine),\nor via the attributes sysname, nodename, release, version, and machine.\n\nSee os.uname for more information.",
    visible 5, flags(EMPTY), fallbacks &[], {
        "sysname" = "operating system name",
        "nodename" = "name of machine on network (implementation-defined)",
        "release" = "operating system release",
        "version" = "operating system version",
        "machine" = "hardware identifier",
    }
}

structseq! {
    /// What times gives.
    pub(super) static TIMES_RESULT: "posix" "times_result" = "times_result: Result from os.times().\n\nThis object may be accessed either as a tuple of\n  (user, system, children_user, children_system, elapsed),\nor via the attributes user, system, children_user, children_system,\nand elapsed.\n\nSee os.times for more information.",
    visible 5, flags(EMPTY), fallbacks &[], {
        "user" = "user time",
        "system" = "system time",
        "children_user" = "user time of children",
        "children_system" = "system time of children",
        "elapsed" = "elapsed time since an arbitrary point in the past",
    }
}

structseq! {
    /// A terminal's size.
    pub(super) static TERMINAL_SIZE: "os" "terminal_size" = "A tuple of (columns, lines) for holding terminal window size",
    visible 2, flags(EMPTY), fallbacks &[], {
        "columns" = "width of the terminal window in characters",
        "lines" = "height of the terminal window in characters",
    }
}

/// The environment as a dict of bytes.
#[pyfunction]
pub(super) fn _create_environ(thread: &mut Thread) -> PyResult {
    let made = dict::new(thread)?;
    for entry in system::environment() {
        let Some(at) = entry.iter().skip(1).position(|byte| *byte == b'=') else { continue };
        let (name, value) = entry.split_at(at + 1);
        let name = bytes::new(thread, name)?;
        let value = bytes::new(thread, value.get(1..).unwrap_or_default())?;
        dict::set_item(thread, &made, name.get(), value)?;
    }
    Ok(made.into_value())
}

/// Change or add an environment variable.
#[pyfunction]
#[signature(name, value, /)]
pub(super) fn putenv(thread: &mut Thread, name: FsText, value: FsText) -> PyResult<()> {
    if name.0.as_bytes().contains(&b'=') {
        return Err(value_error("illegal environment variable name"));
    }
    os_support::plain(thread, system::set_environment(&name.0, Some(&value.0)))
}

/// Delete an environment variable.
#[pyfunction]
#[signature(name, /)]
pub(super) fn unsetenv(thread: &mut Thread, name: FsText) -> PyResult<()> {
    os_support::plain(thread, system::set_environment(&name.0, None))
}

/// Translate an error code to a message string.
#[pyfunction]
#[signature(code, /)]
pub(super) fn strerror(code: i32) -> String {
    system::strerror(code)
}

/// Return an object identifying the current operating system.
///
/// The object behaves like a named tuple with the following fields:
///   (sysname, nodename, release, version, machine)
#[pyfunction]
pub(super) fn uname(thread: &mut Thread) -> PyResult {
    let names = os_support::plain(thread, system::uname())?;
    let mut values = Vec::new();
    for name in &names {
        values.push(os_support::fs_decode(thread, name)?);
    }
    UNAME_RESULT.make(thread, values)
}

/// Return a collection containing process timing information.
///
/// The object returned behaves like a named tuple with these fields:
///   (utime, stime, cutime, cstime, elapsed_time)
/// All fields are floating-point numbers.
#[pyfunction]
pub(super) fn times(thread: &mut Thread) -> PyResult {
    let (times, elapsed) = os_support::plain(thread, system::times())?;
    let ticks = system::sysconf(libc::_SC_CLK_TCK).unwrap_or(100).max(1) as f64;
    let parts = [times.tms_utime, times.tms_stime, times.tms_cutime, times.tms_cstime, elapsed];
    let mut values = Vec::new();
    for part in parts {
        values.push(float::new(thread, part as f64 / ticks)?);
    }
    TIMES_RESULT.make(thread, values)
}

/// Return the size of the terminal window as (columns, lines).
///
/// The optional argument fd (default standard output) specifies
/// which file descriptor should be queried.
///
/// If the file descriptor is not connected to a terminal, an OSError
/// is thrown.
///
/// This function will only be defined if an implementation is
/// available for this system.
///
/// shutil.get_terminal_size is the high-level function which should
/// normally be used, os.get_terminal_size is the low-level implementation.
#[pyfunction]
#[signature(fd=1 as "<unrepresentable>", /)]
pub(super) fn get_terminal_size(thread: &mut Thread, fd: i32) -> PyResult {
    let (columns, lines) = os_support::plain(thread, system::window_size(fd))?;
    let values = vec![columns.into_py(thread)?, lines.into_py(thread)?];
    TERMINAL_SIZE.make(thread, values)
}

/// Return the number of logical CPUs in the system.
///
/// Return None if indeterminable.
#[pyfunction]
pub(super) fn cpu_count() -> Option<i64> {
    if let Some(configured) = crate::sys::configured_cpu_count() {
        return Some(configured);
    }
    system::sysconf(libc::_SC_NPROCESSORS_ONLN).ok().filter(|count| *count > 0)
}

/// Return whether something is to be called while input is waited for; nothing can be, as that takes CPython's C interface.
#[pyfunction]
pub(super) fn _is_inputhook_installed() -> bool {
    false
}

/// Return average recent system load information.
///
/// Return the number of processes in the system run queue averaged over
/// the last 1, 5, and 15 minutes as a tuple of three floats.
/// Raises OSError if the load average was unobtainable.
#[pyfunction]
pub(super) fn getloadavg(thread: &mut Thread) -> PyResult {
    let Some(loads) = system::getloadavg() else {
        return Err(orochi_objects::error::os_error_message("Load averages are unobtainable"));
    };
    let mut values = Vec::new();
    for load in loads {
        values.push(float::new(thread, load)?);
    }
    Ok(tuple::new(thread, values)?.into_value())
}

/// Return a bytes object containing random bytes suitable for cryptographic use.
#[pyfunction]
#[signature(size, /)]
pub(super) fn urandom(thread: &mut Thread, size: isize) -> PyResult {
    let Ok(size) = usize::try_from(size) else { return Err(value_error("negative argument not allowed")) };
    let mut buffer = os_support::zeroed(size)?;
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        done += os_support::call(thread, || system::getrandom(rest, 0))?;
    }
    bytes::new(thread, &buffer)
}

/// Obtain a series of random bytes.
#[pyfunction]
#[signature(size, flags = 0)]
pub(super) fn getrandom(thread: &mut Thread, size: isize, flags: i32) -> PyResult {
    let Ok(size) = usize::try_from(size) else {
        return Err(os_support::os_failure(thread, &std::io::Error::from_raw_os_error(libc::EINVAL), None));
    };
    let mut buffer = os_support::zeroed(size)?;
    let n = os_support::call(thread, || system::getrandom(&mut buffer, flags as u32))?;
    bytes::new(thread, buffer.get(..n).unwrap_or_default())
}

/// Return a string describing the encoding of a terminal's file descriptor.
///
/// The file descriptor must be attached to a terminal.
/// If the device is not a terminal, return None.
#[pyfunction]
#[signature(fd)]
pub(super) fn device_encoding(fd: i32) -> Option<&'static str> {
    (system::isatty(fd) != 0).then_some("UTF-8")
}

/// The number that a configuration name stands for.
fn configuration(thread: &mut Thread, name: Ref<'_>, table: &[(&str, i32)]) -> PyResult<i32> {
    if let Some(text) = name.downcast::<PyStr>() {
        let found = table.iter().find(|(known, _)| known.as_bytes() == text.as_bytes());
        return found
            .map(|(_, number)| *number)
            .ok_or_else(|| value_error("unrecognized configuration name"));
    }
    if class_of(name).slots.nb_index().is_none() {
        return Err(type_error("configuration names must be strings or integers"));
    }
    os_support::small_number(thread, name, "name")
}

/// Return an integer-valued system configuration variable.
#[pyfunction]
#[signature(name, /)]
pub(super) fn sysconf(thread: &mut Thread, name: Ref<'_>) -> PyResult<i64> {
    let name = configuration(thread, name, super::config_names::SYSCONF)?;
    os_support::plain(thread, system::sysconf(name))
}

/// Return the configuration limit name for the file or directory path.
///
/// If there is no limit, return -1.
/// On some platforms, path may also be specified as an open file descriptor.
///   If this functionality is unavailable, using it raises an exception.
#[pyfunction]
#[signature(path, name)]
pub(super) fn pathconf(thread: &mut Thread, path: os_support::PathOrFd, name: Ref<'_>) -> PyResult<i64> {
    let name = configuration(thread, name, super::config_names::PATHCONF)?;
    os_support::call_path(thread, &path, || system::pathconf(path.target(), name))
}

/// Return the configuration limit name for the file descriptor fd.
///
/// If there is no limit, return -1.
#[pyfunction]
#[signature(fd, name, /)]
pub(super) fn fpathconf(thread: &mut Thread, fd: os_support::Fildes, name: Ref<'_>) -> PyResult<i64> {
    let name = configuration(thread, name, super::config_names::PATHCONF)?;
    os_support::plain(thread, system::pathconf(Err(fd.0), name))
}

/// Return a string-valued system configuration variable.
#[pyfunction]
#[signature(name, /)]
pub(super) fn confstr(thread: &mut Thread, name: Ref<'_>) -> PyResult {
    let name = configuration(thread, name, super::config_names::CONFSTR)?;
    match os_support::plain(thread, system::confstr(name))? {
        Some(text) => os_support::fs_decode(thread, &text),
        None => Ok(Value::NONE),
    }
}

/// A dict of names and numbers.
pub(super) fn table(thread: &mut Thread, entries: &[(&str, i32)]) -> PyResult {
    let made = dict::new(thread)?;
    for (name, number) in entries {
        let name = str::new(thread, name)?;
        let number = int::new(thread, (*number).into())?;
        dict::set_item(thread, &made, name.get(), number)?;
    }
    Ok(made.into_value())
}
