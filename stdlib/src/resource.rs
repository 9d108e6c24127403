//! `resource`: what the process uses, and its limits.

use crate::os_support;
use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::value_error;
use orochi_objects::types::exception;
use orochi_objects::{
    IntoPy, ModuleExt, Obj, PyModule, PyResult, Ref, Thread, float, int, protocol, structseq, tuple,
};

structseq! {
    /// What getrusage gives.
    pub(crate) static STRUCT_RUSAGE: "resource" "struct_rusage" = "struct_rusage: Result from getrusage.\n\nThis object may be accessed either as a tuple of\n    (utime,stime,maxrss,ixrss,idrss,isrss,minflt,majflt,\n    nswap,inblock,oublock,msgsnd,msgrcv,nsignals,nvcsw,nivcsw)\nor via the attributes ru_utime, ru_stime, ru_maxrss, and so on.",
    visible 16, flags(EMPTY), fallbacks &[], {
        "ru_utime" = "user time used",
        "ru_stime" = "system time used",
        "ru_maxrss" = "max. resident set size",
        "ru_ixrss" = "shared memory size",
        "ru_idrss" = "unshared data size",
        "ru_isrss" = "unshared stack size",
        "ru_minflt" = "page faults not requiring I/O",
        "ru_majflt" = "page faults requiring I/O",
        "ru_nswap" = "number of swap outs",
        "ru_inblock" = "block input operations",
        "ru_oublock" = "block output operations",
        "ru_msgsnd" = "IPC messages sent",
        "ru_msgrcv" = "IPC messages received",
        "ru_nsignals" = "signals received",
        "ru_nvcsw" = "voluntary context switches",
        "ru_nivcsw" = "involuntary context switches",
    }
}

/// The structure for C's.
pub(crate) fn usage_result(thread: &mut Thread, usage: &libc::rusage) -> PyResult {
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 * 1e-6;
    let mut values =
        vec![float::new(thread, seconds(usage.ru_utime))?, float::new(thread, seconds(usage.ru_stime))?];
    let numbers = [
        usage.ru_maxrss,
        usage.ru_ixrss,
        usage.ru_idrss,
        usage.ru_isrss,
        usage.ru_minflt,
        usage.ru_majflt,
        usage.ru_nswap,
        usage.ru_inblock,
        usage.ru_oublock,
        usage.ru_msgsnd,
        usage.ru_msgrcv,
        usage.ru_nsignals,
        usage.ru_nvcsw,
        usage.ru_nivcsw,
    ];
    for number in numbers {
        values.push(int::new(thread, number)?);
    }
    STRUCT_RUSAGE.make(thread, values)
}

#[pyfunction]
#[signature(who, /)]
fn getrusage(thread: &mut Thread, who: i32) -> PyResult {
    match crate::host::limits::getrusage(who) {
        Ok(usage) => usage_result(thread, &usage),
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Err(value_error("invalid who parameter")),
        Err(error) => Err(os_support::os_failure(thread, &error, None)),
    }
}

fn known(resource: i32) -> PyResult<u32> {
    match u32::try_from(resource) {
        Ok(number) if number < 16 => Ok(number),
        _ => Err(value_error("invalid resource specified")),
    }
}

fn pair(thread: &mut Thread, limits: (u64, u64)) -> PyResult {
    // RLIM_INFINITY is -1 in Python.
    let values = vec![(limits.0 as i64).into_py(thread)?, (limits.1 as i64).into_py(thread)?];
    Ok(tuple::new(thread, values)?.into_value())
}

fn limits_of(thread: &mut Thread, limits: Ref<'_>) -> PyResult<(u64, u64)> {
    let values = protocol::collect(thread, limits)?;
    let [soft, hard] = values.as_slice() else { return Err(value_error("expected a tuple of 2 integers")) };
    let soft = int::index_i64(thread, soft.get())? as u64;
    Ok((soft, int::index_i64(thread, hard.get())? as u64))
}

#[pyfunction]
#[signature(resource, /)]
fn getrlimit(thread: &mut Thread, resource: i32) -> PyResult {
    let resource = known(resource)?;
    let limits = os_support::plain(thread, crate::host::limits::prlimit(0, resource, None))?;
    pair(thread, limits)
}

fn change(thread: &mut Thread, pid: i32, resource: i32, limits: Option<(u64, u64)>) -> PyResult<(u64, u64)> {
    let resource = known(resource)?;
    crate::host::limits::prlimit(pid, resource, limits).map_err(|error| match error.raw_os_error() {
        Some(libc::EINVAL) => value_error("current limit exceeds maximum limit"),
        Some(libc::EPERM) if pid == 0 => value_error("not allowed to raise maximum limit"),
        _ => os_support::os_failure(thread, &error, None),
    })
}

#[pyfunction]
#[signature(resource, limits, /)]
fn setrlimit(thread: &mut Thread, resource: i32, limits: Ref<'_>) -> PyResult<()> {
    let limits = limits_of(thread, limits)?;
    change(thread, 0, resource, Some(limits)).map(drop)
}

#[pyfunction]
#[signature(pid, resource, limits=None, /)]
fn prlimit(thread: &mut Thread, pid: i32, resource: i32, limits: Option<Ref<'_>>) -> PyResult {
    let limits = match limits.filter(|limits| !limits.is_none()) {
        Some(limits) => Some(limits_of(thread, limits)?),
        None => None,
    };
    let old = change(thread, pid, resource, limits)?;
    pair(thread, old)
}

#[pyfunction]
fn getpagesize(thread: &mut Thread) -> PyResult<i64> {
    os_support::plain(thread, crate::host::system::sysconf(libc::_SC_PAGESIZE))
}

const CONSTANTS: &[(&str, i64)] = &[
    ("RLIMIT_AS", libc::RLIMIT_AS as i64),
    ("RLIMIT_CORE", libc::RLIMIT_CORE as i64),
    ("RLIMIT_CPU", libc::RLIMIT_CPU as i64),
    ("RLIMIT_DATA", libc::RLIMIT_DATA as i64),
    ("RLIMIT_FSIZE", libc::RLIMIT_FSIZE as i64),
    ("RLIMIT_MEMLOCK", libc::RLIMIT_MEMLOCK as i64),
    ("RLIMIT_MSGQUEUE", libc::RLIMIT_MSGQUEUE as i64),
    ("RLIMIT_NICE", libc::RLIMIT_NICE as i64),
    ("RLIMIT_NOFILE", libc::RLIMIT_NOFILE as i64),
    ("RLIMIT_NPROC", libc::RLIMIT_NPROC as i64),
    ("RLIMIT_OFILE", libc::RLIMIT_NOFILE as i64),
    ("RLIMIT_RSS", libc::RLIMIT_RSS as i64),
    ("RLIMIT_RTPRIO", libc::RLIMIT_RTPRIO as i64),
    ("RLIMIT_RTTIME", libc::RLIMIT_RTTIME as i64),
    ("RLIMIT_SIGPENDING", libc::RLIMIT_SIGPENDING as i64),
    ("RLIMIT_STACK", libc::RLIMIT_STACK as i64),
    ("RLIM_INFINITY", -1),
    ("RUSAGE_CHILDREN", libc::RUSAGE_CHILDREN as i64),
    ("RUSAGE_SELF", libc::RUSAGE_SELF as i64),
    ("RUSAGE_THREAD", libc::RUSAGE_THREAD as i64),
];

#[pymodule(name = "resource", functions(getrusage, getrlimit, setrlimit, prlimit, getpagesize))]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    for (name, number) in CONSTANTS {
        module.add(thread, name, *number)?;
    }
    let class = STRUCT_RUSAGE.class(thread)?;
    module.add(thread, "struct_rusage", class)?;
    module.add(thread, "error", exception::OSError.get())
}
