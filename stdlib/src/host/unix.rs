//! Unix: safe faces of the C library's calls. A call that fails gives the error number; nothing is retried here.
//!
//! The module also says what may be passed through [`plain!`]: numbers and strings that end in NUL. Calls that fill memory
//! are written out.

use libc::{c_char, c_int, c_long, c_uint};
use std::ffi::{CStr, CString};
use std::io;
use std::mem::MaybeUninit;

/// What a plain argument is in C.
pub(crate) trait Pass {
    /// The C type.
    type C;
    /// Converts.
    fn pass(self) -> Self::C;
}

macro_rules! numbers {
    ($($t:ty),*) => { $(impl Pass for $t {
        type C = $t;
        fn pass(self) -> $t { self }
    })* };
}
numbers!(i32, u32, i64, u64, isize, usize);

impl Pass for &CStr {
    type C = *const c_char;
    fn pass(self) -> *const c_char {
        self.as_ptr()
    }
}

/// What C functions return: some value says that they failed.
pub(crate) trait Outcome: Sized {
    /// Whether this is the value that says so.
    fn failed(&self) -> bool;
}

macro_rules! outcomes {
    ($($t:ty),*) => { $(impl Outcome for $t {
        fn failed(&self) -> bool { *self == -1 }
    })* };
}
outcomes!(i32, i64, isize);

/// The value, or the error of the call that was made last.
pub(crate) fn check<T: Outcome>(value: T) -> io::Result<T> {
    if value.failed() { Err(io::Error::last_os_error()) } else { Ok(value) }
}

macro_rules! plain {
    ($(fn $name:ident($($arg:ident: $ty:ty),* $(,)?) -> $ret:ty;)*) => { $(
        pub(crate) fn $name($($arg: $ty),*) -> io::Result<$ret> {
            // SAFETY: numbers, and strings that end in NUL and outlive the call.
            check(unsafe { libc::$name($(Pass::pass($arg)),*) })
        }
    )* };
}

plain! {
    fn openat(dir: c_int, path: &CStr, flags: c_int, mode: c_uint) -> c_int;
    fn close(fd: c_int) -> c_int;
    fn shm_open(name: &CStr, flags: c_int, mode: c_uint) -> c_int;
    fn shm_unlink(name: &CStr) -> c_int;
    fn lseek(fd: c_int, offset: i64, whence: c_int) -> i64;
    fn dup(fd: c_int) -> c_int;
    fn dup2(fd: c_int, to: c_int) -> c_int;
    fn dup3(fd: c_int, to: c_int, flags: c_int) -> c_int;
    fn fsync(fd: c_int) -> c_int;
    fn fdatasync(fd: c_int) -> c_int;
    fn ftruncate(fd: c_int, length: i64) -> c_int;
    fn truncate(path: &CStr, length: i64) -> c_int;
    fn lockf(fd: c_int, command: c_int, length: i64) -> c_int;
    fn posix_fadvise(fd: c_int, offset: i64, length: i64, advice: c_int) -> c_int;
    fn posix_fallocate(fd: c_int, offset: i64, length: i64) -> c_int;
    fn chdir(path: &CStr) -> c_int;
    fn fchdir(fd: c_int) -> c_int;
    fn chroot(path: &CStr) -> c_int;
    fn mkdirat(dir: c_int, path: &CStr, mode: c_uint) -> c_int;
    fn mkfifoat(dir: c_int, path: &CStr, mode: c_uint) -> c_int;
    fn mknodat(dir: c_int, path: &CStr, mode: c_uint, device: u64) -> c_int;
    fn unlinkat(dir: c_int, path: &CStr, flags: c_int) -> c_int;
    fn renameat(dir: c_int, path: &CStr, new_dir: c_int, new: &CStr) -> c_int;
    fn linkat(dir: c_int, path: &CStr, new_dir: c_int, new: &CStr, flags: c_int) -> c_int;
    fn symlinkat(target: &CStr, dir: c_int, path: &CStr) -> c_int;
    fn faccessat(dir: c_int, path: &CStr, mode: c_int, flags: c_int) -> c_int;
    fn fchmodat(dir: c_int, path: &CStr, mode: c_uint, flags: c_int) -> c_int;
    fn fchmod(fd: c_int, mode: c_uint) -> c_int;
    fn fchownat(dir: c_int, path: &CStr, uid: c_uint, gid: c_uint, flags: c_int) -> c_int;
    fn fchown(fd: c_int, uid: c_uint, gid: c_uint) -> c_int;
    fn getpgid(pid: c_int) -> c_int;
    fn getsid(pid: c_int) -> c_int;
    fn setpgid(pid: c_int, group: c_int) -> c_int;
    fn setsid() -> c_int;
    fn kill(pid: c_int, signal: c_int) -> c_int;
    fn killpg(group: c_int, signal: c_int) -> c_int;
    fn setuid(uid: c_uint) -> c_int;
    fn seteuid(uid: c_uint) -> c_int;
    fn setreuid(uid: c_uint, euid: c_uint) -> c_int;
    fn setresuid(uid: c_uint, euid: c_uint, suid: c_uint) -> c_int;
    fn setgid(gid: c_uint) -> c_int;
    fn setegid(gid: c_uint) -> c_int;
    fn setregid(gid: c_uint, egid: c_uint) -> c_int;
    fn setresgid(gid: c_uint, egid: c_uint, sgid: c_uint) -> c_int;
    fn initgroups(user: &CStr, group: c_uint) -> c_int;
    fn setpriority(which: c_uint, who: c_uint, priority: c_int) -> c_int;
    fn sched_get_priority_max(policy: c_int) -> c_int;
    fn sched_get_priority_min(policy: c_int) -> c_int;
    fn sched_getscheduler(pid: c_int) -> c_int;
    fn sched_yield() -> c_int;
    fn tcgetpgrp(fd: c_int) -> c_int;
    fn tcsetpgrp(fd: c_int, group: c_int) -> c_int;
    fn posix_openpt(flags: c_int) -> c_int;
    fn grantpt(fd: c_int) -> c_int;
    fn unlockpt(fd: c_int) -> c_int;
    fn eventfd(initial: c_uint, flags: c_int) -> c_int;
    fn memfd_create(name: &CStr, flags: c_uint) -> c_int;
    fn timerfd_create(clock: c_int, flags: c_int) -> c_int;
    fn unshare(flags: c_int) -> c_int;
    fn setns(fd: c_int, kind: c_int) -> c_int;
}

/// A call that always succeeds.
macro_rules! infallible {
    ($(fn $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty;)*) => { $(
        pub(crate) fn $name($($arg: $ty),*) -> $ret {
            // SAFETY: numbers.
            unsafe { libc::$name($($arg),*) }
        }
    )* };
}

infallible! {
    fn getpid() -> c_int;
    fn getppid() -> c_int;
    fn getpgrp() -> c_int;
    fn getuid() -> c_uint;
    fn geteuid() -> c_uint;
    fn getgid() -> c_uint;
    fn getegid() -> c_uint;
    fn umask(mask: c_uint) -> c_uint;
    fn isatty(fd: c_int) -> c_int;
    fn sync() -> ();
}

/// Reads into `buffer`.
pub(crate) fn read(fd: c_int, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the buffer is valid for its length.
    check(unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len()) }).map(|n| n as usize)
}

/// Writes `bytes`.
pub(crate) fn write(fd: c_int, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: the buffer is valid for its length.
    check(unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) }).map(|n| n as usize)
}

/// Reads at an offset.
pub(crate) fn pread(fd: c_int, buffer: &mut [u8], offset: i64) -> io::Result<usize> {
    // SAFETY: the buffer is valid for its length.
    check(unsafe { libc::pread(fd, buffer.as_mut_ptr().cast(), buffer.len(), offset) }).map(|n| n as usize)
}

/// Writes at an offset.
pub(crate) fn pwrite(fd: c_int, bytes: &[u8], offset: i64) -> io::Result<usize> {
    // SAFETY: the buffer is valid for its length.
    check(unsafe { libc::pwrite(fd, bytes.as_ptr().cast(), bytes.len(), offset) }).map(|n| n as usize)
}

/// Writes several buffers, at an offset if one is given.
pub(crate) fn writev(fd: c_int, parts: &[&[u8]], at: Option<(i64, c_int)>) -> io::Result<usize> {
    let parts: Vec<libc::iovec> = parts
        .iter()
        .map(|part| libc::iovec { iov_base: part.as_ptr().cast_mut().cast(), iov_len: part.len() })
        .collect();
    let count = c_int::try_from(parts.len()).unwrap_or(c_int::MAX);
    // SAFETY: each part is valid for its length and only read.
    check(unsafe {
        match at {
            Some((offset, 0)) => libc::pwritev(fd, parts.as_ptr(), count, offset),
            Some((offset, flags)) => libc::pwritev2(fd, parts.as_ptr(), count, offset, flags),
            None => libc::writev(fd, parts.as_ptr(), count),
        }
    })
    .map(|n| n as usize)
}

/// Reads into several buffers, from an offset if one is given.
pub(crate) fn readv(fd: c_int, parts: &mut [Vec<u8>], at: Option<(i64, c_int)>) -> io::Result<usize> {
    let parts: Vec<libc::iovec> = parts
        .iter_mut()
        .map(|part| libc::iovec { iov_base: part.as_mut_ptr().cast(), iov_len: part.len() })
        .collect();
    let count = c_int::try_from(parts.len()).unwrap_or(c_int::MAX);
    // SAFETY: each part is valid for its length.
    check(unsafe {
        match at {
            Some((offset, 0)) => libc::preadv(fd, parts.as_ptr(), count, offset),
            Some((offset, flags)) => libc::preadv2(fd, parts.as_ptr(), count, offset, flags),
            None => libc::readv(fd, parts.as_ptr(), count),
        }
    })
    .map(|n| n as usize)
}

/// `f` fills a structure of plain data.
fn filled<T: Copy>(f: impl FnOnce(*mut T) -> c_int) -> io::Result<T> {
    let mut made = MaybeUninit::<T>::zeroed();
    check(f(made.as_mut_ptr()))?;
    // SAFETY: C structures of numbers, zeroed and then filled by the call.
    Ok(unsafe { made.assume_init() })
}

/// `stat` of an open file.
pub(crate) fn fstat(fd: c_int) -> io::Result<libc::stat> {
    // SAFETY: the structure is the call's to fill.
    filled(|into| unsafe { libc::fstat(fd, into) })
}

/// `stat` of a path.
pub(crate) fn fstatat(dir: c_int, path: &CStr, flags: c_int) -> io::Result<libc::stat> {
    // SAFETY: the structure is the call's to fill.
    filled(|into| unsafe { libc::fstatat(dir, path.as_ptr(), into, flags) })
}

/// `statvfs` of a path.
pub(crate) fn statvfs(path: &CStr) -> io::Result<libc::statvfs> {
    // SAFETY: the structure is the call's to fill.
    filled(|into| unsafe { libc::statvfs(path.as_ptr(), into) })
}

/// `statvfs` of an open file.
pub(crate) fn fstatvfs(fd: c_int) -> io::Result<libc::statvfs> {
    // SAFETY: the structure is the call's to fill.
    filled(|into| unsafe { libc::fstatvfs(fd, into) })
}

/// The names of the system: sysname, nodename, release, version, machine.
pub(crate) fn uname() -> io::Result<[Vec<u8>; 5]> {
    // SAFETY: the structure is the call's to fill.
    let names = filled::<libc::utsname>(|into| unsafe { libc::uname(into) })?;
    let parts = [&names.sysname, &names.nodename, &names.release, &names.version, &names.machine];
    Ok(parts.map(|part| part.iter().take_while(|c| **c != 0).map(|c| *c as u8).collect()))
}

/// Processor times of the process: the structure and the clock in ticks.
pub(crate) fn times() -> io::Result<(libc::tms, i64)> {
    let mut made = MaybeUninit::<libc::tms>::zeroed();
    // SAFETY: the structure is the call's to fill.
    let clock = check(unsafe { libc::times(made.as_mut_ptr()) })?;
    // SAFETY: filled.
    Ok((unsafe { made.assume_init() }, clock))
}

/// The target of a symbolic link.
pub(crate) fn readlinkat(dir: c_int, path: &CStr) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0_u8; 4096];
    loop {
        // SAFETY: the buffer is valid for its length.
        let n =
            check(unsafe { libc::readlinkat(dir, path.as_ptr(), buffer.as_mut_ptr().cast(), buffer.len()) })?
                as usize;
        if n < buffer.len() {
            buffer.truncate(n);
            return Ok(buffer);
        }
        buffer.resize(buffer.len() * 2, 0);
    }
}

/// The current directory.
pub(crate) fn getcwd() -> io::Result<Vec<u8>> {
    let mut buffer = vec![0_u8; 4096];
    loop {
        // SAFETY: the buffer is valid for its length.
        let found = unsafe { libc::getcwd(buffer.as_mut_ptr().cast(), buffer.len()) };
        if !found.is_null() {
            let end = buffer.iter().position(|byte| *byte == 0).unwrap_or(buffer.len());
            buffer.truncate(end);
            return Ok(buffer);
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::ERANGE) {
            return Err(error);
        }
        buffer.resize(buffer.len() * 2, 0);
    }
}

/// A pipe: read end, write end.
pub(crate) fn pipe2(flags: c_int) -> io::Result<(c_int, c_int)> {
    let mut ends = [0; 2];
    // SAFETY: room for two.
    check(unsafe { libc::pipe2(ends.as_mut_ptr(), flags) })?;
    Ok((ends[0], ends[1]))
}

/// Sets access and modification times; `None`: now.
pub(crate) fn utimens(
    dir: c_int,
    path: Result<&CStr, c_int>,
    times: Option<[(i64, i64); 2]>,
    flags: c_int,
) -> io::Result<()> {
    let times = times.map(|times| times.map(|(tv_sec, tv_nsec)| libc::timespec { tv_sec, tv_nsec }));
    let times = times.as_ref().map_or(std::ptr::null(), |times| times.as_ptr());
    // SAFETY: null or two times.
    check(unsafe {
        match path {
            Ok(path) => libc::utimensat(dir, path.as_ptr(), times, flags),
            Err(fd) => libc::futimens(fd, times),
        }
    })?;
    Ok(())
}

/// Fills the buffer with random bytes.
pub(crate) fn getrandom(buffer: &mut [u8], flags: c_uint) -> io::Result<usize> {
    // SAFETY: the buffer is valid for its length.
    check(unsafe { libc::getrandom(buffer.as_mut_ptr().cast(), buffer.len(), flags) }).map(|n| n as usize)
}

/// A directory that is being read.
pub(crate) struct Directory(std::ptr::NonNull<libc::DIR>);

// SAFETY: used by one thread at a time, through `&mut`.
unsafe impl Send for Directory {}

/// An entry of a directory.
pub(crate) struct Entry {
    /// Its name.
    pub(crate) name: Vec<u8>,
    /// `DT_*`.
    pub(crate) kind: u8,
    /// Its inode.
    pub(crate) inode: u64,
}

impl Directory {
    /// Opens a directory, or takes a duplicate of an open one, which is rewound.
    pub(crate) fn open(path: Result<&CStr, c_int>) -> io::Result<Directory> {
        let stream = match path {
            // SAFETY: a string that ends in NUL.
            Ok(path) => unsafe { libc::opendir(path.as_ptr()) },
            Err(fd) => {
                let copy = fcntl(fd, libc::F_DUPFD_CLOEXEC, 0)?;
                // SAFETY: the stream takes the duplicate over.
                let stream = unsafe { libc::fdopendir(copy) };
                if stream.is_null() {
                    let error = io::Error::last_os_error();
                    let _ = close(copy);
                    return Err(error);
                }
                // SAFETY: an open stream.
                unsafe { libc::rewinddir(stream) };
                stream
            }
        };
        std::ptr::NonNull::new(stream).map(Directory).ok_or_else(io::Error::last_os_error)
    }

    /// The next entry that is neither `.` nor `..`.
    pub(crate) fn next(&mut self) -> io::Result<Option<Entry>> {
        loop {
            // SAFETY: errno is this thread's; the stream is open, and nobody else reads it.
            let entry = unsafe {
                *libc::__errno_location() = 0;
                libc::readdir(self.0.as_ptr()).as_ref()
            };
            let Some(entry) = entry else {
                let error = io::Error::last_os_error();
                return if error.raw_os_error() == Some(0) { Ok(None) } else { Err(error) };
            };
            // SAFETY: the name ends in NUL.
            let name = unsafe { CStr::from_ptr(entry.d_name.as_ptr()) }.to_bytes();
            if name != b"." && name != b".." {
                return Ok(Some(Entry { name: name.to_vec(), kind: entry.d_type, inode: entry.d_ino }));
            }
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // SAFETY: open, and closed once.
        unsafe { libc::closedir(self.0.as_ptr()) };
    }
}

/// `fcntl` with a number.
pub(crate) fn fcntl(fd: c_int, command: c_int, argument: c_long) -> io::Result<c_int> {
    // SAFETY: commands that take a number ignore or check it; those that take a pointer go through `fcntl_buffer`, and
    // a number given to one of them is an address that the kernel checks.
    check(unsafe { libc::fcntl(fd, command, argument) })
}

/// `fcntl` with memory that the kernel reads and writes.
pub(crate) fn fcntl_buffer(fd: c_int, command: c_int, buffer: &mut [u8]) -> io::Result<c_int> {
    // SAFETY: callers give more room than any command's structure takes.
    check(unsafe { libc::fcntl(fd, command, buffer.as_mut_ptr()) })
}

/// `ioctl` with a number.
pub(crate) fn ioctl(fd: c_int, request: u64, argument: c_long) -> io::Result<c_int> {
    // SAFETY: as in `fcntl`.
    check(unsafe { libc::ioctl(fd, request as _, argument) })
}

/// `ioctl` with memory that the kernel reads and writes.
pub(crate) fn ioctl_buffer(fd: c_int, request: u64, buffer: &mut [u8]) -> io::Result<c_int> {
    // SAFETY: callers give more room than any request's structure takes.
    check(unsafe { libc::ioctl(fd, request as _, buffer.as_mut_ptr()) })
}

/// Sets or clears FD_CLOEXEC.
pub(crate) fn set_inheritable(fd: c_int, inheritable: bool) -> io::Result<()> {
    let flags = fcntl(fd, libc::F_GETFD, 0)?;
    let wanted = if inheritable { flags & !libc::FD_CLOEXEC } else { flags | libc::FD_CLOEXEC };
    if wanted != flags {
        fcntl(fd, libc::F_SETFD, wanted.into())?;
    }
    Ok(())
}

/// Sets or clears O_NONBLOCK.
pub(crate) fn set_blocking(fd: c_int, blocking: bool) -> io::Result<()> {
    let flags = fcntl(fd, libc::F_GETFL, 0)?;
    let wanted = if blocking { flags & !libc::O_NONBLOCK } else { flags | libc::O_NONBLOCK };
    if wanted != flags {
        fcntl(fd, libc::F_SETFL, wanted.into())?;
    }
    Ok(())
}

/// The size of a terminal: columns, lines.
pub(crate) fn window_size(fd: c_int) -> io::Result<(u16, u16)> {
    // SAFETY: the structure is the call's to fill.
    let size = filled::<libc::winsize>(|into| unsafe { libc::ioctl(fd, libc::TIOCGWINSZ, into) })?;
    Ok((size.ws_col, size.ws_row))
}

/// A text that a C function puts into a buffer; it returns an error number.
fn named(f: impl FnOnce(*mut c_char, usize) -> c_int) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0_u8; 4096];
    match f(buffer.as_mut_ptr().cast(), buffer.len() - 1) {
        0 => {
            let end = buffer.iter().position(|byte| *byte == 0).unwrap_or(0);
            buffer.truncate(end);
            Ok(buffer)
        }
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// The name of a terminal.
pub(crate) fn ttyname(fd: c_int) -> io::Result<Vec<u8>> {
    // SAFETY: the buffer is valid for this length.
    named(|buffer, len| unsafe { libc::ttyname_r(fd, buffer, len) })
}

/// The name of the terminal that belongs to a pseudo-terminal.
pub(crate) fn ptsname(fd: c_int) -> io::Result<Vec<u8>> {
    // SAFETY: the buffer is valid for this length.
    named(|buffer, len| unsafe { libc::ptsname_r(fd, buffer, len) })
}

/// The user who is logged in at the controlling terminal.
pub(crate) fn getlogin() -> io::Result<Vec<u8>> {
    unsafe extern "C" {
        fn getlogin_r(name: *mut c_char, len: usize) -> c_int;
    }
    // SAFETY: the buffer is valid for this length.
    named(|buffer, len| unsafe { getlogin_r(buffer, len) })
}

/// `strerror`.
pub(crate) fn strerror(code: c_int) -> String {
    let mut buffer = [0_u8; 256];
    // SAFETY: the buffer is valid for this length; the result is a string that ends in NUL.
    unsafe { libc::strerror_r(code, buffer.as_mut_ptr().cast(), buffer.len()) };
    let end = buffer.iter().position(|byte| *byte == 0).unwrap_or(0);
    String::from_utf8_lossy(buffer.get(..end).unwrap_or_default()).into_owned()
}

/// The load of the system over 1, 5 and 15 minutes.
pub(crate) fn getloadavg() -> Option<[f64; 3]> {
    let mut loads = [0.0; 3];
    // SAFETY: room for three.
    (unsafe { libc::getloadavg(loads.as_mut_ptr(), 3) } == 3).then_some(loads)
}

/// A number of the system's configuration. `Ok(-1)`: there is no limit.
pub(crate) fn sysconf(name: c_int) -> io::Result<c_long> {
    // SAFETY: errno is this thread's.
    let value = unsafe {
        *libc::__errno_location() = 0;
        libc::sysconf(name)
    };
    configured(value)
}

fn configured(value: c_long) -> io::Result<c_long> {
    let error = io::Error::last_os_error();
    if value == -1 && error.raw_os_error() != Some(0) { Err(error) } else { Ok(value) }
}

/// A number of a path's file system.
pub(crate) fn pathconf(path: Result<&CStr, c_int>, name: c_int) -> io::Result<c_long> {
    // SAFETY: errno is this thread's; a string that ends in NUL.
    let value = unsafe {
        *libc::__errno_location() = 0;
        match path {
            Ok(path) => libc::pathconf(path.as_ptr(), name),
            Err(fd) => libc::fpathconf(fd, name),
        }
    };
    configured(value)
}

/// A text of the system's configuration.
pub(crate) fn confstr(name: c_int) -> io::Result<Option<Vec<u8>>> {
    // SAFETY: errno is this thread's; no buffer: the length is asked for.
    let len = unsafe {
        *libc::__errno_location() = 0;
        libc::confstr(name, std::ptr::null_mut(), 0)
    };
    if len == 0 {
        let error = io::Error::last_os_error();
        return if error.raw_os_error() == Some(0) { Ok(None) } else { Err(error) };
    }
    let mut buffer = vec![0_u8; len];
    // SAFETY: the buffer is valid for its length.
    unsafe { libc::confstr(name, buffer.as_mut_ptr().cast(), buffer.len()) };
    buffer.pop();
    Ok(Some(buffer))
}

/// `nice`.
pub(crate) fn nice(increment: c_int) -> io::Result<c_int> {
    // SAFETY: errno is this thread's.
    let value = unsafe {
        *libc::__errno_location() = 0;
        libc::nice(increment)
    };
    configured(value.into()).map(|value| value as c_int)
}

/// `getpriority`.
pub(crate) fn getpriority(which: c_int, who: c_uint) -> io::Result<c_int> {
    // SAFETY: errno is this thread's.
    let value = unsafe {
        *libc::__errno_location() = 0;
        libc::getpriority(which as _, who)
    };
    configured(value.into()).map(|value| value as c_int)
}

/// The groups of the process.
pub(crate) fn getgroups() -> io::Result<Vec<u32>> {
    // SAFETY: no buffer: the number is asked for.
    let count = check(unsafe { libc::getgroups(0, std::ptr::null_mut()) })?;
    let mut groups = vec![0; count as usize];
    // SAFETY: room for as many.
    let count = check(unsafe { libc::getgroups(count, groups.as_mut_ptr()) })?;
    groups.truncate(count as usize);
    Ok(groups)
}

/// Sets the groups of the process.
pub(crate) fn setgroups(groups: &[u32]) -> io::Result<()> {
    // SAFETY: valid for its length.
    check(unsafe { libc::setgroups(groups.len(), groups.as_ptr()) }).map(drop)
}

/// The groups of a user.
pub(crate) fn getgrouplist(user: &CStr, group: u32) -> io::Result<Vec<u32>> {
    let mut groups = vec![0; 64];
    loop {
        let mut count = groups.len() as c_int;
        // SAFETY: room for `count` groups.
        let done = unsafe { libc::getgrouplist(user.as_ptr(), group, groups.as_mut_ptr(), &mut count) };
        if done >= 0 {
            groups.truncate(count.max(0) as usize);
            return Ok(groups);
        }
        if groups.len() > 1 << 20 {
            return Err(io::Error::from_raw_os_error(libc::ENOMEM));
        }
        groups.resize(groups.len() * 2, 0);
    }
}

/// Real, effective and saved user.
pub(crate) fn getresuid() -> io::Result<[u32; 3]> {
    let mut ids = [0; 3];
    let [a, b, c] = &mut ids;
    // SAFETY: places for three numbers.
    check(unsafe { libc::getresuid(a, b, c) })?;
    Ok(ids)
}

/// Real, effective and saved group.
pub(crate) fn getresgid() -> io::Result<[u32; 3]> {
    let mut ids = [0; 3];
    let [a, b, c] = &mut ids;
    // SAFETY: places for three numbers.
    check(unsafe { libc::getresgid(a, b, c) })?;
    Ok(ids)
}

/// The numbers of the processors that a process may use.
pub(crate) fn sched_getaffinity(pid: c_int) -> io::Result<Vec<usize>> {
    let mut words = vec![0_u64; 16];
    loop {
        // SAFETY: the mask is valid for its length.
        let done = check(unsafe { libc::sched_getaffinity(pid, words.len() * 8, words.as_mut_ptr().cast()) });
        match done {
            Ok(_) => break,
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) && words.len() < 4096 => {
                words.resize(words.len() * 2, 0);
            }
            Err(error) => return Err(error),
        }
    }
    let bits = words
        .iter()
        .enumerate()
        .flat_map(|(i, word)| (0..64).map(move |bit| (i * 64 + bit, word >> bit & 1)));
    Ok(bits.filter(|(_, set)| *set == 1).map(|(number, _)| number).collect())
}

/// Sets the processors that a process may use.
pub(crate) fn sched_setaffinity(pid: c_int, processors: &[usize]) -> io::Result<()> {
    let mut words = vec![0_u64; processors.iter().max().map_or(1, |most| most / 64 + 1)];
    for processor in processors {
        if let Some(word) = words.get_mut(processor / 64) {
            *word |= 1 << (processor % 64);
        }
    }
    // SAFETY: the mask is valid for its length.
    check(unsafe { libc::sched_setaffinity(pid, words.len() * 8, words.as_ptr().cast()) }).map(drop)
}

/// The scheduling priority of a process.
pub(crate) fn sched_getparam(pid: c_int) -> io::Result<c_int> {
    // SAFETY: the structure is the call's to fill.
    let param = filled::<libc::sched_param>(|into| unsafe { libc::sched_getparam(pid, into) })?;
    Ok(param.sched_priority)
}

/// Sets the scheduling priority, and the policy if one is given.
pub(crate) fn sched_set(pid: c_int, policy: Option<c_int>, priority: c_int) -> io::Result<()> {
    // SAFETY: plain data, of which zero is a valid value.
    let mut param: libc::sched_param = unsafe { std::mem::zeroed() };
    param.sched_priority = priority;
    // SAFETY: the structure is only read.
    check(unsafe {
        match policy {
            Some(policy) => libc::sched_setscheduler(pid, policy, &param),
            None => libc::sched_setparam(pid, &param),
        }
    })
    .map(drop)
}

/// The round-robin interval of a process in seconds.
pub(crate) fn sched_rr_get_interval(pid: c_int) -> io::Result<f64> {
    // SAFETY: the structure is the call's to fill.
    let time = filled::<libc::timespec>(|into| unsafe { libc::sched_rr_get_interval(pid, into) })?;
    Ok(time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9)
}

/// Copies between files in the kernel.
pub(crate) fn sendfile(out: c_int, from: c_int, offset: Option<i64>, count: usize) -> io::Result<usize> {
    let mut offset = offset;
    let offset = offset.as_mut().map_or(std::ptr::null_mut(), std::ptr::from_mut);
    // SAFETY: null or a place for a number.
    check(unsafe { libc::sendfile(out, from, offset, count) }).map(|n| n as usize)
}

/// `copy_file_range` and `splice`: the same arguments.
pub(crate) fn copy_between(
    splice: bool,
    from: (c_int, Option<i64>),
    to: (c_int, Option<i64>),
    count: usize,
    flags: c_uint,
) -> io::Result<usize> {
    let (mut at, mut to_at) = (from.1, to.1);
    let at = at.as_mut().map_or(std::ptr::null_mut(), std::ptr::from_mut);
    let to_at = to_at.as_mut().map_or(std::ptr::null_mut(), std::ptr::from_mut);
    // SAFETY: null or places for a number each.
    check(unsafe {
        if splice {
            libc::splice(from.0, at, to.0, to_at, count, flags)
        } else {
            libc::copy_file_range(from.0, at, to.0, to_at, count, flags)
        }
    })
    .map(|n| n as usize)
}

/// The value of an extended attribute. `follow`: of the target of a link.
pub(crate) fn getxattr(path: Result<&CStr, c_int>, name: &CStr, follow: bool) -> io::Result<Vec<u8>> {
    // SAFETY: strings that end in NUL; `sized` gives a buffer that is valid for its length, or none.
    sized(|buffer, len| unsafe {
        match path {
            Ok(path) if follow => libc::getxattr(path.as_ptr(), name.as_ptr(), buffer.cast(), len),
            Ok(path) => libc::lgetxattr(path.as_ptr(), name.as_ptr(), buffer.cast(), len),
            Err(fd) => libc::fgetxattr(fd, name.as_ptr(), buffer.cast(), len),
        }
    })
}

/// The names of the extended attributes, each ended by NUL.
pub(crate) fn listxattr(path: Result<&CStr, c_int>, follow: bool) -> io::Result<Vec<u8>> {
    // SAFETY: as in `getxattr`.
    sized(|buffer, len| unsafe {
        match path {
            Ok(path) if follow => libc::listxattr(path.as_ptr(), buffer.cast(), len),
            Ok(path) => libc::llistxattr(path.as_ptr(), buffer.cast(), len),
            Err(fd) => libc::flistxattr(fd, buffer.cast(), len),
        }
    })
}

/// Asks for a length, then fills a buffer of that length; again if it grew meanwhile.
fn sized(f: impl Fn(*mut u8, usize) -> isize) -> io::Result<Vec<u8>> {
    loop {
        let len = check(f(std::ptr::null_mut(), 0))? as usize;
        let mut buffer = vec![0_u8; len.max(1)];
        match check(f(buffer.as_mut_ptr(), len)) {
            Ok(len) => {
                buffer.truncate(len as usize);
                return Ok(buffer);
            }
            Err(error) if error.raw_os_error() == Some(libc::ERANGE) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Sets an extended attribute.
pub(crate) fn setxattr(
    path: Result<&CStr, c_int>,
    name: &CStr,
    value: &[u8],
    flags: c_int,
    follow: bool,
) -> io::Result<()> {
    let (bytes, len) = (value.as_ptr().cast(), value.len());
    // SAFETY: strings that end in NUL, and a buffer that is valid for its length.
    check(unsafe {
        match path {
            Ok(path) if follow => libc::setxattr(path.as_ptr(), name.as_ptr(), bytes, len, flags),
            Ok(path) => libc::lsetxattr(path.as_ptr(), name.as_ptr(), bytes, len, flags),
            Err(fd) => libc::fsetxattr(fd, name.as_ptr(), bytes, len, flags),
        }
    })
    .map(drop)
}

/// Removes an extended attribute.
pub(crate) fn removexattr(path: Result<&CStr, c_int>, name: &CStr, follow: bool) -> io::Result<()> {
    // SAFETY: strings that end in NUL.
    check(unsafe {
        match path {
            Ok(path) if follow => libc::removexattr(path.as_ptr(), name.as_ptr()),
            Ok(path) => libc::lremovexattr(path.as_ptr(), name.as_ptr()),
            Err(fd) => libc::fremovexattr(fd, name.as_ptr()),
        }
    })
    .map(drop)
}

/// The environment, as `NAME=value` texts.
pub(crate) fn environment() -> Vec<Vec<u8>> {
    use std::os::unix::ffi::OsStringExt;
    std::env::vars_os()
        .map(|(name, value)| {
            let mut entry = name.into_vec();
            entry.push(b'=');
            entry.extend(value.into_vec());
            entry
        })
        .collect()
}

/// Sets or removes a variable of the environment.
pub(crate) fn set_environment(name: &CStr, value: Option<&CStr>) -> io::Result<()> {
    // SAFETY: strings that end in NUL. That another thread may read the environment at the same moment is C's contract
    // with every program; the runtime itself reads it at its start only.
    check(unsafe {
        match value {
            Some(value) => libc::setenv(name.as_ptr(), value.as_ptr(), 1),
            None => libc::unsetenv(name.as_ptr()),
        }
    })
    .map(drop)
}

/// Runs a command in a shell.
pub(crate) fn system(command: &CStr) -> c_int {
    // SAFETY: a string that ends in NUL.
    unsafe { libc::system(command.as_ptr()) }
}

/// Closes descriptors from `low` to below `high`.
pub(crate) fn close_range(low: c_int, high: c_int) {
    if low >= high || high <= 0 {
        return;
    }
    let first = low.max(0);
    // SAFETY: numbers.
    if unsafe { libc::syscall(libc::SYS_close_range, first, high - 1, 0) } == 0 {
        return;
    }
    for fd in first..high {
        let _ = close(fd);
    }
}

/// A file that is no link to anything, as C's `NULL` path isn't allowed in Rust.
pub(crate) fn c_string(bytes: Vec<u8>) -> Option<CString> {
    CString::new(bytes).ok()
}

/// Reads a timer, in nanoseconds: interval, time left.
pub(crate) fn timerfd_gettime(fd: c_int) -> io::Result<[i128; 2]> {
    // SAFETY: the structure is the call's to fill.
    let timer = filled::<libc::itimerspec>(|into| unsafe { libc::timerfd_gettime(fd, into) })?;
    Ok(nanoseconds(&timer))
}

fn nanoseconds(timer: &libc::itimerspec) -> [i128; 2] {
    [timer.it_interval, timer.it_value]
        .map(|time| i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec))
}

/// Sets a timer, in nanoseconds: interval, time left. Gives what it was set to.
pub(crate) fn timerfd_settime(fd: c_int, flags: c_int, times: [i128; 2]) -> io::Result<[i128; 2]> {
    let [it_interval, it_value] = times.map(|time| libc::timespec {
        tv_sec: (time.div_euclid(1_000_000_000)) as i64,
        tv_nsec: (time.rem_euclid(1_000_000_000)) as i64,
    });
    let new = libc::itimerspec { it_interval, it_value };
    // SAFETY: one structure is read, the other is the call's to fill.
    let old = filled::<libc::itimerspec>(|into| unsafe { libc::timerfd_settime(fd, flags, &new, into) })?;
    Ok(nanoseconds(&old))
}
