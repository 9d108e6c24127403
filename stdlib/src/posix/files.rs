//! Open files: descriptors, reading and writing, positions, copying.

use crate::host::system;
use crate::os_support::{self, DirFd, Fildes, Path, PathArg, PathOrFd};
use orochi_macros::pyfunction;
use orochi_objects::buffer::{ArgBuffer, ArgBytes};
use orochi_objects::error::{type_error, value_error};
use orochi_objects::types::{bytes, list};
use orochi_objects::{IntoPy, PyResult, Ref, Thread, Value, class_of, int, protocol, tuple};

/// Open a file for low level IO.  Returns a file descriptor (integer).
///
/// If dir_fd is not None, it should be a file descriptor open to a directory,
///   and path should be relative; path will then be relative to that directory.
/// dir_fd may not be implemented on your platform.
///   If it is unavailable, using it will raise a NotImplementedError.
#[pyfunction]
#[signature(path, flags, mode=0o777 as "511", *, dir_fd=DirFd::CWD as "None")]
pub(super) fn open(thread: &mut Thread, path: Path, flags: i32, mode: i32, dir_fd: DirFd) -> PyResult<i32> {
    let flags = flags | libc::O_CLOEXEC;
    os_support::call_path(thread, &path, || system::openat(dir_fd.0, &path.path, flags, mode as u32))
}

/// Close a file descriptor.
#[pyfunction]
#[signature(fd)]
pub(super) fn close(thread: &mut Thread, fd: i32) -> PyResult<()> {
    // Not made again: after an interruption the descriptor is closed all the same.
    match thread.detached(|| system::close(fd)) {
        Err(error) if error.raw_os_error() != Some(libc::EINTR) => {
            Err(os_support::os_failure(thread, &error, None))
        }
        _ => Ok(()),
    }
}

/// Closes all file descriptors in [fd_low, fd_high), ignoring errors.
#[pyfunction]
#[signature(fd_low, fd_high, /)]
pub(super) fn closerange(thread: &mut Thread, fd_low: i32, fd_high: i32) {
    thread.detached(|| system::close_range(fd_low, fd_high));
}

/// Return a duplicate of a file descriptor.
#[pyfunction]
#[signature(fd, /)]
pub(super) fn dup(thread: &mut Thread, fd: i32) -> PyResult<i32> {
    os_support::plain(thread, system::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0))
}

/// Duplicate file descriptor.
#[pyfunction]
#[signature(fd, fd2, inheritable=true as "True")]
pub(super) fn dup2(thread: &mut Thread, fd: i32, fd2: i32, inheritable: bool) -> PyResult<i32> {
    os_support::call(thread, || {
        if inheritable || fd == fd2 { system::dup2(fd, fd2) } else { system::dup3(fd, fd2, libc::O_CLOEXEC) }
    })
}

/// Set the position of a file descriptor.  Return the new position.
#[pyfunction]
#[signature(fd, position, whence, /)]
pub(super) fn lseek(thread: &mut Thread, fd: i32, position: i64, whence: i32) -> PyResult<i64> {
    os_support::call(thread, || system::lseek(fd, position, whence))
}

/// A length that isn't negative.
fn size(thread: &mut Thread, length: isize) -> PyResult<usize> {
    match usize::try_from(length) {
        Ok(length) => Ok(length),
        Err(_) => Err(os_support::os_failure(thread, &std::io::Error::from_raw_os_error(libc::EINVAL), None)),
    }
}

/// Read from a file descriptor.  Returns a bytes object.
#[pyfunction]
#[signature(fd, length, /)]
pub(super) fn read(thread: &mut Thread, fd: i32, length: isize) -> PyResult {
    let mut buffer = os_support::zeroed(size(thread, length)?)?;
    let n = os_support::call(thread, || system::read(fd, &mut buffer))?;
    bytes::new(thread, buffer.get(..n).unwrap_or_default())
}

/// Read into a buffer object from a file descriptor.
///
/// The buffer should be mutable and bytes-like. On success, returns the number of
/// bytes read.
#[pyfunction]
#[signature(fd, buffer, /)]
pub(super) fn readinto(thread: &mut Thread, fd: i32, buffer: ArgBuffer) -> PyResult<usize> {
    let result = os_support::zeroed(buffer.len()).and_then(|mut bytes| {
        let n = os_support::call(thread, || system::read(fd, &mut bytes))?;
        buffer.write(thread, 0, bytes.get(..n).unwrap_or_default());
        Ok(n)
    });
    buffer.finish(thread);
    result
}

/// Write a bytes object to a file descriptor.
#[pyfunction]
#[signature(fd, data, /)]
pub(super) fn write(thread: &mut Thread, fd: i32, data: ArgBytes<'_>) -> PyResult<usize> {
    os_support::call(thread, || system::write(fd, &data))
}

/// Read a number of bytes from a file descriptor starting at a particular offset.
#[pyfunction]
#[signature(fd, length, offset, /)]
pub(super) fn pread(thread: &mut Thread, fd: i32, length: isize, offset: i64) -> PyResult {
    let mut buffer = os_support::zeroed(size(thread, length)?)?;
    let n = os_support::call(thread, || system::pread(fd, &mut buffer, offset))?;
    bytes::new(thread, buffer.get(..n).unwrap_or_default())
}

/// Write bytes to a file descriptor starting at a particular offset.
#[pyfunction]
#[signature(fd, buffer, offset, /)]
pub(super) fn pwrite(thread: &mut Thread, fd: i32, buffer: ArgBytes<'_>, offset: i64) -> PyResult<usize> {
    os_support::call(thread, || system::pwrite(fd, &buffer, offset))
}

fn gather(
    thread: &mut Thread,
    fd: i32,
    buffers: Ref<'_>,
    at: Option<(i64, i32)>,
    function: &str,
) -> PyResult<usize> {
    if class_of(buffers).slots.sq_item().is_none() {
        return Err(type_error(format!("{function}() arg 2 must be a sequence")));
    }
    let objects = protocol::collect(thread, buffers)?;
    let mut parts = Vec::new();
    for object in &objects {
        parts.push(orochi_objects::buffer::bytes_of(thread, object.get())?);
    }
    let parts: Vec<&[u8]> = parts.iter().map(|part| &**part).collect();
    os_support::call(thread, || system::writev(fd, &parts, at))
}

/// Iterate over buffers, and write the contents of each to a file descriptor.
#[pyfunction]
#[signature(fd, buffers, /)]
pub(super) fn writev(thread: &mut Thread, fd: i32, buffers: Ref<'_>) -> PyResult<usize> {
    gather(thread, fd, buffers, None, "writev")
}

/// Writes the contents of bytes-like objects to a file descriptor at a given offset.
#[pyfunction]
#[signature(fd, buffers, offset, flags=0, /)]
pub(super) fn pwritev(
    thread: &mut Thread,
    fd: i32,
    buffers: Ref<'_>,
    offset: i64,
    flags: i32,
) -> PyResult<usize> {
    gather(thread, fd, buffers, Some((offset, flags)), "pwritev")
}

fn scatter(
    thread: &mut Thread,
    fd: i32,
    buffers: Ref<'_>,
    at: Option<(i64, i32)>,
    function: &str,
) -> PyResult<usize> {
    if class_of(buffers).slots.sq_item().is_none() {
        return Err(type_error(format!("{function}() arg 2 must be a sequence")));
    }
    let objects = protocol::collect(thread, buffers)?;
    let mut views: Vec<ArgBuffer> = Vec::new();
    let mut result = Ok(0);
    for object in &objects {
        match orochi_objects::buffer::writable(thread, object.get()) {
            Some(Ok(view)) => views.push(view),
            Some(Err(error)) => result = Err(error),
            None => {
                let name = class_of(object.get()).name();
                let text = format!("read-write bytes-like object required, not '{name}'");
                result = Err(type_error(text));
            }
        }
    }
    if result.is_ok() {
        result = fill(thread, fd, &views, at);
    }
    for view in views {
        view.finish(thread);
    }
    result
}

fn fill(thread: &mut Thread, fd: i32, views: &[ArgBuffer], at: Option<(i64, i32)>) -> PyResult<usize> {
    let mut parts =
        views.iter().map(|view| os_support::zeroed(view.len())).collect::<PyResult<Vec<Vec<u8>>>>()?;
    let n = os_support::call(thread, || system::readv(fd, &mut parts, at))?;
    let mut left = n;
    for (view, part) in views.iter().zip(&parts) {
        let here = left.min(part.len());
        view.write(thread, 0, part.get(..here).unwrap_or_default());
        left -= here;
    }
    Ok(n)
}

/// Read from a file descriptor fd into an iterable of buffers.
#[pyfunction]
#[signature(fd, buffers, /)]
pub(super) fn readv(thread: &mut Thread, fd: i32, buffers: Ref<'_>) -> PyResult<usize> {
    scatter(thread, fd, buffers, None, "readv")
}

/// Reads from a file descriptor into a number of mutable bytes-like objects.
#[pyfunction]
#[signature(fd, buffers, offset, flags=0, /)]
pub(super) fn preadv(
    thread: &mut Thread,
    fd: i32,
    buffers: Ref<'_>,
    offset: i64,
    flags: i32,
) -> PyResult<usize> {
    scatter(thread, fd, buffers, Some((offset, flags)), "preadv")
}

/// Force write of fd to disk.
#[pyfunction]
#[signature(fd)]
pub(super) fn fsync(thread: &mut Thread, fd: Fildes) -> PyResult<()> {
    os_support::call(thread, || system::fsync(fd.0)).map(drop)
}

/// Force write of fd to disk without forcing update of metadata.
#[pyfunction]
#[signature(fd)]
pub(super) fn fdatasync(thread: &mut Thread, fd: Fildes) -> PyResult<()> {
    os_support::call(thread, || system::fdatasync(fd.0)).map(drop)
}

/// Force write of everything to disk.
#[pyfunction]
pub(super) fn sync(thread: &mut Thread) {
    thread.detached(system::sync);
}

/// Truncate a file, specified by path, to a specific length.
///
/// On some platforms, path may also be specified as an open file descriptor.
/// If this functionality is unavailable, using it raises an exception.
#[pyfunction]
#[signature(path, length)]
pub(super) fn truncate(thread: &mut Thread, path: PathOrFd, length: i64) -> PyResult<()> {
    os_support::call_path(thread, &path, || match path.target() {
        Ok(path) => system::truncate(path, length),
        Err(fd) => system::ftruncate(fd, length),
    })
    .map(drop)
}

/// Truncate a file, specified by file descriptor, to a specific length.
#[pyfunction]
#[signature(fd, length, /)]
pub(super) fn ftruncate(thread: &mut Thread, fd: i32, length: i64) -> PyResult<()> {
    os_support::call(thread, || system::ftruncate(fd, length)).map(drop)
}

/// Apply, test or remove a POSIX lock on an open file descriptor.
#[pyfunction]
#[signature(fd, command, length, /)]
pub(super) fn lockf(thread: &mut Thread, fd: i32, command: i32, length: i64) -> PyResult<()> {
    os_support::call(thread, || system::lockf(fd, command, length)).map(drop)
}

/// The result of calls that return an error number.
fn numbered(result: std::io::Result<i32>) -> std::io::Result<()> {
    match result {
        Ok(0) => Ok(()),
        Ok(errno) => Err(std::io::Error::from_raw_os_error(errno)),
        Err(error) => Err(error),
    }
}

/// Announce an intention to access data in a specific pattern.
#[pyfunction]
#[signature(fd, offset, length, advice, /)]
pub(super) fn posix_fadvise(
    thread: &mut Thread,
    fd: i32,
    offset: i64,
    length: i64,
    advice: i32,
) -> PyResult<()> {
    os_support::call(thread, || numbered(system::posix_fadvise(fd, offset, length, advice)))
}

/// Ensure a file has allocated at least a particular number of bytes on disk.
#[pyfunction]
#[signature(fd, offset, length, /)]
pub(super) fn posix_fallocate(thread: &mut Thread, fd: i32, offset: i64, length: i64) -> PyResult<()> {
    os_support::call(thread, || numbered(system::posix_fallocate(fd, offset, length)))
}

fn pair(thread: &mut Thread, ends: (i32, i32)) -> PyResult {
    let values = vec![ends.0.into_py(thread)?, ends.1.into_py(thread)?];
    Ok(tuple::new(thread, values)?.into_value())
}

/// Create a pipe.
///
/// Returns a tuple of two file descriptors:
///   (read_fd, write_fd)
#[pyfunction]
pub(super) fn pipe(thread: &mut Thread) -> PyResult {
    let ends = os_support::plain(thread, system::pipe2(libc::O_CLOEXEC))?;
    pair(thread, ends)
}

/// Create a pipe with flags set atomically.
#[pyfunction]
#[signature(flags, /)]
pub(super) fn pipe2(thread: &mut Thread, flags: i32) -> PyResult {
    let ends = os_support::plain(thread, system::pipe2(flags))?;
    pair(thread, ends)
}

/// Get the close-on-exe flag of the specified file descriptor.
#[pyfunction]
#[signature(fd, /)]
pub(super) fn get_inheritable(thread: &mut Thread, fd: i32) -> PyResult<bool> {
    let flags = os_support::plain(thread, system::fcntl(fd, libc::F_GETFD, 0))?;
    Ok(flags & libc::FD_CLOEXEC == 0)
}

/// Set the inheritable flag of the specified file descriptor.
#[pyfunction]
#[signature(fd, inheritable, /)]
pub(super) fn set_inheritable(thread: &mut Thread, fd: i32, inheritable: i32) -> PyResult<()> {
    os_support::plain(thread, system::set_inheritable(fd, inheritable != 0))
}

/// Get the blocking mode of the file descriptor.
///
/// Return False if the O_NONBLOCK flag is set, True if the flag is cleared.
#[pyfunction]
#[signature(fd, /)]
pub(super) fn get_blocking(thread: &mut Thread, fd: i32) -> PyResult<bool> {
    let flags = os_support::plain(thread, system::fcntl(fd, libc::F_GETFL, 0))?;
    Ok(flags & libc::O_NONBLOCK == 0)
}

/// Set the blocking mode of the specified file descriptor.
///
/// Set the O_NONBLOCK flag if blocking is False,
/// clear the O_NONBLOCK flag otherwise.
#[pyfunction]
#[signature(fd, blocking, /)]
pub(super) fn set_blocking(thread: &mut Thread, fd: i32, blocking: bool) -> PyResult<()> {
    os_support::plain(thread, system::set_blocking(fd, blocking))
}

/// Return True if the fd is connected to a terminal.
///
/// Return True if the file descriptor is an open file descriptor
/// connected to the slave end of a terminal.
#[pyfunction]
#[signature(fd, /)]
pub(super) fn isatty(fd: i32) -> bool {
    system::isatty(fd) != 0
}

/// Copy count bytes from file descriptor in_fd to file descriptor out_fd.
#[pyfunction]
#[signature(out_fd, in_fd, offset, count)]
pub(super) fn sendfile(
    thread: &mut Thread,
    out_fd: i32,
    in_fd: i32,
    offset: Option<i64>,
    count: usize,
) -> PyResult<usize> {
    os_support::call(thread, || system::sendfile(out_fd, in_fd, offset, count))
}

/// Copy count bytes from one file descriptor to another.
#[pyfunction]
#[signature(src, dst, count, offset_src=None, offset_dst=None)]
pub(super) fn copy_file_range(
    thread: &mut Thread,
    src: i32,
    dst: i32,
    count: isize,
    offset_src: Option<i64>,
    offset_dst: Option<i64>,
) -> PyResult<usize> {
    let Ok(count) = usize::try_from(count) else {
        return Err(value_error("negative value for 'count' not allowed"));
    };
    os_support::call(thread, || system::copy_between(false, (src, offset_src), (dst, offset_dst), count, 0))
}

/// Transfer count bytes from one pipe to a descriptor or vice versa.
#[pyfunction]
#[signature(src, dst, count, offset_src=None, offset_dst=None, flags=0)]
pub(super) fn splice(
    thread: &mut Thread,
    src: i32,
    dst: i32,
    count: isize,
    offset_src: Option<i64>,
    offset_dst: Option<i64>,
    flags: u32,
) -> PyResult<usize> {
    let Ok(count) = usize::try_from(count) else {
        return Err(value_error("negative value for 'count' not allowed"));
    };
    os_support::call(thread, || {
        system::copy_between(true, (src, offset_src), (dst, offset_dst), count, flags)
    })
}

/// Creates and returns an event notification file descriptor.
#[pyfunction]
#[signature(initval, flags=libc::EFD_CLOEXEC as "EFD_CLOEXEC")]
pub(super) fn eventfd(thread: &mut Thread, initval: u32, flags: i32) -> PyResult<i32> {
    os_support::plain(thread, system::eventfd(initval, flags))
}

/// Read eventfd value
#[pyfunction]
#[signature(fd)]
pub(super) fn eventfd_read(thread: &mut Thread, fd: Fildes) -> PyResult<u64> {
    let mut buffer = [0; 8];
    os_support::call(thread, || system::read(fd.0, &mut buffer))?;
    Ok(u64::from_ne_bytes(buffer))
}

/// Write eventfd value.
#[pyfunction]
#[signature(fd, value)]
pub(super) fn eventfd_write(thread: &mut Thread, fd: Fildes, value: u64) -> PyResult<()> {
    os_support::call(thread, || system::write(fd.0, &value.to_ne_bytes())).map(drop)
}

/// Create an anonymous file.
#[pyfunction]
#[signature(name, flags=libc::MFD_CLOEXEC as "MFD_CLOEXEC")]
pub(super) fn memfd_create(thread: &mut Thread, name: os_support::FsText, flags: u32) -> PyResult<i32> {
    os_support::plain(thread, system::memfd_create(&name.0, flags))
}

/// Create and return a timer file descriptor.
#[pyfunction]
#[signature(clockid, /, *, flags=libc::TFD_CLOEXEC as "TFD_CLOEXEC")]
pub(super) fn timerfd_create(thread: &mut Thread, clockid: i32, flags: i32) -> PyResult<i32> {
    os_support::plain(thread, system::timerfd_create(clockid, flags | libc::TFD_CLOEXEC))
}

fn timer(thread: &mut Thread, times: [i128; 2], nanoseconds: bool) -> PyResult {
    let mut values = Vec::new();
    for time in [times[1], times[0]] {
        values.push(if nanoseconds {
            i64::try_from(time).unwrap_or(i64::MAX).into_py(thread)?
        } else {
            (time as f64 / 1e9).into_py(thread)?
        });
    }
    Ok(tuple::new(thread, values)?.into_value())
}

/// Return a tuple of a timer file descriptor's (interval, next expiration) in float seconds.
#[pyfunction]
#[signature(fd, /)]
pub(super) fn timerfd_gettime(thread: &mut Thread, fd: Fildes) -> PyResult {
    let times = os_support::plain(thread, system::timerfd_gettime(fd.0))?;
    timer(thread, times, false)
}

/// Return a tuple of a timer file descriptor's (interval, next expiration) in nanoseconds.
#[pyfunction]
#[signature(fd, /)]
pub(super) fn timerfd_gettime_ns(thread: &mut Thread, fd: Fildes) -> PyResult {
    let times = os_support::plain(thread, system::timerfd_gettime(fd.0))?;
    timer(thread, times, true)
}

/// Alter a timer file descriptor's internal timer in seconds.
#[pyfunction]
#[signature(fd, /, *, flags=0, initial=0.0, interval=0.0)]
pub(super) fn timerfd_settime(
    thread: &mut Thread,
    fd: Fildes,
    flags: i32,
    initial: f64,
    interval: f64,
) -> PyResult {
    let times = [interval, initial].map(|seconds| (seconds * 1e9).floor() as i128);
    let old = os_support::plain(thread, system::timerfd_settime(fd.0, flags, times))?;
    timer(thread, old, false)
}

/// Alter a timer file descriptor's internal timer in nanoseconds.
#[pyfunction]
#[signature(fd, /, *, flags=0, initial=0, interval=0)]
pub(super) fn timerfd_settime_ns(
    thread: &mut Thread,
    fd: Fildes,
    flags: i32,
    initial: i64,
    interval: i64,
) -> PyResult {
    let times = [interval.into(), initial.into()];
    let old = os_support::plain(thread, system::timerfd_settime(fd.0, flags, times))?;
    timer(thread, old, true)
}

const FOLLOW: bool = true;

fn attribute_target<const K: u8>(path: &PathArg<K>, function: &str, follow: bool) -> PyResult<()> {
    if path.fd.is_some() && !follow {
        return Err(value_error(format!("{function}: cannot use fd and follow_symlinks together")));
    }
    Ok(())
}

/// Return the value of extended attribute attribute on path.
#[pyfunction]
#[signature(path, attribute, *, follow_symlinks=FOLLOW as "True")]
pub(super) fn getxattr(
    thread: &mut Thread,
    path: PathOrFd,
    attribute: Path,
    follow_symlinks: bool,
) -> PyResult {
    attribute_target(&path, "getxattr", follow_symlinks)?;
    let value = os_support::call_path(thread, &path, || {
        system::getxattr(path.target(), &attribute.path, follow_symlinks)
    })?;
    bytes::new(thread, &value)
}

/// Set extended attribute attribute on path to value.
#[pyfunction]
#[signature(path, attribute, value, flags=0, *, follow_symlinks=FOLLOW as "True")]
pub(super) fn setxattr(
    thread: &mut Thread,
    path: PathOrFd,
    attribute: Path,
    value: ArgBytes<'_>,
    flags: i32,
    follow_symlinks: bool,
) -> PyResult<()> {
    attribute_target(&path, "setxattr", follow_symlinks)?;
    os_support::call_path(thread, &path, || {
        system::setxattr(path.target(), &attribute.path, &value, flags, follow_symlinks)
    })
}

/// Remove extended attribute attribute on path.
#[pyfunction]
#[signature(path, attribute, *, follow_symlinks=FOLLOW as "True")]
pub(super) fn removexattr(
    thread: &mut Thread,
    path: PathOrFd,
    attribute: Path,
    follow_symlinks: bool,
) -> PyResult<()> {
    attribute_target(&path, "removexattr", follow_symlinks)?;
    os_support::call_path(thread, &path, || {
        system::removexattr(path.target(), &attribute.path, follow_symlinks)
    })
}

/// Return a list of extended attributes on path.
#[pyfunction]
#[signature(path=PathArg::missing("listxattr") as "None", *, follow_symlinks=FOLLOW as "True")]
pub(super) fn listxattr(thread: &mut Thread, path: PathArg<3>, follow_symlinks: bool) -> PyResult {
    attribute_target(&path, "listxattr", follow_symlinks)?;
    let names = os_support::call_path(thread, &path, || system::listxattr(path.target(), follow_symlinks))?;
    let mut values: Vec<Value> = Vec::new();
    for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        values.push(os_support::fs_decode(thread, name)?);
    }
    Ok(list::new(thread, values)?.into_value())
}

/// The numbers of an iterable of ints.
pub(super) fn numbers(thread: &mut Thread, iterable: Ref<'_>) -> PyResult<Vec<i64>> {
    let mut numbers = Vec::new();
    for value in protocol::collect(thread, iterable)? {
        numbers.push(int::index_i64(thread, value.get())?);
    }
    Ok(numbers)
}
