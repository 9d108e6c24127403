//! `fcntl`: control of open files.

use crate::host::system;
use crate::os_support::{self, Fildes};
use orochi_macros::{pyfunction, pymodule};
use orochi_objects::error::value_error;
use orochi_objects::types::bytes;
use orochi_objects::{ModuleExt, Obj, PyModule, PyResult, Ref, Thread, int};

/// The most bytes that an argument may have.
const BUFFER: usize = 1024;

/// An argument: bytes-like objects are copied, changed by the call and given back.
fn buffer_of(thread: &mut Thread, argument: Ref<'_>, function: &str) -> PyResult<Option<(Vec<u8>, usize)>> {
    let given = match argument.downcast::<orochi_objects::str::PyStr>() {
        Some(text) => Some(text.as_bytes().to_vec()),
        None => orochi_objects::buffer::bytes_if_any(thread, argument)?.map(|bytes| bytes.into_vec()),
    };
    let Some(mut given) = given else { return Ok(None) };
    let len = given.len();
    if len > BUFFER {
        return Err(value_error(format!("{function} argument 3 is too long")));
    }
    // More room than any structure of the kernel takes.
    given.resize(BUFFER * 8, 0);
    Ok(Some((given, len)))
}

/// Perform the operation `cmd` on file descriptor fd.
///
/// The values used for `cmd` are operating system dependent, and are available
/// as constants in the fcntl module, using the same names as used in
/// the relevant C header files.  The argument arg is optional, and
/// defaults to 0; it may be an integer, a bytes-like object, or a string.
#[pyfunction]
#[signature(fd, cmd, arg=None as "0", /)]
fn fcntl(thread: &mut Thread, fd: Fildes, cmd: i32, arg: Option<Ref<'_>>) -> PyResult {
    let arg = arg.filter(|arg| !arg.is_none());
    if let Some(arg) = arg
        && let Some((mut buffer, len)) = buffer_of(thread, arg, "fcntl")?
    {
        os_support::call(thread, || system::fcntl_buffer(fd.0, cmd, &mut buffer))?;
        return bytes::new(thread, buffer.get(..len).unwrap_or_default());
    }
    let number = match arg {
        Some(arg) => int::index_i64(thread, arg)?,
        None => 0,
    };
    let result = os_support::call(thread, || system::fcntl(fd.0, cmd, number))?;
    int::new(thread, result.into())
}

/// Perform the operation request on file descriptor fd.
///
/// The values used for request are operating system dependent, and are available
/// as constants in the fcntl or termios library modules, using the same names as
/// used in the relevant C header files.
#[pyfunction]
#[signature(fd, request, arg=None as "0", mutate_flag=true as "True", /)]
fn ioctl(thread: &mut Thread, fd: Fildes, request: i64, arg: Option<Ref<'_>>, mutate_flag: bool) -> PyResult {
    let arg = arg.filter(|arg| !arg.is_none());
    let request = request as u32;
    if let Some(arg) = arg
        && let Some((mut buffer, len)) = buffer_of(thread, arg, "ioctl")?
    {
        let result = os_support::call(thread, || system::ioctl_buffer(fd.0, request.into(), &mut buffer))?;
        let changed = buffer.get(..len).unwrap_or_default();
        if mutate_flag
            && bytes::value(arg).is_none()
            && let Some(view) = orochi_objects::buffer::writable(thread, arg)
        {
            let view = view?;
            view.write(thread, 0, changed);
            view.finish(thread);
            return int::new(thread, result.into());
        }
        return bytes::new(thread, changed);
    }
    let number = match arg {
        Some(arg) => int::index_i64(thread, arg)?,
        None => 0,
    };
    let result = os_support::call(thread, || system::ioctl(fd.0, request.into(), number))?;
    int::new(thread, result.into())
}

/// Perform the lock operation on file descriptor fd.
///
/// See the Unix manual page for flock(2) for details (On some systems, this
/// function is emulated using fcntl()).
#[pyfunction]
#[signature(fd, operation, /)]
fn flock(thread: &mut Thread, fd: Fildes, operation: i32) -> PyResult<()> {
    os_support::call(thread, || crate::host::poll::flock(fd.0, operation))
}

/// A wrapper around the fcntl() locking calls.
///
/// `fd` is the file descriptor of the file to lock or unlock, and operation is one
/// of the following values:
///
///     LOCK_UN - unlock
///     LOCK_SH - acquire a shared lock
///     LOCK_EX - acquire an exclusive lock
///
/// When operation is LOCK_SH or LOCK_EX, it can also be bitwise ORed with LOCK_NB to
/// avoid blocking on lock acquisition.
#[pyfunction]
#[signature(fd, cmd, len=0, start=0, whence=0, /)]
fn lockf(thread: &mut Thread, fd: Fildes, cmd: i32, len: i64, start: i64, whence: i32) -> PyResult<()> {
    let kind = match cmd & !libc::LOCK_NB {
        libc::LOCK_UN => libc::F_UNLCK,
        libc::LOCK_SH => libc::F_RDLCK,
        libc::LOCK_EX => libc::F_WRLCK,
        _ => return Err(value_error("unrecognized lockf argument")),
    };
    let wait = cmd & libc::LOCK_NB == 0;
    os_support::call(thread, || {
        crate::host::poll::record_lock(fd.0, kind as i16, (start, len, whence as i16), wait)
    })
}

const CONSTANTS: &[(&str, i64)] = &[
    ("DN_ACCESS", 1),
    ("DN_ATTRIB", 32),
    ("DN_CREATE", 4),
    ("DN_DELETE", 8),
    ("DN_MODIFY", 2),
    ("DN_MULTISHOT", 2147483648),
    ("DN_RENAME", 16),
    ("FASYNC", 8192),
    ("FD_CLOEXEC", libc::FD_CLOEXEC as i64),
    ("FICLONE", libc::FICLONE as i64),
    ("FICLONERANGE", libc::FICLONERANGE as i64),
    ("F_ADD_SEALS", libc::F_ADD_SEALS as i64),
    ("F_DUPFD", libc::F_DUPFD as i64),
    ("F_DUPFD_CLOEXEC", libc::F_DUPFD_CLOEXEC as i64),
    ("F_DUPFD_QUERY", 1027),
    ("F_EXLCK", 4),
    ("F_GETFD", libc::F_GETFD as i64),
    ("F_GETFL", libc::F_GETFL as i64),
    ("F_GETLEASE", libc::F_GETLEASE as i64),
    ("F_GETLK", libc::F_GETLK as i64),
    ("F_GETLK64", 5),
    ("F_GETOWN", libc::F_GETOWN as i64),
    ("F_GETOWN_EX", 16),
    ("F_GETPIPE_SZ", libc::F_GETPIPE_SZ as i64),
    ("F_GETSIG", 11),
    ("F_GET_FILE_RW_HINT", 1037),
    ("F_GET_RW_HINT", 1035),
    ("F_GET_SEALS", libc::F_GET_SEALS as i64),
    ("F_NOTIFY", libc::F_NOTIFY as i64),
    ("F_OFD_GETLK", libc::F_OFD_GETLK as i64),
    ("F_OFD_SETLK", libc::F_OFD_SETLK as i64),
    ("F_OFD_SETLKW", libc::F_OFD_SETLKW as i64),
    ("F_OWNER_PGRP", 2),
    ("F_OWNER_PID", 1),
    ("F_OWNER_TID", 0),
    ("F_RDLCK", libc::F_RDLCK as i64),
    ("F_SEAL_FUTURE_WRITE", libc::F_SEAL_FUTURE_WRITE as i64),
    ("F_SEAL_GROW", libc::F_SEAL_GROW as i64),
    ("F_SEAL_SEAL", libc::F_SEAL_SEAL as i64),
    ("F_SEAL_SHRINK", libc::F_SEAL_SHRINK as i64),
    ("F_SEAL_WRITE", libc::F_SEAL_WRITE as i64),
    ("F_SETFD", libc::F_SETFD as i64),
    ("F_SETFL", libc::F_SETFL as i64),
    ("F_SETLEASE", libc::F_SETLEASE as i64),
    ("F_SETLK", libc::F_SETLK as i64),
    ("F_SETLK64", 6),
    ("F_SETLKW", libc::F_SETLKW as i64),
    ("F_SETLKW64", 7),
    ("F_SETOWN", libc::F_SETOWN as i64),
    ("F_SETOWN_EX", 15),
    ("F_SETPIPE_SZ", libc::F_SETPIPE_SZ as i64),
    ("F_SETSIG", 10),
    ("F_SET_FILE_RW_HINT", 1038),
    ("F_SET_RW_HINT", 1036),
    ("F_SHLCK", 8),
    ("F_UNLCK", libc::F_UNLCK as i64),
    ("F_WRLCK", libc::F_WRLCK as i64),
    ("LOCK_EX", libc::LOCK_EX as i64),
    ("LOCK_MAND", 32),
    ("LOCK_NB", libc::LOCK_NB as i64),
    ("LOCK_READ", 64),
    ("LOCK_RW", 192),
    ("LOCK_SH", libc::LOCK_SH as i64),
    ("LOCK_UN", libc::LOCK_UN as i64),
    ("LOCK_WRITE", 128),
    ("RWH_WRITE_LIFE_EXTREME", 5),
    ("RWH_WRITE_LIFE_LONG", 4),
    ("RWH_WRITE_LIFE_MEDIUM", 3),
    ("RWH_WRITE_LIFE_NONE", 1),
    ("RWH_WRITE_LIFE_NOT_SET", 0),
    ("RWH_WRITE_LIFE_SHORT", 2),
];

/// This module performs file control and I/O control on file descriptors.
///
/// It is an interface to the fcntl() and ioctl() Unix routines.  File
/// descriptors can be obtained with the fileno() method of a file or socket object.
#[pymodule(name = "fcntl", functions(fcntl, ioctl, flock, lockf))]
fn init(thread: &mut Thread, module: &Obj<PyModule>) -> PyResult<()> {
    for (name, number) in CONSTANTS {
        module.add(thread, name, *number)?;
    }
    Ok(())
}
