//! What is known of files: stat, access rights, owners, times.

use crate::host::system;
use crate::os_support::{self, DirFd, Id, Path, PathOrFd};
use orochi_macros::pyfunction;
use orochi_objects::args::{ArgContext, FromArg};
use orochi_objects::error::{PyErr, not_implemented_error, overflow_error, type_error, value_error};
use orochi_objects::types::tuple::PyTuple;
use orochi_objects::{IntoPy, PyResult, Ref, Thread, Value, float, int, structseq};

structseq! {
    /// What stat gives.
    pub(crate) static STAT_RESULT: "os" "stat_result" = "stat_result: Result from stat, fstat, or lstat.\n\nThis object may be accessed either as a tuple of\n  (mode, ino, dev, nlink, uid, gid, size, atime, mtime, ctime)\nor via the attributes st_mode, st_ino, st_dev, st_nlink, and so on.\n\nPosix/windows: If your platform supports st_blksize, st_blocks, st_rdev,\nor st_flags, they are available as attributes only.\n\nSee os.stat for more information.",
    visible 10, flags(EMPTY), fallbacks &[(10, 7), (11, 8), (12, 9)], {
        "st_mode" = "protection bits",
        "st_ino" = "inode",
        "st_dev" = "device",
        "st_nlink" = "number of hard links",
        "st_uid" = "user ID of owner",
        "st_gid" = "group ID of owner",
        "st_size" = "total size, in bytes",
        "" = "integer time of last access",
        "" = "integer time of last modification",
        "" = "integer time of last change",
        "st_atime" = "time of last access",
        "st_mtime" = "time of last modification",
        "st_ctime" = "time of last change",
        "st_atime_ns" = "time of last access in nanoseconds",
        "st_mtime_ns" = "time of last modification in nanoseconds",
        "st_ctime_ns" = "time of last change in nanoseconds",
        "st_blksize" = "blocksize for filesystem I/O",
        "st_blocks" = "number of blocks allocated",
        "st_rdev" = "device type (if inode device)",
    }
}

structseq! {
    /// What statvfs gives.
    pub(crate) static STATVFS_RESULT: "os" "statvfs_result" = "statvfs_result: Result from statvfs or fstatvfs.\n\nThis object may be accessed either as a tuple of\n  (bsize, frsize, blocks, bfree, bavail, files, ffree, favail, flag, namemax),\nor via the attributes f_bsize, f_frsize, f_blocks, f_bfree, and so on.\n\nSee os.statvfs for more information.",
    visible 10, flags(EMPTY), fallbacks &[], {
        "f_bsize" = "", "f_frsize" = "", "f_blocks" = "", "f_bfree" = "", "f_bavail" = "",
        "f_files" = "", "f_ffree" = "", "f_favail" = "", "f_flag" = "", "f_namemax" = "", "f_fsid" = "",
    }
}

/// The structure for a stat.
pub(crate) fn stat_result(thread: &mut Thread, stat: &libc::stat) -> PyResult {
    let times = [
        (stat.st_atime, stat.st_atime_nsec),
        (stat.st_mtime, stat.st_mtime_nsec),
        (stat.st_ctime, stat.st_ctime_nsec),
    ];
    let mut values = vec![
        stat.st_mode.into_py(thread)?,
        stat.st_ino.into_py(thread)?,
        stat.st_dev.into_py(thread)?,
        stat.st_nlink.into_py(thread)?,
        stat.st_uid.into_py(thread)?,
        stat.st_gid.into_py(thread)?,
        stat.st_size.into_py(thread)?,
    ];
    for (seconds, _) in times {
        values.push(seconds.into_py(thread)?);
    }
    for (seconds, nanoseconds) in times {
        values.push(float::new(thread, seconds as f64 + 1e-9 * nanoseconds as f64)?);
    }
    for (seconds, nanoseconds) in times {
        let total = i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds);
        values.push(match i64::try_from(total) {
            Ok(total) => int::new(thread, total)?,
            Err(_) => int::from_big(thread, total.into())?,
        });
    }
    values.push(stat.st_blksize.into_py(thread)?);
    values.push(stat.st_blocks.into_py(thread)?);
    values.push(stat.st_rdev.into_py(thread)?);
    STAT_RESULT.make(thread, values)
}

fn no_follow(path: &PathOrFd, follow: bool) -> PyResult<i32> {
    if follow {
        return Ok(0);
    }
    if path.fd.is_some() {
        let function = path.function;
        return Err(value_error(format!("{function}: cannot use fd and follow_symlinks together")));
    }
    Ok(libc::AT_SYMLINK_NOFOLLOW)
}

/// Perform a stat system call on the given path.
///
///   path
///     Path to be examined; can be string, bytes, a path-like object or
///     open-file-descriptor int.
///   dir_fd
///     If not None, it should be a file descriptor open to a directory,
///     and path should be a relative string; path will then be relative to
///     that directory.
///   follow_symlinks
///     If False, and the last element of the path is a symbolic link,
///     stat will examine the symbolic link itself instead of the file
///     the link points to.
///
/// dir_fd and follow_symlinks may not be implemented
///   on your platform.  If they are unavailable, using them will raise a
///   NotImplementedError.
///
/// It's an error to use dir_fd or follow_symlinks when specifying path as
///   an open file descriptor.
#[pyfunction]
#[signature(path, *, dir_fd=DirFd::CWD as "None", follow_symlinks=true as "True")]
pub(super) fn stat(thread: &mut Thread, path: PathOrFd, dir_fd: DirFd, follow_symlinks: bool) -> PyResult {
    dir_fd.check(&path)?;
    let flags = no_follow(&path, follow_symlinks)?;
    let stat = os_support::call_path(thread, &path, || match path.target() {
        Ok(path) => system::fstatat(dir_fd.0, path, flags),
        Err(fd) => system::fstat(fd),
    })?;
    stat_result(thread, &stat)
}

/// Perform a stat system call on the given path, without following symbolic links.
///
/// Like stat(), but do not follow symbolic links.
/// Equivalent to stat(path, follow_symlinks=False).
#[pyfunction]
#[signature(path, *, dir_fd=DirFd::CWD as "None")]
pub(super) fn lstat(thread: &mut Thread, path: Path, dir_fd: DirFd) -> PyResult {
    let stat = os_support::call_path(thread, &path, || {
        system::fstatat(dir_fd.0, &path.path, libc::AT_SYMLINK_NOFOLLOW)
    })?;
    stat_result(thread, &stat)
}

/// Perform a stat system call on the given file descriptor.
///
/// Like stat(), but for an open file descriptor.
/// Equivalent to os.stat(fd).
#[pyfunction]
#[signature(fd)]
pub(super) fn fstat(thread: &mut Thread, fd: i32) -> PyResult {
    let stat = os_support::call(thread, || system::fstat(fd))?;
    stat_result(thread, &stat)
}

fn statvfs_result(thread: &mut Thread, stat: &libc::statvfs) -> PyResult {
    let numbers = [
        stat.f_bsize,
        stat.f_frsize,
        stat.f_blocks,
        stat.f_bfree,
        stat.f_bavail,
        stat.f_files,
        stat.f_ffree,
        stat.f_favail,
        stat.f_flag,
        stat.f_namemax,
        stat.f_fsid,
    ];
    let mut values = Vec::new();
    for number in numbers {
        values.push(number.into_py(thread)?);
    }
    STATVFS_RESULT.make(thread, values)
}

/// Perform a statvfs system call on the given path.
///
/// path may always be specified as a string.
/// On some platforms, path may also be specified as an open file descriptor.
///   If this functionality is unavailable, using it raises an exception.
#[pyfunction]
#[signature(path)]
pub(super) fn statvfs(thread: &mut Thread, path: PathOrFd) -> PyResult {
    let stat = os_support::call_path(thread, &path, || match path.target() {
        Ok(path) => system::statvfs(path),
        Err(fd) => system::fstatvfs(fd),
    })?;
    statvfs_result(thread, &stat)
}

/// Perform an fstatvfs system call on the given fd.
///
/// Equivalent to statvfs(fd).
#[pyfunction]
#[signature(fd, /)]
pub(super) fn fstatvfs(thread: &mut Thread, fd: i32) -> PyResult {
    let stat = os_support::call(thread, || system::fstatvfs(fd))?;
    statvfs_result(thread, &stat)
}

/// Use the real uid/gid to test for access to a path.
///
/// path
///     Path to be tested; can be string, bytes, or a path-like object.
///   mode
///     Operating-system mode bitfield.  Can be F_OK to test existence,
///     or the inclusive-OR of R_OK, W_OK, and X_OK.
///   dir_fd
///     If not None, it should be a file descriptor open to a directory,
///     and path should be relative; path will then be relative to that
///     directory.
///   effective_ids
///     If True, access will use the effective uid/gid instead of
///     the real uid/gid.
///   follow_symlinks
///     If False, and the last element of the path is a symbolic link,
///     access will examine the symbolic link itself instead of the file
///     the link points to.
#[pyfunction]
#[signature(path, mode, *, dir_fd=DirFd::CWD as "None", effective_ids=false as "False", follow_symlinks=true as "True")]
pub(super) fn access(
    thread: &mut Thread,
    path: Path,
    mode: i32,
    dir_fd: DirFd,
    effective_ids: bool,
    follow_symlinks: bool,
) -> PyResult<bool> {
    let mut flags = if effective_ids { libc::AT_EACCESS } else { 0 };
    if !follow_symlinks {
        flags |= libc::AT_SYMLINK_NOFOLLOW;
    }
    let result = os_support::blocking(thread, || system::faccessat(dir_fd.0, &path.path, mode, flags))?;
    Ok(result.is_ok())
}

/// Change the access permissions of a file.
///
///   path
///     Path to be modified.  May always be specified as a str, bytes, or a path-like object.
///     On some platforms, path may also be specified as an open file descriptor.
///     If this functionality is unavailable, using it raises an exception.
///   mode
///     Operating-system mode bitfield.
///     Be careful when using number literals for *mode*. The conventional UNIX notation for
///     numeric modes uses an octal base, which needs to be indicated with a ``0o`` prefix in
///     Python.
#[pyfunction]
#[signature(path, mode, *, dir_fd=DirFd::CWD as "None", follow_symlinks=true as "(os.name != 'nt')")]
pub(super) fn chmod(
    thread: &mut Thread,
    path: PathOrFd,
    mode: i32,
    dir_fd: DirFd,
    follow_symlinks: bool,
) -> PyResult<()> {
    dir_fd.check(&path)?;
    let flags = no_follow(&path, follow_symlinks)?;
    let mode = mode as u32;
    let result = os_support::blocking(thread, || match path.target() {
        Ok(path) => system::fchmodat(dir_fd.0, path, mode, flags),
        Err(fd) => system::fchmod(fd, mode),
    })?;
    match result {
        Ok(_) => Ok(()),
        Err(error) if flags != 0 && error.raw_os_error() == Some(libc::EOPNOTSUPP) => {
            Err(not_implemented_error("chmod: follow_symlinks unavailable on this platform"))
        }
        Err(error) => Err(os_support::os_failure(thread, &error, path.name())),
    }
}

/// Change the access permissions of the file given by file descriptor fd.
#[pyfunction]
#[signature(fd, mode)]
pub(super) fn fchmod(thread: &mut Thread, fd: i32, mode: i32) -> PyResult<()> {
    os_support::call(thread, || system::fchmod(fd, mode as u32)).map(drop)
}

/// Change the owner and group id of path to the numeric uid and gid.
#[pyfunction]
#[signature(path, uid, gid, *, dir_fd=DirFd::CWD as "None", follow_symlinks=true as "True")]
pub(super) fn chown(
    thread: &mut Thread,
    path: PathOrFd,
    uid: Id<false>,
    gid: Id<true>,
    dir_fd: DirFd,
    follow_symlinks: bool,
) -> PyResult<()> {
    dir_fd.check(&path)?;
    let flags = no_follow(&path, follow_symlinks)?;
    os_support::call_path(thread, &path, || match path.target() {
        Ok(path) => system::fchownat(dir_fd.0, path, uid.0, gid.0, flags),
        Err(fd) => system::fchown(fd, uid.0, gid.0),
    })
    .map(drop)
}

/// Change the owner and group id of path to the numeric uid and gid.
///
/// This function will not follow symbolic links.
/// Equivalent to os.chown(path, uid, gid, follow_symlinks=False).
#[pyfunction]
#[signature(path, uid, gid)]
pub(super) fn lchown(thread: &mut Thread, path: Path, uid: Id<false>, gid: Id<true>) -> PyResult<()> {
    os_support::call_path(thread, &path, || {
        system::fchownat(libc::AT_FDCWD, &path.path, uid.0, gid.0, libc::AT_SYMLINK_NOFOLLOW)
    })
    .map(drop)
}

/// Change the owner and group id of the file specified by file descriptor.
///
/// Equivalent to os.chown(fd, uid, gid).
#[pyfunction]
#[signature(fd, uid, gid)]
pub(super) fn fchown(thread: &mut Thread, fd: i32, uid: Id<false>, gid: Id<true>) -> PyResult<()> {
    os_support::call(thread, || system::fchown(fd, uid.0, gid.0)).map(drop)
}

/// Seconds and nanoseconds of a number of seconds, rounded down.
fn seconds(thread: &mut Thread, value: Ref<'_>) -> PyResult<(i64, i64)> {
    if let Some(number) = float::value(value) {
        let whole = number.floor();
        if !(-9.3e18..9.3e18).contains(&whole) {
            return Err(if number.is_nan() {
                value_error("Invalid value NaN (not a number)")
            } else {
                orochi_objects::error::overflow_error("timestamp out of range for platform time_t")
            });
        }
        let nanoseconds = ((number - whole) * 1e9).floor() as i64;
        return Ok(if nanoseconds >= 1_000_000_000 {
            (whole as i64 + 1, 0)
        } else {
            (whole as i64, nanoseconds)
        });
    }
    Ok((int::index_i64(thread, value)?, 0))
}

fn nanoseconds(thread: &mut Thread, value: Ref<'_>) -> PyResult<(i64, i64)> {
    let total = int::index_i64(thread, value)?;
    Ok((total.div_euclid(1_000_000_000), total.rem_euclid(1_000_000_000)))
}

type Convert = fn(&mut Thread, Ref<'_>) -> PyResult<(i64, i64)>;

fn two_times(thread: &mut Thread, value: Ref<'_>, convert: Convert) -> PyResult<Option<[(i64, i64); 2]>> {
    let Some(pair) = value.downcast::<PyTuple>().filter(|pair| pair.len() == 2) else { return Ok(None) };
    let first = convert(thread, pair.item(0).unwrap_or(Ref::NONE))?;
    let second = convert(thread, pair.item(1).unwrap_or(Ref::NONE))?;
    Ok(Some([first, second]))
}

fn bad_times(expected: &str) -> PyErr {
    type_error(format!("utime: {expected}"))
}

/// Set the access and modified time of path.
///
/// path may always be specified as a string.
/// On some platforms, path may also be specified as an open file descriptor.
///   If this functionality is unavailable, using it raises an exception.
///
/// If times is not None, it must be a tuple (atime, mtime);
///     atime and mtime should be expressed as float seconds since the epoch.
/// If ns is specified, it must be a tuple (atime_ns, mtime_ns);
///     atime_ns and mtime_ns should be expressed as integer nanoseconds
///     since the epoch.
/// If times is None and ns is unspecified, utime uses the current time.
/// Specifying tuples for both times and ns is an error.
#[pyfunction]
#[signature(path, times=None, *, ns=<missing>, dir_fd=DirFd::CWD as "None", follow_symlinks=true as "True")]
pub(super) fn utime(
    thread: &mut Thread,
    path: PathOrFd,
    times: Option<Ref<'_>>,
    ns: Option<Ref<'_>>,
    dir_fd: DirFd,
    follow_symlinks: bool,
) -> PyResult<()> {
    let times = match (times.filter(|times| !times.is_none()), ns) {
        (Some(_), Some(_)) => {
            return Err(value_error("utime: you may specify either 'times' or 'ns' but not both"));
        }
        (Some(times), None) => Some(
            two_times(thread, times, seconds)?
                .ok_or_else(|| bad_times("'times' must be either a tuple of two ints or None"))?,
        ),
        (None, Some(ns)) => Some(
            two_times(thread, ns, nanoseconds)?
                .ok_or_else(|| bad_times("'ns' must be a tuple of two ints"))?,
        ),
        (None, None) => None,
    };
    dir_fd.check(&path)?;
    let flags = no_follow(&path, follow_symlinks)?;
    os_support::call_path(thread, &path, || system::utimens(dir_fd.0, path.target(), times, flags))
}

/// Set the current numeric umask and return the previous umask.
#[pyfunction]
#[signature(mask)]
pub(super) fn umask(mask: i32) -> u32 {
    system::umask(mask as u32)
}

/// A device's number; nothing for -1, which stands for no device.
pub(super) struct Device(Option<u64>);

impl<'a> FromArg<'a> for Device {
    fn from_arg(thread: &mut Thread, value: Ref<'a>, context: ArgContext) -> PyResult<Device> {
        let number = int::index(thread, value)?;
        if number.get().as_small_int() == Some(-1) {
            return Ok(Device(None));
        }
        u64::from_arg(thread, number.get(), context).map(|number| Device(Some(number)))
    }
}

/// Extracts a device major number from a raw device number.
#[pyfunction]
#[signature(device, /)]
pub(super) fn major(device: Device) -> i64 {
    device.0.map_or(-1, |device| libc::major(device).into())
}

/// Extracts a device minor number from a raw device number.
#[pyfunction]
#[signature(device, /)]
pub(super) fn minor(device: Device) -> i64 {
    device.0.map_or(-1, |device| libc::minor(device).into())
}

/// Composes a raw device number from the major and minor device numbers.
#[pyfunction]
#[signature(major, minor, /)]
pub(super) fn makedev(thread: &mut Thread, major: Device, minor: Device) -> PyResult {
    let part = |part: Device| match part.0.map(u32::try_from) {
        Some(Ok(part)) => Ok(part),
        Some(Err(_)) => Err(overflow_error("Python int too large to convert to C unsigned int")),
        None => Ok(u32::MAX),
    };
    if major.0.is_none() && minor.0.is_none() {
        return int::new(thread, -1);
    }
    libc::makedev(part(major)?, part(minor)?).into_py(thread)
}

/// The values for a structure of one kind of number.
pub(crate) fn ints(thread: &mut Thread, numbers: &[i64]) -> PyResult<Vec<Value>> {
    numbers.iter().map(|number| int::new(thread, *number)).collect()
}
